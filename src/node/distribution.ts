/**
 * The node's connections: listens, dials, runs handshakes, keeps one connection a peer, and tells who came and went.
 * Which attempt wins is decided in connections.ts; what the bytes mean, in `dist`.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { type Clock, describeError, type Logger } from '../core/index.ts'
import {
  acceptHandshake,
  Connection,
  type ConnectionLimits,
  DFLAG_PUBLISHED,
  type DistError,
  type GivenName,
  type HandshakeResult,
  type LengthPrefix,
  type LocalNode,
} from '../dist/index.ts'
import { type Atom, atom, type CodecOptions, type Pid } from '../etf/index.ts'
import type { Network, Transport } from '../net/index.ts'
import { Arrivals } from './arrivals.ts'
import { AtomBudgets } from './atom-budgets.ts'
import { Attempt } from './attempt.ts'
import type { Bridge } from './bridge.ts'
import { ConnectionTable } from './connections.ts'
import type { Cookies } from './cookies.ts'
import { DynamicNames } from './dynamic-names.ts'
import { NodeError } from './errors.ts'
import type { Resolver } from './resolver.ts'

export type NodeType = 'visible' | 'hidden'

export interface Peer {
  readonly name: Atom
  readonly type: NodeType
  readonly creation: number
  /** Counts the connections of this node. */
  readonly connectionId: number
  readonly connection: Connection
}

export interface DistributionOptions {
  readonly self: LocalNode
  readonly cookies: Cookies
  readonly network: Network
  /** Bytes of the length of a handshake message. */
  readonly lengthPrefix: LengthPrefix
  readonly resolver: Resolver
  readonly bridge: Bridge
  readonly clock: Clock
  readonly logger: Logger
  readonly codec: CodecOptions
  readonly limits: Partial<ConnectionLimits> & { readonly handshakes?: number }
  /** The process that stands for plain code: see `ConnectionOptions`. */
  readonly sharedSender: Pid
  /** Whole tick time in ms, as `net_ticktime`. */
  readonly tickTime: number
  /** How long ticks are sent while the event loop stands still, in ms. */
  readonly frozenTime: number
  readonly tickIntensity: number
  /** Bound on connecting and shaking hands together, in ms, as `net_setuptime`. */
  readonly setupTime: number
  onUp(peer: Peer): void
  /** `reason` is what `nodedown_reason` of `net_kernel:monitor_nodes/2` says. */
  onDown(peer: Peer, reason: Atom): void
}

/** Why a connection ended, in the words of `nodedown_reason`. */
type DownReason = 'connection_closed' | 'net_tick_timeout' | 'disconnect'

const DEFAULT_HANDSHAKES = 1000

/** Atoms that one peer may introduce, over all its connections; `codec.limits.atoms` overrides it. */
const DEFAULT_ATOMS = 100_000

/** Why our attempt ended: the peer's wins, or has won. Never seen outside. */
const GAVE_WAY = new Error('the attempt gave way to one of the peer')
const REPLACED = new Error('the peer is connected')

export class Distribution {
  readonly #options: DistributionOptions
  readonly #table: ConnectionTable<Peer>
  /** Calls of `connect` under way, and the attempts of ours that they led to. */
  readonly #joins = new Map<string, Promise<void>>()
  readonly #attempts = new Map<string, Attempt>()
  readonly #arrivals: Arrivals
  /** Accepted transports whose handshake still runs. */
  readonly #handshakes = new Set<Transport>()
  /** Connections that are not closed for good, also those that only send their last bytes. */
  readonly #open = new Set<Connection>()
  readonly #atomBudgets: AtomBudgets
  readonly #closedTraffic = { input: 0, output: 0 }
  readonly #dynamicNames = new DynamicNames({
    name: () => randomBytes(8).readBigUInt64BE().toString(36).toUpperCase(),
    creation: () => randomInt(4, 2 ** 32),
  })
  /** Connections so far. */
  #connections = 0
  #onAllClosed: (() => void) | undefined
  #stopped = false

  constructor(options: DistributionOptions) {
    this.#options = options
    this.#table = new ConnectionTable(options.self.name)
    this.#arrivals = new Arrivals(options.clock, options.setupTime)
    this.#atomBudgets = new AtomBudgets({
      limit: options.codec.limits?.atoms ?? DEFAULT_ATOMS,
      isConnected: (peer) => this.#table.get(peer) !== undefined,
    })
  }

  /** Bytes that came and went over all connections so far, closed ones included. */
  traffic(): { readonly input: number; readonly output: number } {
    let { input, output } = this.#closedTraffic
    for (const { stats } of this.#open) {
      input += stats.in.bytes
      output += stats.out.bytes
    }
    return { input, output }
  }

  peers(): Peer[] {
    return [...this.#table.ups()]
  }

  isConnected(name: string): boolean {
    return this.#table.get(name) !== undefined
  }

  /**
   * Connects, or joins an attempt under way; resolves at once when connected.
   *
   * @throws NodeError, DistError, EpmdError or NetError, by what went wrong.
   */
  connect(name: string): Promise<void> {
    if (this.#stopped) return Promise.reject(stoppedError())
    if (name === this.#options.self.name) {
      return Promise.reject(new NodeError('ERR_NODE_SELF', `${name} is this node itself`))
    }
    if (this.#table.get(name) !== undefined) return Promise.resolve()
    const underWay = this.#joins.get(name)
    if (underWay !== undefined) return underWay
    const join = this.#join(name).finally(() => {
      if (this.#joins.get(name) === join) this.#joins.delete(name)
    })
    this.#joins.set(name, join)
    return join
  }

  /** Takes over a connection that was made before there was a node to have it. */
  adopt(result: HandshakeResult): void {
    this.#establish(result)
  }

  /** Closes the connection; false when there is none. */
  disconnect(name: string): boolean {
    const peer = this.#table.get(name)
    if (peer === undefined) return false
    peer.connection.close()
    this.#down(peer, 'disconnect')
    return true
  }

  /** Ends our attempts to connect; whoever waits for them is told `failure`. */
  giveUp(failure: Error): void {
    for (const attempt of this.#attempts.values()) attempt.giveUp(failure)
  }

  /** Gives up what is being set up; resolves when every connection has sent its output and is closed. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.giveUp(stoppedError())
    this.#arrivals.tellAll(stoppedError())
    for (const transport of this.#handshakes) transport.destroy()
    for (const peer of this.peers()) this.disconnect(peer.name.name)
    await Promise.allSettled(this.#joins.values())
    if (this.#open.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onAllClosed = resolve
    })
  }

  async #join(name: string): Promise<void> {
    // If the peer is at it already, dialing as well would only make a second connection, of which one has to go.
    if (this.#table.isAccepting(name) && (await this.#arrivals.wait(name)) === undefined) return
    if (this.#stopped) throw stoppedError()
    const result = await this.#dial(name)
    if (result !== undefined) this.#establish(result)
  }

  /** Undefined when the peer's own attempt was successful instead. */
  async #dial(name: string): Promise<HandshakeResult | undefined> {
    const { clock, cookies, lengthPrefix, network, resolver, self, setupTime } = this.#options
    const attempt = new Attempt({
      peerName: name,
      self,
      cookie: cookies.of(name),
      network,
      lengthPrefix,
      resolver,
      clock,
      setupTime,
      // The peer may still hold a connection that we know nothing of: the remains of an earlier one.
      onAlive: () => this.#table.get(name) === undefined,
    })
    this.#attempts.set(name, attempt)
    this.#table.startDialing(name, () => attempt.giveUp(GAVE_WAY))
    try {
      return await attempt.run()
    } catch (error) {
      const failure = await this.#withoutOurs(name, error)
      if (failure !== undefined) throw failure
      return undefined
    } finally {
      if (this.#attempts.get(name) === attempt) this.#attempts.delete(name)
      this.#table.stopDialing(name)
    }
  }

  /** Our attempt has failed, perhaps because the peer has one of its own: then that is what counts. */
  async #withoutOurs(name: string, error: unknown): Promise<unknown> {
    this.#table.stopDialing(name)
    if (error === REPLACED || this.#table.get(name) !== undefined) return undefined
    const gaveWay = error === GAVE_WAY || codeOf(error) === 'ERR_HANDSHAKE_NOK'
    if (!gaveWay && !this.#table.isAccepting(name)) return error
    const failure = await this.#arrivals.wait(name)
    return failure === undefined || gaveWay ? failure : error
  }

  /** Answers whoever connected to us; never rejects, a failed handshake is a log line. */
  async accept(transport: Transport): Promise<void> {
    if (this.#stopped || this.#isCrowded(transport)) return transport.destroy()
    let claimed: string | undefined
    try {
      const claim = (name: string): void => {
        claimed = name
      }
      this.#establish(await this.#answer(transport, claim))
    } catch (error) {
      if (this.#stopped) return
      const level = this.#isOrdinary(error, claimed) ? 'debug' : 'warn'
      const fields = { peer: claimed, remote: transport.remote, code: codeOf(error) }
      this.#options.logger[level](fields, describeError(error))
      if (claimed !== undefined) this.#arrivals.tell(claimed, error as Error)
    }
  }

  /** Strangers are let in only so far that they cannot use up the memory of the node. */
  #isCrowded(transport: Transport): boolean {
    const { limits, logger } = this.#options
    const most = limits.handshakes ?? DEFAULT_HANDSHAKES
    if (this.#handshakes.size < most) return false
    const what = `a connection is closed: ${most} handshakes are under way already (limits.handshakes)`
    logger.warn({ remote: transport.remote }, what)
    return true
  }

  /** @param claim called when the place of a peer is taken */
  async #answer(transport: Transport, claim: (name: string) => void): Promise<HandshakeResult> {
    const { clock, cookies, lengthPrefix, self, setupTime } = this.#options
    let claimed: string | undefined
    let given: GivenName | undefined
    this.#handshakes.add(transport)
    try {
      const result = await acceptHandshake(transport, {
        self,
        clock,
        timeout: setupTime,
        lengthPrefix,
        cookieFor: (name) => cookies.of(name),
        nameFor: (host) => {
          if (!this.#stopped) given = this.#dynamicNames.take(host)
          return given
        },
        decide: (name) => {
          if (this.#stopped || name === self.name) return 'not_allowed'
          const decision = this.#table.decideIncoming(name)
          if (decision === 'nok') return 'nok'
          if (decision === 'busy') return 'close'
          claimed = name
          claim(name)
          return decision
        },
      })
      if (given !== undefined) this.#dynamicNames.connected(given)
      return result
    } finally {
      this.#handshakes.delete(transport)
      if (claimed !== undefined) this.#table.stopAccepting(claimed)
    }
  }

  /** What happens between healthy nodes, or whenever somebody looks whether the port is open. */
  #isOrdinary(error: unknown, peer: string | undefined): boolean {
    if (peer !== undefined && this.#table.get(peer) !== undefined) return true
    switch (codeOf(error)) {
      case 'ERR_HANDSHAKE_NOK':
      case 'ERR_HANDSHAKE_BUSY':
      case 'ERR_HANDSHAKE_ALIVE':
        return true
      case 'ERR_HANDSHAKE_CLOSED':
        return peer === undefined
      default:
        return false
    }
  }

  #establish(result: HandshakeResult): void {
    const { bridge, clock, frozenTime, limits, onUp, sharedSender, tickIntensity, tickTime } = this.#options
    const name = result.peer.name
    if (this.#stopped) {
      result.transport.destroy()
      throw stoppedError()
    }
    const old = this.#table.get(name)
    if (old !== undefined) {
      old.connection.destroy()
      this.#down(old, 'connection_closed')
    }
    const connection = new Connection({
      handshake: result,
      handler: bridge.handlerFor(),
      reads: bridge.reads,
      clock,
      tickTime,
      frozenTime,
      tickIntensity,
      codec: this.#codecFor(name),
      wantsExact: bridge.wantsExact,
      limits,
      sharedSender,
      onWritable: () => bridge.writable(peer.name, connection),
      onClose: (error) => this.#closed(peer, error),
    })
    const peer: Peer = {
      name: atom(name),
      type: (result.flags & DFLAG_PUBLISHED) === 0n ? 'hidden' : 'visible',
      creation: result.peer.creation,
      connectionId: ++this.#connections,
      connection,
    }
    this.#open.add(connection)
    this.#table.setUp(name, peer)
    this.#dynamicNames.claimed(name)
    // Whoever asks for a connection from now on, because this one is gone already, gets a new attempt.
    this.#joins.delete(name)
    this.#attempts.get(name)?.giveUp(REPLACED)
    this.#attempts.delete(name)
    bridge.connected(peer.name, connection)
    onUp(peer)
    connection.start()
    this.#arrivals.tell(name)
  }

  #codecFor(peer: string): CodecOptions {
    const { codec } = this.#options
    if (codec.atomBudget !== undefined) return codec
    return { ...codec, atomBudget: this.#atomBudgets.of(peer) }
  }

  #closed(peer: Peer, error: DistError | undefined): void {
    // What was lost behind a connection that is down already is not known from its end.
    if (error?.code === 'ERR_DIST_UNSENT') {
      const { actual: bytes, code, message } = error
      this.#options.logger.warn({ peer: peer.name.name, code, bytes }, message)
    } else if (error !== undefined && this.#table.get(peer.name.name) === peer) {
      const { code, message } = error
      // A peer that leaves is the ordinary end of a connection; anything else somebody should know of.
      const level = code === 'ERR_DIST_CLOSED' ? 'info' : 'warn'
      this.#options.logger[level]({ peer: peer.name.name, code }, message)
    }
    this.#down(peer, error?.code === 'ERR_DIST_TICK_TIMEOUT' ? 'net_tick_timeout' : 'connection_closed')
    if (this.#open.delete(peer.connection)) {
      const { stats } = peer.connection
      this.#closedTraffic.input += stats.in.bytes
      this.#closedTraffic.output += stats.out.bytes
    }
    if (this.#open.size === 0) this.#onAllClosed?.()
  }

  #down(peer: Peer, reason: DownReason): void {
    if (!this.#table.setDown(peer.name.name, peer)) return
    this.#dynamicNames.lost(peer.name.name)
    this.#options.bridge.lost(peer.name, peer.connection)
    this.#options.onDown(peer, atom(reason))
  }
}

function stoppedError(): NodeError {
  return new NodeError('ERR_NODE_STOPPED', 'this node is stopped: start another one')
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
