/**
 * A node of the hex package notices later than ours that a node is gone. It takes the new instance of a child of that node
 * for a second owner of the name, and terminates it; and that is no wish of anybody.
 */
import { test } from 'tap'
import { type Atom, atom, inspect } from '../../src/etf/index.ts'
import { partsOf } from '../../src/supervisor/distributed-tree.ts'
import { HashRing } from '../../src/supervisor/hash-ring.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { counterClass, type Start, supervise } from './distributed.ts'
import { HexPeer } from './simulation/hex-peer.ts'

type Tap = ConstructorParameters<typeof MemoryCluster>[0]

/** Longer than it takes to notice that nothing comes from a node any more. */
const NOTICED_MS = 90_000

/** Nodes of ours, a and d, and h of the hex package; a child that the ring wants on d, and that runs there. */
async function withChildOnD(t: Tap, cluster: MemoryCluster) {
  const [a, d, h] = await cluster.start('a', 'd', 'h')
  const starts: Start[] = []
  const Counter = counterClass(starts)
  const onA = await cluster.during(supervise(a!, { modules: { Counter } }))
  const onD = await cluster.during(supervise(d!, { modules: { Counter } }))
  const peer = await cluster.during(HexPeer.start(h!, {}))
  await cluster.settle()
  const ring = new HashRing([a!.name, d!.name, h!.name])
  let name: Atom = atom('c0')
  for (let i = 0; ring.nodeFor(name) !== d!.name; i++) name = atom(`c${i}`)
  const { pid } = await cluster.during(onD.startChild([Counter, { name, start: 5 }], d!.name))
  await cluster.settle()
  const known = (): string => inspect(peer.stateTerm())
  return { a: a!, d: d!, h: h!, onA, onD, peer, name, pid, starts, known, t }
}

/** d is gone, which a hears at once and h not yet. */
async function loseD(cluster: MemoryCluster): Promise<void> {
  cluster.network.cut('d', 'h')
  await cluster.cut('a', 'd')
}

test('a child that came back stays when a node that has not noticed the end of the old one terminates it', async (t) => {
  const cluster = new MemoryCluster(t)
  const { a, onA, name, known, starts } = await withChildOnD(t, cluster)
  await loseD(cluster)
  await cluster.clock.elapse(10_000)
  const again = await onA.whereis(name)
  t.equal(again?.node, a.name)
  await cluster.clock.elapse(NOTICED_MS)
  t.same(await onA.whereis(name), again, 'the same instance')
  t.equal(await onA.call(name, 'get'), 5)
  t.equal(starts.length, 2)
  t.match(known(), String(again), 'which the other node knows by now, with how to start it')
})

test('who wants a child to end from a node of the hex package gets it, also after that', async (t) => {
  const cluster = new MemoryCluster(t)
  const { onA, peer, name } = await withChildOnD(t, cluster)
  await loseD(cluster)
  await cluster.clock.elapse(10_000 + NOTICED_MS)
  const pid = await onA.whereis(name)
  t.equal(String(await cluster.during(peer.terminate(pid!))), 'ok')
  await cluster.clock.elapse(10_000)
  t.equal(await onA.whereis(name), undefined)
  t.equal(peer.whereis(name), undefined)
})

test('listeners hear nothing of it when a child that stays is shown once more', async (t) => {
  const cluster = new MemoryCluster(t)
  const heard: string[] = []
  const [a, h] = await cluster.start('a', 'h')
  const Counter = counterClass()
  const listeners = {
    onProcessStart: () => void heard.push('start'),
    onProcessStop: () => void heard.push('stop'),
  }
  const onA = await cluster.during(supervise(a!, { modules: { Counter }, listeners }))
  const peer = await cluster.during(HexPeer.start(h!, {}))
  const { pid, name } = await cluster.during(onA.startChild([Counter, { name: 'x' }]))
  await cluster.settle()
  // As the hex package after a crash of its registry.
  await peer.left(name, pid)
  t.notMatch(inspect(peer.stateTerm()), String(pid))
  partsOf(a!, onA.name)!.registry.rejoin(name, pid)
  await cluster.clock.elapse(1_000)
  t.match(inspect(peer.stateTerm()), String(pid))
  t.same(await onA.whereis(name), pid)
  t.same(heard, ['start'])
})
