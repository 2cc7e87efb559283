/**
 * A map from references to entries that hold their reference.
 *
 * Keyed by a number made of the first two words, which is unique for 2^50 references of one node, so that the message
 * path makes no strings. References of different nodes may share a number: those are chained and compared.
 */
import type { Reference } from '../etf/index.ts'

const WORD0_SPAN = 2 ** 18

interface Link<V> {
  readonly entry: V
  next: Link<V> | undefined
}

function refNumber(ref: Reference): number {
  const { words } = ref
  return (words[0] ?? 0) + (words[1] ?? 0) * WORD0_SPAN
}

export class RefMap<V extends { readonly ref: Reference }> {
  readonly #chains = new Map<number, Link<V>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(ref: Reference): V | undefined {
    for (let link = this.#chains.get(refNumber(ref)); link !== undefined; link = link.next) {
      if (link.entry.ref.equals(ref)) return link.entry
    }
    return undefined
  }

  /** Adds an entry under its own `ref`, which must not be in the map yet. */
  add(entry: V): void {
    const number = refNumber(entry.ref)
    this.#chains.set(number, { entry, next: this.#chains.get(number) })
    this.#size++
  }

  /** Takes the entry out and returns it; undefined when there is none. */
  take(ref: Reference): V | undefined {
    const number = refNumber(ref)
    let before: Link<V> | undefined
    for (let link = this.#chains.get(number); link !== undefined; link = link.next) {
      if (link.entry.ref.equals(ref)) {
        if (before !== undefined) before.next = link.next
        else if (link.next !== undefined) this.#chains.set(number, link.next)
        else this.#chains.delete(number)
        this.#size--
        return link.entry
      }
      before = link
    }
    return undefined
  }

  /** Entries may be taken out while iterating. */
  *values(): Generator<V> {
    for (const first of this.#chains.values()) {
      for (let link: Link<V> | undefined = first; link !== undefined; link = link.next) yield link.entry
    }
  }
}
