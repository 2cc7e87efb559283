/**
 * A walk through a cluster of two TypeScript nodes and an Elixir node: connect, start a child, call, cast, crash and
 * restart, a node that dies. Starts everything itself, ends everything itself, and exits with 0 when every step held.
 *
 *   npm run demo
 *
 * Without Elixir on the machine a third TypeScript node asks the questions instead.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort, type Peer, startPeer, waitFor } from '../interop/peer.ts'
import {
  alias,
  atom,
  type BeamNode,
  DistributedSupervisor,
  type Encodable,
  inspect,
  silentLogger,
  startNode,
  tuple,
} from '../src/index.ts'
import { Counter } from './counter.ts'

const COOKIE = 'demo'
const FIRST = 'ts1@127.0.0.1'
const SECOND = 'ts2@127.0.0.1'
const ASKER = 'asker@127.0.0.1'
const MGS = alias('MGS')

let step = 0

function tell(what: string): void {
  process.stdout.write(`\n${++step}. ${what}\n`)
}

function show(line: string): void {
  process.stdout.write(`   ${line}\n`)
}

function expect(actual: string, expected: string): void {
  show(`  ${actual}`)
  if (actual !== expected) throw new Error(`expected ${expected}`)
}

/** Whoever asks from outside: an Elixir node by preference. */
interface Asker {
  connect(node: string): Promise<string>
  get(): Promise<string>
  add(n: number): Promise<string>
  cast(request: string): Promise<string>
  close(): Promise<unknown>
}

function elixirAsker(peer: Peer): Asker {
  const via = '{:via, Beamjoin.Registry, {DS, MGS}}'
  const run = (code: string): Promise<string> => {
    show(`iex> ${code}`)
    return peer.eval(code)
  }
  return {
    connect: (node) => run(`Node.connect(:"${node}")`),
    get: () => run(`GenServer.call(${via}, :get)`),
    add: (n) => run(`GenServer.call(${via}, {:add, ${n}})`),
    cast: (request) => run(`GenServer.cast(${via}, :${request})`),
    close: () => peer.kill(),
  }
}

async function typescriptAsker(epmdPort: number): Promise<Asker> {
  const node = await startNode({ name: ASKER, cookie: COOKIE, epmdPort, logger: silentLogger })
  const scope = node.pg('Elixir.DS.Scope')
  const child = () => waitFor(() => scope.members(MGS)[0], { what: 'a member in the group of the child' })
  const call = async (request: Encodable): Promise<string> => {
    show(`node.call(pid of MGS, ${inspect(request)})`)
    return inspect(await node.call(await child(), request))
  }
  return {
    connect: async (other) => {
      show(`node.connect('${other}')`)
      await node.connect(other)
      return 'true'
    },
    get: () => call(atom('get')),
    add: (n) => call(tuple(atom('add'), n)),
    cast: async (request) => {
      show(`node.cast(pid of MGS, :${request})`)
      node.cast(await child(), atom(request))
      return ':ok'
    },
    close: () => node.stop(),
  }
}

async function startAsker(epmdPort: number): Promise<Asker> {
  try {
    const peer = await startPeer({ name: ASKER, cookie: COOKIE, epmdPort })
    show(`${ASKER}: ${peer.version}`)
    return elixirAsker(peer)
  } catch (error) {
    show(`no Elixir here (${(error as Error).message.split('\n')[0]})`)
    show(`so ${ASKER} is a TypeScript node`)
    return typescriptAsker(epmdPort)
  }
}

/** The second TypeScript node, in a process of its own that can be killed. */
async function startSecond(epmdPort: number): Promise<ChildProcess> {
  const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
  const program = fileURLToPath(new URL('modules.ts', import.meta.url))
  const args = ['--import=tsx', main, 'start', program, '--name', SECOND, '--cookie', COOKIE]
  const child = spawn(process.execPath, [...args, '--connect', FIRST, '--supervise', 'DS'], {
    env: { ...process.env, ERL_EPMD_PORT: String(epmdPort) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.once('exit', () => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout! })
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => line.includes('supervisor DS') && resolve())
    child.once('exit', (code) => reject(new Error(`${SECOND} ended with ${code}`)))
  })
  return child
}

async function walk(node: BeamNode, epmdPort: number): Promise<void> {
  const ds = await DistributedSupervisor.startLink(node, {
    name: 'DS',
    modules: { Counter },
    monitorNodes: true,
  })
  show(`${node.name} is up, with a supervisor DS`)
  const second = await startSecond(epmdPort)
  const asker = await startAsker(epmdPort)
  try {
    tell('Connect: every node sees the others')
    await waitFor(() => node.nodes().includes(atom(SECOND)), { what: SECOND })
    expect(await asker.connect(FIRST), 'true')
    expect(await asker.connect(SECOND), 'true')
    show(`node.nodes()  ->  ${node.nodes().join(', ')}`)

    tell(`Start a child on ${SECOND}, from ${FIRST}`)
    const { pid } = await ds.startChild([Counter, { name: MGS, start: 1 }], SECOND)
    show(`ds.startChild([Counter, { name: MGS, start: 1 }], '${SECOND}')  ->  ${pid} on ${pid.node}`)
    await waitFor(async () => (await ds.children()).size === 1, { what: 'the child in children()' })
    show(`ds.children()  ->  ${inspect(await ds.children())}`)

    tell('Call and cast by name, wherever it runs')
    expect(await asker.get(), '1')
    expect(await asker.add(41), '42')
    expect(await asker.cast('inc'), ':ok')
    expect(await asker.get(), '43')

    tell('Crash it: it restarts under the same name, with its first state')
    expect(await asker.cast('crash'), ':ok')
    const again = await waitFor(
      async () => {
        const now = await ds.whereis(MGS)
        return now?.equals(pid) ? undefined : now
      },
      { what: 'the restarted child' },
    )
    show(`ds.whereis(MGS)  ->  ${again} on ${again.node}`)
    expect(await asker.get(), '1')

    tell(`Kill ${SECOND} (-9): the child restarts on ${FIRST}`)
    second.kill('SIGKILL')
    const moved = await waitFor(
      async () => {
        const now = await ds.whereis(MGS)
        return now?.node === node.name ? now : undefined
      },
      { what: `the child on ${FIRST}` },
    )
    show(`ds.whereis(MGS)  ->  ${moved} on ${moved.node}`)
    expect(await waitFor(() => asker.get(), { what: 'the asker to find it' }), '1')

    tell('Leave in order')
    await ds.stop()
  } finally {
    second.kill('SIGKILL')
    await asker.close()
  }
}

const epmdPort = await freePort()
tell('Start the nodes')
const node = await startNode({ name: FIRST, cookie: COOKIE, epmdPort, logger: silentLogger })
try {
  await walk(node, epmdPort)
} finally {
  await node.stop()
}
process.stdout.write('\nEverything held.\n')
