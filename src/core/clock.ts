/** A timer handle: opaque to everyone but the clock that made it. */
export interface Timer {
  /** Stops the timer; harmless when it has fired already. */
  cancel(): void
}

/**
 * Time as the rest of the code sees it, so that tests can turn it by hand.
 * `now` is monotonic milliseconds with an arbitrary origin; wall time is nobody's business but epmd's.
 */
export interface Clock {
  now(): number
  /** Calls `fire` once after `ms` milliseconds. The timer does not keep the process alive. */
  after(ms: number, fire: () => void): Timer
}

/** Longest delay of a Node timer; longer ones would fire at once, so they are run in pieces. */
const MAX_DELAY_MS = 2 ** 31 - 1

function arm(ms: number, fire: () => void): Timer {
  const due = performance.now() + ms
  let handle: ReturnType<typeof setTimeout>
  const wait = (left: number): void => {
    handle = setTimeout(
      () => {
        const rest = due - performance.now()
        if (left > MAX_DELAY_MS && rest > 0) wait(rest)
        else fire()
      },
      Math.min(left, MAX_DELAY_MS),
    )
    handle.unref()
  }
  wait(ms)
  return { cancel: () => clearTimeout(handle) }
}

/** Looked up once: as a global it is found anew with every use, which takes as long as the time itself. */
const { performance } = globalThis

export const systemClock: Clock = { now: () => performance.now(), after: arm }
