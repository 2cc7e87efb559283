/**
 * Time turned by hand. Timers fire in the order in which they are due, those due at the same time in the order in
 * which they were set, and `now` is each one's own moment while it fires.
 */
import type { Clock, Timer } from '../index.ts'

interface Scheduled {
  readonly due: number
  readonly fire: () => void
}

/**
 * A clock that stands still until it is turned: give it to nodes and networks, and let time pass by hand.
 *
 * @example
 * const clock = new FakeClock()
 * const fired: number[] = []
 * clock.after(50, () => fired.push(clock.now()))
 * clock.advance(49)
 * fired // []
 * clock.advance(1)
 * fired // [50]
 */
export class FakeClock implements Clock {
  #now: number
  /** In order of due time. */
  #timers: Scheduled[] = []

  constructor(now = 0) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(ms: number, fire: () => void): Timer {
    const timer = { due: this.#now + Math.max(0, ms), fire }
    const later = this.#timers.findIndex((other) => other.due > timer.due)
    this.#timers.splice(later === -1 ? this.#timers.length : later, 0, timer)
    return {
      cancel: () => {
        const index = this.#timers.indexOf(timer)
        if (index !== -1) this.#timers.splice(index, 1)
      },
    }
  }

  /** How many timers are set: 0 at the end of a test means that nothing was left behind. */
  get pending(): number {
    return this.#timers.length
  }

  /** Lets `ms` milliseconds pass at once; timers that come due meanwhile fire, new ones included. */
  advance(ms: number): void {
    const target = this.#now + ms
    while (this.#fireNext(target)) {
      // `#fireNext` does the work.
    }
    this.#now = target
  }

  /**
   * Lets `ms` milliseconds pass and gives promises and the event loop their turns before the first timer, between
   * timers and at the end, so that what one timer sets off (a write over the in-memory network, say) happens in time.
   */
  async elapse(ms: number): Promise<void> {
    const target = this.#now + ms
    await eventLoopTurns()
    while (this.#fireNext(target)) await eventLoopTurns()
    this.#now = target
    await eventLoopTurns()
  }

  #fireNext(target: number): boolean {
    const next = this.#timers[0]
    if (next === undefined || next.due > target) return false
    this.#timers.shift()
    this.#now = next.due
    next.fire()
    return true
  }
}

/** A few turns: enough for a message to be flushed, delivered and answered over the in-memory network. */
async function eventLoopTurns(turns = 4): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
}
