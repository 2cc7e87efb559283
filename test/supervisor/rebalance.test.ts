import { type Test, test } from 'tap'
import type { BeamNode } from '../../src/beam-node.ts'
import type { Pid, Term } from '../../src/etf/index.ts'
import { GenServer, reply } from '../../src/runtime/index.ts'
import type { DistributedSupervisor } from '../../src/supervisor/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { nameOn, supervise } from './distributed.ts'

const CHILDREN = 40
const DELAY = 5_000

/** Keeps what it was started with, and how many of it move at the same time. */
function keeperClass() {
  const seen = { starts: 0, moving: 0, most: 0 }
  class Keeper extends GenServer<unknown> {
    override init(options: unknown): unknown {
      this.self.trapExit = true
      seen.starts++
      const { start, handoff } = options as { start?: number; handoff?: number }
      if (handoff !== undefined) seen.moving--
      return handoff ?? start
    }

    override handleCall(_request: Term, _from: unknown, state: unknown) {
      return reply(state as number, state)
    }

    override handoff(state: unknown) {
      seen.moving++
      seen.most = Math.max(seen.most, seen.moving)
      return state as number
    }
  }
  return { Keeper, seen }
}

async function two(t: Test, { Keeper }: ReturnType<typeof keeperClass>, rebalance: object | boolean = true) {
  const cluster = new MemoryCluster(t)
  const nodes: BeamNode[] = await cluster.start('a', 'b')
  const options = { modules: { Keeper }, rebalance }
  const all: DistributedSupervisor[] = []
  for (const node of nodes) all.push(await cluster.during(supervise(node, options)))
  await cluster.settle()
  for (let i = 0; i < CHILDREN; i++) {
    await cluster.during(all[0]!.startChild([Keeper, { name: i, start: i }]))
  }
  const join = async (): Promise<DistributedSupervisor> => {
    const c = await cluster.add('c')
    nodes.push(c)
    all.push(await cluster.during(supervise(c, options)))
    return all.at(-1)!
  }
  return { cluster, nodes, all, join }
}

test('when a node joins, the children it is to have move there, a few at a time, and no others', async (t) => {
  const kept = keeperClass()
  const { cluster, all, nodes, join } = await two(t, kept, { concurrency: 3 })
  const before = await all[0]!.children()
  const ds = await join()
  const wanted = [...before].filter(([name]) => ds.nodeFor(name) === nodes[2]!.name)
  t.ok(wanted.length > 3)
  kept.seen.starts = 0
  await cluster.clock.elapse(DELAY / 2)
  t.equal(kept.seen.starts, 0, 'not before the cluster is quiet')
  await cluster.until(() => ds.localChildren().length === wanted.length)
  await cluster.clock.elapse(30_000)
  t.equal(kept.seen.starts, wanted.length, 'each moved once')
  t.ok(kept.seen.most <= 6, 'three at a time from each of two nodes')
  const children = await ds.children()
  t.equal(children.size, CHILDREN)
  for (const [name, pid] of before) {
    const now = children.get(name) as Pid
    if (ds.nodeFor(name) === pid.node) t.same(now, pid)
    else t.equal(now.node, nodes[2]!.name)
    t.equal(await cluster.during(all[1]!.call(name, 'get')), name as number, 'with its state')
  }
  await cluster.clock.elapse(60_000)
  t.equal(kept.seen.starts, wanted.length, 'and then nothing moves any more')
})

test('without the option nothing moves', async (t) => {
  const kept = keeperClass()
  const { cluster, join } = await two(t, kept, false)
  kept.seen.starts = 0
  await join()
  await cluster.clock.elapse(30_000)
  t.equal(kept.seen.starts, 0)
})

test('a node that comes and goes moves nothing before it stays', async (t) => {
  const kept = keeperClass()
  const { cluster, all, nodes } = await two(t, kept)
  kept.seen.starts = 0
  for (let i = 0; i < 3; i++) {
    const c = await cluster.add('c')
    const ds = await cluster.during(supervise(c, { modules: { Keeper: kept.Keeper }, rebalance: true }))
    await cluster.clock.elapse(DELAY - 1_500)
    t.equal(ds.localChildren().length, 0)
    await cluster.kill(c)
  }
  await cluster.clock.elapse(30_000)
  t.equal(kept.seen.starts, 0)
  t.equal(all[0]!.localChildren().length + all[1]!.localChildren().length, CHILDREN)
  t.equal(nodes.length, 2)
})

test('a home that does not start the child: it starts again where it was, with its state', async (t) => {
  const cluster = new MemoryCluster(t)
  const { Keeper } = keeperClass()
  class Broken extends GenServer<null> {
    override init(): never {
      throw new Error('not here')
    }
  }
  const [a] = await cluster.start('a')
  const onA = await cluster.during(supervise(a, { modules: { Keeper }, rebalance: true }))
  for (let i = 0; i < 20; i++) await cluster.during(onA.startChild([Keeper, { name: i, start: i }]))
  const [b] = await cluster.start('b')
  const onB = await cluster.during(supervise(b, { modules: { Keeper: Broken } }))
  await cluster.clock.elapse(20_000)
  t.equal(onA.localChildren().length, 20)
  for (let i = 0; i < 20; i++) t.equal(await cluster.during(onB.call(i, 'get')), i)
})

test('a node that sees another ring is given nothing', async (t) => {
  const cluster = new MemoryCluster(t)
  const kept = keeperClass()
  const [a] = await cluster.start('a')
  const modules = { Keeper: kept.Keeper }
  const onA = await cluster.during(supervise(a, { modules, rebalance: true }))
  for (let i = 0; i < 20; i++) await cluster.during(onA.startChild([kept.Keeper, { name: i, start: i }]))
  const [b] = await cluster.start('b')
  // As far as b knows, everything belongs to a.
  const onB = await cluster.during(supervise(b, { modules, nodes: [a.name], monitorNodes: false }))
  t.ok(nameOn(onA, b.name))
  await cluster.clock.elapse(20_000)
  t.equal(onA.localChildren().length, 20)
  t.equal(onB.localChildren().length, 0)
})

test('temporary children and those whose options cannot leave stay', async (t) => {
  const cluster = new MemoryCluster(t)
  const { Keeper } = keeperClass()
  const [a] = await cluster.start('a')
  const onA = await cluster.during(supervise(a, { modules: { Keeper }, rebalance: true }))
  for (let i = 0; i < 10; i++) {
    await cluster.during(onA.startChild([Keeper, { name: i, start: i, restart: 'temporary' }]))
    await cluster.during(onA.startChild([Keeper, { name: `private ${i}`, secret: () => {} }]))
  }
  const [b] = await cluster.start('b')
  await cluster.during(supervise(b, { modules: { Keeper } }))
  await cluster.clock.elapse(20_000)
  t.equal(onA.localChildren().length, 20)
})
