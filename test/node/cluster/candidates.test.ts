/** Names that others told, and what a node does about them. */
import { test } from 'tap'
import { Candidates } from '../../../src/node/cluster/candidates.ts'
import { FakeHost } from './host.ts'

test('so many are tried at a time, however many are told; the others when they are told again', async (t) => {
  const host = new FakeHost()
  const tried: string[] = []
  const pending: (() => void)[] = []
  host.connect = (node) => {
    tried.push(node)
    return new Promise((resolve) => pending.push(resolve))
  }
  const candidates = new Candidates(host)
  const offers = Array.from({ length: 2000 }, (_, i) => candidates.offer(`n${i}@10.0.0.2`))
  t.equal(tried.length, 256)
  for (const connected of pending.splice(0)) connected()
  await Promise.all(offers)
  void candidates.offer('n1999@10.0.0.2')
  t.equal(tried.at(-1), 'n1999@10.0.0.2')
})

test('thousands of names that cannot be reached all keep their pauses', async (t) => {
  const host = new FakeHost()
  const candidates = new Candidates(host)
  const offerAll = async (): Promise<void> => {
    for (let i = 0; i < 5000; i++) await candidates.offer(`n${i}@10.0.0.2`)
  }
  await offerAll()
  t.equal(host.attempts.length, 5000)
  await offerAll()
  t.equal(host.attempts.length, 5000, 'nobody is tried again before the pause is over')
  host.clock.advance(60_000)
  await offerAll()
  t.equal(host.attempts.length, 10_000)
})
