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
  /** Anything else; see `cause`. */
  | 'ERR_NET_FAILED'

export type NetOperation = 'connect' | 'listen' | 'accept' | 'transfer'

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

/** Turns what a socket or a server of Node reports into a `NetError`. */
export function toNetError(error: unknown, operation: NetOperation, at: Endpoint): NetError {
  if (error instanceof NetError) return error
  const code = CODE_BY_ERRNO[errnoOf(error) ?? ''] ?? 'ERR_NET_FAILED'
  // A host to listen on that does not resolve is a wrong address here, not a network that is down.
  const listening = operation === 'listen' && code === 'ERR_NET_UNREACHABLE'
  return new NetError(listening ? 'ERR_NET_ADDRESS_UNAVAILABLE' : code, operation, at, error)
}

function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function detail(code: NetErrorCode, cause: unknown): string {
  if (code !== 'ERR_NET_FAILED') return ''
  return ` (${errnoOf(cause) ?? String(cause)})`
}
