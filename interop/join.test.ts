/** Connecting: from either side, visible and hidden, and every way in which it is refused or fails. */

import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'tap'
import {
  atom,
  type BeamNode,
  EpmdClient,
  type NodeEvents,
  silentLogger,
  startNode,
  TcpNetwork,
} from '../src/index.ts'
import { freePort, startEpmd, startPeer, waitFor } from './peer.ts'
import {
  COOKIE,
  connectedCluster,
  EX,
  startCluster,
  startExPeer,
  startTsNode,
  TS,
} from './support/cluster.ts'

function nodeEvent<E extends keyof NodeEvents>(node: BeamNode, event: E): Promise<NodeEvents[E]> {
  return new Promise((resolve) => node.once(event, (...args) => resolve(args)))
}

test('an Elixir node connects to us, sees us in Node.list, and pings us', async (t) => {
  const { node, peer } = await startCluster(t)
  const up = nodeEvent(node, 'nodeup')
  t.equal(await peer.eval(`Node.connect(:"${TS}")`), 'true')
  t.equal(await peer.eval('Node.list()'), `[:"${TS}"]`)
  t.equal(await peer.eval(`:net_adm.ping(:"${TS}")`), ':pong')
  const [name, info] = await up
  t.equal(name, atom(EX))
  t.match(info, { type: 'visible', connectionId: Number })
  t.same(node.nodes(), [atom(EX)])
})

test('we connect to an Elixir node, and it sees us', async (t) => {
  const { node, peer } = await startCluster(t)
  await peer.eval(':net_kernel.monitor_nodes(true)')
  await node.connect(EX)
  t.equal(await peer.eval('receive do m -> m after 5000 -> :none end'), `{:nodeup, :"${TS}"}`)
  t.equal(await peer.eval('Node.list()'), `[:"${TS}"]`)
  t.equal(await node.ping(EX), 'pong')
  t.ok(node.disconnect(EX))
  t.equal(await peer.eval('receive do m -> m after 5000 -> :none end'), `{:nodedown, :"${TS}"}`)
  t.equal(await node.ping(EX), 'pong', 'a ping connects again')
})

test('both connect at once and end up with one connection', async (t) => {
  for (const name of ['aa@127.0.0.1', 'zz@127.0.0.1']) {
    const { node, peer } = await startCluster(t, { node: { name } })
    const theirs = peer.eval(`Node.connect(:"${name}")`)
    const ours = node.connect(EX)
    t.equal(await theirs, 'true')
    await ours
    t.same(node.nodes(), [atom(EX)])
    t.equal(await peer.eval('Node.list()'), `[:"${name}"]`)
    t.equal(await peer.eval(`:net_adm.ping(:"${name}")`), ':pong')
    t.equal(await node.ping(EX), 'pong')
    await node.stop()
    await peer.kill()
  }
})

test('a node of `connect` is joined at start, and again after it died and came back', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const first = await startExPeer(t, { epmdPort: epmd.port })
  const node = await startTsNode(t, { epmdPort: epmd.port, connect: [EX] })
  t.same(node.nodes(), [atom(EX)])
  const down = nodeEvent(node, 'nodedown')
  await first.kill()
  const [name, info] = await down
  t.equal(name, atom(EX))
  t.equal(info.reason, atom('connection_closed'))
  await startExPeer(t, { epmdPort: epmd.port })
  await waitFor(() => node.nodes().length === 1, { what: 'the node to be joined again', timeout: 20_000 })
})

test('a hidden node of ours is in Node.list(:hidden) only', async (t) => {
  const { peer } = await connectedCluster(t, { node: { hidden: true } })
  t.equal(await peer.eval('Node.list()'), '[]')
  t.equal(await peer.eval('Node.list(:hidden)'), `[:"${TS}"]`)
  t.equal(await peer.eval(`:net_adm.ping(:"${TS}")`), ':pong')
})

test('a hidden Elixir node is in nodes("hidden") only', async (t) => {
  const { node, peer } = await connectedCluster(t, { peer: { hidden: true } })
  t.same(node.nodes(), [])
  t.same(node.nodes('hidden'), [atom(peer.name)])
  t.same(node.nodes('all'), [atom(peer.name)])
})

test('a wrong cookie is refused both ways, and both nodes live on', async (t) => {
  const { node, peer, epmdPort } = await startCluster(t, { node: { cookie: 'another' } })
  await t.rejects(node.connect(EX), { code: 'ERR_HANDSHAKE_CLOSED', message: /cookie/ })
  t.equal(await peer.eval(`Node.connect(:"${TS}")`), 'false')
  t.same(node.nodes(), [])
  t.equal(await peer.eval('Node.list()'), '[]')
  t.notMatch(peer.output, /another/, 'no cookie in what the other side prints')
  const right = await startTsNode(t, { name: 'right@127.0.0.1', epmdPort })
  t.equal(await peer.eval('Node.connect(:"right@127.0.0.1")'), 'true')
  t.same(right.nodes(), [atom(EX)])
})

test('an unknown node, an unknown host and a node that is gone are three clear errors', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const node = await startTsNode(t, { epmdPort: epmd.port })
  await t.rejects(node.connect('nobody@127.0.0.1'), {
    code: 'ERR_NODE_UNKNOWN',
    message: /nobody@127\.0\.0\.1/,
  })
  await t.rejects(node.connect('n1@host.invalid'), { code: 'ERR_EPMD_UNREACHABLE' })
  t.equal(await node.ping('nobody@127.0.0.1'), 'pang')
  await t.rejects(node.call([atom('x'), atom('nobody@127.0.0.1')], 1), { code: 'nodedown' })
  const peer = await startExPeer(t, { epmdPort: epmd.port })
  await node.connect(EX)
  await peer.kill()
  await waitFor(() => node.nodes().length === 0, { what: 'nodedown' })
  await t.rejects(node.connect(EX), { code: /^ERR_(NODE_UNKNOWN|NET_REFUSED)$/ })
})

test('a port that closes in the middle of the handshake is a clear error, and so is one that never answers', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const closing = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(Buffer.from('0003736f6b', 'hex')))
  })
  const silent = createServer((socket) => {
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
  })
  const client = new EpmdClient({ network: new TcpNetwork(), port: epmd.port })
  for (const [name, server] of [
    ['closing', closing],
    ['silent', silent],
  ] as const) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const registration = await client.register({ name, port: (server.address() as { port: number }).port })
    t.teardown(() => registration.close())
  }
  const node = await startTsNode(t, { epmdPort: epmd.port, netSetuptime: 500 })
  await t.rejects(node.connect('closing@127.0.0.1'), { code: 'ERR_HANDSHAKE_CLOSED' })
  await t.rejects(node.connect('silent@127.0.0.1'), { code: 'ERR_HANDSHAKE_TIMEOUT' })
  const peer = await startExPeer(t, { epmdPort: epmd.port })
  t.equal(await peer.eval(`Node.connect(:"${TS}")`), 'true', 'the node lives on')
})

test('with an epmd the node registers there, and registers again when it dies and returns', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const node = await startTsNode(t, { epmdPort: epmd.port, epmd: 'external' })
  t.notOk(node.hasEmbeddedEpmd)
  const client = new EpmdClient({ network: new TcpNetwork(), port: epmd.port })
  t.same(await client.names(), [{ name: 'ts', port: node.port }])
  await epmd.kill()
  await t.rejects(node.connect('n1@127.0.0.1'), { code: 'ERR_EPMD_UNREACHABLE' })
  const again = await startEpmd(epmd.port)
  t.teardown(() => again.kill())
  const registered = async () =>
    (await client.names()).some(({ name, port }) => name === 'ts' && port === node.port)
  await waitFor(registered, { what: 'the node to be registered again', timeout: 20_000 })
  const peer = await startExPeer(t, { epmdPort: epmd.port })
  t.equal(await peer.eval(`Node.connect(:"${TS}")`), 'true')
})

test('without an epmd the node brings its own, and two Elixir nodes find each other on it', async (t) => {
  const { node, peer, epmdPort } = await startCluster(t)
  t.ok(node.hasEmbeddedEpmd)
  const other = await startPeer({ name: 'other', cookie: COOKIE, epmdPort })
  t.teardown(() => other.kill())
  t.equal(await other.eval(`Node.connect(:"${EX}")`), 'true')
  // Who is dialed is up a moment later than who dials.
  await waitFor(async () => (await peer.eval('Node.list()')) === '[:"other@127.0.0.1"]', {
    what: 'the other one in Node.list()',
  })
})

test('epmd: "external" without an epmd, and a name that is taken, are clear errors', async (t) => {
  const port = await freePort()
  const options = { name: TS, cookie: COOKIE, epmdPort: port, logger: silentLogger }
  await t.rejects(startNode({ ...options, epmd: 'external' }), { code: 'ERR_EPMD_UNREACHABLE' })
  await startTsNode(t, { epmdPort: port })
  await t.rejects(startNode(options), { code: 'ERR_EPMD_NAME_TAKEN' })
})
