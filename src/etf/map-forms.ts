/** What a decoded map becomes under the options `structs` and `maps: 'object'`. */
import { STRUCT_KEY, type StructRegistry } from './structs.ts'
import { Atom, atom } from './terms/atom.ts'
import type { Term, TermObject } from './terms/term.ts'

function atomText(key: Term): string | undefined {
  if (key instanceof Atom) return key.name
  return key === null ? 'nil' : typeof key === 'boolean' ? String(key) : undefined
}

/** The property for an atom or a string; undefined for other keys. */
export function keyText(key: Term): string | undefined {
  return typeof key === 'string' ? key : atomText(key)
}

/** Adds a property; false when it is there already. */
export function addProperty(object: TermObject, name: string, value: Term): boolean {
  if (object[name] === undefined) {
    object[name] = value
    return true
  }
  if (Object.hasOwn(object, name)) return false
  // Every object inherits something of this name. To assign `__proto__` would do something else.
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
  return true
}

/** The pairs of such an object, whose keys were strings or atoms. */
export function pairsOf(object: TermObject, strings: boolean): [Term, Term][] {
  return Object.entries(object).map(([name, value]) => [strings ? name : atom(name).term, value])
}

/** The map as an object when its keys are all atoms, or all strings; else undefined. */
export function toObject(map: ReadonlyMap<Term, Term>): TermObject | undefined {
  const object: TermObject = {}
  let strings = 0
  for (const [key, value] of map) {
    if (typeof key === 'string') strings++
    const text = keyText(key)
    if (text === undefined) return undefined
    addProperty(object, text, value)
  }
  return strings === 0 || strings === map.size ? object : undefined
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
