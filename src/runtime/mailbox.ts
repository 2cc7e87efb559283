/**
 * The mailbox of one process: a queue with selective receive.
 *
 * As on the BEAM, messages that a waiting receive has looked at are not looked at again until the next receive.
 */
import { Queue } from '../core/index.ts'
import type { Term } from '../etf/index.ts'

export class Mailbox extends Queue<Term> {
  /** How many messages at the front the current receive has refused. */
  #scanned = 0

  /** Begins a receive: every message is looked at again. */
  rescan(): void {
    this.#scanned = 0
  }

  /** Index of the first message, of those not refused yet, that `match` takes; -1 when there is none. */
  scan(match: (message: Term) => boolean): number {
    while (this.#scanned < this.length) {
      if (match(this.at(this.#scanned) as Term)) return this.#scanned
      this.#scanned++
    }
    return -1
  }

  /** Takes the first message out that `match` takes, and returns it. */
  take(match: (message: Term) => boolean): Term | undefined {
    for (let i = 0; i < this.length; i++) {
      if (!match(this.at(i) as Term)) continue
      this.#scanned = 0
      return this.removeAt(i)
    }
    return undefined
  }

  override clear(): void {
    super.clear()
    this.#scanned = 0
  }
}
