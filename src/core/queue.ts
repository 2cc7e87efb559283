const INITIAL_CAPACITY = 4

/** What a queue has before its first item: there are many that never get one. */
const NO_SLOTS: never[] = []

/**
 * First-in first-out queue on a ring buffer that doubles when full and lets go of what it gave out.
 *
 *   head            tail
 *    v               v
 *  [ a ][ b ][ c ][   ][   ][   ]      capacity is a power of two, so a mask wraps the index
 */
export class Queue<T> {
  #slots: (T | undefined)[] = NO_SLOTS
  #mask = -1
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length > this.#mask) this.#grow()
    this.#slots[(this.#head + this.#length) & this.#mask] = item
    this.#length++
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & this.#mask
    this.#length--
    if (this.#length === 0 && this.#mask >= 1024) this.clear()
    return item
  }

  /** The item at `index` counted from the oldest, or undefined. */
  at(index: number): T | undefined {
    return index < this.#length ? this.#slots[(this.#head + index) & this.#mask] : undefined
  }

  /** Takes the item at `index` out and closes the gap: selective receive. */
  removeAt(index: number): T | undefined {
    if (index >= this.#length) return undefined
    if (index === 0) return this.shift()
    const item = this.at(index)
    for (let i = index; i < this.#length - 1; i++) {
      this.#slots[(this.#head + i) & this.#mask] = this.#slots[(this.#head + i + 1) & this.#mask]
    }
    this.#length--
    this.#slots[(this.#head + this.#length) & this.#mask] = undefined
    return item
  }

  clear(): void {
    this.#slots = NO_SLOTS
    this.#mask = -1
    this.#head = 0
    this.#length = 0
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.#length; i++) yield this.at(i) as T
  }

  #grow(): void {
    const slots: (T | undefined)[] = new Array(Math.max(INITIAL_CAPACITY, (this.#mask + 1) * 2))
    for (let i = 0; i < this.#length; i++) slots[i] = this.at(i)
    this.#slots = slots
    this.#mask = slots.length - 1
    this.#head = 0
  }
}
