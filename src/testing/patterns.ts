/** Patterns for terms, as in a `match` of Elixir. */
import { type Encodable, type Term, Tuple, termEquals } from '../etf/index.ts'
import { atom } from '../index.ts'

/** Matches every term. */
export const any: unique symbol = Symbol('any')

/**
 * Whether a term fits a pattern: a term that is equal; a tuple or list of patterns; a `Map` or an object whose keys the
 * term has, with values that fit; a function that says so; or `any`.
 *
 * @example
 * const message = tuple(atom('user'), new Map<Term, Term>([[atom('name'), 'Ada'], [atom('age'), 36]]))
 * matches(tuple(atom('user'), any), message) // true
 * matches([atom('user'), { name: 'Ada' }], message) // false
 * matches(tuple(atom('user'), { name: 'Ada' }), message) // true
 */
export function matches(pattern: unknown, term: Term): boolean {
  if (pattern === any) return true
  if (typeof pattern === 'function') return Boolean((pattern as (term: Term) => unknown)(term))
  if (pattern instanceof Tuple) return term instanceof Tuple && matchAll([...pattern], [...term])
  if (Array.isArray(pattern)) return Array.isArray(term) && matchAll(pattern, term)
  if (pattern instanceof Map) return matchPairs([...pattern], term)
  if (isPlain(pattern))
    return matchPairs(
      Object.entries(pattern).map(([key, value]) => [atom(key), value]),
      term,
    )
  return termEquals(pattern as Term, term)
}

function matchAll(patterns: readonly unknown[], terms: readonly unknown[]): boolean {
  return (
    patterns.length === terms.length && patterns.every((pattern, i) => matches(pattern, terms[i] as Term))
  )
}

function matchPairs(pairs: readonly (readonly [unknown, unknown])[], term: Term): boolean {
  if (!(term instanceof Map)) return false
  return pairs.every(([key, pattern]) => {
    for (const [found, value] of term as Map<Term, Term>) {
      if (termEquals(found, key as Term)) return matches(pattern, value)
    }
    return false
  })
}

function isPlain(value: unknown): value is Record<string, Encodable> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
