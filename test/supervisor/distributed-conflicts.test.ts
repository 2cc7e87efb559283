/** Two owners of a name on nodes of the hex package, seen by nodes of ours that do not all see the same. */
import { test } from 'tap'
import { atom, type Pid, type Term, tuple } from '../../src/etf/index.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { counterClass, supervise } from './distributed.ts'
import { HexPeer, specFor } from './simulation/hex-peer.ts'

test('a name with two owners on nodes of the hex package is settled also when the first of ours sees only one of them', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b, x, y] = await cluster.start('a', 'b', 'x', 'y')
  const Worker = counterClass()
  for (const node of [a, b]) await cluster.during(supervise(node))
  const peers = []
  for (const node of [x, y]) peers.push(await cluster.during(HexPeer.start(node, { Worker })))
  await cluster.settle()
  for (const node of [a, b, x]) await cluster.cut(node, y)
  await cluster.clock.elapse(1_000)

  const name = tuple(atom('both'), 1) as Term
  const owners: Pid[] = []
  for (const peer of peers) {
    const answer = (await cluster.during(
      peer.start(name, specFor(name, 'Worker', {}), peer.node.name),
    )) as unknown as [Term, Pid]
    owners.push(answer[1])
  }
  await cluster.heal(b, y)
  await cluster.clock.elapse(2_000)
  t.equal(owners.filter((pid, index) => [x, y][index]!.runtime.isAlive(pid)).length, 1)
})

test('nodes that place a name differently end one of its two owners, and not each its own', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const Counter = counterClass()
  const modules = { Counter }
  // As after a split that has left one of them without any Elixir node: see peer-releases.ts.
  const sides = [
    await cluster.during(supervise(a, { modules, atomKeys: 'utf8' })),
    await cluster.during(supervise(b, { modules, atomKeys: 'latin1' })),
  ]
  await cluster.settle()
  await cluster.cut(a, b)
  await cluster.clock.elapse(1_000)
  const names = Array.from({ length: 40 }, (_, i) => atom(`child_${i}`))
  for (const ds of sides) {
    for (const name of names) await cluster.during(ds.startChild([Counter, { name }]))
  }
  cluster.network.setDelay(5)
  await cluster.heal(a, b)
  await cluster.clock.elapse(1_000)
  const live = () => sides.map((ds) => ds.localChildren().length)
  t.ok(live()[0]! + live()[1]! >= names.length, `before they agree, nothing is lost: ${live()}`)
  await cluster.clock.elapse(10_000)
  t.equal(live()[0]! + live()[1]!, names.length, `one of each is left: ${live()}`)
  t.equal((await cluster.during(sides[0]!.children())).size, names.length)
})
