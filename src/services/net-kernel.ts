/**
 * The registered process `net_kernel`: what `net_adm:ping/1` and other nodes' kernels ask (protocol.md 2.10). The
 * decisions on connections are elsewhere, in `node`.
 */
import { type Atom, atom, type Term, Tuple } from '../etf/index.ts'
import { type From, GenServer, noreply, reply } from '../runtime/index.ts'

export interface NetKernelState {
  readonly node: Atom
  /** Whole tick time in ms. */
  readonly tickTime: number
}

const IS_AUTH = atom('is_auth')
const YES = atom('yes')
const LONGNAMES = atom('longnames')
const NODENAME = atom('nodename')
const TICKTIME = atom('ticktime')
const BAD_REQUEST = atom('badreq')

export class NetKernel extends GenServer<NetKernelState> {
  override init(state: NetKernelState) {
    return state
  }

  override handleCall(request: Term, _from: From, state: NetKernelState) {
    if (request instanceof Tuple && request[0] === IS_AUTH) return reply(YES, state)
    switch (request) {
      case LONGNAMES:
        return reply(isLong(state.node), state)
      case NODENAME:
        return reply(state.node, state)
      case TICKTIME:
        return reply(state.tickTime, state)
      default:
        return reply(BAD_REQUEST, state)
    }
  }

  /** Casts and plain messages to a kernel are of releases past or of uses not served; the BEAM ignores strangers' too. */
  override handleCast(_request: Term, state: NetKernelState) {
    return noreply(state)
  }

  override handleInfo(_message: Term, state: NetKernelState) {
    return noreply(state)
  }
}

/** The part before the `@` may hold a dot as well. */
function isLong(node: Atom): boolean {
  return node.name.slice(node.name.indexOf('@')).includes('.')
}
