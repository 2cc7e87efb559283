/**
 * Node names: `alive@host`, parsed and checked in one place. Pure; the machine's host name comes in as an argument.
 * Names on the wire are Latin-1 in the handshake and UTF-8 elsewhere, so only ASCII is taken (protocol: node names).
 */
import { OptionError } from '../core/index.ts'

export interface NodeName {
  /** `alive@host` */
  readonly full: string
  readonly alive: string
  readonly host: string
}

const ALIVE = /^[A-Za-z0-9_.+~-]+$/
const HOST = /^[A-Za-z0-9._:-]+$/
const MAX_LENGTH = 255

/** Splits a full node name; throws `OptionError` when it is not one. */
export function parseNodeName(full: string): NodeName {
  const [alive, host, ...rest] = full.split('@')
  if (alive === undefined || host === undefined || rest.length > 0) {
    throw new OptionError(`'${full}' is not a node name: write it as name@host, for example ts@127.0.0.1`)
  }
  if (!ALIVE.test(alive)) {
    throw new OptionError(`'${alive}' in the node name '${full}' may hold only letters, digits and . _ + ~ -`)
  }
  if (!HOST.test(host)) {
    throw new OptionError(`'${host}' in the node name '${full}' is not a host name or address`)
  }
  if (full.length > MAX_LENGTH) {
    throw new OptionError(`the node name '${full}' has more than ${MAX_LENGTH} characters`)
  }
  return { full, alive, host }
}

/**
 * The name a node starts under. Without `@` it is a short name, completed with the first label of the machine's
 * host name, as `erl -sname` does.
 */
export function completeNodeName(name: string, hostname: string): NodeName {
  return parseNodeName(name.includes('@') ? name : `${name}@${hostname.split('.')[0]}`)
}

/** What a node is called until its first peer gives it a name, as with `erl -sname undefined`. */
const NAMELESS = 'undefined'

export function isNameless({ alive }: NodeName): boolean {
  return alive === NAMELESS
}

/** True for hosts that only this machine can mean; a node so named needs to listen on loopback only. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
