/**
 * Timeouts of calls. Most calls have the same timeout, so those of one duration are due in the order in which they were
 * made: they form a list, and only its head needs a timer.
 */
import type { Clock, Timer } from '../core/index.ts'

/** Something that gives up at a time; a link of the list it waits in. */
export interface Deadline {
  /** Milliseconds of the clock. */
  due: number
  previous: Deadline | undefined
  next: Deadline | undefined
  waitsIn: DeadlineList | undefined
  expire(): void
}

export class DeadlineList {
  readonly #clock: Clock
  readonly #duration: number
  readonly #fire = (): void => this.#expireDue()
  #first: Deadline | undefined
  #last: Deadline | undefined
  #timer: Timer | undefined

  constructor(clock: Clock, duration: number) {
    this.#clock = clock
    this.#duration = duration
  }

  add(deadline: Deadline): void {
    deadline.due = this.#clock.now() + this.#duration
    deadline.waitsIn = this
    deadline.previous = this.#last
    if (this.#last === undefined) {
      this.#first = deadline
      this.#timer = this.#clock.after(this.#duration, this.#fire)
    } else {
      this.#last.next = deadline
    }
    this.#last = deadline
  }

  remove(deadline: Deadline): void {
    const { previous, next } = deadline
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    deadline.waitsIn = deadline.previous = deadline.next = undefined
    if (this.#first !== undefined) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  get isEmpty(): boolean {
    return this.#first === undefined
  }

  #expireDue(): void {
    const now = this.#clock.now()
    this.#timer = undefined
    for (let first = this.#first; first !== undefined && first.due <= now; first = this.#first) {
      this.remove(first)
      first.expire()
    }
    // Whoever expired may have made the next call already, with a timer for it.
    if (this.#first !== undefined && this.#timer === undefined)
      this.#timer = this.#clock.after(this.#first.due - now, this.#fire)
  }
}

/** How many durations are remembered; calls with timeouts of all kinds must not pile up lists. */
const MAX_LISTS = 64

export class Deadlines {
  readonly #clock: Clock
  readonly #lists = new Map<number, DeadlineList>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `expire` after `ms` milliseconds, unless it is removed. */
  add(deadline: Deadline, ms: number): void {
    let list = this.#lists.get(ms)
    if (list === undefined) {
      if (this.#lists.size >= MAX_LISTS) this.#dropEmpty()
      list = new DeadlineList(this.#clock, ms)
      this.#lists.set(ms, list)
    }
    list.add(deadline)
  }

  remove(deadline: Deadline): void {
    deadline.waitsIn?.remove(deadline)
  }

  #dropEmpty(): void {
    for (const [ms, list] of this.#lists) if (list.isEmpty) this.#lists.delete(ms)
  }
}
