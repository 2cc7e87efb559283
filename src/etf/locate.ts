/** Finds where in a term the value is that could not be encoded; only when that has happened. */
import { EncodeError } from './errors.ts'
import { isPlainObject } from './kinds.ts'
import type { StructRegistry } from './structs.ts'
import { Atom } from './terms/atom.ts'
import { ImproperList, RecordTerm } from './terms/term.ts'
import { Tuple } from './terms/tuple.ts'

interface Place {
  readonly value: unknown
  readonly access: string
  readonly parent: Place | undefined
}

/** Bounds the search in values that contain themselves. */
const MAX_STEPS = 10_000_000

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

function property(name: string): string {
  return IDENTIFIER.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}

function keyText(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key)
  if (key instanceof Atom) return `atom(${JSON.stringify(key.name)})`
  return typeof key === 'object' && key !== null ? '...' : String(key)
}

function indexed(values: ArrayLike<unknown>, prefix = ''): [string, unknown][] {
  return Array.from(values, (value, i) => [`${prefix}[${i}]`, value])
}

/** The fields of an instance of a registered class; none where its mapping fails. */
function fieldsOf(value: object, structs: StructRegistry | undefined): [string, unknown][] {
  const codec = structs?.byType.get(value.constructor)
  if (codec === undefined) return []
  try {
    return Object.entries(codec.encode(value)).map(([name, each]) => [property(name), each])
  } catch {
    return []
  }
}

/** What a value holds, in the order in which it is encoded. */
function childrenOf(value: unknown, structs: StructRegistry | undefined): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value) || value instanceof Tuple) return indexed(value)
  if (value instanceof ImproperList) return [...indexed(value.items, '.items'), ['.tail', value.tail]]
  if (value instanceof RecordTerm) return indexed(value.values, '.values')
  if (value instanceof Map) {
    return [...value].flatMap(([key, each], i): [string, unknown][] => [
      [`.keys()[${i}]`, key],
      [`.get(${keyText(key)})`, each],
    ])
  }
  if (!isPlainObject(value)) return fieldsOf(value, structs)
  return Object.entries(value).map(([name, each]) => [property(name), each])
}

/** The error with the way from `root` to its value; through registered classes by the names of their fields. */
export function locate(root: unknown, error: EncodeError, structs?: StructRegistry): EncodeError {
  const pending: Place[] = [{ value: root, access: '', parent: undefined }]
  for (let steps = 0; pending.length > 0 && steps < MAX_STEPS; steps++) {
    const place = pending.pop()!
    if (Object.is(place.value, error.value)) {
      const path: string[] = []
      for (let at: Place = place; at.parent !== undefined; at = at.parent) path.push(at.access)
      return new EncodeError(error.code, error.problem, error.value, path.reverse(), { cause: error.cause })
    }
    const children = childrenOf(place.value, structs)
    for (let i = children.length - 1; i >= 0; i--) {
      pending.push({ value: children[i]![1], access: children[i]![0], parent: place })
    }
  }
  return error
}
