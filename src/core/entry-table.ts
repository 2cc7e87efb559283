/**
 * A hash table for entries that come and go, each of which holds its key: those of calls, monitors and processes.
 *
 * Not a `Map`: V8 gives a map that changes a new table again and again, and each old table points to the one that came
 * after it. As soon as one of them is old enough to be collected with the old objects only, it keeps all that follow
 * alive, and they keep the entries that they had. Then nearly everything that a call leaves behind is copied twice and
 * becomes old: collections of 3 ms instead of 0.3, and full ones. This table is changed in place.
 *
 *   home of x        x lies in the first free slot from its home on; who is taken out is replaced by
 *    v                the next one that may lie there, so that no gap is between an entry and its home
 *  [ w ][ x ][   ][ y ]
 */

/** How a table gets at the keys of its entries. */
export interface EntryKeys<K, E> {
  of(entry: E): K
  /** A whole number, of which the lower 32 bits count; equal keys have equal ones. */
  hash(key: K): number
  equal(a: K, b: K): boolean
}

const FEWEST_SLOTS = 16

/** At most every second slot is taken; with fewer than every sixteenth the table shrinks. */
const GROW_AT = 2
const SHRINK_AT = 16

/** 2^32 divided by the golden ratio: multiplying by it spreads numbers that follow each other. */
const SPREAD = 0x9e37_79b1

export class EntryTable<K, E> {
  readonly #keys: EntryKeys<K, E>
  #slots: (E | undefined)[] = []
  #mask = -1
  /** The highest bits of the spread hash are the number of the slot. */
  #shift = 0
  #size = 0

  constructor(keys: EntryKeys<K, E>) {
    this.#keys = keys
  }

  get size(): number {
    return this.#size
  }

  get(key: K): E | undefined {
    return this.#size === 0 ? undefined : this.#slots[this.#find(key)]
  }

  /** Adds an entry whose key is not in the table yet. */
  add(entry: E): void {
    this.#size++
    if (this.#size * GROW_AT > this.#slots.length)
      this.#resize(Math.max(FEWEST_SLOTS, this.#slots.length * 2))
    this.#slots[this.#find(this.#keys.of(entry))] = entry
  }

  /** Takes the entry out and returns it; undefined when there is none. */
  take(key: K): E | undefined {
    if (this.#size === 0) return undefined
    const slot = this.#find(key)
    const entry = this.#slots[slot]
    if (entry === undefined) return undefined
    this.#close(slot)
    this.#size--
    if (this.#slots.length > FEWEST_SLOTS && this.#size * SHRINK_AT < this.#slots.length)
      this.#resize(this.#slots.length / 2)
    return entry
  }

  /** What is in the table now, in no particular order. */
  entries(): E[] {
    return this.#slots.filter((entry) => entry !== undefined) as E[]
  }

  /** The slot of the entry with that key, or the free one where it belongs. */
  #find(key: K): number {
    const keys = this.#keys
    let slot = this.#home(key)
    for (;;) {
      const entry = this.#slots[slot]
      if (entry === undefined || keys.equal(keys.of(entry), key)) return slot
      slot = (slot + 1) & this.#mask
    }
  }

  #home(key: K): number {
    return Math.imul(this.#keys.hash(key), SPREAD) >>> this.#shift
  }

  /** Empties a slot, and moves up those behind it that are not at home. */
  #close(slot: number): void {
    const slots = this.#slots
    const mask = this.#mask
    let free = slot
    for (let next = (slot + 1) & mask; ; next = (next + 1) & mask) {
      const entry = slots[next]
      if (entry === undefined) break
      const home = this.#home(this.#keys.of(entry))
      if (((next - home) & mask) < ((next - free) & mask)) continue
      slots[free] = entry
      free = next
    }
    slots[free] = undefined
  }

  #resize(length: number): void {
    const before = this.#slots
    this.#slots = new Array<E | undefined>(length).fill(undefined)
    this.#mask = length - 1
    this.#shift = Math.clz32(length) + 1
    for (const entry of before) {
      if (entry !== undefined) this.#slots[this.#find(this.#keys.of(entry))] = entry
    }
  }
}
