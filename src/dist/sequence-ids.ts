/**
 * Numbers of messages that leave in fragments: unique among the unfinished ones of a connection, and never 0, on which a
 * virtual machine of OTP 25 crashes. Protocol: section 4.4.
 */

import { type EntryKeys, EntryTable } from '../core/index.ts'

/** Fewer than the 64 bits that the format has, so that a `number` holds them. */
const LAST_ID = Number.MAX_SAFE_INTEGER

const KEYS: EntryKeys<number, number> = {
  of: (id) => id,
  hash: (id) => id,
  equal: (a, b) => a === b,
}

export class SequenceIds {
  readonly #taken = new EntryTable(KEYS)
  #last: number

  /** @param last the id before the first one that is given out */
  constructor(last = 0) {
    this.#last = last
  }

  /** An id that nobody has, from 1 to 2^53 - 1. */
  take(): number {
    do {
      this.#last = this.#last >= LAST_ID ? 1 : this.#last + 1
    } while (this.#taken.get(this.#last) !== undefined)
    this.#taken.add(this.#last)
    return this.#last
  }

  /** The message is finished: the id may be given out again. */
  give(id: number): void {
    this.#taken.take(id)
  }
}
