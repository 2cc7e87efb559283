/** Nodes of the hex package tell nobody how their children are started; one may die just after it has started one. */
import { test } from 'tap'
import { atom, type Pid, type Term, TermMap } from '../../src/etf/index.ts'
import type { ChildSpec } from '../../src/supervisor/index.ts'
import { SpecWatch } from '../../src/supervisor/spec-watch.ts'
import { FakeClock } from '../../src/testing/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { counterClass, type Start, supervise } from './distributed.ts'
import { HexPeer, specFor } from './simulation/hex-peer.ts'

test('a child that was just started on a node of the hex package comes back', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, h] = await cluster.start('a', 'h')
  const starts: Start[] = []
  const Counter = counterClass(starts)
  const onA = await cluster.during(supervise(a, { modules: { Counter } }))
  const peer = await cluster.during(HexPeer.start(h, { Counter }))
  await cluster.settle()
  await cluster.during(peer.start('theirs', specFor('theirs', 'Counter', { start: 5 }), h.name))
  await cluster.settle()
  await cluster.kill(h)
  await cluster.clock.elapse(5_000)
  t.equal((await onA.whereis('theirs'))?.node, a.name)
  t.equal(await onA.call('theirs', 'get'), 5)
})

test('a child that a node of ours started there comes back also when that was never asked', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, h] = await cluster.start('a', 'h')
  const Counter = counterClass()
  const onA = await cluster.during(supervise(a, { modules: { Counter } }))
  await cluster.during(HexPeer.start(h, { Counter }))
  h.rpc.expose('Elixir.DistributedSupervisor', { dynamic_supervisor_status: () => atom('busy') })
  await cluster.settle()
  await cluster.during(onA.startChild([Counter, { name: 'ours', start: 5 }], h.name))
  const ended = await cluster.during(onA.startChild([Counter, { name: 'ended' }], h.name))
  await cluster.during(onA.terminateChild(ended.pid))
  await cluster.settle()
  await cluster.kill(h)
  await cluster.clock.elapse(5_000)
  t.equal((await onA.whereis('ours'))?.node, a.name)
  t.equal(await onA.call('ours', 'get'), 5)
  t.equal(await onA.whereis('ended'), undefined)
})

test('a node is asked at once, and then not more often than every 10 ms', async (t) => {
  const clock = new FakeClock()
  const asked: number[] = []
  const watch = new SpecWatch({
    clock,
    ask: async () => {
      asked.push(clock.now())
      return new TermMap<Term, ChildSpec>()
    },
    learned: (_node: unknown, _pid: Pid) => {},
  })
  const node = atom('h@h')
  for (let i = 0; i < 10; i++) {
    watch.appeared(node)
    await clock.elapse(2)
  }
  await clock.elapse(1_000)
  watch.appeared(node)
  await clock.elapse(1_000)
  t.same(asked, [0, 10, 20, 1_020])
  watch.stop()
  t.equal(clock.pending, 0)
})
