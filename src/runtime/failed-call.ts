/** Lets a caller of a server see an exit although the server lives. */
import type { Term } from '../etf/index.ts'
import type { Cell } from './cell.ts'
import { replyAlias } from './gen-reply.ts'

/**
 * Ends the wait of a caller as if the server had exited with `reason`: the monitor of its call fires.
 *
 * @param tag of the caller, `[alias|Ref]`; older ones do not tell which monitor is theirs
 * @returns whether there was such a monitor
 */
export function failCall(cell: Cell, tag: Term, reason: Term): boolean {
  const ref = replyAlias(tag)
  const watcher = ref && cell.watchers.take(ref)
  watcher?.fire(reason)
  return watcher !== undefined
}

/** Whether somebody still waits for the answer to a call with this tag; true when that cannot be told. */
export function isAwaited(cell: Cell, tag: Term): boolean {
  const ref = replyAlias(tag)
  return ref === undefined || cell.watchers.get(ref) !== undefined
}
