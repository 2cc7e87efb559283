/** How a supervisor ends children: an exit signal, and `kill` for whoever takes too long. */
import { atom, type Pid, type Term } from '../etf/index.ts'
import { isOrderlyExit, type Process } from '../runtime/index.ts'
import { KILLED, SHUTDOWN } from './atoms.ts'
import type { ChildSpec } from './child-spec.ts'

const KILL = atom('kill')
const NOPROC = atom('noproc')

/**
 * Ends one child as its specification says, and resolves with its exit reason.
 *
 * The link is taken away once the child is watched, so that its end brings no exit message as well. Of a child that was
 * dead already the exit message is there, and has the reason.
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
  self.exit(pid, shutdown === 'brutal_kill' ? KILL : reason)
  const timer =
    typeof shutdown === 'number' ? self.clock.after(shutdown, () => self.exit(pid, KILL)) : undefined
  try {
    const ended = await down
    return ended === NOPROC ? (self.takeExit(pid) ?? ended) : ended
  } finally {
    timer?.cancel()
  }
}

/** Whether a child that was told to end did so; other reasons are reported. */
export function endedAsTold(spec: ChildSpec, reason: Term): boolean {
  if (reason === (spec.shutdown === 'brutal_kill' ? KILLED : SHUTDOWN)) return true
  return spec.restart !== 'permanent' && isOrderlyExit(reason)
}
