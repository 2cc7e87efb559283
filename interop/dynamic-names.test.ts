/** Nodes that ask for a name when they connect: `erl -name undefined` asks us, and we ask a BEAM. */
import { test } from 'tap'
import { atom, type NodeDownInfo, startNode } from '../src/index.ts'
import { freePort, waitFor } from './peer.ts'
import { COOKIE, EX, startCluster, startExPeer, startTsNode, TS } from './support/cluster.ts'

const connect = `net_kernel:connect_node('${TS}').`

test('a BEAM without a name gets one of us, is a hidden node, and gets it again with another creation', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort })
  node.rpc.expose('ts', { node: (pid) => String((pid as { node: unknown }).node) })
  const peer = await startExPeer(t, { epmdPort, name: 'undefined@127.0.0.1', elixir: false })
  t.equal(await peer.eval('node().'), 'nonode@nohost')
  t.equal(await peer.eval(connect), 'true')
  const name = (await peer.eval('node().')).slice(1, -1)
  t.match(name, /^[0-9A-Z]+@127\.0\.0\.1$/)
  t.same(node.nodes('hidden'), [atom(name)])
  t.same(node.nodes(), [])
  t.equal(await peer.eval(`rpc:call('${TS}', ts, node, [self()]).`), `<<"${name}">>`)
  t.equal(await node.rpc.call(name, 'erlang', 'node', []), atom(name))

  const creation = await peer.eval('erlang:system_info(creation).')
  await peer.eval(`net_kernel:disconnect('${TS}').`)
  await waitFor(() => node.nodes('all').length === 0, { what: 'the end of the connection' })
  await waitFor(async () => (await peer.eval(connect)) === 'true', { what: 'the second connection' })
  t.equal((await peer.eval('node().')).slice(1, -1), name, 'the name was free again')
  t.equal(Number(await peer.eval('erlang:system_info(creation).')), Number(creation) + 1)

  const other = await startExPeer(t, { epmdPort, name: 'undefined@127.0.0.1', elixir: false })
  t.equal(await other.eval(connect), 'true')
  t.equal(node.nodes('hidden').length, 2, 'a name in use is nobody else’s')
})

test('short names: a BEAM of -sname undefined, and a node of ours that asks a BEAM of -sname', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { name: 'ts@localhost', epmdPort })
  const short = { epmdPort, elixir: false, shortNames: true }
  const peer = await startExPeer(t, { ...short, name: 'undefined@localhost' })
  t.equal(await peer.eval(`net_kernel:connect_node('ts@localhost').`), 'true')
  t.match(await peer.eval('node().'), /^'[0-9A-Z]+@localhost'$/)
  t.equal(node.nodes('hidden').length, 1)
  await startExPeer(t, { ...short, name: 'ex@localhost' })
  const nameless = await startTsNode(t, { name: 'undefined@localhost', epmdPort, connect: ['ex@localhost'] })
  t.match(nameless.name.name, /^[0-9A-Z]+@localhost$/)
  t.equal(await nameless.ping('ex@localhost'), 'pong')
})

test('a node of ours without a name gets one of the first BEAM that answers', async (t) => {
  const { node, peer, epmdPort } = await startCluster(t, { peer: { elixir: false } })
  const nameless = await startTsNode(t, {
    name: 'undefined@127.0.0.1',
    epmdPort,
    connect: ['nobody@127.0.0.1', EX, TS],
  })
  t.match(nameless.name.name, /^[0-9A-Z]+@127\.0\.0\.1$/)
  t.equal(nameless.port, 0)
  t.same(nameless.nodes('hidden'), [atom(EX), atom(TS)])
  t.equal(await peer.eval('nodes(hidden).'), `['${nameless.name}']`)
  t.same(node.nodes('hidden'), [nameless.name])
  t.equal(await nameless.ping(EX), 'pong')
  t.equal(
    await nameless.rpc.call(EX, 'erlang', 'node', [nameless.self]),
    nameless.name,
    'pids carry the name',
  )
  t.equal(await peer.eval(`rpc:call('${nameless.name}', erlang, node, []).`), `'${nameless.name}'`)
  t.equal(await node.rpc.call(nameless.name.name, 'erlang', 'node', []), nameless.name)

  const down = new Promise<NodeDownInfo>((resolve) =>
    nameless.once('nodedown', (_name, info) => resolve(info)),
  )
  await peer.kill()
  t.equal((await down).reason, atom('connection_closed'))
  t.same(nameless.nodes('all'), [], 'without the node that gave the name it is nobody')
  await t.rejects(nameless.connect(TS), { code: 'ERR_NODE_NAMELESS' })
})

test('a node without a name that nobody names is an error that says whom it asked', async (t) => {
  const epmdPort = await freePort()
  const options = { name: 'undefined@127.0.0.1', cookie: COOKIE, epmdPort }
  await t.rejects(startNode(options), { code: 'ERR_NODE_NAMELESS', message: /connect names no node/ })
  const asking = startNode({ ...options, connect: ['nobody@127.0.0.1'] })
  await t.rejects(asking, { code: 'ERR_NODE_NAMELESS', message: /asked nobody@127\.0\.0\.1: .*epmd/ })
})

test('a nameless BEAM with another cookie gets no further', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort })
  const peer = await startExPeer(t, { epmdPort, name: 'undefined@127.0.0.1', cookie: 'other', elixir: false })
  t.equal(await peer.eval(connect), 'false')
  t.equal(await peer.eval('node().'), 'nonode@nohost')
  t.same(node.nodes('all'), [])
})
