/** Messages that wait for one reader, which takes them selectively and may give up after a time. */
import { type Clock, Queue } from '../../core/index.ts'

interface Reader<M> {
  readonly match: (message: M) => boolean
  readonly take: (message: M | undefined) => void
}

export class Inbox<M> {
  readonly #clock: Clock
  readonly #messages = new Queue<M>()
  #reader: Reader<M> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  push(message: M): void {
    const reader = this.#reader
    if (reader?.match(message)) reader.take(message)
    else this.#messages.push(message)
  }

  /** The oldest message that `match` takes, if there is one. */
  takeNow(match: (message: M) => boolean = always): M | undefined {
    for (let i = 0; i < this.#messages.length; i++) {
      if (match(this.#messages.at(i) as M)) return this.#messages.removeAt(i)
    }
    return undefined
  }

  /**
   * As `takeNow`, but waits. For one reader at a time.
   *
   * @param patience milliseconds to wait at most; undefined resolves then. Default: no limit.
   */
  take(match: (message: M) => boolean = always, patience?: number): Promise<M | undefined> {
    const message = this.takeNow(match)
    if (message !== undefined) return Promise.resolve(message)
    return new Promise((resolve) => {
      const take = (taken: M | undefined): void => {
        timer?.cancel()
        this.#reader = undefined
        resolve(taken)
      }
      const timer = patience === undefined ? undefined : this.#clock.after(patience, () => take(undefined))
      this.#reader = { match, take }
    })
  }
}

function always(): boolean {
  return true
}
