/** Forms of terms that the functions here answer with and take. */
import { Atom, atom, type Encodable, type Term, Tuple, tuple } from '../../etf/index.ts'
import { ExitError } from '../../runtime/index.ts'

export type Pairs = readonly (readonly [string, Encodable])[]

/** A string as Erlang has it. */
export function charlist(text: string): number[] {
  return [...text].map((character) => character.codePointAt(0) as number)
}

/** `[{key, value}]` */
export function proplist(pairs: Pairs): Encodable[] {
  return pairs.map(([key, value]) => tuple(atom(key), value))
}

/** The name of an atom or of a tuple's first element: `links`, `{dictionary, Key}`. */
export function itemName(item: Term | undefined): string | undefined {
  const first = item instanceof Tuple ? item[0] : item
  return first instanceof Atom ? first.name : undefined
}

/** As `erlang:error(badarg)` ends a function, with a stack that says nothing. */
export function badarg(): never {
  throw new ExitError(tuple(atom('badarg'), []))
}
