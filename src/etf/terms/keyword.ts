/** Keyword lists, Elixir's `[a: 1, b: 2]`, as objects. */
import { Atom, atom } from './atom.ts'
import type { Encodable, Term } from './term.ts'
import { Tuple, tuple } from './tuple.ts'

/**
 * The object for a keyword list, or undefined when the term is not one. The first of several equal keys wins, as with
 * `Keyword.get/2`.
 *
 * @example
 * fromKeyword([tuple(atom('timeout'), 5)]) // { timeout: 5 }
 */
export function fromKeyword(term: Term): Record<string, Term> | undefined {
  if (!Array.isArray(term)) return undefined
  const entries = new Map<string, Term>()
  for (const item of term) {
    if (!(item instanceof Tuple) || item.length !== 2) return undefined
    const [key, value] = item.toArray() as [Term, Term]
    const name = atomName(key)
    if (name === undefined) return undefined
    if (!entries.has(name)) entries.set(name, value)
  }
  return Object.fromEntries(entries)
}

function atomName(term: Term): string | undefined {
  if (term instanceof Atom) return term.name
  return term === null ? 'nil' : typeof term === 'boolean' ? String(term) : undefined
}

/**
 * The keyword list of an object; properties that are undefined are left out.
 *
 * @example
 * encode(toKeyword({ timeout: 5, name: undefined })) // [timeout: 5]
 */
export function toKeyword<V extends Encodable>(object: Readonly<Record<string, V>>): Tuple<[Atom, V]>[] {
  return Object.entries(object)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): Tuple<[Atom, V]> => tuple(atom(key), value))
}
