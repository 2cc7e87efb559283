import { test } from 'tap'
import { type Atom, alias, atom } from '../../src/etf/index.ts'
import { Failover, GRACE_MS, HEIR_GRACE_MS } from '../../src/supervisor/failover.ts'
import { HashRing } from '../../src/supervisor/hash-ring.ts'
import type { ClusterView } from '../../src/supervisor/placement.ts'

const A = atom('a@h')
const B = atom('b@h')
const GONE = atom('gone@h')
const DS = alias('DS')
const COUNTER = alias('Counter')

function view(nodes: readonly Atom[], runners: readonly Atom[] = nodes): ClusterView {
  return {
    ring: new HashRing(nodes),
    atomKeys: 'utf8',
    declared: new Set(nodes),
    elixir: new Set(),
    isReachable: (node) => nodes.includes(node),
    claims: (module) => new Set(module === COUNTER ? runners : []),
  }
}

function childOf(home: Atom): { name: number; module: Atom; owner: Atom; spec: string } {
  const ring = new HashRing([A, B])
  for (let name = 0; ; name++)
    if (ring.nodeFor(name) === home) return { name, module: COUNTER, owner: GONE, spec: 'spec' }
}

test('the home of a lost child starts it at once', async (t) => {
  const failover = new Failover<string>(A, DS)
  const child = childOf(A)
  failover.lost(child)
  t.same(failover.due(view([A, B]), 0), [{ type: 'start', child }])
  t.equal(failover.home(view([A, B]), child.name), A)
  t.equal(failover.home(view([A, B]), 'another'), undefined)
  failover.settled(child.name, 0)
  t.equal(failover.nextAt(), undefined)
  t.same(failover.due(view([A, B]), 5_000), [])
})

test('the others wait, and ask the home when the name does not appear', async (t) => {
  const failover = new Failover<string>(A, DS)
  const child = childOf(B)
  failover.lost(child)
  t.same(failover.due(view([A, B]), 0), [])
  t.equal(failover.nextAt(), GRACE_MS)
  t.same(failover.due(view([A, B]), GRACE_MS - 1), [])
  t.same(failover.due(view([A, B]), GRACE_MS), [{ type: 'ask', node: B, child }])
})

test('when the home dies as well, the next one starts the child', async (t) => {
  const failover = new Failover<string>(A, DS)
  const child = childOf(B)
  failover.lost(child)
  failover.due(view([A, B]), 0)
  failover.reconsider()
  t.same(failover.due(view([A]), 10), [{ type: 'start', child }])
})

test('a ring that keeps dead nodes does not keep their children down', async (t) => {
  const failover = new Failover<string>(A, DS)
  const child = childOf(B)
  failover.lost(child)
  const all = view([A, B])
  t.same(failover.due({ ...all, isReachable: (node) => node === A }, 0), [{ type: 'start', child }])
})

test('a child that nobody can run is given up', async (t) => {
  const failover = new Failover<string>(A, DS)
  const child = { name: 1, module: alias('Other'), owner: GONE, spec: 'spec' }
  failover.lost(child)
  t.same(failover.due(view([A, B]), 0), [{ type: 'forget', child, why: 'no node can run its module' }])
  t.equal(failover.size, 0)
})

test('a child that does not start is given up', async (t) => {
  const failover = new Failover<string>(A, DS)
  const child = childOf(A)
  failover.lost(child)
  const actions: string[] = []
  for (let now = 0; failover.size > 0; now += GRACE_MS) {
    for (const { type } of failover.due(view([A, B]), now)) actions.push(type)
    t.same(failover.due(view([A, B]), now), [], 'nothing else while that is under way')
    failover.failed(child.name, now)
  }
  t.same(actions, [...new Array(10).fill('start'), 'forget'])
})

/** A node of the hex package, one of Elixir without it, and ours. */
function mixed(hex: readonly Atom[], elixir: readonly Atom[] = [], ours: readonly Atom[] = [A]): ClusterView {
  const nodes = [...ours, ...elixir, ...hex]
  return { ...view(nodes, []), declared: new Set([...ours, ...elixir]), elixir: new Set(elixir) }
}

function nameOf(home: Atom, ring: HashRing): number {
  for (let name = 0; ; name++) if (ring.nodeFor(name) === home) return name
}

const OTHER = alias('Other')
const C = atom('c@h')
const D = atom('d@h')

test('the hex package starts children of Elixir modules itself; ours wait until nothing comes back', async (t) => {
  const cluster = mixed([B])
  // The heir is where the ring puts the supervisor's name: this one makes it B.
  const names = new Failover<string>(A, nameOf(B, cluster.ring) as unknown as Atom)
  const children = [1, 2].map((name) => ({ name, module: OTHER, owner: GONE, spec: 'spec' }))
  for (const child of children) names.lost(child)
  t.same(names.due(cluster, 0), [])
  t.equal(names.nextAt(), HEIR_GRACE_MS)
  names.settled(1, 1_500)
  t.same(names.due(cluster, HEIR_GRACE_MS), [], 'a name that came back is a sign of work')
  t.same(names.due(cluster, 1_500 + HEIR_GRACE_MS), [{ type: 'ask', node: B, child: children[1] }])
  names.failed(2, 4_000, B)
  t.same(names.due(cluster, 4_000), [
    { type: 'forget', child: children[1], why: 'no node can run its module' },
  ])
  t.equal(names.size, 0)
})

test('where the heir is ours, a node of the hex package is asked by the first of ours, and by no other', async (t) => {
  const cluster = mixed([C], [], [A, B])
  const heir = nameOf(A, cluster.ring) as unknown as Atom
  const child = { name: nameOf(C, cluster.ring), module: OTHER, owner: GONE, spec: 'spec' }
  const first = cluster.ring.nodesFor(child.name).find((node) => node !== C)
  const actions = [A, B].map((self) => {
    const failover = new Failover<string>(self, heir)
    failover.lost(child)
    return failover.due(cluster, 0)
  })
  t.same(actions.flat(), [{ type: 'ask', node: C, child }])
  t.equal(
    actions.findIndex((list) => list.length > 0),
    first === A ? 0 : 1,
  )
})

test('an Elixir node without the hex package starts what belongs there; ours ask it after the grace time', async (t) => {
  const cluster = mixed([C], [D])
  const heir = nameOf(D, cluster.ring) as unknown as Atom
  const child = { name: nameOf(D, cluster.ring), module: OTHER, owner: GONE, spec: 'spec' }
  const failover = new Failover<string>(A, heir)
  failover.lost(child)
  t.same(failover.due(cluster, 0), [])
  t.same(failover.due(cluster, GRACE_MS), [{ type: 'ask', node: D, child }])
})

test('a node of the ring that has no supervisor is passed over', async (t) => {
  const cluster = mixed([C, D])
  const heir = nameOf(A, cluster.ring) as unknown as Atom
  const child = { name: nameOf(C, cluster.ring), module: OTHER, owner: GONE, spec: 'spec' }
  const failover = new Failover<string>(A, heir)
  failover.lost(child)
  t.same(failover.due(cluster, 0), [{ type: 'ask', node: C, child }])
  failover.failed(child.name, 0, C)
  t.same(failover.due(cluster, 0), [{ type: 'ask', node: D, child }])
  failover.failed(child.name, 0, D)
  failover.appeared(C)
  t.same(failover.due(cluster, 0), [{ type: 'ask', node: C, child }], 'until it has one')
})

test('a wait for ten thousand children of another node costs one look', async (t) => {
  const failover = new Failover<string>(A, DS)
  const home = childOf(B)
  for (let i = 0; i < 10_000; i++) failover.lost({ ...home, name: `${i}` })
  let looks = 0
  const cluster = view([A, B])
  const counting: ClusterView = {
    ...cluster,
    claims(module) {
      looks++
      return cluster.claims(module)
    },
  }
  failover.due(counting, 0)
  looks = 0
  for (let now = 1; now < GRACE_MS; now += 100) failover.due(counting, now)
  t.equal(looks, 0)
})
