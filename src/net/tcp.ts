/**
 * TCP over Node's sockets: no Nagle delay, keep-alive probes, IPv4 and IPv6.
 * Not supported: TLS, Unix sockets.
 */
import { createServer, type Server, type Socket, connect as startConnect } from 'node:net'
import { type Logger, silentLogger } from '../core/index.ts'
import { formatEndpoint } from './address.ts'
import { NetError, toNetError } from './errors.ts'
import { SocketTransport } from './socket-transport.ts'
import type { ConnectOptions, Endpoint, Listener, Network, Transport } from './transport.ts'

export interface TcpOptions {
  /** Probe idle connections, so that a peer whose machine vanished is noticed in the end. Default true. */
  readonly keepAlive?: boolean
  /** Idle milliseconds before the first probe. Default 60 000. */
  readonly keepAliveDelay?: number
  /** Told when the operating system cannot hand over an accepted connection. Default: nobody. */
  readonly logger?: Logger
}

/**
 * A name may have IPv6 and IPv4 addresses, which Node tries in turn. Its own 250 ms for each fails on a distant peer
 * whose first address is right and whose second is not.
 */
const FAMILY_ATTEMPT_MS = 2_000

/**
 * The real network.
 *
 * `connect` rejects with a `NetError`: `ERR_NET_REFUSED`, `ERR_NET_UNREACHABLE`, `ERR_NET_TIMEOUT`, `ERR_NET_ABORTED`.
 * `listen` rejects with a `NetError`: `ERR_NET_ADDRESS_IN_USE`, `ERR_NET_ADDRESS_UNAVAILABLE`, `ERR_NET_ACCESS`.
 *
 * @example
 * const network = new TcpNetwork()
 * const listener = await network.listen({ host: '127.0.0.1', port: 0 }, (transport) => transport.end())
 * const { host, port } = listener
 * const transport = await network.connect({ host, port, signal: AbortSignal.timeout(5000) })
 * transport.destroy()
 * await listener.close()
 */
export class TcpNetwork implements Network {
  readonly #socketOptions: { noDelay: true; keepAlive: boolean; keepAliveInitialDelay: number }
  readonly #logger: Logger

  constructor(options: TcpOptions = {}) {
    const { keepAlive = true, keepAliveDelay = 60_000, logger = silentLogger } = options
    this.#socketOptions = { noDelay: true, keepAlive, keepAliveInitialDelay: keepAliveDelay }
    this.#logger = logger
  }

  connect({ host, port, signal }: ConnectOptions): Promise<Transport> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(new NetError('ERR_NET_ABORTED', 'connect', { host, port }, signal.reason))
        return
      }
      const socket = startConnect({
        host,
        port,
        autoSelectFamilyAttemptTimeout: FAMILY_ATTEMPT_MS,
        ...this.#socketOptions,
      })
      const settle = (): void => {
        signal?.removeEventListener('abort', onAbort)
        socket.off('connect', onConnect)
        socket.off('error', onError)
      }
      const onConnect = (): void => {
        settle()
        resolve(new SocketTransport(socket))
      }
      const onError = (error: Error): void => {
        settle()
        reject(toNetError(error, 'connect', { host, port }))
      }
      const onAbort = (): void => {
        settle()
        socket.on('error', ignoreAfterAbort)
        socket.destroy()
        reject(new NetError('ERR_NET_ABORTED', 'connect', { host, port }, signal?.reason))
      }
      socket.on('connect', onConnect)
      socket.on('error', onError)
      signal?.addEventListener('abort', onAbort)
    })
  }

  listen({ host, port }: Endpoint, accept: (transport: Transport) => void): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const server = createServer(this.#socketOptions, (socket: Socket) =>
        accept(new SocketTransport(socket)),
      )
      const onError = (error: Error): void => reject(toNetError(error, 'listen', { host, port }))
      server.on('error', onError)
      server.listen({ host: host === '' ? undefined : host, port }, () => {
        server.off('error', onError)
        const listener = new TcpListener(server)
        server.on('error', (error) => this.#warn(error, listener))
        resolve(listener)
      })
    })
  }

  #warn(error: Error, at: Endpoint): void {
    this.#logger.warn(
      { error: toNetError(error, 'accept', at) },
      `a connection to ${formatEndpoint(at)} was not accepted`,
    )
  }
}

class TcpListener implements Listener {
  readonly host: string
  readonly port: number
  readonly #server: Server
  #closing: Promise<void> | undefined

  constructor(server: Server) {
    const address = server.address()
    if (address === null || typeof address === 'string')
      throw new Error('a TCP server has an address and a port')
    this.host = address.address
    this.port = address.port
    this.#server = server
  }

  close(): Promise<void> {
    // Node's callback waits for every accepted connection to end; ours live on, so it is not waited for. The port
    // is free as soon as `close` returns.
    this.#closing ??= new Promise((resolve) => {
      this.#server.close()
      setImmediate(resolve)
    })
    return this.#closing
  }
}

/** The caller has its answer already; what the dying socket still says interests nobody. */
function ignoreAfterAbort(): void {}
