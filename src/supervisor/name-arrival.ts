/**
 * Who starts a child on another node finds it at once: the answer may come faster than the news of the name, since two
 * processes of that node send them.
 */
import type { Clock } from '../core/index.ts'
import type { Pid, Term } from '../etf/index.ts'
import type { GroupScope } from './host.ts'

/** In ms. A child that does not take the name it was given, or has ended already, is not waited for longer. */
const PATIENCE_MS = 200

/** Resolves when the process has the name in the scope of this node, or has not come to have it. */
export function nameArrival(scope: GroupScope, clock: Clock, name: Term, pid: Pid): Promise<void> {
  const isThere = (): boolean => scope.members(name).some((member) => member.equals(pid))
  if (!scope.isAlive || isThere()) return Promise.resolve()
  return new Promise((resolve) => {
    const settle = (): void => {
      unsubscribe()
      timer.cancel()
      resolve()
    }
    const timer = clock.after(PATIENCE_MS, settle)
    const unsubscribe = scope.onChange(({ type, pids }) => {
      if (type === 'join' && pids.some((member) => member.equals(pid)) && isThere()) settle()
    })
  })
}
