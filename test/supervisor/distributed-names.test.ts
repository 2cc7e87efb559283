/** Names of every kind: two that are different terms are different children, everywhere and through failover. */
import { test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import { alias, atom, BitString, float, inspect, type Pid, type Term, tuple } from '../../src/etf/index.ts'
import type { DistributedSupervisor } from '../../src/supervisor/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { counterClass, supervise } from './distributed.ts'

function namesOfEveryKind(node: BeamNode): Term[] {
  const self = node.self
  return [
    1,
    float(1),
    0,
    float(0),
    float(-0),
    1.5,
    -1,
    2n ** 70n,
    float(2 ** 60),
    2n ** 60n,
    '1',
    'name',
    'naïve ☃',
    atom('name'),
    alias('Name'),
    atom('naïve'),
    true,
    null,
    atom('undefined'),
    [],
    [1],
    [float(1)],
    [97, 98],
    tuple(),
    tuple(1),
    tuple(float(1)),
    tuple(atom('user'), 7),
    new Map<Term, Term>([[1, 2]]),
    new Map<Term, Term>([[float(1), 2]]),
    new Map<Term, Term>([
      [atom('a'), 1],
      [atom('b'), [tuple(float(-0))]],
    ]),
    Uint8Array.of(255, 254),
    new BitString(Uint8Array.of(0b10100000), 3),
    self as unknown as Term,
    node.runtime.makeRef(),
  ] as Term[]
}

async function three(cluster: MemoryCluster) {
  const nodes: BeamNode[] = await cluster.start('a', 'b', 'c')
  const starts: { pid: Pid; options: Readonly<Record<string, unknown>> }[] = []
  const Counter = counterClass(starts)
  const all: DistributedSupervisor[] = []
  for (const node of nodes) all.push(await cluster.during(supervise(node, { modules: { Counter } })))
  await cluster.settle()
  return { nodes, all, Counter, starts }
}

test('every kind of name is a child of its own, found on every node and started again on another', async (t) => {
  const cluster = new MemoryCluster(t)
  const { nodes, all, Counter } = await three(cluster)
  const names = namesOfEveryKind(nodes[0]!)
  const started: Pid[] = []
  for (const [i, name] of names.entries()) {
    const { pid } = await cluster.during(all[i % 3]!.startChild([Counter, { name, start: i }]))
    started.push(pid)
  }
  await cluster.settle()
  for (const ds of all) {
    t.equal((await ds.children()).size, names.length)
    for (const [i, name] of names.entries()) {
      t.same(await ds.whereis(name), started[i], inspect(name))
      t.equal(ds.nodeFor(name), started[i]!.node, inspect(name))
    }
  }
  await cluster.kill(nodes[2]!)
  await cluster.clock.elapse(5_000)
  for (const ds of all.slice(0, 2)) {
    t.equal((await ds.children()).size, names.length)
    for (const [i, name] of names.entries()) {
      t.equal((await ds.whereis(name))?.node, ds.nodeFor(name), inspect(name))
      t.equal(await cluster.during(ds.call(name, 'get')), i, inspect(name))
    }
  }
})

test('options of a child arrive on another node, and come back after a failover, as the terms they were', async (t) => {
  const cluster = new MemoryCluster(t)
  const { nodes, all, Counter, starts } = await three(cluster)
  const values = { one: 1, float: float(3), nested: tuple(float(1), [float(-0)]), text: 'x', big: 2n ** 60n }
  await cluster.during(all[0]!.startChild([Counter, { name: 'x', ...values }], nodes[2]!.name))
  await cluster.settle()
  await cluster.kill(nodes[2]!)
  await cluster.until(() => starts.length === 2)
  const [first, second] = starts.map(({ options }) => inspect(options as never))
  t.equal(second, first)
})

test('two sides of a split that both own every kind of name come to the same winners', async (t) => {
  const cluster = new MemoryCluster(t)
  const { nodes, all, Counter } = await three(cluster)
  const names = namesOfEveryKind(nodes[0]!)
  await cluster.split([nodes[0]!], [nodes[1]!], [nodes[2]!])
  await cluster.clock.elapse(2_000)
  for (const [i, name] of names.entries()) {
    for (const ds of all) await cluster.during(ds.startChild([Counter, { name, start: i }]))
  }
  const ends: Term[] = []
  for (const [i, ds] of all.entries()) {
    for (const pid of ds.localChildren()) nodes[i]!.monitor(pid, (reason) => ends.push(reason))
  }
  await cluster.heal()
  await cluster.clock.elapse(3_000)
  const views = await Promise.all(all.map((ds) => ds.children()))
  for (const name of names) {
    const owners = views.map((view) => view.get(name))
    t.equal(owners[0]?.node, all[0]!.nodeFor(name), inspect(name))
    for (const owner of owners) t.same(owner, owners[0], inspect(name))
  }
  t.equal(ends.length, 2 * names.length)
  t.ok(ends.every((reason) => inspect(reason).startsWith('{:shutdown, {:name_conflict, ')))
})
