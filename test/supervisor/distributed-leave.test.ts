import { test } from 'tap'
import { atom, type Term } from '../../src/etf/index.ts'
import { GenServer } from '../../src/runtime/index.ts'
import { DistributedSupervisor } from '../../src/supervisor/index.ts'
import { TestNodes } from '../support/two-nodes.ts'

class Idle extends GenServer<null> {
  override init(): null {
    return null
  }
}

test('node.stop() ends a DistributedSupervisor in order: a goodbye with reason shutdown, and nothing to complain about', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const goodbyes: unknown[] = []
  const listener = {
    onNodeTerminate: (_ds: unknown, node: Term, reason: Term, statuses: Term) =>
      goodbyes.push([node, reason, (statuses as Term[]).length]),
  }
  const options = { name: 'DS', modules: { Idle }, monitorNodes: true }
  await nodes.during(DistributedSupervisor.startLink(a, { ...options, listeners: listener }))
  // A scope that was there before the supervisor ends before it.
  b.pg('Elixir.DS.Scope')
  const onB = await nodes.during(DistributedSupervisor.startLink(b, options))
  await nodes.during(onB.startChild([Idle, { name: 'one' }], b.name))
  await nodes.during(b.stop())
  await nodes.until(() => goodbyes.length > 0)
  t.same(goodbyes, [[b.name, atom('shutdown'), 1]])
  t.same(nodes.complaints(), [])
  t.same(a.pg('Elixir.DS.Scope').groups(), [])
})
