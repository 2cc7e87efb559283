/** The end of a process as a promise: a monitor without a message. */
import type { Term } from '../etf/index.ts'
import type { Cell } from './cell.ts'
import type { Watchable } from './destination.ts'
import { exited } from './errors.ts'
import type { Kernel } from './kernel.ts'

/** See `Process.whenDown`. */
export function whenDown(
  { delivery, monitors, refs }: Kernel,
  cell: Cell,
  target: Watchable,
  signal: AbortSignal | undefined,
): Promise<Term> {
  const down = new Promise<Term>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const ref = refs.next()
    const onAbort = (): void => {
      monitors.demonitor(cell, ref)
      reject(signal?.reason)
    }
    const letGo = (): void => signal?.removeEventListener('abort', onAbort)
    const onDown = (reason: Term): void => {
      letGo()
      resolve(reason)
    }
    const onExited = (): void => {
      letGo()
      // Nobody may be waiting any more, and that is no reason to end the whole program.
      down.catch(() => {})
      reject(exited(cell.pid))
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    monitors.watch(cell, delivery.monitorTarget(target), ref, onDown, onExited)
  })
  return down
}
