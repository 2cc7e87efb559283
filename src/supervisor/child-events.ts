/** What happens to the children of a DistributedSupervisor, told through `node:diagnostics_channel`. */
import { type DistributedChildEvent, distributedChildChannel } from '../core/diagnostics.ts'
import type { Atom, Pid, Term } from '../etf/index.ts'

export function publishChild(
  action: DistributedChildEvent['action'],
  supervisor: Atom,
  name: Term | undefined,
  pid: Pid | undefined,
  reason?: string,
): void {
  if (!distributedChildChannel.hasSubscribers || name === undefined) return
  distributedChildChannel.publish({ supervisor, action, name, pid, reason })
}
