/** What can go wrong below a transport, by stable code; Node's own error is kept as `cause`. */
import { BeamjoinError } from '../core/index.ts'
import { formatEndpoint } from './address.ts'
import type { Endpoint } from './transport.ts'

export type NetErrorCode =
  /** Nobody listens there. */
  | 'ERR_NET_REFUSED'
  /** The caller's signal gave up the connect. */
  | 'ERR_NET_ABORTED'
  /** The host name is unknown, or there is no route to the host. */
  | 'ERR_NET_UNREACHABLE'
  /** The operating system gave up waiting for the peer. */
  | 'ERR_NET_TIMEOUT'
  /** The stream broke instead of ending in order. */
  | 'ERR_NET_RESET'
  /** Someone listens on that port already. */
  | 'ERR_NET_ADDRESS_IN_USE'
  /** The address to listen on is not one of this machine's. */
  | 'ERR_NET_ADDRESS_UNAVAILABLE'
  /** This user may not do that, for instance listen on a port below 1024. */
  | 'ERR_NET_ACCESS'
  /** The peer's certificate leads to no authority that we trust, or is revoked. */
  | 'ERR_NET_TLS_UNTRUSTED'
  /** The peer's certificate is not valid any more, or not yet. */
  | 'ERR_NET_TLS_EXPIRED'
  /** The peer's certificate is another host's. */
  | 'ERR_NET_TLS_HOST'
  /** The peer that dialed showed no certificate. */
  | 'ERR_NET_TLS_NO_CERTIFICATE'
  /** The peer refused our certificate, or something else that we offered; the message has its word for it. */
  | 'ERR_NET_TLS_REFUSED'
  /** TLS came to nothing for another reason; most often the peer does not speak it. */
  | 'ERR_NET_TLS_FAILED'
  /** Anything else; see `cause`. */
  | 'ERR_NET_FAILED'

export type NetOperation = 'connect' | 'listen' | 'accept' | 'secure' | 'transfer'

/** Rejected with by `connect` and `listen`, and handed to `onClose` of a transport that broke. */
export class NetError extends BeamjoinError {
  declare readonly code: NetErrorCode
  readonly operation: NetOperation
  readonly host: string
  readonly port: number

  constructor(code: NetErrorCode, operation: NetOperation, at: Endpoint, cause?: unknown) {
    super(code, `${ATTEMPT[operation]} ${formatEndpoint(at)}: ${MEANING[code]}${detail(code, cause)}`, {
      cause,
    })
    this.operation = operation
    this.host = at.host
    this.port = at.port
  }
}

const ATTEMPT: Readonly<Record<NetOperation, string>> = {
  connect: 'cannot connect to',
  listen: 'cannot listen on',
  accept: 'cannot accept a connection on',
  secure: 'no TLS with',
  transfer: 'lost the connection to',
}

const MEANING: Readonly<Record<NetErrorCode, string>> = {
  ERR_NET_REFUSED: 'nobody listens there (connection refused)',
  ERR_NET_ABORTED: 'the caller gave up',
  ERR_NET_UNREACHABLE: 'the host is unknown or there is no route to it; check its name and the network',
  ERR_NET_TIMEOUT: 'no answer in time',
  ERR_NET_RESET: 'it was reset by the peer',
  ERR_NET_ADDRESS_IN_USE: 'the address is in use; choose another port, or stop what listens there',
  ERR_NET_ADDRESS_UNAVAILABLE: 'this machine has no such address; choose one of its own',
  ERR_NET_ACCESS: 'permission denied; ports below 1024 need privileges',
  ERR_NET_TLS_UNTRUSTED: 'its certificate leads to no authority of listen.tls.ca, or is revoked',
  ERR_NET_TLS_EXPIRED: 'its certificate is not valid at this time; check it, and the clocks',
  ERR_NET_TLS_HOST: 'its certificate is for another host than the one in the node name',
  ERR_NET_TLS_NO_CERTIFICATE:
    'it showed no certificate; give it one, or say listen.tls.server.failIfNoPeerCert: false',
  ERR_NET_TLS_REFUSED: 'it refused what we offered; its reason',
  ERR_NET_TLS_FAILED: 'the two do not understand each other; is it a node with TLS',
  ERR_NET_FAILED: 'the operating system refused',
}

const CODE_BY_ERRNO: Readonly<Record<string, NetErrorCode>> = {
  ECONNREFUSED: 'ERR_NET_REFUSED',
  ENETUNREACH: 'ERR_NET_UNREACHABLE',
  EHOSTUNREACH: 'ERR_NET_UNREACHABLE',
  EHOSTDOWN: 'ERR_NET_UNREACHABLE',
  ENETDOWN: 'ERR_NET_UNREACHABLE',
  ENOTFOUND: 'ERR_NET_UNREACHABLE',
  EAI_AGAIN: 'ERR_NET_UNREACHABLE',
  ETIMEDOUT: 'ERR_NET_TIMEOUT',
  ECONNRESET: 'ERR_NET_RESET',
  ECONNABORTED: 'ERR_NET_RESET',
  EPIPE: 'ERR_NET_RESET',
  EADDRINUSE: 'ERR_NET_ADDRESS_IN_USE',
  EADDRNOTAVAIL: 'ERR_NET_ADDRESS_UNAVAILABLE',
  EAFNOSUPPORT: 'ERR_NET_ADDRESS_UNAVAILABLE',
  EACCES: 'ERR_NET_ACCESS',
  EPERM: 'ERR_NET_ACCESS',
}

/** OpenSSL's words for what is wrong with a certificate; any other one means that it is not trusted. */
const CERTIFICATE_FAULTS: Readonly<Record<string, NetErrorCode>> = {
  CERT_HAS_EXPIRED: 'ERR_NET_TLS_EXPIRED',
  CERT_NOT_YET_VALID: 'ERR_NET_TLS_EXPIRED',
  ERR_TLS_CERT_ALTNAME_INVALID: 'ERR_NET_TLS_HOST',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'ERR_NET_TLS_NO_CERTIFICATE',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'ERR_NET_TIMEOUT',
}
const CERTIFICATE_WORD =
  /^(UNABLE_TO|CERT_|CRL_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_|ERROR_IN_C)/

function tlsCode(errno: string): NetErrorCode | undefined {
  const code = CERTIFICATE_FAULTS[errno]
  if (code !== undefined) return code
  if (CERTIFICATE_WORD.test(errno)) return 'ERR_NET_TLS_UNTRUSTED'
  if (!errno.startsWith('ERR_SSL_') && !errno.startsWith('EPROTO')) return undefined
  return ALERT.test(errno) ? 'ERR_NET_TLS_REFUSED' : 'ERR_NET_TLS_FAILED'
}

/** Turns what a socket or a server of Node reports into a `NetError`. */
export function toNetError(error: unknown, operation: NetOperation, at: Endpoint): NetError {
  if (error instanceof NetError) return error
  const errno = errnoOf(error) ?? ''
  const tls = tlsCode(errno)
  if (tls !== undefined) return new NetError(tls, 'secure', at, error)
  const code = CODE_BY_ERRNO[errno] ?? 'ERR_NET_FAILED'
  // A host that closes in the middle of TLS speaks another language; one that refuses the connection is a host.
  if (operation === 'secure') {
    if (code === 'ERR_NET_RESET') return new NetError('ERR_NET_TLS_FAILED', operation, at, error)
    if (code !== 'ERR_NET_FAILED') return new NetError(code, 'connect', at, error)
  }
  // A host to listen on that does not resolve is a wrong address here, not a network that is down.
  const listening = operation === 'listen' && code === 'ERR_NET_UNREACHABLE'
  return new NetError(listening ? 'ERR_NET_ADDRESS_UNAVAILABLE' : code, operation, at, error)
}

function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The `_ALERT_` is what the peer said: `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`. */
const ALERT = /^ERR_SSL_\w+?_ALERT_(\w+)$/

function detail(code: NetErrorCode, cause: unknown): string {
  const errno = errnoOf(cause)
  switch (code) {
    case 'ERR_NET_FAILED':
    case 'ERR_NET_TLS_UNTRUSTED':
    case 'ERR_NET_TLS_FAILED':
      return ` (${errno ?? String(cause)})`
    case 'ERR_NET_TLS_REFUSED':
      return ` is '${ALERT.exec(errno ?? '')?.[1]
        ?.toLowerCase()
        .replaceAll('_', ' ')}'`
    default:
      return ''
  }
}
