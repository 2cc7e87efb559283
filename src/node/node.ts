/**
 * One node: a runtime, its connections, and its registration, put together. Services (rpc, pg) are added by those who
 * build on it; here are processes and connections alone.
 */
import { EventEmitter } from 'node:events'
import type { Clock, Logger } from '../core/index.ts'
import { ourFlags } from '../dist/index.ts'
import { type Atom, atom } from '../etf/index.ts'
import type { Listener } from '../net/index.ts'
import { Runtime } from '../runtime/index.ts'
import { Bridge } from './bridge.ts'
import { Distribution, type NodeType, type Peer } from './distribution.ts'
import { listenInRange } from './listen.ts'
import type { NodeOptions, ResolvedNodeOptions } from './options.ts'
import { resolveNodeOptions } from './options.ts'
import { Reconnect } from './reconnect.ts'
import { Registration } from './registration.ts'

const DISCONNECT = atom('disconnect')

export interface NodeUpInfo {
  readonly type: NodeType
}

export interface NodeDownInfo extends NodeUpInfo {
  /** `connection_closed`, `disconnect` or `net_tick_timeout`, as `net_kernel:monitor_nodes/2` says. */
  readonly reason: Atom
}

export interface NodeEvents {
  nodeup: [name: Atom, info: NodeUpInfo]
  nodedown: [name: Atom, info: NodeDownInfo]
}

/** A node without services, and what those who add them need. */
export class NodeCore {
  readonly name: Atom
  readonly runtime: Runtime
  readonly bridge: Bridge
  readonly logger: Logger
  readonly clock: Clock
  readonly creation: number
  /** Port of the distribution listener. */
  readonly port: number
  readonly events = new EventEmitter<NodeEvents>()
  readonly tickTime: number
  readonly #distribution: Distribution
  readonly #listener: Listener
  readonly #registration: Registration
  readonly #reconnect: Reconnect

  private constructor(options: ResolvedNodeOptions, listener: Listener, registration: Registration) {
    const { clock, logger, name } = options
    // Every pg scope and supervisor listens; many of them are no leak.
    this.events.setMaxListeners(0)
    this.name = atom(name.full)
    this.logger = logger
    this.clock = clock
    this.creation = registration.creation
    this.port = listener.port
    this.tickTime = options.tickTime
    this.#listener = listener
    this.#registration = registration
    this.bridge = new Bridge({
      limits: options.outbox,
      codec: options.codec,
      logger,
      dial: (peer) => this.connect(peer),
    })
    this.runtime = new Runtime({
      node: this.name,
      creation: registration.creation,
      clock,
      logger,
      router: this.bridge,
      limits: options.limits,
      codec: options.codec,
    })
    this.bridge.attach(this.runtime.sink)
    this.#distribution = new Distribution({
      self: { name: name.full, flags: ourFlags({ hidden: options.hidden }), creation: registration.creation },
      cookie: options.cookie,
      network: options.nodeNetwork,
      lengthPrefix: options.lengthPrefix,
      resolver: options.resolver,
      bridge: this.bridge,
      clock,
      logger,
      codec: options.codec,
      limits: options.limits,
      sharedSender: this.runtime.client.pid,
      tickTime: options.tickTime,
      frozenTime: options.frozenTime,
      setupTime: options.setupTime,
      onUp: (peer) => this.#emit('nodeup', peer.name, { type: peer.type }),
      onDown: (peer, reason) => {
        this.#emit('nodedown', peer.name, { type: peer.type, reason })
        // Whoever disconnects on purpose does not want the node back half a second later.
        if (reason !== DISCONNECT) this.#reconnect.lost(peer.name.name)
      },
    })
    this.#reconnect = new Reconnect({
      targets: options.connect.filter((target) => target !== name.full),
      clock,
      logger,
      connect: (target) => this.connect(target),
      random: Math.random,
    })
  }

  /**
   * Listens, registers with epmd, and is ready to connect and be connected to; `join` then joins the others.
   *
   * @throws OptionError, NodeError `ERR_NODE_LISTEN`, EpmdError.
   */
  static async start(given: NodeOptions): Promise<NodeCore> {
    const options = await resolveNodeOptions(given)
    let core: NodeCore | undefined
    // Nobody knows the port before the registration is done, unless it is fixed; who comes early comes again.
    const listener = await listenInRange(
      options.nodeNetwork,
      options.listenHost,
      options.listenPorts,
      (transport) => (core === undefined ? transport.destroy() : void core.#distribution.accept(transport)),
    )
    try {
      const registration = await Registration.start({
        mode: options.epmd,
        client: options.epmdClient,
        network: options.network,
        embeddedAt: options.embeddedAt,
        alive: options.name.alive,
        port: listener.port,
        hidden: options.hidden,
        clock: options.clock,
        logger: options.logger,
      })
      core = new NodeCore(options, listener, registration)
      return core
    } catch (error) {
      await listener.close()
      throw error
    }
  }

  /** True while the epmd that serves this machine is this node's own. */
  get hasEmbeddedEpmd(): boolean {
    return this.#registration.isEmbedded
  }

  /** Tries every node of the option `connect` once; those that fail are tried again until the node stops. */
  join(): Promise<void> {
    return this.#reconnect.start()
  }

  /** Bytes that came and went over all connections so far. */
  traffic(): { readonly input: number; readonly output: number } {
    return this.#distribution.traffic()
  }

  peers(): Peer[] {
    return this.#distribution.peers()
  }

  connect(peer: string): Promise<void> {
    return this.#distribution.connect(peer)
  }

  disconnect(peer: string): boolean {
    return this.#distribution.disconnect(peer)
  }

  /** Resolves when the node takes messages. See `Bridge.drained`. */
  drain(peer: string, signal?: AbortSignal): Promise<void> {
    return this.bridge.drained(atom(peer), signal)
  }

  /**
   * Ends everything: first the ways in, then what others notice of our processes, then the connections once they have
   * sent their output, then the registration.
   */
  async stop(): Promise<void> {
    this.#reconnect.stop()
    await this.#listener.close()
    await this.runtime.stop()
    await this.#distribution.stop()
    await this.#registration.close()
  }

  /**
   * A listener that throws is its own problem: that is reported as any uncaught error, and the other listeners and the
   * node go on as they were.
   */
  #emit<E extends keyof NodeEvents>(event: E, ...args: NodeEvents[E]): void {
    for (const listener of this.events.rawListeners(event)) {
      try {
        Reflect.apply(listener, this.events, args)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
