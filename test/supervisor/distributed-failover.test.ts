import { type Test, test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import { atom, type Pid, type Term, Tuple } from '../../src/etf/index.ts'
import type { DistributedSupervisor } from '../../src/supervisor/index.ts'
import { hostOf, MemoryCluster } from '../support/memory-cluster.ts'
import { counterClass, nameOn, type Start, supervise } from './distributed.ts'

const CHILDREN = 24

interface Fleet {
  readonly nodes: BeamNode[]
  readonly all: DistributedSupervisor[]
  readonly starts: Start[]
  readonly Counter: ReturnType<typeof counterClass>
}

/** Three nodes with a supervisor each that all run the same module. */
async function fleet(cluster: MemoryCluster, hosts = ['a', 'b', 'c'], more = {}): Promise<Fleet> {
  const nodes = await cluster.start(...hosts)
  const starts: Start[] = []
  const Counter = counterClass(starts)
  const all: DistributedSupervisor[] = []
  for (const node of nodes) {
    all.push(await cluster.during(supervise(node, { modules: { Counter }, ...more })))
  }
  await cluster.settle()
  return { nodes, all, starts, Counter }
}

async function start(cluster: MemoryCluster, { all, Counter }: Fleet): Promise<void> {
  for (let i = 0; i < CHILDREN; i++) {
    await cluster.during(all[i % all.length]!.startChild([Counter, { name: `child ${i}`, start: i }]))
  }
  await cluster.settle()
}

function without<T>(items: readonly T[], ...gone: number[]): T[] {
  return items.filter((_, index) => !gone.includes(index))
}

/** Every view names one live process a child, and the processes are exactly these. */
async function checkViews(
  t: Test,
  nodes: readonly BeamNode[],
  views: readonly DistributedSupervisor[],
  names: number,
): Promise<void> {
  const alive = new Map(nodes.map((node) => [node.name, node]))
  const [first, ...others] = await Promise.all(views.map((view) => view.children()))
  const seen = (children: Map<Term, Pid>): string[] =>
    [...children].map(([name, pid]) => `${name} ${pid.key}`).sort()
  t.equal(first?.size, names)
  for (const other of others) t.same(seen(other), seen(first!))
  const pids = [...(first?.values() ?? [])]
  t.ok(pids.every((pid) => alive.get(pid.node)?.runtime.isAlive(pid)))
  const local = views.flatMap((view) => view.localChildren())
  t.same(local.map(({ key }) => key).sort(), pids.map(({ key }) => key).sort())
}

test('the children of a dead node start again, each once, where the ring says, as they were', async (t) => {
  const cluster = new MemoryCluster(t)
  const ships = await fleet(cluster)
  await start(cluster, ships)
  const [dead, ...nodes] = ships.nodes as [BeamNode, ...BeamNode[]]
  const [view, ...views] = without(ships.all, 0) as [DistributedSupervisor, ...DistributedSupervisor[]]
  const lost = [...(await view.children())].filter(([, pid]) => pid.node === dead.name)
  t.ok(lost.length > 2)
  ships.starts.length = 0
  await cluster.kill(dead)
  await cluster.until(() => ships.starts.length >= lost.length)
  await cluster.clock.elapse(3_000)
  t.equal(ships.starts.length, lost.length)
  await checkViews(t, nodes, [view, ...views], CHILDREN)
  for (const [name] of lost) {
    t.equal((await view.whereis(name))?.node, view.nodeFor(name))
    t.equal(await cluster.during(view.call(name, 'get')), Number(String(name).split(' ')[1]))
  }
})

test('a child that is given no time for its end starts on every node, and is restored like the others', async (t) => {
  const cluster = new MemoryCluster(t)
  const { nodes, all, Counter, starts } = await fleet(cluster, ['a', 'b'])
  const [a] = all as [DistributedSupervisor]
  for (const name of [1, 2, 3, 4, 5, 6]) {
    await cluster.during(a.startChild({ start: [Counter, { name }], shutdown: 0 }))
  }
  await cluster.settle()
  t.ok([...(await a.children())].some(([, pid]) => pid.node !== nodes[0]!.name))
  await cluster.kill(nodes[1]!)
  await cluster.until(() => a.localChildren().length === 6)
  t.ok(starts.length > 6)
})

test('two nodes die at once', async (t) => {
  const cluster = new MemoryCluster(t)
  const ships = await fleet(cluster, ['a', 'b', 'c', 'd'])
  await start(cluster, ships)
  await Promise.all([cluster.kill(ships.nodes[0]!), cluster.kill(ships.nodes[2]!)])
  await cluster.clock.elapse(5_000)
  await checkViews(t, without(ships.nodes, 0, 2), without(ships.all, 0, 2), CHILDREN)
})

test('nodes die one after the other, and what was restarted is restarted again', async (t) => {
  const cluster = new MemoryCluster(t)
  const ships = await fleet(cluster, ['a', 'b', 'c', 'd'])
  await start(cluster, ships)
  for (const index of [0, 1, 2]) {
    await cluster.kill(ships.nodes[index]!)
    await cluster.clock.elapse(3_000)
  }
  await checkViews(t, ships.nodes.slice(3), ships.all.slice(3), CHILDREN)
})

test('a temporary child is not started again, nor one whose options cannot leave its node', async (t) => {
  const cluster = new MemoryCluster(t)
  const { nodes, all, Counter, starts } = await fleet(cluster)
  const [a, b] = all as [DistributedSupervisor, DistributedSupervisor]
  const on = nodes[0]!.name
  await cluster.during(a.startChild([Counter, { name: 1, restart: 'temporary' }], on))
  await cluster.during(a.startChild([Counter, { name: 2, callback: () => {} }], on))
  await cluster.during(a.startChild([Counter, { name: 3, restart: 'transient' }], on))
  await t.rejects(cluster.during(a.startChild([Counter, { name: 4, callback: () => {} }], nodes[1]!.name)), {
    name: 'EncodeError',
  })
  await cluster.settle()
  t.equal((await b.children()).size, 3)
  starts.length = 0
  await cluster.kill(nodes[0]!)
  await cluster.clock.elapse(5_000)
  t.same([...(await b.children()).keys()], [3])
  t.equal(starts.length, 1)
})

test('a child that was ended for good stays so when its node dies', async (t) => {
  const cluster = new MemoryCluster(t)
  const { nodes, all, Counter } = await fleet(cluster)
  const [a, b] = all as [DistributedSupervisor, DistributedSupervisor]
  const { pid } = await cluster.during(a.startChild([Counter, { name: 1 }], nodes[0]!.name))
  await cluster.settle()
  await cluster.during(b.terminateChild(pid))
  await cluster.kill(nodes[0]!)
  await cluster.clock.elapse(5_000)
  t.equal((await b.children()).size, 0)
})

test('a child whose node dies while it is restarted there is not forgotten', async (t) => {
  const cluster = new MemoryCluster(t)
  const { nodes, all, Counter, starts } = await fleet(cluster, ['a', 'b'])
  const [a, b] = all as [DistributedSupervisor, DistributedSupervisor]
  const { pid } = await cluster.during(a.startChild([Counter, { name: 1 }], nodes[0]!.name))
  await cluster.settle()
  // Nothing of the restart gets out of the node any more, but the end of the child does.
  a.cast(1, atom('crash'))
  const gone = new Promise<void>((resolve) => {
    nodes[1]!.pg(atom('Elixir.DS.Scope')).onChange(({ type }) => type === 'leave' && resolve())
  })
  nodes[0]!.runtime.monitor(pid, () => cluster.network.cut('a', 'b'))
  await cluster.until(() => starts.length === 2)
  cluster.network.reset('a', 'b')
  await cluster.during(gone)
  await cluster.until(() => starts.length === 3)
  t.equal((await b.whereis(1))?.node, nodes[1]!.name)
})

test('the home of a lost child that does not know it is asked', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b, c] = await cluster.start('a', 'b', 'c')
  const Counter = counterClass()
  const modules = { Counter }
  const onA = await cluster.during(supervise(a, { modules }))
  const onB = await cluster.during(supervise(b, { modules, cacheChildren: false }))
  const onC = await cluster.during(supervise(c))
  await cluster.settle()
  await cluster.during(onA.startChild([Counter, { name: 'x' }], a.name))
  await cluster.settle()
  await cluster.kill(a)
  await cluster.until(() => onB.localChildren().length === 1)
  t.same(await onC.whereis('x'), onB.localChildren()[0])
})

test('a child that nobody else can run is given up', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const Counter = counterClass()
  const onA = await cluster.during(supervise(a, { modules: { Counter } }))
  const onB = await cluster.during(supervise(b))
  await cluster.during(onA.startChild([Counter, { name: 'x' }]))
  await cluster.settle()
  await cluster.kill(a)
  await cluster.clock.elapse(5_000)
  t.equal((await onB.children()).size, 0)
  t.equal(cluster.clock.pending, 0, 'and nobody waits for it')
})

test('who leaves politely takes its children along', async (t) => {
  const cluster = new MemoryCluster(t)
  const ships = await fleet(cluster)
  await start(cluster, ships)
  const gone = ships.all[0]!.localChildren().length
  ships.starts.length = 0
  await cluster.leave(ships.nodes[0]!)
  await cluster.clock.elapse(5_000)
  t.equal(ships.starts.length, 0)
  await checkViews(t, ships.nodes.slice(1), ships.all.slice(1), CHILDREN - gone)
})

test('after a split and a heal every name has one owner again, the one of the ring', async (t) => {
  const cluster = new MemoryCluster(t)
  const ships = await fleet(cluster)
  await start(cluster, ships)
  const [a, b, c] = ships.nodes as [BeamNode, BeamNode, BeamNode]
  await Promise.all([cluster.cut(a, b), cluster.cut(a, c)])
  await cluster.clock.elapse(3_000)
  t.equal(ships.all[0]!.localChildren().length, CHILDREN, 'each side runs everything')
  await checkViews(t, [b, c], ships.all.slice(1), CHILDREN)
  await Promise.all([cluster.heal(a, b), cluster.heal(a, c)])
  await cluster.clock.elapse(3_000)
  await checkViews(t, [a, b, c], ships.all, CHILDREN)
  for (const [name, pid] of await ships.all[1]!.children()) {
    t.equal(pid.node, ships.all[0]!.nodeFor(name), `${name} is at home`)
  }
  await cluster.kill(b)
  await cluster.clock.elapse(5_000)
  await checkViews(t, [a, c], without(ships.all, 1), CHILDREN)
})

test('the loser of a name hears why it ends', async (t) => {
  const cluster = new MemoryCluster(t)
  const a = await cluster.add('a')
  const b = await cluster.add('b', { alone: true })
  const Counter = counterClass()
  const onA = await cluster.during(supervise(a, { modules: { Counter } }))
  const onB = await cluster.during(supervise(b, { modules: { Counter } }))
  const one = await cluster.during(onA.startChild([Counter, { name: 'x' }]))
  const other = await cluster.during(onB.startChild([Counter, { name: 'x' }]))
  const reasons: Term[] = []
  a.monitor(one.pid, (reason) => reasons.push(reason))
  b.monitor(other.pid, (reason) => reasons.push(reason))
  await cluster.connect(a, b)
  await cluster.until(() => reasons.length === 1)
  const [reason] = reasons
  t.ok(reason instanceof Tuple && reason[0] === atom('shutdown'))
  const [what, name, kept] = (reason as Tuple<[Term, Tuple<[Term, Term, Pid]>]>)[1]
  t.equal(what, atom('name_conflict'))
  t.equal(name, 'x')
  t.equal(kept.node, onA.nodeFor('x'))
  await cluster.settle()
  t.same(await onA.whereis('x'), kept)
  t.same(await onB.whereis('x'), kept)
})

test('the same name started on three nodes at once is one child within a second', async (t) => {
  const cluster = new MemoryCluster(t)
  const { nodes, all, Counter } = await fleet(cluster)
  const starting = all.map((ds, index) => ds.startChild([Counter, { name: 'x' }], nodes[index]!.name))
  await cluster.during(Promise.allSettled(starting))
  await cluster.clock.elapse(1_000)
  await checkViews(t, nodes, all, 1)
  t.equal((await all[0]!.whereis('x'))?.node, all[0]!.nodeFor('x'))
})

test('the same name started at once without a node is one child', async (t) => {
  const cluster = new MemoryCluster(t)
  const { nodes, all, Counter, starts } = await fleet(cluster)
  const results = await cluster.during(
    Promise.allSettled(all.map((ds) => ds.startChild([Counter, { name: 'x' }]))),
  )
  t.same(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected'])
  t.equal(starts.length, 1)
  await cluster.settle()
  await checkViews(t, nodes, all, 1)
})

test('a node that comes back after kill -9 takes part again', async (t) => {
  const cluster = new MemoryCluster(t)
  const ships = await fleet(cluster)
  await start(cluster, ships)
  await cluster.kill(ships.nodes[0]!)
  await cluster.clock.elapse(3_000)
  const again = await cluster.add(hostOf(ships.nodes[0]!))
  const ds = await cluster.during(supervise(again, { modules: { Counter: ships.Counter } }))
  await cluster.settle()
  const nodes = [again, ...ships.nodes.slice(1)]
  const all = [ds, ...ships.all.slice(1)]
  await checkViews(t, nodes, all, CHILDREN)
  const name = nameOn(ds, again.name, 'new')
  const { pid } = await cluster.during(all[1]!.startChild([ships.Counter, { name }]))
  t.equal(pid.node, again.name)
  await cluster.kill(ships.nodes[1]!)
  await cluster.clock.elapse(3_000)
  await checkViews(t, [again, nodes[2]!], [ds, all[2]!], CHILDREN + 1)
})
