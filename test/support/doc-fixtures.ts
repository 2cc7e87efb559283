/**
 * What the examples of the documentation take for granted, made when an example uses the name: `node` is
 * `ts@127.0.0.1`, `n1` is the node `n1@127.0.0.1` that stands for an Elixir one. Both are found over TCP, through the
 * epmd at ERL_EPMD_PORT, as examples that start a node of their own expect it.
 */
import { Counter } from '../../examples/counter.ts'
import { Authority } from '../../interop/support/certificates.ts'
import type { Logger } from '../../src/core/index.ts'
import { type ControlHandler, type HandshakeResult, initiate, ourFlags } from '../../src/dist/index.ts'
import {
  alias,
  type BeamNode,
  DistributedSupervisor,
  EpmdServer,
  type PgScope,
  type Pid,
  startNode,
  TcpNetwork,
  type TlsOptions,
  type Transport,
} from '../../src/index.ts'
import type { RemoteRouter } from '../../src/runtime/index.ts'
import { recorder } from '../dist/recorder.ts'
import { Wire } from '../runtime/runtimes.ts'

export interface Fixtures {
  /** Prints nothing. */
  readonly console: Pick<Console, 'log'>
  readonly Counter: typeof Counter
  readonly node: BeamNode
  /** Runs a counter as `my_server`, exposes `String.upcase/1`, and has the module `MyApp.Worker` in its supervisor `DS`. */
  readonly n1: BeamNode
  readonly ds: DistributedSupervisor
  /** A counter on `node`. */
  readonly pid: Pid
  readonly scope: PgScope
  readonly epmd: EpmdServer
  /** Certificate and key for loopback, and the authority of both. */
  readonly tls: TlsOptions
  /** Dialled to `n1`. */
  readonly transport: Transport
  readonly handshake: HandshakeResult
  readonly handler: ControlHandler
  readonly router: RemoteRouter
}

export type FixtureName = keyof Fixtures

/** The fixtures of the example that runs. */
export const current: { fixtures: Fixtures } = { fixtures: {} as Fixtures }

type Makers = { readonly [N in FixtureName]: (world: World) => Fixtures[N] | Promise<Fixtures[N]> }

const makers: Makers = {
  console: () => ({ log: () => {} }),
  Counter: () => Counter,
  node: (world) => world.startNode('ts@127.0.0.1'),
  n1: async (world) => {
    const node = await world.startNode('n1@127.0.0.1')
    await node.runtime.start(Counter, {}, { name: 'my_server' })
    node.rpc.expose('Elixir.String', { upcase: (text) => String(text).toUpperCase() })
    await DistributedSupervisor.startLink(node, { name: 'DS', modules: { 'MyApp.Worker': Counter } })
    return node
  },
  ds: async (world) =>
    DistributedSupervisor.startLink(await world.get('node'), { name: 'DS', modules: { Counter } }),
  pid: async (world) => (await world.get('node')).spawn(Counter),
  scope: async (world) => (await world.get('node')).pg(alias('DocExamples')),
  epmd: async (world) => {
    const epmd = await EpmdServer.listen({ host: '127.0.0.1', port: 0 })
    world.onEnd(() => epmd.close())
    return epmd
  },
  tls: (world) => {
    const authority = new Authority({ teardown: (undo) => world.onEnd(undo) })
    return { ca: authority.ca, ...authority.issue() }
  },
  transport: async (world) => {
    const { port } = await world.get('n1')
    const transport = await new TcpNetwork().connect({ host: '127.0.0.1', port })
    world.onEnd(() => transport.destroy())
    return transport
  },
  handshake: async (world) => {
    const self = { name: 'ts@127.0.0.1', flags: ourFlags(), creation: 1 }
    const peer = { peerName: 'n1@127.0.0.1', cookie: 'secret', onAlive: () => false }
    return initiate(await world.get('transport'), { self, ...peer })
  },
  handler: () => recorder().handler,
  router: () => new Wire(),
}

export const FIXTURE_NAMES = Object.keys(makers) as FixtureName[]

/** The nodes of one example. */
export class World {
  /** Warnings and errors that its nodes logged. */
  readonly complaints: string[] = []
  readonly #made = new Map<FixtureName, unknown>()
  readonly #ends: (() => unknown)[] = []

  async provide(names: readonly FixtureName[]): Promise<void> {
    const fixtures: Record<string, unknown> = {}
    for (const name of names) fixtures[name] = await this.get(name)
    current.fixtures = fixtures as unknown as Fixtures
  }

  async get<N extends FixtureName>(name: N): Promise<Fixtures[N]> {
    if (!this.#made.has(name)) this.#made.set(name, await makers[name](this))
    return this.#made.get(name) as Fixtures[N]
  }

  async startNode(name: string): Promise<BeamNode> {
    // What examples print is nothing that a run of the tests has to show.
    const options = { name, cookie: 'secret', logger: this.#logger(name), io: { write: () => {} } }
    const node = await startNode(options)
    this.onEnd(() => node.stop())
    return node
  }

  onEnd(end: () => unknown): void {
    this.#ends.push(end)
  }

  async end(): Promise<void> {
    for (const end of this.#ends.reverse()) await end()
  }

  #logger(node: string): Logger {
    const complain = (fields: object, message: string): void => {
      this.complaints.push(`${node}: ${message} ${JSON.stringify(fields)}`)
    }
    return { debug: () => {}, info: () => {}, warn: complain, error: complain }
  }
}
