/** The errors of the process runtime. Match on `code`. */
import { BeamjoinError } from '../core/index.ts'
import { brief, type Encodable, type Pid, type Term } from '../etf/index.ts'

/** As `inspect`. What processes exit with and send here is any object, also one that throws when it is looked at. */
export function printed(term: Encodable): string {
  try {
    return brief(term)
  } catch {
    return '#unreadable<>'
  }
}

/** Something that a process was asked to do is not possible; `code` is one of `ERR_RUNTIME_*`. */
export class ProcessError extends BeamjoinError {}

/** What a process that has ended hears when it does something. */
export function exited(pid: Pid): ProcessError {
  return new ProcessError('ERR_RUNTIME_EXITED', `${pid} has exited and cannot do anything any more`)
}

/**
 * Ends the process that throws it with `reason`, as `exit/1` does: no stack, no log line.
 *
 * @example
 * node.spawn(() => {
 *   throw new ExitError(tuple(atom('shutdown'), 'no work left'))
 * })
 */
export class ExitError extends BeamjoinError {
  readonly reason: Encodable

  constructor(reason: Encodable) {
    // The reason may be large, and it is how results of remote calls travel: it is not printed.
    super('ERR_RUNTIME_EXIT', 'the process exits; `reason` says why')
    this.reason = reason
  }
}

/**
 * Why a call failed: there is no such process, no answer came in time, the connection to its node broke, or it exited
 * before it answered (`reason` says why).
 */
export type CallFailure = 'noproc' | 'timeout' | 'nodedown' | 'exit'

/** What was called, for the message and for the exit reason of a process that does not catch the error. */
export interface FailedCall {
  readonly destination: Encodable
  readonly request: Encodable
  /** Milliseconds; undefined for no limit. */
  readonly timeout: number | undefined
}

const CALL_FAILURE_TEXT: Readonly<Record<CallFailure, string>> = {
  noproc: 'no such process is alive',
  timeout: 'no answer came in time',
  nodedown: 'its node is not connected any more',
  exit: 'it exited before it answered',
}

/**
 * A call that got no reply. Mirrors the exits of `gen_server:call/3`.
 *
 * `code` is exactly `noproc`, `timeout`, `nodedown` or `exit`; `reason` is the term that OTP exits with: `:noproc`,
 * `:timeout`, `{:nodedown, node}` or the exit reason of the server.
 */
export class CallError extends BeamjoinError {
  declare readonly code: CallFailure
  readonly reason: Term
  /** @internal */
  readonly call: FailedCall

  constructor(code: CallFailure, reason: Term, call: FailedCall) {
    const after = code === 'timeout' && call.timeout !== undefined ? ` within ${call.timeout} ms` : ''
    const because = code === 'exit' ? `: ${printed(reason)}` : ''
    super(code, `call to ${printed(call.destination)} failed: ${CALL_FAILURE_TEXT[code]}${after}${because}`)
    this.reason = reason
    this.call = call
  }
}

/**
 * A server did not start: its `init` stopped, threw, ignored or took too long, or its name was taken.
 *
 * `reason` is the term that OTP gives in `{error, Reason}`: `{:already_started, pid}`, `:timeout`, what `stop` was
 * given; the atom `ignore` when `init` returned `ignore()`.
 */
export class InitError extends BeamjoinError {
  readonly reason: Term

  constructor(reason: Term) {
    super('ERR_RUNTIME_INIT', `the server did not start: ${printed(reason)}`)
    this.reason = reason
  }
}

/** Another node refused to start a process for us, or could not be reached; `reason` is its atom. */
export class SpawnError extends BeamjoinError {
  readonly reason: Term

  constructor(reason: Term) {
    super('ERR_RUNTIME_SPAWN', `the other node did not start the process: ${brief(reason)}`)
    this.reason = reason
  }
}

/** A server refused what `sys` asked of it, or failed at it; `reason` is what it said. */
export class SysError extends BeamjoinError {
  readonly reason: Term

  constructor(reason: Term) {
    super('ERR_RUNTIME_SYS', `the server did not do what sys asked of it: ${printed(reason)}`)
    this.reason = reason
  }
}

/** Why an argument was refused. */
export interface Issue {
  readonly message: string
  /** Where: the number of the argument, from 0, and the keys below it. */
  readonly path: readonly (string | number)[]
}

/** A server refused the arguments of a call; `issues` say what is wrong with which. The server goes on. */
export class InvalidMessageError extends BeamjoinError {
  readonly issues: readonly Issue[]

  constructor(method: string, issues: readonly Issue[]) {
    const what = issues.map(({ message, path }) => `argument ${describePath(path)}: ${message}`)
    super('ERR_RUNTIME_INVALID_MESSAGE', `the server refused the call ${method}: ${what.join('; ')}`)
    this.issues = issues
  }
}

/** `1.name` for the name in the first argument. */
function describePath([argument = 0, ...keys]: readonly (string | number)[]): string {
  return [Number(argument) + 1, ...keys].join('.')
}
