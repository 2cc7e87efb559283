/**
 * When to let more arrive before the next read. Handling a short message takes less than its sender takes to write it, so
 * a node that reads whenever it can finds a few at a time, and a read costs as much as handling ten of them; the sender
 * pays for it, too. So while messages stream in, and nobody waits for an answer, a connection rests for a millisecond
 * after each read, as network cards do between interrupts.
 *
 *   reads of the window:   8 | 6 | 9 ... 64 messages, 0.3 ms: a stream        290 | 310 | ...
 */
import type { Clock } from '../core/index.ts'

/** Messages that are looked at together. */
const WINDOW = 64

/** With fewer messages in a millisecond reading takes no time worth saving. */
const STREAM_PER_MS = 32

/** With more bytes in a millisecond a rest would fill the window of TCP, and the sender would have to wait. */
const MOST_BYTES_PER_MS = 48 * 1024

export class ReadPace {
  readonly #clock: Clock
  /** When the window began, at the end of a read; undefined when none has. */
  #since: number | undefined
  #messages = 0
  #bytes = 0
  #exchanges = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Called after each read: whether it is better to rest now.
   *
   * @param exchanges a number that has changed when something was sent, or asked for, since the last call
   */
  shouldRest(messages: number, bytes: number, exchanges: number): boolean {
    if (exchanges !== this.#exchanges) {
      this.#exchanges = exchanges
      this.#since = undefined
      return false
    }
    if (this.#since === undefined) {
      this.#begin(this.#clock.now())
      return false
    }
    this.#messages += messages
    this.#bytes += bytes
    if (this.#messages < WINDOW) return false
    const now = this.#clock.now()
    const ms = now - this.#since
    const isStream = this.#messages >= STREAM_PER_MS * ms && this.#bytes <= MOST_BYTES_PER_MS * ms
    this.#begin(now)
    return isStream
  }

  #begin(now: number): void {
    this.#since = now
    this.#messages = 0
    this.#bytes = 0
  }
}
