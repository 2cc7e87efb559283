/** Maps whose keys are found by the value of the term (design.md 2). */
import { normalizeInteger } from '../integers.ts'
import { notATerm } from '../kinds.ts'
import { termKey } from '../term-key.ts'
import { readText } from '../text.ts'
import { Atom } from './atom.ts'
import { Float } from './float.ts'
import type { Term } from './term.ts'

/** One value for all spellings of a key that a plain `Map` would take for different ones: 5n and 5, undefined and null. */
function normalize(key: unknown): unknown {
  switch (typeof key) {
    case 'number':
      if (!Number.isFinite(key)) throw notATerm(key)
      return key === 0 ? 0 : key
    case 'bigint':
      return normalizeInteger(key)
    case 'undefined':
      return null
    case 'object':
      if (key instanceof Atom) return key.term
      return key instanceof Float && !Number.isSafeInteger(key.value) ? key.value : key
    case 'string':
    case 'boolean':
      return key
    default:
      throw notATerm(key)
  }
}

/** Whether `Map` itself finds a normalized key by value. */
function isPlain(key: unknown): boolean {
  return typeof key !== 'object' || key === null || key instanceof Atom
}

/**
 * A `Map` whose keys are compared as terms: an equal tuple, pid or binary finds the entry, not only the same object.
 *
 * Everything else is as in `Map`: insertion order, iteration, `size`. A key that is set again stays the object that
 * was set first. A list or map inside a key must not be changed while the key is in use.
 *
 * @example
 * new TermMap([[tuple(atom('user'), 1), 'Ann']]).get(tuple(atom('user'), 1)) // 'Ann'
 */
export class TermMap<K = Term, V = Term> extends Map<K, V> {
  /** Term key -> the key object in the map, for keys that are not plain. Made when first needed. */
  #index: Map<string, K> | undefined

  /** @throws EncodeError when a key is no term. */
  constructor(entries?: Iterable<readonly [K, V]> | null) {
    super()
    if (entries) for (const [key, value] of entries) this.set(key, value)
  }

  override get(key: K): V | undefined {
    const stored = this.#find(key)
    return stored === undefined ? undefined : super.get(stored)
  }

  override has(key: K): boolean {
    return this.#find(key) !== undefined
  }

  /** @throws EncodeError when the key is no term. */
  override set(key: K, value: V): this {
    const stored = this.#find(key)
    if (stored !== undefined) return super.set(stored, value)
    const normal = normalize(key) as K
    if (!isPlain(normal)) {
      this.#index ??= new Map()
      this.#index.set(termKey(normal), normal)
    }
    return super.set(normal, value)
  }

  override delete(key: K): boolean {
    const stored = this.#find(key)
    if (stored === undefined) return false
    if (!isPlain(stored)) this.#index?.delete(termKey(stored))
    return super.delete(stored)
  }

  override clear(): void {
    this.#index = undefined
    super.clear()
  }

  /** The stored key that equals this one, or undefined; no key is stored as undefined. */
  #find(key: K): K | undefined {
    const normal = normalize(key) as K
    if (isPlain(normal)) {
      if (super.has(normal)) return normal
      // Text may be stored as bytes; nothing else plain can be stored under another guise.
      if (typeof normal !== 'string') return undefined
    } else if (normal instanceof Uint8Array) {
      const text = readText(normal, 0, normal.length) as K | undefined
      if (text !== undefined && super.has(text)) return text
    }
    return this.#index?.get(termKey(normal))
  }
}
