/** The node as users see it: processes, connections and the default services behind one object. */
import type { Clock, Logger } from './core/index.ts'
import { type Atom, atom, type Encodable, type Pid, type Term, tuple } from './etf/index.ts'
import type { NodeCore, NodeDownInfo, NodeEvents, NodeType, NodeUpInfo } from './node/index.ts'
import { type CallOptions, type MultiCallResult, NodeProcesses } from './runtime/index.ts'
import {
  type AnyModule,
  type FunctionTable,
  Global,
  type GlobalOptions,
  type MonitorNodesOptions,
  NodeMonitors,
  type PgHost,
  PgScope,
  type RemoteModule,
  Rpc,
} from './services/index.ts'
import type { SupervisorHost } from './supervisor/index.ts'

type Listener<E extends keyof NodeEvents> = (...args: NodeEvents[E]) => void

const DEFAULT_PG_SCOPE = atom('pg')
const NET_KERNEL = atom('net_kernel')

/**
 * A running node; `startNode` makes one.
 *
 * @example
 * const node = await startNode({ name: 'ts@127.0.0.1', cookie: 'secret', connect: ['n1@127.0.0.1'] })
 * await node.call(['my_server', 'n1@127.0.0.1'], atom('get')) // 0
 * await node.stop()
 */
export class BeamNode extends NodeProcesses implements SupervisorHost {
  readonly name: Atom
  readonly rpc: Rpc
  readonly global: Global
  readonly logger: Logger
  readonly clock: Clock
  readonly #core: NodeCore
  readonly #monitors: NodeMonitors
  readonly #pgHost: PgHost
  readonly #scopes = new Map<Atom, PgScope>()
  #stopped: Promise<void> | undefined

  /** @internal Use `startNode`. */
  constructor(core: NodeCore, functions: FunctionTable, options: GlobalOptions = {}) {
    super(core.runtime)
    this.#core = core
    this.name = core.name
    this.logger = core.logger
    this.clock = core.clock
    this.rpc = new Rpc(this, functions)
    const isConnected = (node: Atom): boolean => core.isConnected(node.name)
    const connect = (node: Atom): Promise<void> => core.connect(node.name)
    this.#monitors = new NodeMonitors({
      name: core.name,
      runtime: core.runtime,
      logger: core.logger,
      isConnected,
      connect,
      onNodeUp: (listener) => this.onNodeUp(listener),
      onNodeDown: (listener) => this.onNodeDown(listener),
    })
    const host = {
      name: core.name,
      runtime: core.runtime,
      logger: core.logger,
      clock: core.clock,
      monitors: this.#monitors,
      functions,
      nodes: () => this.nodes(),
      isConnected,
      connect,
      drop: (node: Atom) => void core.disconnect(node.name, { rejoin: true }),
      leave: (node: Atom) => void core.disconnect(node.name),
      callFunction: (node: Atom, module: string, name: string, args: readonly Term[]) =>
        this.rpc.call(node, module, name, args as Encodable[], { timeout: 'infinity' }),
    }
    this.global = new Global(host, options)
    this.#pgHost = { ...host, onNodeUp: (listener) => this.onNodeUp(listener) }
    core.runtime.nameResolver = this.global
  }

  /** Port that other nodes connect to; 0 for a node that was given its name, which nobody connects to. */
  get port(): number {
    return this.#core.port
  }

  /** True while the epmd of this machine is the one inside this node. */
  get hasEmbeddedEpmd(): boolean {
    return this.#core.hasEmbeddedEpmd
  }

  /** Whole tick time in ms. */
  get tickTime(): number {
    return this.#core.tickTime
  }

  /** Bytes that came and went over the distribution so far. */
  traffic(): { readonly input: number; readonly output: number } {
    return this.#core.traffic()
  }

  /** The connected nodes; without an argument the visible ones, as `Node.list/0`. */
  nodes(kind: NodeType | 'all' = 'visible'): Atom[] {
    const peers = this.#core.peers().filter(({ type }) => kind === 'all' || type === kind)
    return peers.map(({ name }) => name)
  }

  /**
   * Connects to a node, or does nothing when connected. Mirrors `Node.connect/1`, but says why it failed.
   *
   * @throws NodeError `ERR_NODE_UNKNOWN`, `ERR_NODE_UNREACHABLE`; EpmdError `ERR_EPMD_UNREACHABLE`; DistError
   * `ERR_HANDSHAKE_BAD_COOKIE`, `ERR_HANDSHAKE_CLOSED` and others; NetError.
   */
  connect(node: Atom | string): Promise<void> {
    return this.#core.connect(nameOf(node))
  }

  /** Closes the connection to a node; false when there is none. Mirrors `Node.disconnect/1`. */
  disconnect(node: Atom | string): boolean {
    return this.#core.disconnect(nameOf(node))
  }

  /**
   * From now on connections to and from `node` are proved with this cookie; without a node, those with every node that has
   * no cookie of its own. Mirrors `erlang:set_cookie/1,2`.
   *
   * @throws OptionError for what can be no cookie or no node name.
   * @example
   * node.setCookie('another secret', 'n2@127.0.0.1')
   */
  setCookie(cookie: string, node?: Atom | string): void {
    this.#core.setCookie(cookie, node === undefined ? undefined : nameOf(node))
  }

  /**
   * `pong` when the node is there and answers in time, 5000 ms unless given. Mirrors `Node.ping/1`, but leaves the
   * connection to a node that does not answer as it is.
   */
  async ping(node: Atom | string, options?: CallOptions): Promise<'pong' | 'pang'> {
    const name = nameOf(node)
    try {
      if (name !== this.name.name) await this.connect(name)
      const request = tuple(atom('is_auth'), this.name)
      const answer = await this.call([NET_KERNEL, atom(name)], request, options)
      return answer === atom('yes') ? 'pong' : 'pang'
    } catch {
      return 'pang'
    }
  }

  /**
   * A listener that throws is an uncaught error, as anywhere in Node.
   *
   * @example
   * node.on('nodeup', (name, { type }) => console.log(`${name} is here, ${type}`))
   * node.on('nodedown', (name, { reason }) => console.log(`${name} is gone: ${reason}`))
   */
  on<E extends keyof NodeEvents>(event: E, listener: Listener<E>): this {
    this.#core.events.on(event, listener as never)
    return this
  }

  once<E extends keyof NodeEvents>(event: E, listener: Listener<E>): this {
    this.#core.events.once(event, listener as never)
    return this
  }

  off<E extends keyof NodeEvents>(event: E, listener: Listener<E>): this {
    this.#core.events.off(event, listener as never)
    return this
  }

  /** As `on('nodeup')`; @returns takes the listener away. */
  onNodeUp(listener: (node: Atom, info: NodeUpInfo) => void): () => void {
    this.on('nodeup', listener)
    return () => this.off('nodeup', listener)
  }

  /** As `on('nodedown')`; @returns takes the listener away. */
  onNodeDown(listener: (node: Atom, info: NodeDownInfo) => void): () => void {
    this.on('nodedown', listener)
    return () => this.off('nodedown', listener)
  }

  /**
   * Resolves when the node takes messages: at once, unless more than `limits.highWaterMark` bytes (1 MiB) wait for it.
   * Plain code that sends much awaits it now and then; processes are held back by themselves, as on the BEAM. Above
   * `limits.pendingBytes` the connection is given up.
   *
   * @param options `signal` gives up
   * @throws NodeError `ERR_NODE_DOWN` when the connection ends, `ERR_NODE_OUTBOX_FULL` when too much waited for it to be
   * made: what was sent is lost then.
   * @example
   * for (let page = 1; page <= 3; page++) {
   *   node.send(['printer', 'n1@127.0.0.1'], tuple(atom('page'), page))
   *   await node.drain('n1@127.0.0.1')
   * }
   */
  drain(node: Atom | string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#core.drain(nameOf(node), options.signal)
  }

  /**
   * Calls the servers named `name` on several nodes at once, as `GenServer.multi_call/4`. Nodes that did not answer are
   * in `badNodes`.
   *
   * @param options `nodes`, by default this one and the visible ones that are connected; `timeout` in ms, no limit;
   * `signal`
   * @example
   * const { replies, badNodes } = await node.multiCall('my_server', atom('get'), { nodes: ['n1@127.0.0.1', 'n2@127.0.0.1'] })
   * replies.map(([, reply]) => reply) // [0]
   * badNodes.map(String) // ['n2@127.0.0.1']
   */
  multiCall(
    name: Atom | string,
    request: Encodable,
    options: CallOptions & { readonly nodes?: readonly (Atom | string)[] } = {},
  ): Promise<MultiCallResult> {
    const { nodes = [this.name, ...this.nodes()], ...rest } = options
    return this.runtime.client.multiCall(nodes, name, request, rest)
  }

  /** Casts to the servers named `name` on several nodes, as `GenServer.abcast/3`; `nodes` as in `multiCall`. */
  abcast(
    name: Atom | string,
    request: Encodable,
    options: { readonly nodes?: readonly (Atom | string)[] } = {},
  ): void {
    const { nodes = [this.name, ...this.nodes()] } = options
    this.runtime.client.abcast(nodes, name, request)
  }

  /**
   * Sends a process `{nodeup, Node}` and `{nodedown, Node}` when visible nodes come and go. With options the messages have
   * a map as third element, with `node_type` if `nodeType` is given, `nodedown_reason` and `connection_id`. Mirrors
   * `:net_kernel.monitor_nodes/2`; ends with the process.
   *
   * @returns ends it.
   * @throws ProcessError `ERR_RUNTIME_NO_PROCESS` for what is no live process of this node.
   * @example
   * await node.connect('n1@127.0.0.1')
   * node.spawn(async (self) => {
   *   node.monitorNodes(self.pid, { nodeType: 'all', nodedownReason: true })
   *   await self.receive() // {:nodedown, :"n1@127.0.0.1", %{node_type: :visible, nodedown_reason: :disconnect}}
   * })
   */
  monitorNodes(process: Pid, options?: MonitorNodesOptions): () => void {
    return this.#monitors.subscribe(process, options)
  }

  /**
   * Calls a function, or sends a process `{nodedown, Node}`, once, when the connection to a node ends. Connects first when
   * needed: a node that cannot be reached is down at once. Mirrors `Node.monitor/2`.
   *
   * @returns ends it.
   * @throws ProcessError `ERR_RUNTIME_NO_PROCESS` for what is no live process of this node.
   * @example
   * await node.connect('n1@127.0.0.1')
   * const down = new Promise<void>((resolve) => node.monitorNode('n1@127.0.0.1', resolve))
   * node.disconnect('n1@127.0.0.1')
   * await down
   */
  monitorNode(node: Atom | string, onDown: Pid | (() => void)): () => void {
    const name = atom(nameOf(node))
    if (typeof onDown === 'function') return this.#monitors.watch(name, onDown)
    return this.#monitors.watchFor(onDown, name)
  }

  /**
   * A module of another node as an object whose methods are its functions: `rpc.module`.
   *
   * @example
   * interface Strings { upcase(text: string): string }
   * await node.module<Strings>('n1@127.0.0.1', 'Elixir.String').upcase('hi') // 'HI'
   */
  module<Api extends object = AnyModule>(
    node: Atom | string,
    module: Atom | string,
    options?: CallOptions,
  ): RemoteModule<Api> {
    return this.rpc.module<Api>(node, module, options)
  }

  /** The process groups of a scope, started when this node does not run it yet. Mirrors `:pg`. */
  pg(scope: Atom | string = DEFAULT_PG_SCOPE): PgScope {
    const name = typeof scope === 'string' ? atom(scope) : scope
    const running = this.#scopes.get(name)
    if (running?.isAlive) return running
    const started = PgScope.start(this.#pgHost, name)
    this.#scopes.set(name, started)
    return started
  }

  /**
   * Leaves: processes end, and then what every node serves, as `global` and the groups of `pg`; connections close after
   * their output is sent, and the name is given back to epmd. A process that ends can still ask other nodes, and be asked.
   * Safe to call twice.
   */
  stop(): Promise<void> {
    if (this.#stopped === undefined) {
      this.global.prepareStop()
      this.#stopped = this.#core.stop()
    }
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  override toString(): string {
    return `#BeamNode<${this.name}>`
  }
}

function nameOf(node: Atom | string): string {
  return typeof node === 'string' ? node : node.name
}
