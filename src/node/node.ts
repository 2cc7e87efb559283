/**
 * One node: a runtime, its connections, and its registration, put together. Services (rpc, pg) are added by those who
 * build on it; here are processes and connections alone.
 */
import { EventEmitter } from 'node:events'
import type { Clock, Logger } from '../core/index.ts'
import { type HandshakeResult, ourFlags } from '../dist/index.ts'
import { type Atom, atom } from '../etf/index.ts'
import type { Listener } from '../net/index.ts'
import { Runtime } from '../runtime/index.ts'
import { Bridge } from './bridge.ts'
import { Strategies } from './cluster/strategies.ts'
import type { Cookies } from './cookies.ts'
import { Distribution, type NodeType, type Peer } from './distribution.ts'
import { NodeError } from './errors.ts'
import { listenInRange } from './listen.ts'
import { askForName } from './naming.ts'
import { isNameless } from './node-name.ts'
import type { NodeOptions, ResolvedNodeOptions } from './options.ts'
import { resolveNodeOptions } from './options.ts'
import { Reconnect } from './reconnect.ts'
import { Registration } from './registration.ts'

const DISCONNECT = atom('disconnect')

export interface NodeUpInfo {
  readonly type: NodeType
  /** Of this connection alone: another one to the same node has another. */
  readonly connectionId: number
}

export interface NodeDownInfo extends NodeUpInfo {
  /** `connection_closed`, `disconnect` or `net_tick_timeout`, as `net_kernel:monitor_nodes/2` says. */
  readonly reason: Atom
}

export interface NodeEvents {
  nodeup: [name: Atom, info: NodeUpInfo]
  nodedown: [name: Atom, info: NodeDownInfo]
}

/** Who a node is, and how others find it. */
interface Place {
  readonly name: string
  readonly creation: number
  readonly listener?: Listener
  readonly registration?: Registration
  /** The connection that gave the node its name. Such a node does not listen and is registered nowhere. */
  readonly namedBy?: HandshakeResult
}

/** A node without services, and what those who add them need. */
export class NodeCore {
  readonly name: Atom
  readonly runtime: Runtime
  readonly bridge: Bridge
  readonly logger: Logger
  readonly clock: Clock
  readonly creation: number
  /** Port of the distribution listener; 0 without one. */
  readonly port: number
  readonly events = new EventEmitter<NodeEvents>()
  readonly tickTime: number
  readonly #distribution: Distribution
  readonly #place: Place
  readonly #cookies: Cookies
  readonly #signal: AbortSignal | undefined
  readonly #reconnect: Reconnect
  readonly #strategies: Strategies
  #nameless: NodeError | undefined
  #stopping = false

  private constructor(options: ResolvedNodeOptions, place: Place) {
    const { clock, cookies, logger } = options
    const { name, creation } = place
    // Every pg scope and supervisor listens; many of them are no leak.
    this.events.setMaxListeners(0)
    this.name = atom(name)
    this.logger = logger
    this.clock = clock
    this.creation = creation
    this.port = place.listener?.port ?? 0
    this.tickTime = options.tickTime
    this.#place = place
    this.#cookies = cookies
    this.#signal = options.signal
    this.bridge = new Bridge({
      limits: options.outbox,
      codec: options.codec,
      logger,
      dial: (peer) => this.connect(peer),
    })
    this.runtime = new Runtime({
      node: this.name,
      creation,
      clock,
      logger,
      router: this.bridge,
      limits: options.limits,
      codec: options.codec,
    })
    this.bridge.attach(this.runtime.sink)
    this.#distribution = new Distribution({
      self: { name, flags: ourFlags({ hidden: options.hidden || place.namedBy !== undefined }), creation },
      cookies,
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
      tickIntensity: options.tickIntensity,
      setupTime: options.setupTime,
      onUp: (peer) => this.#emit('nodeup', peer.name, infoOf(peer)),
      onDown: (peer, reason) => {
        this.#emit('nodedown', peer.name, { ...infoOf(peer), reason })
        // Whoever disconnects on purpose does not want the node back half a second later.
        if (reason !== DISCONNECT) this.#reconnect.lost(peer.name.name)
        if (peer.name.name === place.namedBy?.peer.name) this.#loseName(peer.name)
      },
    })
    this.#strategies = new Strategies(options.cluster)
    this.#reconnect = new Reconnect({
      targets: options.connect.filter((target) => target !== name),
      clock,
      logger,
      connect: (target) => this.connect(target),
      random: Math.random,
    })
  }

  /**
   * Listens, registers with epmd, and is ready to connect and be connected to; `join` then joins the others.
   *
   * @throws OptionError, NodeError `ERR_NODE_LISTEN` or `ERR_NODE_NAMELESS`, EpmdError.
   */
  static async start(given: NodeOptions): Promise<NodeCore> {
    const options = await resolveNodeOptions(given)
    options.signal?.throwIfAborted()
    if (isNameless(options.name)) {
      const namedBy = await askForName(options)
      return new NodeCore(options, { ...namedBy.self, namedBy })
    }
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
      const { creation } = registration
      core = new NodeCore(options, { name: options.name.full, creation, listener, registration })
      return core
    } catch (error) {
      await listener.close()
      throw error
    }
  }

  /** True while the epmd that serves this machine is this node's own. */
  get hasEmbeddedEpmd(): boolean {
    return this.#place.registration?.isEmbedded === true
  }

  /**
   * Tries every node of the option `connect`, and those that the strategies of `cluster` find, once; they go on until the
   * node stops.
   *
   * @throws what a strategy cannot start with; what the option `signal` was aborted with
   */
  async join(): Promise<void> {
    if (this.#place.namedBy !== undefined) this.#distribution.adopt(this.#place.namedBy)
    const host = {
      name: this.name.name,
      clock: this.clock,
      logger: this.logger,
      isConnected: (node: string) => this.#distribution.isConnected(node),
      connect: (node: string) => this.connect(node),
      random: Math.random,
    }
    const joining = Promise.all([this.#reconnect.start(), this.#strategies.start(host)])
    await unlessAborted(joining, this.#signal)
  }

  /** For connections from now on; without a peer, for all that have none of their own. */
  setCookie(cookie: string, peer?: string): void {
    if (peer === undefined) this.#cookies.setOwn(cookie)
    else this.#cookies.set(peer, cookie)
  }

  /** Bytes that came and went over all connections so far. */
  traffic(): { readonly input: number; readonly output: number } {
    return this.#distribution.traffic()
  }

  peers(): Peer[] {
    return this.#distribution.peers()
  }

  isConnected(peer: string): boolean {
    return this.#distribution.isConnected(peer)
  }

  connect(peer: string): Promise<void> {
    if (this.#nameless !== undefined) return Promise.reject(this.#nameless)
    return this.#distribution.connect(peer)
  }

  /** @param options `rejoin`: the node is tried again later if the option `connect` names it, as after a loss */
  disconnect(peer: string, options: { readonly rejoin?: boolean } = {}): boolean {
    const wasConnected = this.#distribution.disconnect(peer)
    if (wasConnected && options.rejoin === true) this.#reconnect.lost(peer)
    return wasConnected
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
    this.#stopping = true
    this.#reconnect.stop()
    await this.#strategies.stop(this.logger)
    await this.#place.listener?.close()
    await this.runtime.stop()
    await this.#distribution.stop()
    await this.#place.registration?.close()
    // Still ours when the node never came to join.
    this.#place.namedBy?.transport.destroy()
  }

  /** The name may be another node's any moment: as on the BEAM, this one is nobody any more. */
  #loseName(giver: Atom): void {
    if (this.#stopping) return
    const what = `${this.name} had its name of ${giver}, which is gone, and the name with it: start another node`
    this.#nameless = new NodeError('ERR_NODE_NAMELESS', what)
    this.logger.warn({ giver: giver.name }, what)
    this.#reconnect.stop()
    void this.#strategies.stop(this.logger)
    this.#distribution.giveUp(this.#nameless)
    for (const peer of this.peers()) this.disconnect(peer.name.name)
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

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function infoOf({ connectionId, type }: Peer): NodeUpInfo {
  return { type, connectionId }
}
