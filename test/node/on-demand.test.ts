/** Signals to nodes that are not connected: they dial, wait, and arrive in order; or are answered as unreachable. */
import { test } from 'tap'
import { atom, type Encodable, Pid, Reference, type Term, Tuple } from '../../src/etf/index.ts'
import { type From, GenServer, reply } from '../../src/runtime/index.ts'
import { BarePeer } from '../support/bare-peer.ts'
import { failure, nodeEvents, TestNodes } from '../support/two-nodes.ts'

const B = atom('b@b')
const NOCONNECTION = atom('noconnection')
const NONE = { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 }

class Echo extends GenServer<Term[]> {
  override init() {
    return []
  }

  override handleCall(request: Term, _from: From, seen: Term[]) {
    return reply(request as Encodable, seen)
  }
}

async function unconnected(t: { teardown(end: () => unknown): unknown }) {
  const nodes = new TestNodes(t)
  // Nothing shall be under way between them but what the test sends.
  const a = await nodes.start('a', { connectAll: false })
  const b = await nodes.start('b', { connectAll: false })
  return { nodes, a, b }
}

test('a message to a node that is not connected connects, and arrives', async (t) => {
  const { a, b, nodes } = await unconnected(t)
  const got: Term[] = []
  b.runtime.onMessage = (message) => void got.push(message)
  a.send(b.self, 'one')
  a.send(b.self, 'two')
  t.same(a.nodes(), [])
  await nodes.until(() => got.length === 2)
  a.send(b.self, 'three')
  await nodes.until(() => got.length === 3)
  t.same(got, ['one', 'two', 'three'])
  t.same(a.nodes(), [B])
})

test('a call to a node that is not connected gets its reply', async (t) => {
  const { a, b } = await unconnected(t)
  await b.startLink(Echo, undefined, { name: 'echo' })
  t.equal(await a.call(['echo', B], 'hi'), 'hi')
  t.same(a.runtime.pending(), NONE)
})

test('what waits goes out in the order in which it was sent, of whatever kind it is', async (t) => {
  const { a, b, nodes } = await unconnected(t)
  const peer = new BarePeer({ name: 'p@b', network: nodes.network.host('b'), clock: nodes.clock })
  await peer.listen((transport) => void peer.accept(transport))
  const there = peer.pid()
  a.send(there, 1)
  a.send(['rex', peer.name], 2)
  a.monitor(there)
  a.link(there)
  a.send(there, 3)
  a.unlink(there)
  a.exit(there, atom('please'))
  a.runtime.send(new Reference(peer.name, 77, [1, 0, 0]), 4)
  await nodes.until(() => peer.signals.length === 8)
  t.same(
    peer.signals.map(([method]) => method),
    ['send', 'sendName', 'monitor', 'link', 'send', 'unlink', 'exit2', 'sendAlias'],
  )
  t.same(b.nodes(), [])
  peer.close()
})

test('nothing of an unreachable node is left behind, and everybody hears noconnection', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const there = new Pid(B, 1, 0, 1)
  const reasons: Term[] = []
  const linked: Term[] = []
  a.monitor(there, (reason) => void reasons.push(reason))
  a.monitor(['name', B], (reason) => void reasons.push(reason))
  a.spawn(async (self) => {
    self.trapExit = true
    self.link(there)
    const exit = await self.receive((message) => message instanceof Tuple)
    linked.push((exit as Tuple)[2] as Term)
  })
  a.send(there, 'lost')
  a.cast(['name', B], 'lost')
  a.exit(there, atom('lost'))
  const call = failure(a.call(['name', B], 'hi', { timeout: 'infinity' }))
  const spawn = failure(
    a.runtime.spawnOn({ node: B, module: atom('m'), function: atom('f'), args: [] }, { onDown: () => {} }),
  )
  t.match(await call, { code: 'nodedown', reason: { 0: atom('nodedown'), 1: B } })
  t.match(await spawn, { code: 'ERR_RUNTIME_SPAWN', reason: NOCONNECTION })
  await nodes.until(() => reasons.length === 2 && linked.length === 1)
  t.same([reasons, linked], [[NOCONNECTION, NOCONNECTION], [NOCONNECTION]])
  t.same(a.runtime.pending(), NONE)
})

test('who tries again when it hears noconnection gets an answer each time', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  let heard = 0
  const again = (): void => {
    if (++heard < 5) a.monitor(['name', B], again)
  }
  a.monitor(['name', B], again)
  await nodes.until(() => heard === 5)
  a.spawn(async (self) => {
    for (let n = 0; n < 5; n++) {
      await self.whenDown(['name', B])
      heard++
    }
  })
  await nodes.until(() => heard === 10)
  t.equal(heard, 10)
})

test('signals to this very node by a pid of an earlier life go nowhere, at once', async (t) => {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const former = new Pid(a.name, 1, 0, 1)
  const reasons: Term[] = []
  a.monitor(former, (reason) => void reasons.push(reason))
  t.match(await failure(a.call(former, 'hi')), { code: 'noproc' })
  await nodes.until(() => reasons.length === 1)
  t.same(reasons, [atom('noproc')])
  t.match(
    await failure(a.runtime.spawnOn({ node: a.name, module: atom('m'), function: atom('f'), args: [] })),
    { code: 'ERR_RUNTIME_SPAWN', reason: NOCONNECTION },
  )
})

test('a call that times out while its node is dialed leaves nothing there', async (t) => {
  const { a, b, nodes } = await unconnected(t)
  nodes.network.setDelay(500, 'a', 'b')
  await b.startLink(Echo, undefined, { name: 'echo' })
  const call = failure(a.call(['echo', B], 'hi', { timeout: 100 }))
  await nodes.elapse(100)
  t.match(await call, { code: 'timeout' })
  t.same(a.nodes(), [])
  await nodes.elapse(10_000)
  t.same(a.nodes(), [B])
  t.same([a.runtime.pending(), b.runtime.pending()], [NONE, NONE])
})

test('a link that is taken back while its node is dialed does not exist there', async (t) => {
  const { a, b, nodes } = await unconnected(t)
  nodes.network.setDelay(10, 'a', 'b')
  const there = b.spawn((self) => self.receive(() => false))
  const here = a.spawn(async (self) => {
    self.link(there)
    self.unlink(there)
    await self.receive()
  })
  await nodes.elapse(1000)
  t.same(a.nodes(), [B])
  a.exit(here, atom('kill'))
  await nodes.elapse(1000)
  t.ok(b.runtime.isAlive(there))
})

test('a process that ends while its link waits takes the other with it', async (t) => {
  const { a, b, nodes } = await unconnected(t)
  nodes.network.setDelay(10, 'a', 'b')
  const there = b.spawn((self) => self.receive(() => false))
  a.spawn((self) => {
    self.link(there)
    self.exit(atom('boom'))
  })
  await nodes.elapse(1000)
  t.notOk(b.runtime.isAlive(there))
})

test('a message that has no term throws to its sender, connected or not, and harms nothing', async (t) => {
  const { a, b, nodes } = await unconnected(t)
  await b.startLink(Echo, undefined, { name: 'echo' })
  const bad = { id: 1, deep: [Symbol('no term')] } as unknown as Encodable
  for (const state of ['not connected', 'connected']) {
    t.throws(() => a.send(b.self, bad), { name: 'EncodeError', path: ['.deep', '[0]'] }, state)
    t.match(await failure(a.call(['echo', B], bad)), { name: 'EncodeError' }, state)
    t.match(await failure(a.rpc.call(B, 'm', 'f', [bad])), { name: 'EncodeError' }, state)
    t.same(a.runtime.pending(), NONE, state)
    await nodes.during(a.connect(B))
    t.equal(await a.call(['echo', B], 'still here'), 'still here', state)
  }
  await nodes.settle()
  t.same(b.runtime.pending(), NONE)
})

test('a connection that is lost while messages are sent is made again by the next one', async (t) => {
  const { a, b, nodes } = await unconnected(t)
  await b.startLink(Echo, undefined, { name: 'echo' })
  const events = nodeEvents(a)
  for (let n = 0; n < 3; n++) {
    t.equal(await a.call(['echo', B], n), n)
    nodes.network.reset('a', 'b')
    await nodes.settle()
  }
  t.same(events.length, 6)
})

test('a nodedown listener that sends at once gets a new connection', async (t) => {
  const { a, b, nodes } = await unconnected(t)
  const got: Term[] = []
  b.runtime.onMessage = (message) => void got.push(message)
  await nodes.join(a, b)
  a.once('nodedown', () => a.send(b.self, 'still there?'))
  nodes.network.reset('a', 'b')
  await nodes.until(() => got.length === 1)
  t.same(a.nodes(), [B])
})

test('a nodeup listener that disconnects at once does not confuse the node', async (t) => {
  const { a, b, nodes } = await unconnected(t)
  const events = nodeEvents(a)
  a.once('nodeup', () => void a.disconnect(B))
  await nodes.during(a.connect(B))
  t.same(events, ['up b@b', 'down b@b disconnect'])
  await nodes.settle()
  t.same([a.nodes(), b.nodes()], [[], []])
  await nodes.join(a, b)
  t.equal(await b.ping(a.name), 'pong')
})

test('a nodeup listener that disconnects and connects again gets another connection', async (t) => {
  const { a, b, nodes } = await unconnected(t)
  const events = nodeEvents(a)
  let second: Promise<void> | undefined
  a.once('nodeup', () => {
    a.disconnect(B)
    second = a.connect(B)
  })
  await nodes.during(a.connect(B))
  await nodes.during(second ?? Promise.reject(new Error('no second attempt')))
  await nodes.settle()
  t.same(events, ['up b@b', 'down b@b disconnect', 'up b@b'])
  t.same([a.nodes(), b.nodes()], [[B], [a.name]])
})
