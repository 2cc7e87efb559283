/** What a BEAM answers when it is dialed, and what it makes of our answers: each status once, cookies, time limits. */
import { createServer } from 'node:net'
import { test } from 'tap'
import { atom, EpmdClient, EpmdServer } from '../src/index.ts'
import { freePort, waitFor } from './peer.ts'
import {
  COOKIE,
  connectedCluster,
  EX,
  part,
  startCluster,
  startExPeer,
  startTsNode,
  TS,
} from './support/cluster.ts'
import { framed, HANDSHAKE, RawPeer } from './support/raw-peer.ts'

const connect = `net_kernel:connect_node('${TS}').`

test('alive: a second node of our name replaces the first one at a BEAM', async (t) => {
  const { node: first, peer, epmdPort } = await startCluster(t, { peer: { elixir: false } })
  await first.connect(EX)
  await peer.eval('net_kernel:monitor_nodes(true).')
  const lost = new Promise((resolve) => first.once('nodedown', resolve))
  // It knows of no connection, so it says that the one the BEAM has is dead.
  const second = await startTsNode(t, { epmdPort, epmd: 'none' })
  await second.connect(EX)
  t.equal(
    await peer.eval('receive A -> receive B -> {A, B} end end.'),
    `{{nodedown,'${TS}'},{nodeup,'${TS}'}}`,
  )
  await lost
  t.equal(await second.ping(EX), 'pong')
  t.same(first.nodes(), [])
})

test('alive: a second BEAM of the same name replaces the first one here', async (t) => {
  const { node, peer } = await connectedCluster(t, { peer: { library: false } })
  const events: string[] = []
  node.on('nodeup', (name) => events.push(`up ${name}`))
  node.on('nodedown', (name) => events.push(`down ${name}`))
  await peer.freeze()
  const elsewhere = await EpmdServer.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => elsewhere.close())
  await new EpmdClient({ port: elsewhere.port }).register({ name: 'ts', port: node.port })
  const second = await startExPeer(t, { epmdPort: elsewhere.port, elixir: false })
  t.equal(await second.eval(connect), 'true')
  t.same(events, [`down ${EX}`, `up ${EX}`])
  const pid = (await node.rpc.call(EX, 'os', 'getpid', [])) as number[]
  t.equal(String.fromCharCode(...pid), String(second.pid))
})

test('the old name message with its complement, and each status that a peer may answer with', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort })
  const peer = new RawPeer(node.port)
  t.teardown(() => peer.destroy())
  peer.say(HANDSHAKE.oldName('old@127.0.0.1'))
  t.equal((await peer.next())?.toString('latin1'), 'sok')
  const challenge = await peer.next()
  peer.say(HANDSHAKE.complement())
  peer.say(HANDSHAKE.reply(COOKIE, challenge!.readUInt32BE(9)))
  t.same(await peer.next(), HANDSHAKE.ack(COOKIE))
  t.same(node.nodes(), [atom('old@127.0.0.1')])

  const statuses = {
    nok: 'ERR_NODE_UNREACHABLE',
    not_allowed: 'ERR_HANDSHAKE_NOT_ALLOWED',
    alive: 'ERR_HANDSHAKE_CLOSED',
    'named:': 'ERR_HANDSHAKE_BAD_MESSAGE',
    true: 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE',
    nonsense: 'ERR_HANDSHAKE_BAD_MESSAGE',
  }
  const dialing = await startTsNode(t, { name: 'dialing@127.0.0.1', epmdPort, netSetuptime: 500 })
  for (const [status, code] of Object.entries(statuses)) {
    const answers: string[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {})
      let messages = 0
      socket.on('data', (bytes) => {
        answers.push(bytes.subarray(2).toString('latin1'))
        if (messages++ === 0) socket.write(framed(HANDSHAKE.status(status), 2))
        else socket.end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const registration = await new EpmdClient({ port: epmdPort }).register({ name: `p${port}`, port })
    await t.rejects(dialing.connect(`p${port}@127.0.0.1`), { code }, status)
    if (status === 'alive') t.equal(answers[1], 'strue', 'the answer to alive leaves')
    registration.close()
    server.close()
  }
})

test('not_allowed: a BEAM that lets only others in refuses us, and lives on', async (t) => {
  const { node, peer } = await startCluster(t, { peer: { elixir: false } })
  await peer.eval("net_kernel:allow(['friend@127.0.0.1']).")
  await t.rejects(node.connect(EX), { code: 'ERR_HANDSHAKE_NOT_ALLOWED' })
  await peer.eval(`net_kernel:allow(['${TS}']).`)
  await node.connect(EX)
  t.same(node.nodes(), [atom(EX)])
})

test('a cookie for one peer alone, on either side, as erlang:set_cookie/2', async (t) => {
  const { node, peer } = await startCluster(t, {
    node: { cookies: { [EX]: 'between us' } },
    // It would dial by itself when its `global` has something to say, before our cookie is another.
    peer: { elixir: false, args: ['-kernel', 'dist_auto_connect', 'never'] },
  })
  await t.rejects(node.connect(EX), { code: 'ERR_HANDSHAKE_CLOSED' })
  t.equal(await peer.eval(connect), 'false')
  await peer.eval(`erlang:set_cookie('${TS}', 'between us').`)
  await node.connect(EX)
  await part(node, peer)
  t.equal(await peer.eval(connect), 'true')
  await part(node, peer)
  node.setCookie('another', EX)
  t.equal(await peer.eval(connect), 'false')
  await peer.eval(`erlang:set_cookie('${TS}', another).`)
  t.equal(await peer.eval(connect), 'true')
})

test('a BEAM that is frozen costs the set-up time, and no more', async (t) => {
  const { node, peer } = await startCluster(t, { node: { netSetuptime: 500 }, peer: { elixir: false } })
  await node.connect(EX)
  await part(node, peer)
  await peer.freeze()
  const failed = node.connect(EX).catch((error: unknown) => error)
  t.match(await failed, { code: 'ERR_HANDSHAKE_TIMEOUT', message: /waiting for its status/ })
  peer.signal('SIGCONT')
  await waitFor(() => node.connect(EX).then(() => true), { what: 'the BEAM to be back' })
})

test('a BEAM gives up on a listener that says nothing after its own set-up time, and reaches us then', async (t) => {
  const epmdPort = await freePort()
  await startTsNode(t, { epmdPort })
  const silent = createServer((socket) => socket.on('error', () => {}).resume())
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.teardown(() => silent.close())
  const { port } = silent.address() as { port: number }
  await new EpmdClient({ port: epmdPort }).register({ name: 'silent', port })
  const peer = await startExPeer(t, { epmdPort, elixir: false, args: ['-kernel', 'net_setuptime', '1'] })
  t.equal(await peer.eval("net_kernel:connect_node('silent@127.0.0.1')."), 'false')
  t.equal(await peer.eval(connect), 'true')
})
