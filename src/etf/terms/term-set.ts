/** Sets whose elements are compared as terms (design.md 2). */
import type { Term } from './term.ts'
import { TermMap } from './term-map.ts'

/**
 * A set of terms with the methods of `Set`; equal elements are one, as in Elixir's `MapSet`.
 *
 * @example
 * const set = new TermSet([tuple('a', 1), tuple('a', 1)])
 * set.size // 1
 * set.has(tuple('a', 1)) // true
 */
export class TermSet<T = Term> {
  readonly #elements = new TermMap<T, true>()

  /** @throws EncodeError when an element is no term. */
  constructor(elements?: Iterable<T> | null) {
    if (elements) for (const element of elements) this.add(element)
  }

  get size(): number {
    return this.#elements.size
  }

  has(element: T): boolean {
    return this.#elements.has(element)
  }

  /** @throws EncodeError when the element is no term. */
  add(element: T): this {
    this.#elements.set(element, true)
    return this
  }

  delete(element: T): boolean {
    return this.#elements.delete(element)
  }

  clear(): void {
    this.#elements.clear()
  }

  forEach(callback: (element: T, again: T, set: TermSet<T>) => void): void {
    for (const element of this) callback(element, element, this)
  }

  keys(): SetIterator<T> {
    return this.#elements.keys()
  }

  values(): SetIterator<T> {
    return this.#elements.keys()
  }

  *entries(): SetIterator<[T, T]> {
    for (const element of this) yield [element, element]
  }

  [Symbol.iterator](): SetIterator<T> {
    return this.#elements.keys()
  }

  get [Symbol.toStringTag](): string {
    return 'TermSet'
  }
}
