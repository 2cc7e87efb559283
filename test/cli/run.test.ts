import { readFile } from 'node:fs/promises'
import { test } from 'tap'
import { freePort } from '../../interop/support/wait.ts'
import { runCommandLine } from '../../src/cli/run.ts'
import { EpmdClient, EpmdServer } from '../../src/epmd/index.ts'
import { TcpNetwork, type Transport } from '../../src/net/index.ts'
import type { Teardown } from '../support/two-nodes.ts'

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
  interrupted?: AbortSignal,
): Promise<Ran> {
  let out = ''
  let err = ''
  const code = await runCommandLine(argv, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    env,
    interrupted: interrupted ?? new AbortController().signal,
  })
  return { code, out, err }
}

/** A file that is there and holds no certificate. */
const NO_PEM = 'package.json'
const COMMANDS = ['start', 'ping', 'names', 'nodes', 'call', 'epmd', 'repl']

test('--help lists every command, and each command has a help of its own', async (t) => {
  const overview = await run(['--help'])
  t.equal(overview.code, 0)
  for (const command of COMMANDS) {
    t.match(overview.out, new RegExp(`^  ${command} `, 'm'))
    const help = await run([command, '--help'])
    t.equal(help.code, 0, command)
    t.match(help.out, new RegExp(`^beamjoin ${command}`))
    t.match(help.out, /--help/)
    t.equal(help.err, '')
  }
})

test('--version prints the version of the package', async (t) => {
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  t.same(await run(['--version']), { code: 0, out: `${manifest.version}\n`, err: '' })
})

test('wrong usage is one line on stderr that says what to do, and exit code 2', async (t) => {
  const cases: readonly (readonly [argv: readonly string[], says: RegExp])[] = [
    [[], /name a command/],
    [['nonsense'], /unknown command 'nonsense'/],
    [['ping'], /expected ping NODE/],
    [['ping', 'a@b', 'c@d'], /expected ping NODE/],
    [['ping', 'nohost'], /name@host/],
    [['ping', 'n@127.0.0.1', '--bogus'], /--bogus/],
    [['ping', 'n@127.0.0.1', '--timeout', 'soon'], /--timeout must be a whole number/],
    [['call', 'n@127.0.0.1', 'String', 'upcase', '{'], /not Elixir syntax/],
    [['call', 'n@127.0.0.1', 'String', 'upcase', '1'], /must be a list/],
    [['names', '--port', '0'], /--port must be/],
    [['epmd', '--port', '70000'], /--port must be/],
    [['start'], /--name/],
    [['start', 'examples/counter.ts', '--name', 'x@127.0.0.1'], /--supervise/],
    [['repl'], /--name/],
    [['start', '--name', 'no spaces@127.0.0.1', '--cookie', 'c'], /'no spaces'/],
    [['start', '--name', 'x@127.0.0.1', '--cookie', 'übel'], /cookie/],
    [['ping', 'n@127.0.0.1', '--tls-cert', 'c.pem'], /--tls-cert FILE and --tls-key FILE/],
    [['call', 'n@127.0.0.1', 'm', 'f', '--tls-no-verify'], /--tls-cert FILE and --tls-key FILE/],
    [
      ['ping', 'n@127.0.0.1', '--tls-cert', 'c.pem', '--tls-key', 'k.pem'],
      /--tls-ca FILE .* or --tls-no-verify/,
    ],
    [
      ['ping', 'n@127.0.0.1', '--tls-cert', '/no/c.pem', '--tls-key', 'k', '--tls-ca', 'a'],
      /--tls-cert: .*no such file/,
    ],
    [
      ['start', '--name', 'x@127.0.0.1', '--tls-cert', NO_PEM, '--tls-key', NO_PEM, '--tls-no-verify'],
      /listen\.tls .*PEM/,
    ],
  ]
  for (const [argv, says] of cases) {
    const { code, out, err } = await run(argv)
    t.equal(code, 2, argv.join(' '))
    t.equal(out, '')
    t.match(err, says)
    t.match(err, /^beamjoin: [^\n]*\n$/, 'one line')
  }
})

test('names and ping without an epmd fail with one line and exit code 1', async (t) => {
  const env = { ERL_EPMD_PORT: String(await freePort()) }
  const names = await run(['names'], env)
  t.equal(names.code, 1)
  t.match(names.err, /^beamjoin: [^\n]*epmd[^\n]*\n$/)
  const ping = await run(['ping', 'n@127.0.0.1', '--cookie', 'c'], env)
  t.equal(ping.code, 1)
  t.equal(ping.out, 'pang\n')
  t.match(ping.err, /^beamjoin: [^\n]*epmd[^\n]*\n$/)
})

test('epmd serves names until it is interrupted', async (t) => {
  const port = await freePort()
  const env = { ERL_EPMD_PORT: String(port) }
  const interrupt = new AbortController()
  const serving = run(['epmd'], env, interrupt.signal)
  let names = await run(['names', '--json'], env)
  while (names.code !== 0) names = await run(['names', '--json'], env)
  t.equal(names.out, '[]\n')
  const taken = await run(['epmd'], env)
  t.equal(taken.code, 1, 'a second one on the port')
  interrupt.abort()
  const served = await serving
  t.equal(served.code, 0)
  t.match(served.out, new RegExp(`port ${port}`))
  t.equal((await run(['names'], env)).code, 1)
})

test('a file that is no program is refused', async (t) => {
  const start = (file: string) => run(['start', file, '--name', 'x@127.0.0.1', '--cookie', 'c'])
  t.match((await start('examples/missing.ts')).err, /cannot load/)
  t.match((await start('src/core/queue.ts')).err, /default export/)
})

/** An epmd that knows `mute`, a node that takes connections and never says a word. */
async function muteNode(t: Teardown): Promise<{ env: NodeJS.ProcessEnv; opened: Transport[] }> {
  const network = new TcpNetwork()
  const epmd = await EpmdServer.listen({ network, host: '127.0.0.1', port: 0 })
  const client = new EpmdClient({ network, port: epmd.port })
  const opened: Transport[] = []
  const listener = await network.listen({ host: '127.0.0.1', port: 0 }, (transport) => opened.push(transport))
  const registration = await client.register({ name: 'mute', port: listener.port, hidden: false })
  t.teardown(async () => {
    for (const transport of opened) transport.destroy()
    registration.close()
    await listener.close()
    await epmd.close()
  })
  return { env: { ERL_EPMD_PORT: String(epmd.port) }, opened }
}

const MUTE = ['mute@127.0.0.1', '--cookie', 'c'] as const

test('--timeout bounds the wait for a connection as well', async (t) => {
  const { env } = await muteNode(t)
  const { code, err } = await run(['ping', ...MUTE, '--timeout', '100'], env)
  t.equal(code, 1)
  t.match(err, /^beamjoin: [^\n]*timed out[^\n]*\n$/)
})

test('Ctrl-C ends a command that waits for an answer', async (t) => {
  const { env, opened } = await muteNode(t)
  for (const argv of [
    ['ping', ...MUTE],
    ['nodes', ...MUTE],
    ['call', MUTE[0], 'String', 'upcase', '["hi"]', '--cookie', 'c'],
  ]) {
    const interrupt = new AbortController()
    const before = opened.length
    const ran = run([...argv, '--timeout', '600000'], env, interrupt.signal)
    while (opened.length === before) await new Promise((resolve) => setImmediate(resolve))
    interrupt.abort()
    t.same(await ran, { code: 1, out: '', err: 'beamjoin: interrupted\n' }, argv.join(' '))
  }
})
