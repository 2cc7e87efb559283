/** How remote calls fail. */
import { BeamjoinError } from '../../core/index.ts'
import { atom, brief, type Encodable, type Term, Tuple, tuple } from '../../etf/index.ts'
import type { CallError } from '../../runtime/index.ts'
import type { Outcome } from './apply.ts'

export type RpcErrorCode =
  | 'ERR_RPC_NODEDOWN'
  | 'ERR_RPC_TIMEOUT'
  | 'ERR_RPC_EXIT'
  | 'ERR_RPC_THROW'
  | 'ERR_RPC_FAILED'

const EXIT = atom('EXIT')
const NODEDOWN = atom('nodedown')
const NOCONNECTION = atom('noconnection')
const TIMEOUT = atom('timeout')

/**
 * A remote call gave no value: the node is not there (`ERR_RPC_NODEDOWN`), did not answer in time (`ERR_RPC_TIMEOUT`),
 * the function raised an error or exited (`ERR_RPC_EXIT`) or threw (`ERR_RPC_THROW`), or the node refused
 * (`ERR_RPC_FAILED`).
 *
 * `reason` is what `rpc:call/4` gives as `{badrpc, Reason}`; of a throw it is the thrown term.
 */
export class RpcError extends BeamjoinError {
  declare readonly code: RpcErrorCode
  readonly reason: Term

  constructor(code: RpcErrorCode, reason: Term, mfa: string, options?: { cause?: unknown }) {
    super(code, `${mfa} failed: ${brief(reason)}`, options)
    this.reason = reason
  }

  /** What the function raised or exited with, without its stacktrace; undefined when it was not the function. */
  get exception(): Term | undefined {
    if (this.code === 'ERR_RPC_THROW') return this.reason
    const exit = this.#exit
    return exit !== undefined && isRaised(exit) ? (exit[0] as Term) : exit
  }

  /** The stacktrace of an error that the function raised, as a list of `{M, F, A, Info}`; else empty. */
  get stacktrace(): readonly Term[] {
    const exit = this.#exit
    return exit !== undefined && isRaised(exit) ? (exit[1] as Term[]) : []
  }

  get #exit(): Term | undefined {
    const { reason } = this
    return reason instanceof Tuple && reason.length === 2 && reason[0] === EXIT
      ? (reason[1] as Term)
      : undefined
  }
}

/** `{Error, Stack}`; an exit with such a term cannot be told from an error, as in OTP. */
function isRaised(exit: Term): exit is Tuple {
  return exit instanceof Tuple && exit.length === 2 && Array.isArray(exit[1])
}

export function timeoutError(mfa: string): RpcError {
  return new RpcError('ERR_RPC_TIMEOUT', TIMEOUT, mfa)
}

/** The node did not start the process: it is gone, or has a reason of its own. */
export function refusedError(reason: Term, mfa: string): RpcError {
  return reason === NOCONNECTION
    ? new RpcError('ERR_RPC_NODEDOWN', NODEDOWN, mfa)
    : new RpcError('ERR_RPC_FAILED', reason, mfa)
}

/** The function did not return. */
export function outcomeError(outcome: Exclude<Outcome, { kind: 'return' }>, mfa: string): RpcError {
  switch (outcome.kind) {
    case 'throw':
      return new RpcError('ERR_RPC_THROW', outcome.value as Term, mfa)
    case 'exit':
      return exitError(outcome.reason, mfa)
    case 'error':
      return exitError(tuple(outcome.reason, outcome.stack), mfa)
  }
}

export function exitError(reason: Encodable, mfa: string): RpcError {
  return new RpcError('ERR_RPC_EXIT', tuple(EXIT, reason) as Term, mfa)
}

/** A call to `rex` got no answer. */
export function fromCallError(error: CallError, mfa: string): RpcError {
  switch (error.code) {
    case 'timeout':
      return new RpcError('ERR_RPC_TIMEOUT', TIMEOUT, mfa, { cause: error })
    case 'nodedown':
      return new RpcError('ERR_RPC_NODEDOWN', NODEDOWN, mfa, { cause: error })
    default:
      return new RpcError('ERR_RPC_FAILED', error.reason, mfa, { cause: error })
  }
}
