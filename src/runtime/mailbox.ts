/**
 * The mailbox of one process: a queue with selective receive.
 *
 * As on the BEAM, messages that a waiting receive has looked at are not looked at again until the next receive.
 */
import { Queue } from '../core/index.ts'
import type { Term } from '../etf/index.ts'

export class Mailbox {
  readonly #queue = new Queue<Term>()
  /** How many messages at the front the current receive has refused. */
  #scanned = 0

  get length(): number {
    return this.#queue.length
  }

  push(message: Term): void {
    this.#queue.push(message)
  }

  /** The oldest message. Ask `length` first: `undefined` can be a message. */
  shift(): Term | undefined {
    return this.#queue.shift()
  }

  /** The message at `index` counted from the oldest. */
  at(index: number): Term | undefined {
    return this.#queue.at(index)
  }

  removeAt(index: number): Term | undefined {
    return this.#queue.removeAt(index)
  }

  /** Begins a receive: every message is looked at again. */
  rescan(): void {
    this.#scanned = 0
  }

  /** Index of the first message, of those not refused yet, that `match` takes; -1 when there is none. */
  scan(match: (message: Term) => boolean): number {
    while (this.#scanned < this.#queue.length) {
      if (match(this.#queue.at(this.#scanned) as Term)) return this.#scanned
      this.#scanned++
    }
    return -1
  }

  /** Takes the first message out that `match` takes, and returns it. */
  take(match: (message: Term) => boolean): Term | undefined {
    for (let i = 0; i < this.#queue.length; i++) {
      if (!match(this.#queue.at(i) as Term)) continue
      this.#scanned = 0
      return this.#queue.removeAt(i)
    }
    return undefined
  }

  clear(): void {
    this.#queue.clear()
    this.#scanned = 0
  }
}
