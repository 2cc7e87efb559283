import { test } from 'tap'
import { type Atom, alias, atom } from '../../src/etf/index.ts'
import { Failover, GRACE_MS } from '../../src/supervisor/failover.ts'
import { HashRing } from '../../src/supervisor/hash-ring.ts'
import type { ClusterView } from '../../src/supervisor/placement.ts'

const A = atom('a@h')
const B = atom('b@h')
const COUNTER = alias('Counter')

function view(nodes: readonly Atom[], runners: readonly Atom[] = nodes): ClusterView {
  return {
    ring: new HashRing(nodes),
    atomKeys: 'utf8',
    declared: new Set(nodes),
    isReachable: (node) => nodes.includes(node),
    claims: (module) => new Set(module === COUNTER ? runners : []),
  }
}

function childOf(home: Atom): { name: number; module: Atom; spec: string } {
  const ring = new HashRing([A, B])
  for (let name = 0; ; name++) if (ring.nodeFor(name) === home) return { name, module: COUNTER, spec: 'spec' }
}

test('the home of a lost child starts it at once', async (t) => {
  const failover = new Failover<string>(A)
  const child = childOf(A)
  failover.lost(child, 0)
  t.same(failover.due(view([A, B]), 0), [{ type: 'start', child }])
  t.equal(failover.home(view([A, B]), child.name), A)
  t.equal(failover.home(view([A, B]), 'another'), undefined)
  failover.settled(child.name)
  t.equal(failover.nextAt(), undefined)
  t.same(failover.due(view([A, B]), 5_000), [])
})

test('the others wait, and ask the home when the name does not appear', async (t) => {
  const failover = new Failover<string>(A)
  const child = childOf(B)
  failover.lost(child, 0)
  t.same(failover.due(view([A, B]), 0), [])
  t.equal(failover.nextAt(), GRACE_MS)
  t.same(failover.due(view([A, B]), GRACE_MS - 1), [])
  t.same(failover.due(view([A, B]), GRACE_MS), [{ type: 'ask', node: B, child }])
})

test('when the home dies as well, the next one starts the child', async (t) => {
  const failover = new Failover<string>(A)
  const child = childOf(B)
  failover.lost(child, 0)
  failover.due(view([A, B]), 0)
  t.same(failover.due(view([A]), 10), [{ type: 'start', child }])
})

test('a ring that keeps dead nodes does not keep their children down', async (t) => {
  const failover = new Failover<string>(A)
  const child = childOf(B)
  failover.lost(child, 0)
  const all = view([A, B])
  t.same(failover.due({ ...all, isReachable: (node) => node === A }, 0), [{ type: 'start', child }])
})

test('a child of an Elixir module is left to the Elixir nodes', async (t) => {
  const failover = new Failover<string>(A)
  const child = { name: 1, module: alias('Other'), spec: 'spec' }
  failover.lost(child, 0)
  t.same(failover.due(view([A, B]), 0), [
    { type: 'forget', child, why: 'no TypeScript node runs its module' },
  ])
  t.equal(failover.size, 0)
})

test('a child that does not start is given up', async (t) => {
  const failover = new Failover<string>(A)
  const child = childOf(A)
  failover.lost(child, 0)
  const actions: string[] = []
  for (let now = 0; failover.size > 0; now += GRACE_MS) {
    for (const { type } of failover.due(view([A, B]), now)) actions.push(type)
    t.same(failover.due(view([A, B]), now), [], 'nothing else while that is under way')
    failover.failed(child.name, now)
  }
  t.same(actions, [...new Array(10).fill('start'), 'forget'])
})
