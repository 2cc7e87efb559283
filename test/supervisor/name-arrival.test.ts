/** The answer to a start and the news of the name come from two processes of the other node, in any order. */
import { test } from 'tap'
import { atom, type Pid, tuple } from '../../src/etf/index.ts'
import { GenServer, reply } from '../../src/runtime/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { supervise } from './distributed.ts'

/** Names a child of its node some time after it answered that the child runs. */
class LateSupervisor extends GenServer<() => Pid> {
  override init(start: () => Pid) {
    return start
  }

  override handleCall(_request: unknown, _from: unknown, start: () => Pid) {
    return reply(tuple(atom('ok'), start()), start)
  }
}

test('a child that was started on another node is found at once, though its name is news for later', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, h] = await cluster.start('a', 'h')
  const onA = await cluster.during(supervise(a))
  const start = (): Pid => {
    const pid = h.spawn((self) => self.receive())
    h.clock.after(50, () => h.pg(atom('Elixir.DS.Scope')).join('late', pid))
    return pid
  }
  h.pg(atom('Elixir.DS.Scope'))
  await h.startLink(LateSupervisor, start, { name: 'Elixir.DS.DynamicSupervisor' })
  h.rpc.expose('Elixir.DynamicSupervisor', {
    start_child: (supervisor) => h.call(supervisor as never, 'start', { timeout: 'infinity' }),
  })
  await cluster.settle()
  const { pid } = await cluster.during(onA.startChild(['MyApp.Worker', { name: 'late' }], h.name))
  t.ok(pid.equals(await cluster.during(onA.whereis('late'))))
})

test('a child that does not take its name is not waited for longer than a moment', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, h] = await cluster.start('a', 'h')
  const onA = await cluster.during(supervise(a))
  const nameless = h.spawn((self) => self.receive())
  h.rpc.expose('Elixir.DynamicSupervisor', { start_child: () => tuple(atom('ok'), nameless) })
  await cluster.settle()
  const before = cluster.clock.now()
  const { pid } = await cluster.during(onA.startChild(['MyApp.Worker', { name: 'never' }], h.name))
  t.ok(pid.equals(nameless))
  t.ok(cluster.clock.now() - before < 1_000)
  t.equal(await cluster.during(onA.whereis('never')), undefined)
})
