/**
 * A map from references to entries that hold their reference.
 *
 * A few entries form a list that is looked through; most processes never have more, and a map takes more memory than all
 * of them. Many are keyed by a number made of the first two words, which is unique for 2^50 references of one node, so
 * that the message path makes no strings. References of different nodes may share a number: those are chained and
 * compared.
 */
import type { Reference } from '../etf/index.ts'

const WORD0_SPAN = 2 ** 18

/** From here on there is a map, and it stays. */
const MOST_IN_LIST = 8

interface Link<V> {
  readonly entry: V
  next: Link<V> | undefined
}

function refNumber(ref: Reference): number {
  const { words } = ref
  return (words[0] ?? 0) + (words[1] ?? 0) * WORD0_SPAN
}

export class RefMap<V extends { readonly ref: Reference }> {
  /** The youngest entry of the list. */
  #list: Link<V> | undefined
  #chains: Map<number, Link<V>> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get(ref: Reference): V | undefined {
    let link = this.#chains === undefined ? this.#list : this.#chains.get(refNumber(ref))
    while (link !== undefined && !link.entry.ref.equals(ref)) link = link.next
    return link?.entry
  }

  /** Adds an entry under its own `ref`, which must not be in the map yet. */
  add(entry: V): void {
    this.#size++
    if (this.#chains !== undefined) this.#chain(this.#chains, entry)
    else if (this.#size <= MOST_IN_LIST) this.#list = { entry, next: this.#list }
    else {
      const chains = new Map<number, Link<V>>()
      for (const each of this.#inOrder()) this.#chain(chains, each)
      this.#chain(chains, entry)
      this.#chains = chains
      this.#list = undefined
    }
  }

  /** Takes the entry out and returns it; undefined when there is none. */
  take(ref: Reference): V | undefined {
    const chains = this.#chains
    const number = chains === undefined ? 0 : refNumber(ref)
    let before: Link<V> | undefined
    let link = chains === undefined ? this.#list : chains.get(number)
    while (link !== undefined && !link.entry.ref.equals(ref)) {
      before = link
      link = link.next
    }
    if (link === undefined) return undefined
    if (before !== undefined) before.next = link.next
    else if (chains === undefined) this.#list = link.next
    else if (link.next !== undefined) chains.set(number, link.next)
    else chains.delete(number)
    this.#size--
    return link.entry
  }

  /** In the order in which they were added, as far as their numbers differ. Entries may be taken out while iterating. */
  *values(): Generator<V> {
    if (this.#chains === undefined) {
      for (const entry of this.#inOrder()) if (this.get(entry.ref) === entry) yield entry
      return
    }
    for (const first of this.#chains.values()) {
      for (let link: Link<V> | undefined = first; link !== undefined; link = link.next) yield link.entry
    }
  }

  #chain(chains: Map<number, Link<V>>, entry: V): void {
    const number = refNumber(entry.ref)
    chains.set(number, { entry, next: chains.get(number) })
  }

  /** The entries of the list, the oldest first. */
  #inOrder(): V[] {
    const entries: V[] = []
    for (let link = this.#list; link !== undefined; link = link.next) entries.push(link.entry)
    return entries.reverse()
  }
}
