/** What a decoded map becomes under the options `structs` and `maps: 'object'`. */
import { STRUCT_KEY, type StructRegistry } from './structs.ts'
import { Atom } from './terms/atom.ts'
import type { Term, TermObject } from './terms/term.ts'

function atomText(key: Term): string | undefined {
  if (key instanceof Atom) return key.name
  return key === null ? 'nil' : typeof key === 'boolean' ? String(key) : undefined
}

/** The map as an object when its keys are all atoms, or all strings; else undefined. */
export function toObject(map: ReadonlyMap<Term, Term>): TermObject | undefined {
  const entries: [string, Term][] = []
  let strings = 0
  for (const [key, value] of map) {
    if (typeof key === 'string') strings++
    const text = typeof key === 'string' ? key : atomText(key)
    if (text === undefined) return undefined
    entries.push([text, value])
  }
  if (strings !== 0 && strings !== map.size) return undefined
  // Defines the properties, as assignment would take `__proto__` for something else.
  return Object.fromEntries(entries)
}

/** The instance for an Elixir struct whose class is registered; else undefined. */
export function toStruct(map: ReadonlyMap<Term, Term>, structs: StructRegistry): object | undefined {
  const module = map.get(STRUCT_KEY)
  const decode = module instanceof Atom ? structs.byModule.get(module) : undefined
  if (decode === undefined) return undefined
  const entries: [string, Term][] = []
  for (const [key, value] of map) {
    if (key === STRUCT_KEY) continue
    const text = atomText(key)
    if (text === undefined) return undefined
    entries.push([text, value])
  }
  return decode(Object.fromEntries(entries))
}
