/**
 * The argument of `init` on its way into a thread. It is cloned as JavaScript has it, objects stay objects; the terms in
 * it, which are classes, travel as bytes.
 */
import {
  Atom,
  BitString,
  decode,
  type Encodable,
  EXACT,
  ExportFun,
  encode,
  Float,
  Fun,
  ImproperList,
  Pid,
  Port,
  RecordTerm,
  Reference,
  TermMap,
  Tuple,
} from '../../etf/index.ts'

const TERMS = [
  Atom,
  Tuple,
  Pid,
  Reference,
  Port,
  ImproperList,
  BitString,
  Float,
  Fun,
  ExportFun,
  RecordTerm,
  TermMap,
]
const KEY = '$beamjoin:term'

/** @throws EncodeError for a tuple that holds what is no term. What cannot be cloned is found when the worker starts. */
export function packArgument(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (TERMS.some((term) => value instanceof term)) return { [KEY]: encode(value as Encodable) }
  if (Array.isArray(value)) return value.map(packArgument)
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [packArgument(key), packArgument(item)]))
  }
  if (!isPlain(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, packArgument(item)]))
}

export function unpackArgument(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(unpackArgument)
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [unpackArgument(key), unpackArgument(item)]))
  }
  if (!isPlain(value)) return value
  if (KEY in value) return decode(value[KEY] as Uint8Array, EXACT)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpackArgument(item)]))
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
