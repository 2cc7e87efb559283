/** The command line against an Elixir node, as a person uses it: processes, their output, their exit codes. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { EpmdClient } from '../src/index.ts'
import { startEpmd, waitFor } from './peer.ts'
import { beamjoin, startCliNode } from './support/cli-node.ts'
import { COOKIE, EX, startExPeer, TS } from './support/cluster.ts'
import { spawnReaped } from './support/reaper.ts'

test('ping, nodes, names and call against an Elixir node', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  await startExPeer(t, { epmdPort: epmd.port })
  const ask = (...args: string[]) => beamjoin(epmd.port, ...args, '--cookie', COOKIE)

  t.same(await ask('ping', EX), { code: 0, out: 'pong\n', err: '' })
  t.same(await ask('call', EX, 'String', 'upcase', '["hi"]'), { code: 0, out: '"HI"\n', err: '' })
  t.same(await ask('call', EX, ':erlang', 'node'), { code: 0, out: `:"${EX}"\n`, err: '' })
  t.same(await ask('call', EX, 'Map', 'put', '[%{}, :b, {:ok, [1.5, nil]}]'), {
    code: 0,
    out: '%{b: {:ok, [1.5, nil]}}\n',
    err: '',
  })
  t.match(await ask('call', EX, 'Nope', 'nope', '[]'), { code: 1, out: '', err: /^beamjoin: .*undef.*\n$/ })
  t.same(await ask('nodes', EX), { code: 0, out: '', err: '' }, 'a visitor is hidden')
  const names = await beamjoin(epmd.port, 'names', '--json')
  t.same(
    JSON.parse(names.out).map(({ name }: { name: string }) => name),
    ['ex'],
  )
  const pang = await ask('ping', 'nobody@127.0.0.1')
  t.match(pang, { code: 1, out: 'pang\n', err: /^beamjoin: .*nobody.*\n$/ })
  const stranger = await beamjoin(epmd.port, 'ping', EX, '--cookie', 'wrong')
  t.match(stranger, { code: 1, out: 'pang\n', err: /cookie/ })
  t.notMatch(stranger.err, /wrong/)
})

test('SIGINT ends a node that still waits for its first peer at once', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const silent = createServer((socket) => socket.on('error', () => {}).resume())
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.teardown(() => silent.close())
  const dialed = once(silent, 'connection')
  const { port } = silent.address() as { port: number }
  const registration = await new EpmdClient({ port: epmd.port }).register({ name: 'silent', port })
  t.teardown(() => registration.close())
  const args = ['start', '--name', TS, '--cookie', COOKIE, '--connect', 'silent@127.0.0.1']
  const node = spawnReaped(process.execPath, ['--import=tsx', 'src/cli/main.ts', ...args], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, ERL_EPMD_PORT: String(epmd.port) },
    stdio: 'ignore',
  })
  await dialed
  const interrupted = performance.now()
  node.process.kill('SIGINT')
  t.match(await node.exited, { code: 0, signal: null })
  // It would have waited 7 s for the peer.
  t.ok(performance.now() - interrupted < 6000)
})

test('start runs a program that Elixir calls, prints what happens, and leaves on SIGINT', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const args = ['examples/counter.ts', '--supervise', 'DS', '--hints']
  const { process: child, lines, exited } = await startCliNode(t, { epmdPort: epmd.port, args })
  const printed = (what: RegExp) =>
    waitFor(() => lines.find((line) => what.test(line)), { what: String(what), timeout: 20_000 })

  await printed(/Ctrl-C leaves/)
  await printed(/child started +MGS/)
  const peer = await startExPeer(t, { epmdPort: epmd.port })
  // What the hints say, as it is printed.
  for (const hint of [
    'Node.connect',
    'mgs =',
    'GenServer.call(mgs, :get)',
    'GenServer.call(mgs, {:add, 5})',
    ':rpc.call',
  ]) {
    const line = lines.find((candidate) => candidate.trim().startsWith(hint))
    t.ok(line, hint)
    await peer.eval(line ?? 'raise "no hint"')
  }
  t.equal(await peer.eval('GenServer.call(mgs, :get)'), '5')
  await printed(/node up +ex@127\.0\.0\.1/)
  await printed(/call served +MGS \(Counter\): \{:add, 5\}/)
  await peer.eval(':net_kernel.monitor_nodes(true)')
  child.kill('SIGINT')
  t.equal(await exited, 0)
  await printed(/leaving/)
  t.equal(await peer.eval('receive do m -> m after 5000 -> :nothing end'), `{:nodedown, :"${TS}"}`)
  t.equal(await peer.eval(':pg.get_members(DS.Scope, MGS)'), '[]')
})
