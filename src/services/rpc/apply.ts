/** Runs an exposed function for another node and says how it ended, in the four ways that Erlang knows. */
import { Atom, atom, type Encodable, type Pid, type Term, Tuple, tuple } from '../../etf/index.ts'
import { ExitError, exitReason, type Process, runAs } from '../../runtime/index.ts'
import type { FunctionTable } from './exposed.ts'

export type Outcome =
  | { readonly kind: 'return'; readonly value: Encodable }
  /** A value that is no `Error` was thrown, as `throw/1` does. */
  | { readonly kind: 'throw'; readonly value: Encodable }
  /** `ExitError`, as `exit/1` does. */
  | { readonly kind: 'exit'; readonly reason: Encodable }
  /** An `Error` was thrown; `stack` is a list of `{M, F, A, Info}`. */
  | { readonly kind: 'error'; readonly reason: Encodable; readonly stack: Encodable }

const UNDEF = atom('undef')
const BADARG = atom('badarg')

/**
 * Calls `module:name(...args)`; what is not exposed is `undef`, what is no call is `badarg`. Never rejects.
 *
 * @param self the process that the function runs in
 * @param caller who called it
 */
export async function applyExposed(
  functions: FunctionTable,
  self: Process,
  module: Term,
  name: Term,
  args: Term,
  caller?: Pid,
): Promise<Outcome> {
  if (!(module instanceof Atom && name instanceof Atom && Array.isArray(args))) {
    return { kind: 'error', reason: BADARG, stack: [] }
  }
  try {
    const run = await functions.find(module, name, args.length)
    if (run === undefined) {
      return { kind: 'error', reason: UNDEF, stack: [tuple(module, name, args, [])] }
    }
    self.caller = caller
    return { kind: 'return', value: (await runAs(self, run, args)) as Encodable }
  } catch (thrown) {
    return outcomeOf(thrown)
  }
}

function outcomeOf(thrown: unknown): Outcome {
  if (thrown instanceof ExitError) return { kind: 'exit', reason: thrown.reason }
  if (!(thrown instanceof Error)) return { kind: 'throw', value: thrown as Encodable }
  const reason = exitReason(thrown)
  // What the runtime exits with is `{exception, stack}`, the same pair that Erlang calls an error.
  return reason instanceof Tuple && Array.isArray(reason[1])
    ? { kind: 'error', reason: reason[0] as Term, stack: reason[1] }
    : { kind: 'exit', reason }
}
