/** Strategies of the user's own, which may fail. */
import { test } from 'tap'
import { Strategies } from '../../../src/node/cluster/strategies.ts'
import { FakeHost } from './host.ts'

test('one that fails to stop is told, and keeps neither the others nor the node from it', async (t) => {
  const host = new FakeHost()
  let stopped = 0
  const strategies = new Strategies([
    {
      start: async () => ({
        stop: () => {
          throw new Error('stuck')
        },
      }),
    },
    { start: async () => ({ stop: () => Promise.reject(new Error('stuck too')) }) },
    { start: async () => ({ stop: () => void stopped++ }) },
  ])
  await strategies.start(host)
  await strategies.stop(host.logger)
  t.equal(stopped, 1)
  t.same(host.logged, [
    'error a cluster strategy failed to stop: stuck',
    'error a cluster strategy failed to stop: stuck too',
  ])
})
