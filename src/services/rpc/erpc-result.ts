/** What the exit reason of a process that ran `erpc:execute_call/4` says (protocol.md 9.5), and back. */
import { atom, type Encodable, type Reference, type Term, Tuple, tuple } from '../../etf/index.ts'
import type { Outcome } from './apply.ts'

const RETURN = atom('return')
const THROW = atom('throw')
const EXIT = atom('exit')
const ERROR = atom('error')

/** `{Res, return, V}` and its siblings. */
export function encodeResult(result: Encodable, outcome: Outcome): Encodable {
  switch (outcome.kind) {
    case 'return':
      return tuple(result, RETURN, outcome.value)
    case 'throw':
      return tuple(result, THROW, outcome.value)
    case 'exit':
      return tuple(result, EXIT, outcome.reason)
    case 'error':
      return tuple(result, ERROR, outcome.reason, outcome.stack)
  }
}

/** Undefined when the reason is another one: somebody ended the process, or its node is gone. */
export function decodeResult(result: Reference, reason: Term): Outcome | undefined {
  if (!(reason instanceof Tuple) || !result.equals(reason[0])) return undefined
  const [, kind, value, stack] = reason as Tuple<[Reference, Term, Term, Term]>
  if (reason.length === 4) return kind === ERROR ? { kind: 'error', reason: value, stack } : undefined
  if (reason.length !== 3) return undefined
  switch (kind) {
    case RETURN:
      return { kind: 'return', value }
    case THROW:
      return { kind: 'throw', value }
    case EXIT:
      return { kind: 'exit', reason: value }
    case ERROR:
      // `{Res, error, {erpc, Reason}}`: the call itself was wrong, and has no stack.
      return { kind: 'exit', reason: value instanceof Tuple ? (value[1] as Term) : value }
    default:
      return undefined
  }
}
