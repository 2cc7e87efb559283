/**
 * TLS over TCP, version 1.2 and 1.3, from the first byte on. Protocol: section 2.9.
 * Not supported: a certificate of our own that changes while the node runs.
 */
import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import {
  checkServerIdentity as checkIdentity,
  createServer,
  type TlsOptions as ServerOptions,
  connect as startConnect,
  type TLSSocket,
} from 'node:tls'
import { type Logger, silentLogger } from '../core/index.ts'
import { formatEndpoint, plainAddress } from './address.ts'
import { dial, FAMILY_ATTEMPT_MS } from './dial.ts'
import { toNetError } from './errors.ts'
import { listenWith } from './listen.ts'
import { SocketTransport } from './socket-transport.ts'
import { type SocketSettings, socketSettings, type TcpOptions } from './tcp.ts'
import { type ResolvedTls, resolveTls, type TlsOptions } from './tls-options.ts'
import type { ConnectOptions, Endpoint, Listener, Network, Transport } from './transport.ts'

export interface TlsNetworkOptions extends TcpOptions {
  readonly tls: TlsOptions
  /** Milliseconds for a peer that dials to finish its part of TLS. Default 7000. */
  readonly handshakeTimeout?: number
  /** Peers that may be at it at a time; more are closed at once. Default 1000. */
  readonly maxHandshakes?: number
}

/**
 * The real network, with TLS.
 *
 * `connect` and `listen` reject as those of `TcpNetwork` do; besides, `connect` rejects with `ERR_NET_TLS_UNTRUSTED`,
 * `ERR_NET_TLS_EXPIRED`, `ERR_NET_TLS_HOST`, `ERR_NET_TLS_REFUSED` or `ERR_NET_TLS_FAILED`. A peer that dials and fails is
 * a warning with the same codes, and `ERR_NET_TLS_NO_CERTIFICATE`. With TLS 1.3 a peer may refuse us after `connect` has
 * resolved; the transport then closes with `ERR_NET_TLS_REFUSED`.
 *
 * @example
 * const network = new TlsNetwork({ tls }) // { cert, key, ca }, in PEM
 * const listener = await network.listen({ host: '127.0.0.1', port: 0 }, (transport) => transport.end())
 * const transport = await network.connect({ host: 'localhost', port: listener.port })
 * transport.destroy()
 * await listener.close()
 */
export class TlsNetwork implements Network {
  readonly #settings: SocketSettings
  readonly #tls: ResolvedTls
  readonly #handshakeTimeout: number
  readonly #maxHandshakes: number
  readonly #logger: Logger

  /** @throws OptionError for certificates and keys that are missing or do not belong together. */
  constructor(options: TlsNetworkOptions) {
    this.#settings = socketSettings(options)
    this.#tls = resolveTls(options.tls)
    this.#handshakeTimeout = options.handshakeTimeout ?? 7000
    this.#maxHandshakes = options.maxHandshakes ?? 1000
    this.#logger = options.logger ?? silentLogger
  }

  connect(options: ConnectOptions): Promise<Transport> {
    const { host, port, serverName = host } = options
    const { checkHost, context, verify } = this.#tls.client
    const { keepAlive, keepAliveInitialDelay } = this.#settings
    const target = {
      host,
      port,
      autoSelectFamilyAttemptTimeout: FAMILY_ATTEMPT_MS,
      secureContext: context,
      rejectUnauthorized: verify,
      // RFC 6066: an address is no name that could be indicated.
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      checkServerIdentity: (_host: string, certificate: Parameters<typeof checkIdentity>[1]) =>
        checkHost ? checkIdentity(serverName, certificate) : undefined,
    }
    const start = (): Socket => {
      const socket = startConnect(target)
      socket.once('secureConnect', () => {
        socket.setNoDelay(true)
        socket.setKeepAlive(keepAlive, keepAliveInitialDelay)
      })
      return socket
    }
    return dial(start, 'secureConnect', options)
  }

  listen(at: Endpoint, accept: (transport: Transport) => void): Promise<Listener> {
    const { context, failIfNoPeerCert, verify } = this.#tls.server
    const options: ServerOptions & SocketSettings = {
      ...this.#settings,
      ...context,
      requestCert: verify,
      // Where a certificate is welcome but not demanded Node must let everybody pass, and we look.
      rejectUnauthorized: verify && failIfNoPeerCert,
      handshakeTimeout: this.#handshakeTimeout,
    }
    const server = createServer(options)
    // One of the two events that end a handshake follows every connection.
    let handshakes = 0
    server.on('connection', (socket: Socket) => {
      if (++handshakes <= this.#maxHandshakes) return
      const what = `a connection is closed: ${this.#maxHandshakes} TLS handshakes are under way already`
      this.#logger.warn({ remote: formatEndpoint(farEnd(socket)) }, what)
      socket.destroy()
    })
    server.on('secureConnection', (socket) => {
      handshakes--
      if (verify && !socket.authorized && hasCertificate(socket))
        this.#refuse(socket, socket.authorizationError)
      else accept(new SocketTransport(socket))
    })
    server.on('tlsClientError', (error, socket) => {
      handshakes--
      this.#refuse(socket, socket.authorizationError ?? error)
    })
    return listenWith(server, at, this.#logger)
  }

  /** @param fault an error, or OpenSSL's word for what is wrong with a certificate */
  #refuse(socket: TLSSocket, fault: unknown): void {
    const from = farEnd(socket)
    const error = toNetError(fault instanceof Error ? fault : certificateError(fault), 'secure', from)
    // Whoever only looks whether the port is open has not done anything wrong.
    const hungUp = fault instanceof Error && 'code' in fault && fault.code === 'ECONNRESET'
    const level = hungUp ? 'debug' : 'warn'
    this.#logger[level]({ remote: formatEndpoint(from), code: error.code }, error.message)
    socket.on('error', ignore)
    socket.destroy()
  }
}

/** A socket whose peer is gone already knows no addresses. */
function farEnd(socket: Socket): Endpoint {
  return { host: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
}

function hasCertificate(socket: TLSSocket): boolean {
  return socket.getPeerX509Certificate() !== undefined
}

function certificateError(fault: unknown): Error {
  return Object.assign(new Error(`certificate refused: ${fault}`), { code: String(fault) })
}

function ignore(): void {}
