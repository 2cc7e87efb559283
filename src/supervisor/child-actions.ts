/** What the registry of names has others do. None of it rejects. */
import type { Atom, Pid, Term } from '../etf/index.ts'
import type { ChildSpec } from './child-spec.ts'
import type { KeepsQuestion } from './peer-messages.ts'

/**
 * What became of a start: it runs, it chose not to, it did not work and may be tried again, or the node that was asked
 * has no such module or no supervisor.
 */
export type StartOutcome = 'started' | 'ignored' | 'failed' | 'cannot'

export interface ChildActions {
  /** Starts a child on this node. */
  startHere(spec: ChildSpec): Promise<StartOutcome>
  /** Asks another node to start a child. */
  startOn(node: Atom, spec: ChildSpec): Promise<StartOutcome>
  /** Ends a child for good, here or elsewhere. */
  end(pid: Pid, reason: Term): Promise<void>
  /** Whether a process of any node lives; false when nobody knows. */
  isAlive(pid: Pid): Promise<boolean>
  /** Whether the node of an owner, one that declared itself, lets it stay; false when it does not say. */
  isKept(question: KeepsQuestion): Promise<boolean>
}
