/** A call to a name whose registry answers later: the time of the call runs meanwhile, and its signal counts. */
import type { Clock } from '../core/index.ts'

export interface LookupLimits {
  /** Milliseconds; undefined: no limit. */
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
  /** What to reject with when the time is over. */
  readonly expired: () => unknown
}

/** As `asked`, but no longer than the call may take; with the milliseconds that are left for it. */
export function withinCall<T>(
  asked: Promise<T>,
  clock: Clock,
  limits: LookupLimits,
): Promise<{ readonly found: T; readonly left: number | 'infinity' }> {
  const { expired, signal, timeout } = limits
  const due = timeout === undefined ? undefined : clock.now() + timeout
  return new Promise((resolve, reject) => {
    const onAbort = (): void => settle(() => reject(signal?.reason))
    const timer =
      timeout === undefined ? undefined : clock.after(timeout, () => settle(() => reject(expired())))
    const settle = (how: () => void): void => {
      timer?.cancel()
      signal?.removeEventListener('abort', onAbort)
      how()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) return onAbort()
    asked.then(
      (found) => settle(() => resolve({ found, left: due === undefined ? 'infinity' : due - clock.now() })),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}
