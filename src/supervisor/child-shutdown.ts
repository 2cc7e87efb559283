/** How a supervisor ends children: an exit signal, and `kill` for whoever takes too long. */
import { atom, type Pid, type Term } from '../etf/index.ts'
import type { Process } from '../runtime/index.ts'
import type { ChildSpec } from './child-spec.ts'

const KILL = atom('kill')
const SHUTDOWN = atom('shutdown')

/**
 * Ends one child as its specification says, and resolves with its exit reason.
 *
 * The link is taken away once the child is watched, so that its end brings no exit message as well.
 */
export async function shutDownChild(
  self: Process,
  pid: Pid,
  spec: ChildSpec,
  reason: Term = SHUTDOWN,
): Promise<Term> {
  const { shutdown } = spec
  const down = self.whenDown(pid)
  self.unlink(pid)
  if (shutdown === 'brutal_kill') {
    self.exit(pid, KILL)
    return down
  }
  self.exit(pid, reason)
  if (shutdown === 'infinity') return down
  const timer = self.clock.after(shutdown, () => self.exit(pid, KILL))
  try {
    return await down
  } finally {
    timer.cancel()
  }
}
