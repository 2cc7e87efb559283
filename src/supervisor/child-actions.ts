/** What the registry of names has others do. None of it rejects. */
import type { Atom, Pid, Term } from '../etf/index.ts'
import type { ChildSpec } from './child-spec.ts'

export interface ChildActions {
  /** Starts a child on this node; false when that did not work. */
  startHere(spec: ChildSpec): Promise<boolean>
  /** Asks another node to start a child; false when that did not work. */
  startOn(node: Atom, spec: ChildSpec): Promise<boolean>
  /** Ends a child for good, here or elsewhere. */
  end(pid: Pid, reason: Term): Promise<void>
  /** Whether a process of any node lives; false when nobody knows. */
  isAlive(pid: Pid): Promise<boolean>
}
