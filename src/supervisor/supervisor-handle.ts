/** What the handles of supervisors have in common: who they are started by, and what the answers mean. */
import { Atom, atom, type Encodable, Pid, type Term, Tuple } from '../etf/index.ts'
import type { CallOptions, Destination, ServerClass, StartOptions, Watchable } from '../runtime/index.ts'
import { ERROR, IGNORE, OK, SHUTDOWN, UNDEFINED } from './atoms.ts'
import type { ChildCounts } from './children.ts'
import { SupervisorError } from './errors.ts'

/** Who asks a supervisor: a node, or a process. */
export interface SupervisorCaller {
  call(to: Destination, request: Encodable, options?: CallOptions): Promise<Term>
  stopServer(server: Watchable, reason?: Encodable, options?: CallOptions): Promise<void>
}

/**
 * What a supervisor can be started under: a process, such as `this.self` of a server, which becomes its parent; or a
 * node, whose plain code does.
 */
export interface SupervisorParent extends SupervisorCaller {
  startLink(server: ServerClass, args?: unknown, options?: StartOptions): Promise<Pid>
}

/** A call to a supervisor waits as long as its children need, as in Elixir. */
export function ask(
  caller: SupervisorCaller,
  supervisor: Watchable,
  request: Encodable,
  options: CallOptions = {},
): Promise<Term> {
  return caller.call(supervisor, request, { timeout: 'infinity', ...options })
}

/** Ends the children, then the supervisor. */
export function stopSupervisor(
  caller: SupervisorCaller,
  supervisor: Watchable,
  reason: Encodable = SHUTDOWN,
  options: CallOptions = {},
): Promise<void> {
  return caller.stopServer(supervisor, reason, options)
}

/**
 * The pid in the answer to a start.
 *
 * @throws SupervisorError `ERR_SUPERVISOR_START_FAILED`, `ERR_SUPERVISOR_CHILD_IGNORED`
 */
export function startedChild(answer: Term): Pid {
  const isTuple = answer instanceof Tuple
  if (isTuple && answer[0] === OK && answer[1] instanceof Pid) return answer[1]
  if (answer === IGNORE || (isTuple && answer[0] === OK && answer[1] === UNDEFINED)) {
    throw new SupervisorError('ERR_SUPERVISOR_CHILD_IGNORED', 'the child chose not to start', IGNORE)
  }
  throw new SupervisorError('ERR_SUPERVISOR_START_FAILED', 'the child did not start', errorReason(answer))
}

/** The reason in `{error, Reason}`. */
export function errorReason(answer: Term): Term {
  return answer instanceof Tuple && answer[0] === ERROR && answer.length === 2 ? (answer[1] as Term) : answer
}

/** The counts in a keyword list. */
export function childCounts(answer: Term): ChildCounts {
  const counts = { specs: 0, active: 0, supervisors: 0, workers: 0 }
  for (const entry of Array.isArray(answer) ? answer : []) {
    const [key, value] = entry instanceof Tuple ? entry : []
    if (key instanceof Atom && key.name in counts) counts[key.name as keyof ChildCounts] = Number(value)
  }
  return counts
}

/** A child as `which_children` shows it. */
export interface ChildRow {
  /** The atom `undefined` under a DynamicSupervisor. */
  readonly id: Term
  /** Undefined: it does not run. */
  readonly pid: Pid | 'restarting' | undefined
  readonly type: 'worker' | 'supervisor'
  /** Or the atom `dynamic`. */
  readonly modules: readonly Atom[] | Atom
}

const SUPERVISOR = atom('supervisor')

/** The rows of the answer to `which_children`, in their order. */
export function childRows(answer: Term): ChildRow[] {
  return (Array.isArray(answer) ? answer : []).map((row) => {
    const [id, where, type, modules] = row as Tuple<[Term, Term, Term, Term]>
    const pid = where instanceof Pid ? where : where === UNDEFINED ? undefined : 'restarting'
    return { id, pid, type: type === SUPERVISOR ? 'supervisor' : 'worker', modules: modules as Atom[] | Atom }
  })
}
