/**
 * Messages between two nodes: the whole way through the codec, a connection, the bridge and the scheduler into a server,
 * and back. The nodes are in this process, on a network in memory.
 */
import {
  type Atom,
  alias,
  atom,
  type BeamNode,
  GenServer,
  MemoryNetwork,
  noreply,
  reply,
  silentLogger,
  startNode,
  type Term,
  tuple,
} from '../../src/index.ts'
import { cpuMs, type Guard } from './guard.ts'
import { ReferenceCodec } from './reference.ts'

const INTEGERS = Array.from({ length: 200 }, (_, i) => ((i + 1) * 7_919_317) % 100_000_000)

const WARM_UP_CALLS = 5000

class Echo extends GenServer<number> {
  override init(): number {
    return 0
  }

  override handleCall(request: Term, _from: unknown, count: number) {
    return reply(request, count)
  }

  override handleCast(_request: Term, count: number) {
    return noreply(count + 1)
  }
}

export interface MessageGuards {
  readonly guards: readonly Guard[]
  close(): Promise<void>
}

export async function openMessageGuards(): Promise<MessageGuards> {
  const network = new MemoryNetwork()
  // Sockets would keep the process alive, a network in memory does not.
  const alive = setInterval(() => {}, 60_000)
  const nodes: BeamNode[] = []
  for (const name of ['client', 'server']) {
    nodes.push(
      await startNode({
        name: `${name}@${name}`,
        cookie: 'guard',
        epmdPort: 4369,
        network: network.host(name),
        logger: silentLogger,
      }),
    )
  }
  const [client, server] = nodes as [BeamNode, BeamNode]
  await server.startLink(Echo, undefined, { name: 'echo' })
  await client.connect(server.name)
  // There is more code on this way than the rounds that warm up a guard get compiled.
  for (let i = 0; i < WARM_UP_CALLS; i++) await client.call(['echo', server.name], i, { timeout: 'infinity' })
  return {
    guards: guardsOf(client, ['echo', server.name]),
    async close() {
      await Promise.all(nodes.map((node) => node.stop()))
      clearInterval(alive)
    },
  }
}

function guardsOf(client: BeamNode, echo: readonly [string, Atom]): Guard[] {
  const request = tuple(atom('add'), alias('My.Counter'), 5) as Term
  const plain = { from: 'client', tag: [1, 2, 3], request: ['add', 'My.Counter', 5] }
  const calls = (callers: number, message: Term) => async () => {
    const all = Array.from({ length: callers }, () => client.call(echo, message, { timeout: 'infinity' }))
    await Promise.all(all)
    return callers
  }
  const casts = async () => {
    for (let i = 0; i < 500; i++) client.cast(echo, request)
    // Has been handled when those before it have.
    await client.call(echo, request, { timeout: 'infinity' })
    return 500
  }
  return [
    {
      name: 'one call after the other',
      expected: 1.7,
      work: timeTurns(calls(1, request)),
      reference: plainTurns(plain, 1),
    },
    {
      name: '64 calls at a time',
      expected: 1.25,
      work: timeTurns(calls(64, request)),
      reference: plainTurns(plain, 64),
    },
    { name: 'casts', expected: 0.21, work: timeTurns(casts), reference: plainTurns(plain, 500) },
    {
      name: 'call with 200 integers',
      expected: 0.69,
      work: timeTurns(calls(1, INTEGERS)),
      reference: plainTurns(INTEGERS, 1),
    },
  ]
}

/** What every exchange of messages costs: a message out and in both ways, a promise each, and turns of the event loop. */
function plainTurns(message: unknown, each: number): (ms: number) => Promise<number> {
  const codec = new ReferenceCodec()
  let sink: unknown
  const one = async (): Promise<void> => {
    sink = codec.decode(codec.encode(message))
    await undefined
    sink = codec.decode(codec.encode(message))
  }
  return timeTurns(async () => {
    const all = Array.from({ length: each }, one)
    await new Promise(setImmediate)
    await Promise.all(all)
    await new Promise(setImmediate)
    void sink
    return each
  })
}

/** Nanoseconds of processor time for each of the messages that `run` counts. */
function timeTurns(run: () => Promise<number>): (ms: number) => Promise<number> {
  return async (ms) => {
    const start = cpuMs()
    let count = 0
    let now = start
    while (now - start < ms) {
      for (let i = 0; i < 4; i++) count += await run()
      now = cpuMs()
    }
    return ((now - start) * 1e6) / count
  }
}
