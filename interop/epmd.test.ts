/** Our epmd serves BEAM nodes, and our nodes keep their place in whatever epmd there is. */
import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { EpmdClient, EpmdServer } from '../src/index.ts'
import { findBeam, freePort, startEpmd, waitFor } from './peer.ts'
import { beamCommand } from './support/beam.ts'
import { startCliNode } from './support/cli-node.ts'
import { EX, startExPeer, startTsNode, type Teardown, TS } from './support/cluster.ts'
import { spawnReaped } from './support/reaper.ts'

async function startServer(
  t: Teardown,
  options: { relaxed?: boolean; onKill?: () => void } = {},
): Promise<EpmdServer> {
  const server = await EpmdServer.listen({ host: '127.0.0.1', port: 0, ...options })
  t.teardown(() => server.close())
  return server
}

/** Runs the `epmd` program of the BEAM, as a person does, and gives back all that it prints. */
function epmdProgram(port: number, ...args: string[]): Promise<string> {
  const [command, all] = beamCommand(findBeam(), 'epmd', ['-port', String(port), ...args])
  return new Promise((resolve) => {
    execFile(command, all, { timeout: 30_000 }, (_error, out, err) => resolve(out + err))
  })
}

async function names(port: number): Promise<string> {
  const found = await new EpmdClient({ port }).names()
  return found
    .map(({ name }) => name)
    .sort()
    .join(' ')
}

const knows = (port: number, wanted: string) =>
  waitFor(async () => (await names(port)) === wanted, { what: `epmd to know ${wanted}`, timeout: 20_000 })

test('a cluster of BEAM nodes runs on our epmd alone', async (t) => {
  const server = await startServer(t)
  const start = (name: string) =>
    startExPeer(t, { name: `${name}@127.0.0.1`, epmdPort: server.port, elixir: false })
  const [a, b, c] = await Promise.all([start('a'), start('b'), start('c')])
  t.equal(await a.eval(`net_adm:ping('b@127.0.0.1').`), 'pong')
  t.equal(await c.eval(`net_adm:ping('b@127.0.0.1').`), 'pong')
  await waitFor(async () => (await c.eval('lists:sort(nodes()).')) === "['a@127.0.0.1','b@127.0.0.1']", {
    what: 'global to connect the rest',
  })
  t.equal(
    await b.eval('{ok, Ns} = net_adm:names({127,0,0,1}), lists:sort([N || {N, _} <- Ns]).'),
    '["a","b","c"]',
  )
  const ports = server.names().map(({ name, port }) => `name ${name} at port ${port}`)
  const listed = await epmdProgram(server.port, '-names')
  for (const line of ports) t.ok(listed.includes(line), line)

  t.match(await epmdProgram(server.port, '-kill'), /not allowed/)
  await epmdProgram(server.port, '-stop', 'a')
  await knows(server.port, 'a b c')

  const creation = Number(await a.eval('erlang:system_info(creation).'))
  await a.kill()
  await knows(server.port, 'b c')
  const again = await start('a')
  t.equal(Number(await again.eval('erlang:system_info(creation).')), creation + 1)
  t.equal(await again.eval(`net_adm:ping('c@127.0.0.1').`), 'pong')
})

test('stop and kill work where they are allowed, and a BEAM registers again by itself', async (t) => {
  let killed = false
  const onKill = (): void => {
    killed = true
  }
  const server = await startServer(t, { relaxed: true, onKill })
  await startExPeer(t, { epmdPort: server.port, elixir: false })
  const { port } = server.names()[0]!
  t.match(await epmdProgram(server.port, '-stop', 'ex'), /STOPPED/)
  await knows(server.port, 'ex')
  t.equal(server.names()[0]?.port, port)
  t.match(await epmdProgram(server.port, '-kill'), /Killed/)
  await waitFor(() => killed, { what: 'the server to end' })
  await t.rejects(names(server.port), { code: 'ERR_EPMD_UNREACHABLE' })
})

test('beamjoin epmd ends on epmd -kill when it is relaxed', async (t) => {
  const port = await freePort()
  const args = ['--import=tsx', 'src/cli/main.ts', 'epmd', '--port', String(port), '--relaxed']
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const child = spawnReaped(process.execPath, args, { cwd, stdio: 'ignore' })
  await knows(port, '')
  t.match(await epmdProgram(port, '-kill'), /Killed/)
  t.match(await child.exited, { code: 0 })
})

test('clients that are slow or silent keep nobody else waiting', async (t) => {
  const server = await startServer(t)
  const sockets = Array.from({ length: 1200 }, (_, i) => {
    const socket = connect(server.port, '127.0.0.1').on('error', () => {})
    // Some say nothing, some begin a request and leave it at that.
    if (i % 2 === 0) socket.write(Buffer.from([0, 200, 120]))
    return socket
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  await waitFor(() => sockets.every((socket) => !socket.connecting), { what: 'the crowd', timeout: 20_000 })
  const peer = await startExPeer(t, { epmdPort: server.port, elixir: false })
  const node = await startTsNode(t, { epmdPort: server.port, epmd: 'external' })
  t.equal(await peer.eval(`net_adm:ping('${TS}').`), 'pong')
  t.equal(await node.ping(EX), 'pong')
  t.equal(await names(server.port), 'ex ts')
})

test('an epmd of OTP that dies and comes back gets our node again, as it gets the BEAM’s', async (t) => {
  const first = await startEpmd()
  t.teardown(() => first.kill())
  const node = await startTsNode(t, { epmdPort: first.port, epmd: 'external' })
  const peer = await startExPeer(t, { epmdPort: first.port, elixir: false })
  t.equal(await node.ping(EX), 'pong')
  const { creation } = node.self
  await first.kill()
  t.equal(await node.ping(EX), 'pong', 'connections live on')
  const second = await startEpmd(first.port)
  t.teardown(() => second.kill())
  await knows(second.port, 'ex ts')
  t.equal(node.self.creation, creation)
  node.disconnect(EX)
  await waitFor(async () => (await peer.eval(`net_adm:ping('${TS}').`)) === 'pong', {
    what: 'the BEAM to find us',
  })
})

test('when the node that brought the epmd is killed another one of ours takes over', async (t) => {
  const epmdPort = await freePort()
  const owner = await startCliNode(t, { epmdPort, name: 'owner@127.0.0.1' })
  t.match(owner.lines[0], /with its own epmd/)
  await startCliNode(t, { epmdPort, name: 'heir@127.0.0.1' })
  const node = await startTsNode(t, { epmdPort })
  const peer = await startExPeer(t, { epmdPort, elixir: false })
  await knows(epmdPort, 'ex heir owner ts')
  t.equal(node.hasEmbeddedEpmd, false)

  owner.process.kill('SIGKILL')
  await knows(epmdPort, 'ex heir ts')
  t.equal(await peer.eval(`net_adm:ping('heir@127.0.0.1').`), 'pong')
  t.equal(await peer.eval(`net_adm:ping('${TS}').`), 'pong')
  t.equal(await node.ping('heir@127.0.0.1'), 'pong')

  await startCliNode(t, { epmdPort, name: 'owner@127.0.0.1' })
  await knows(epmdPort, 'ex heir owner ts')
})
