/**
 * TCP over Node's sockets: no Nagle delay, keep-alive probes, IPv4 and IPv6.
 * Not supported: Unix sockets. For TLS see tls.ts.
 */
import { createServer, type Socket, connect as startConnect } from 'node:net'
import { type Logger, silentLogger } from '../core/index.ts'
import { dial, FAMILY_ATTEMPT_MS } from './dial.ts'
import { listenWith } from './listen.ts'
import { readShared, SharedRead } from './shared-read.ts'
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

/** What every socket of ours has set, accepted or dialed. */
export interface SocketSettings {
  readonly noDelay: true
  readonly keepAlive: boolean
  readonly keepAliveInitialDelay: number
}

export function socketSettings({ keepAlive = true, keepAliveDelay = 60_000 }: TcpOptions): SocketSettings {
  return { noDelay: true, keepAlive, keepAliveInitialDelay: keepAliveDelay }
}

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
  readonly #settings: SocketSettings
  readonly #logger: Logger

  constructor(options: TcpOptions = {}) {
    this.#settings = socketSettings(options)
    this.#logger = options.logger ?? silentLogger
  }

  connect(options: ConnectOptions): Promise<Transport> {
    const { host, port } = options
    const read = new SharedRead()
    const { onread } = read
    const target = {
      host,
      port,
      onread,
      autoSelectFamilyAttemptTimeout: FAMILY_ATTEMPT_MS,
      ...this.#settings,
    }
    return dial(() => startConnect(target), 'connect', options, read)
  }

  listen(at: Endpoint, accept: (transport: Transport) => void): Promise<Listener> {
    const handle = (accepted: Socket): void => {
      const { socket, read } = readShared(accepted)
      accept(new SocketTransport(socket, read))
    }
    const server = createServer({ ...this.#settings, pauseOnConnect: true }, handle)
    return listenWith(server, at, this.#logger)
  }
}
