/** A peer that comes back while its old connection still seems to be up: the status `alive` and its answer. */
import { test } from 'tap'
import { EpmdServer } from '../../src/epmd/index.ts'
import { atom, type Term } from '../../src/etf/index.ts'
import { RawPeer } from '../dist/pair.ts'
import { BarePeer } from '../support/bare-peer.ts'
import { failure, nodeEvents, TestNodes } from '../support/two-nodes.ts'

const P = atom('p@p')

async function harness(t: { teardown(end: () => unknown): unknown }) {
  const nodes = new TestNodes(t)
  const a = await nodes.start('a')
  const peer = new BarePeer({ name: 'p@p', network: nodes.network.host('p'), clock: nodes.clock })
  t.teardown(() => peer.close())
  return { nodes, a, peer, events: nodeEvents(a) }
}

test('a peer that came back replaces its old connection: nodedown, then nodeup', async (t) => {
  const { a, events, nodes, peer } = await harness(t)
  await peer.dial('a@a')
  await peer.dial('a@a', () => true)
  t.same(events, ['up p@p', 'down p@p connection_closed', 'up p@p'])
  t.same(a.nodes(), [P])
  await nodes.until(() => peer.closed.length === 1)
  await nodes.settle()
  t.equal(peer.closed.length, 1, 'the new connection stays')
  t.same(events.length, 3)
  a.send(peer.pid(), 'hello')
  await nodes.until(() => peer.received('send').length === 1)
})

test('what hung on the old connection breaks before the new one is up', async (t) => {
  const { a, nodes, peer } = await harness(t)
  await peer.dial('a@a')
  const order: string[] = []
  a.monitor(peer.pid(), (reason) => void order.push(`monitor ${reason}`))
  const call = failure(a.call(peer.pid(), 'question', { timeout: 'infinity' }))
  await nodes.until(() => peer.received('monitor').length === 2)
  a.on('nodeup', () => void order.push('nodeup'))
  await peer.dial('a@a', () => true)
  t.match(await call, { code: 'nodedown' })
  await nodes.settle()
  t.same(order.sort(), ['monitor noconnection', 'nodeup'])
  t.same(a.runtime.pending(), { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 })
})

test('a peer that keeps its connection leaves everything as it is', async (t) => {
  const { a, events, nodes, peer } = await harness(t)
  await peer.dial('a@a')
  t.match(await failure(peer.dial('a@a', () => false)), { code: 'ERR_HANDSHAKE_ALIVE' })
  await nodes.settle()
  t.same(events, ['up p@p'])
  t.same(a.nodes(), [P])
  t.same(nodes.complaints(), [])
})

test('a peer that breaks off while it replaces leaves the old connection up', async (t) => {
  const { a, events, nodes, peer } = await harness(t)
  await peer.dial('a@a')
  const raw = new RawPeer(await nodes.network.host('p').connect({ host: 'a', port: a.port }))
  raw.message('4e0000000d07df7fbd000000010003704070')
  t.equal((await raw.nextMessage()).toString('latin1'), 'salive')
  raw.transport.destroy()
  await nodes.settle()
  t.same(events, ['up p@p'])
  await peer.dial('a@a', () => true)
  t.equal(events.length, 3)
})

test('somebody without the cookie cannot replace a connection', async (t) => {
  const { a, events, nodes, peer } = await harness(t)
  await peer.dial('a@a')
  const thief = new BarePeer({
    name: 'p@p',
    network: nodes.network.host('thief'),
    clock: nodes.clock,
    cookie: 'guess',
  })
  t.match(await failure(thief.dial('a@a', () => true)), { code: 'ERR_HANDSHAKE_CLOSED' })
  await nodes.settle()
  t.same(events, ['up p@p'])
  t.same(a.nodes(), [P])
})

test('a node that lost its connection unnoticed by the peer comes back', async (t) => {
  const { a, events, nodes, peer } = await harness(t)
  const epmd = await EpmdServer.listen({ network: nodes.network.host('p'), clock: nodes.clock })
  t.teardown(() => epmd.close())
  await peer.listen((transport) => void peer.accept(transport, 'alive'))
  await a.connect(P)
  t.same(events, ['up p@p'])
})

test('two nodes, one of which forgot the other behind a cut link, are one pair again after it heals', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const [atA, atB] = [nodeEvents(a), nodeEvents(b)]
  nodes.network.cut('a', 'b')
  b.disconnect(a.name)
  await nodes.settle()
  t.same(a.nodes(), [b.name], 'a cannot know yet')
  nodes.network.heal()
  await nodes.during(b.connect(a.name))
  await nodes.settle()
  t.same([a.nodes(), b.nodes()], [[b.name], [a.name]])
  t.same(atA, ['down b@b connection_closed', 'up b@b'])
  t.same(atB, ['down a@a disconnect', 'up a@a'])
  t.equal(await a.ping(b.name), 'pong')
})

test('messages of the old and the new connection are told apart by nodedown and nodeup', async (t) => {
  const { a, nodes, peer } = await harness(t)
  const seen: string[] = []
  const got = (message: Term): void => void seen.push(String(message))
  a.runtime.onMessage = got
  a.on('nodeup', () => void seen.push('up'))
  a.on('nodedown', () => void seen.push('down'))
  const old = await peer.dial('a@a')
  old.send(peer.pid(), a.self, 'one')
  await nodes.until(() => seen.includes('one'))
  const next = await peer.dial('a@a', () => true)
  old.send(peer.pid(), a.self, 'late')
  next.send(peer.pid(), a.self, 'two')
  await nodes.until(() => seen.includes('two'))
  await nodes.settle()
  t.same(seen, ['up', 'one', 'down', 'up', 'two'])
})
