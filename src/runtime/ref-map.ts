/**
 * A map from references to entries that hold their reference.
 *
 * A few entries form a list that is looked through; most processes never have more, and a table takes more memory than all
 * of them. Many are in a table, which makes no strings on the message path.
 */
import { type EntryKeys, EntryTable } from '../core/index.ts'
import type { Reference } from '../etf/index.ts'

interface Entry {
  readonly ref: Reference
}

/** From here on there is a table, and it stays. */
const MOST_IN_LIST = 8

/** References of one node differ in the first word for long; those of different nodes are compared as a whole. */
const SECOND_WORD = 0x85eb_ca6b

const KEYS: EntryKeys<Reference, Entry> = {
  of: (entry) => entry.ref,
  hash: ({ words }) => (words[0] ?? 0) ^ Math.imul(words[1] ?? 0, SECOND_WORD),
  equal: (a, b) => a.equals(b),
}

interface Link<V> {
  readonly entry: V
  next: Link<V> | undefined
}

export class RefMap<V extends Entry> {
  /** The youngest entry of the list. */
  #list: Link<V> | undefined
  #listed = 0
  #table: EntryTable<Reference, V> | undefined

  get size(): number {
    return this.#table === undefined ? this.#listed : this.#table.size
  }

  get(ref: Reference): V | undefined {
    if (this.#table !== undefined) return this.#table.get(ref)
    let link = this.#list
    while (link !== undefined && !link.entry.ref.equals(ref)) link = link.next
    return link?.entry
  }

  /** Adds an entry under its own `ref`, which must not be in the map yet. */
  add(entry: V): void {
    if (this.#table === undefined && this.#listed === MOST_IN_LIST) this.#makeTable()
    if (this.#table !== undefined) {
      this.#table.add(entry)
      return
    }
    this.#list = { entry, next: this.#list }
    this.#listed++
  }

  /** Takes the entry out and returns it; undefined when there is none. */
  take(ref: Reference): V | undefined {
    if (this.#table !== undefined) return this.#table.take(ref)
    let before: Link<V> | undefined
    let link = this.#list
    while (link !== undefined && !link.entry.ref.equals(ref)) {
      before = link
      link = link.next
    }
    if (link === undefined) return undefined
    if (before === undefined) this.#list = link.next
    else before.next = link.next
    this.#listed--
    return link.entry
  }

  /** A few in the order in which they were added, many in none. Entries may be taken out while iterating. */
  *values(): Generator<V> {
    const entries = this.#table === undefined ? this.#inOrder() : this.#table.entries()
    for (const entry of entries) if (this.get(entry.ref) === entry) yield entry
  }

  #makeTable(): void {
    const table = new EntryTable<Reference, V>(KEYS as EntryKeys<Reference, V>)
    for (const entry of this.#inOrder()) table.add(entry)
    this.#table = table
    this.#list = undefined
  }

  /** The entries of the list, the oldest first. */
  #inOrder(): V[] {
    const entries: V[] = []
    for (let link = this.#list; link !== undefined; link = link.next) entries.push(link.entry)
    return entries.reverse()
  }
}
