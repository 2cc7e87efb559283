/**
 * An epmd of our own, for machines without OTP's: serves BEAM nodes and ours alike.
 * Spec: protocol 1. Not supported: running as a daemon, and the environment variables of OTP's epmd.
 */
import { type Clock, describeError, type Logger, silentLogger, systemClock } from '../core/index.ts'
import {
  formatEndpoint,
  type Listener,
  NetError,
  type Network,
  TcpNetwork,
  type Transport,
} from '../net/index.ts'
import { EpmdError } from './errors.ts'
import { DEFAULT_EPMD_PORT, type EpmdEntry } from './protocol.ts'
import { NameRegistry } from './registry.ts'
import { type ConnectionContext, EpmdConnection } from './server-connection.ts'

export interface EpmdServerOptions {
  /** Default: TCP. */
  readonly network?: Network
  /**
   * Where to listen. Default `''`, every interface, as OTP's epmd. An address or several: those, and loopback, since
   * nodes of this machine register there.
   */
  readonly host?: string | readonly string[]
  /** Default 4369; 0 is any free port. */
  readonly port?: number
  /** Takes KILL and STOP from programs on this machine, as `epmd -relaxed_command_check`. Default false. */
  readonly relaxed?: boolean
  /** Milliseconds for a request to arrive and its answer to leave. Default 60 000. */
  readonly packetTimeout?: number
  /** Longest request that is taken. Default 3072; the longest legal one has some 2060 bytes. */
  readonly maxRequestBytes?: number
  /**
   * Open connections, registered nodes included. Default 1024. When all are in use the one that has waited longest
   * gives way; registered nodes never do.
   */
  readonly maxConnections?: number
  /** Names whose last creation is remembered after they unregistered. Default 1000. */
  readonly maxOldNames?: number
  readonly clock?: Clock
  /** Wall time in seconds, where creations of new names start. Default: the system's. */
  readonly unixSeconds?: () => number
  readonly logger?: Logger
  /** Called after a KILL ended the server. */
  readonly onKill?: () => void
}

/**
 * A running epmd.
 *
 * @example
 * const epmd = await EpmdServer.listen({ host: '127.0.0.1', port: 0 }) // any free port; 4369 by default
 * await new EpmdClient({ port: epmd.port }).register({ name: 'n1', port: 40001 })
 * epmd.names().map(({ name, port }) => `${name} at ${port}`) // ['n1 at 40001']
 * await epmd.close()
 */
export class EpmdServer {
  /** The address of its first listener. */
  readonly host: string
  readonly port: number
  readonly #listeners: readonly Listener[]
  readonly #registry: NameRegistry
  readonly #maxConnections: number
  readonly #context: ConnectionContext
  /** In order of arrival. */
  readonly #connections = new Set<EpmdConnection>()
  readonly #logger: Logger
  #closing: Promise<void> | undefined

  /**
   * Rejects with an `EpmdError`: `ERR_EPMD_ADDRESS_IN_USE` when something, most likely an epmd, listens there already;
   * `ERR_EPMD_LISTEN_FAILED` otherwise.
   */
  static async listen(options: EpmdServerOptions = {}): Promise<EpmdServer> {
    let server: EpmdServer | undefined
    // A connection can come before there is a server only while several addresses are being opened.
    const accept = (transport: Transport): void => {
      if (server === undefined) transport.destroy()
      else server.#accept(transport)
    }
    const listeners = await openListeners(options, accept)
    server = new EpmdServer(options, listeners)
    return server
  }

  private constructor(options: EpmdServerOptions, listeners: readonly Listener[]) {
    this.host = listeners[0]!.host
    this.port = listeners[0]!.port
    this.#listeners = listeners
    this.#registry = new NameRegistry(options.maxOldNames)
    this.#maxConnections = options.maxConnections ?? 1024
    this.#logger = options.logger ?? silentLogger
    this.#context = {
      registry: this.#registry,
      port: this.port,
      clock: options.clock ?? systemClock,
      logger: this.#logger,
      unixSeconds: options.unixSeconds ?? (() => Date.now() / 1000),
      packetTimeout: options.packetTimeout ?? 60_000,
      maxRequestBytes: options.maxRequestBytes ?? 3072,
      relaxed: options.relaxed ?? false,
      stopNode: (name) => this.#stopNode(name),
      onKill: (by) => this.#handleKill(by, options.onKill),
      onGone: (connection) => this.#connections.delete(connection),
    }
  }

  /** The registered nodes, most recent first. */
  names(): readonly EpmdEntry[] {
    return this.#registry.active().map(({ entry }) => entry)
  }

  /** Stops listening and closes every connection: its nodes are registered no more. Safe to call twice. */
  close(): Promise<void> {
    return this.#close()
  }

  #close(except?: EpmdConnection): Promise<void> {
    for (const connection of this.#connections) if (connection !== except) connection.close()
    this.#closing ??= Promise.all(this.#listeners.map((listener) => listener.close())).then(() => {})
    return this.#closing
  }

  #accept(transport: Transport): void {
    if (this.#closing !== undefined) {
      transport.destroy()
      return
    }
    if (this.#connections.size >= this.#maxConnections && !this.#makeRoom()) {
      const fields = { peer: transport.remote, maxConnections: this.#maxConnections }
      this.#logger.warn(fields, 'epmd: turned a connection away, all places are taken by nodes')
      transport.destroy()
      return
    }
    this.#connections.add(new EpmdConnection(transport, this.#context))
  }

  /** Requests take milliseconds, so whoever has waited longest is the least likely to have one. */
  #makeRoom(): boolean {
    for (const connection of this.#connections) {
      if (connection.registration === undefined) {
        connection.close()
        return true
      }
    }
    return false
  }

  #stopNode(name: string): boolean {
    const registration = this.#registry.lookup(name)
    if (registration === undefined) return false
    for (const connection of this.#connections) {
      if (connection.registration === registration) {
        connection.close()
        return true
      }
    }
    return false
  }

  /** The answer to the KILL must still leave, so its connection ends by itself. */
  #handleKill(by: EpmdConnection, tell: (() => void) | undefined): void {
    this.#logger.warn({}, 'epmd: ends because a program on this machine sent KILL')
    this.#close(by).then(tell)
  }
}

const LOOPBACK = ['127.0.0.1', '::1']

async function openListeners(
  { network = new TcpNetwork(), host = '', port = DEFAULT_EPMD_PORT }: EpmdServerOptions,
  accept: (transport: Transport) => void,
): Promise<readonly Listener[]> {
  const hosts = typeof host === 'string' ? [host] : host
  const wanted = hosts.some(isEveryInterface) ? hosts.filter(isEveryInterface) : [...LOOPBACK, ...hosts]
  const listeners: Listener[] = []
  for (const address of new Set(wanted)) {
    // All share the port, also when the first one found it.
    const at = { host: address, port: listeners[0]?.port ?? port }
    try {
      listeners.push(await network.listen(at, accept))
    } catch (error) {
      if (LOOPBACK.includes(address) && !hosts.includes(address) && isUnavailable(error)) continue
      await Promise.all(listeners.map((listener) => listener.close()))
      throw listenError(formatEndpoint(at), error)
    }
  }
  return listeners
}

function isEveryInterface(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}

/** A machine without IPv6 has no `::1`. */
function isUnavailable(error: unknown): boolean {
  return error instanceof NetError && error.code === 'ERR_NET_ADDRESS_UNAVAILABLE'
}

function listenError(where: string, cause: unknown): EpmdError {
  if (cause instanceof NetError && cause.code === 'ERR_NET_ADDRESS_IN_USE') {
    const message = `cannot start an epmd at ${where}: something listens there, probably an epmd; use that one, or choose another port`
    return new EpmdError('ERR_EPMD_ADDRESS_IN_USE', message, { cause })
  }
  const message = `cannot start an epmd at ${where}: ${describeError(cause)}`
  return new EpmdError('ERR_EPMD_LISTEN_FAILED', message, { cause })
}
