/**
 * Decides when processes run. Those with mail wait in one queue, which is drained in a microtask: a message to an idle
 * process is handled before the event loop goes on. There is a budget of messages and of time; when it is used up the
 * rest waits until the event loop has turned, so that sockets and timers are served (design.md 6, 7).
 *
 *   enqueue -> microtask: drain ... budget used up -> setImmediate: new budget, drain ...
 *
 * Signals that were read together are a batch: who has mail from them runs when all of them are there, without a microtask.
 *
 * Nobody is told when the event loop turns, and asking each time would cost as much as a message does. So a budget is
 * for as long as its time lasts, however often the loop turns meanwhile. The next one begins at once, and asks: if its
 * time is over before the answer has come, what is left waits for it.
 */
import { type Clock, Queue } from '../core/index.ts'

/** Something that the scheduler runs, a process. */
export interface Runnable {
  /**
   * Handles at most `limit` messages and returns how many it handled. It enqueues itself again when there is more to
   * do. Never throws.
   */
  run(limit: number): number
}

/** How much work is done before the event loop gets its turn, and before the next process gets its. */
export interface SchedulerLimits {
  /** Messages before the event loop gets its turn. Default 10_000. */
  readonly turnMessages: number
  /** Milliseconds before the event loop gets its turn, twice as many at most. Default 10. */
  readonly turnMs: number
  /** Messages per process before the next process runs. Default 200. */
  readonly sliceMessages: number
  /**
   * Milliseconds for which a process may hold the event loop before a warning names it, as `long_schedule` of
   * `erlang:system_monitor/2`. Default 500.
   */
  readonly longSchedule: number
}

/** Messages that are charged without a look at the clock, which costs more than a quick message. */
const CLOCK_EVERY = 8

/** Its microtasks make no resource for async hooks, as those of `queueMicrotask` do. */
const RESOLVED = Promise.resolve()

export class Scheduler {
  readonly #clock: Clock
  readonly #limits: SchedulerLimits
  readonly #queue = new Queue<Runnable>()
  readonly #drainNow = (): void => this.#drain()
  readonly #turned = (): void => this.#handleTurn()
  /** Asked to be told when the event loop has turned. */
  #isTurnAwaited = false
  #draining: 'no' | 'batch' | 'planned' | 'running' = 'no'
  #left = 0
  #deadline = 0
  /** When the slice at hand began, or the one before ended. */
  #sliceStart = 0
  /** Told of a slice that took longer than `longSchedule`, with its milliseconds. */
  onLongSlice: ((runnable: Runnable, ms: number) => void) | undefined

  constructor(clock: Clock, limits: SchedulerLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  enqueue(runnable: Runnable): void {
    this.#queue.push(runnable)
    if (this.#draining !== 'no' || this.#mustWait()) return
    this.#draining = 'planned'
    void RESOLVED.then(this.#drainNow)
  }

  /** What is enqueued from now on runs at `endBatch`. */
  beginBatch(): void {
    if (this.#draining === 'no') this.#draining = 'batch'
  }

  endBatch(): void {
    if (this.#draining !== 'batch') return
    this.#draining = 'no'
    if (this.#queue.length > 0 && !this.#mustWait()) this.#drain()
  }

  /** The budget is used up, and the event loop has not turned since. */
  #mustWait(): boolean {
    return this.#left <= 0 && this.#isTurnAwaited
  }

  /** Whether the time of the budget is over. */
  get isOverdue(): boolean {
    return this.#clock.now() >= this.#deadline
  }

  /** Takes one message from the budget; false when it is used up and the caller has to queue. */
  charge(): boolean {
    if (this.#left % CLOCK_EVERY === 0) this.#look()
    return --this.#left >= 0
  }

  /** Looks at the clock: when the time of the budget is over there is a new one, or none until the event loop turns. */
  #look(): number {
    const now = this.#clock.now()
    if (now < this.#deadline) return now
    if (this.#isTurnAwaited) {
      this.#left = 0
    } else {
      this.#begin(now)
      this.#awaitTurn()
    }
    return now
  }

  #begin(now: number): void {
    this.#left = this.#limits.turnMessages
    this.#deadline = now + this.#limits.turnMs
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return
    this.#isTurnAwaited = true
    setImmediate(this.#turned)
  }

  #handleTurn(): void {
    this.#isTurnAwaited = false
    if (this.#left <= 0) this.#begin(this.#clock.now())
    if (this.#queue.length > 0) this.#drain()
  }

  #drain(): void {
    this.#draining = 'running'
    const { sliceMessages, longSchedule } = this.#limits
    this.#sliceStart = this.#look()
    try {
      // What is queued while this runs is run in the same go as long as the budget lasts.
      while (this.#left > 0) {
        const runnable = this.#queue.shift()
        if (runnable === undefined) break
        // A run that handled nothing still costs one, or processes that only wake each other would never yield.
        this.#left -= Math.max(1, runnable.run(Math.min(this.#left, sliceMessages)))
        // The one look at the clock after each slice serves both.
        const now = this.#clock.now()
        if (now >= this.#deadline) this.#left = 0
        if (now - this.#sliceStart > longSchedule) this.onLongSlice?.(runnable, now - this.#sliceStart)
        this.#sliceStart = now
      }
    } finally {
      // Should a bug get this far, the program hears of it, and the other processes go on.
      this.#draining = 'no'
      if (this.#queue.length > 0) this.#awaitTurn()
    }
  }
}
