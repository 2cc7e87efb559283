/** Which Erlang type a JavaScript value stands for; used where speed matters less than saying it once. */
import { EncodeError } from './errors.ts'
import { Atom, atom, findAtomByName, looseAtom } from './terms/atom.ts'
import { BitString } from './terms/bit-string.ts'
import { ExportFun } from './terms/export-fun.ts'
import { Float } from './terms/float.ts'
import { Pid } from './terms/pid.ts'
import { Port } from './terms/port.ts'
import { Reference } from './terms/reference.ts'
import { Fun, ImproperList, RecordTerm } from './terms/term.ts'
import { Tuple } from './terms/tuple.ts'

/**
 * Kinds in Erlang's order of types (protocol.md 5.5). Integers and floats share one place in that order, and so do
 * local and external funs.
 */
export const KIND = {
  INTEGER: 0,
  FLOAT: 1,
  ATOM: 2,
  REFERENCE: 3,
  FUN: 4,
  EXPORT: 5,
  PORT: 6,
  PID: 7,
  TUPLE: 8,
  RECORD: 9,
  MAP: 10,
  NIL: 11,
  LIST: 12,
  BITS: 13,
} as const

export type Kind = (typeof KIND)[keyof typeof KIND]

/** Whether a value is an object literal, or made like one: what is sent as a map. */
export function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** The kind of a value, or undefined when it is no term. */
export function kindOf(value: unknown): Kind | undefined {
  switch (typeof value) {
    case 'number':
      if (Number.isSafeInteger(value)) return KIND.INTEGER
      return Number.isFinite(value) ? KIND.FLOAT : undefined
    case 'bigint':
      return KIND.INTEGER
    case 'string':
      return KIND.BITS
    case 'boolean':
    case 'undefined':
      return KIND.ATOM
    case 'object':
      return value === null ? KIND.ATOM : kindOfObject(value)
    default:
      return undefined
  }
}

function kindOfObject(value: object): Kind | undefined {
  if (value instanceof Atom) return KIND.ATOM
  if (value instanceof Tuple) return KIND.TUPLE
  if (Array.isArray(value)) return value.length === 0 ? KIND.NIL : KIND.LIST
  if (value instanceof Map) return KIND.MAP
  if (value instanceof Uint8Array || value instanceof BitString) return KIND.BITS
  if (value instanceof Pid) return KIND.PID
  if (value instanceof Reference) return KIND.REFERENCE
  if (value instanceof Float) return KIND.FLOAT
  if (value instanceof ImproperList) return KIND.LIST
  if (value instanceof Port) return KIND.PORT
  if (value instanceof ExportFun) return KIND.EXPORT
  if (value instanceof Fun) return KIND.FUN
  if (value instanceof RecordTerm) return KIND.RECORD
  return isPlainObject(value) ? KIND.MAP : undefined
}

/** The kind of a value that must be a term. */
export function requireKind(value: unknown): Kind {
  const kind = kindOf(value)
  if (kind === undefined) throw notATerm(value)
  return kind
}

/** The error for a value that stands for no term. */
export function notATerm(value: unknown): EncodeError {
  if (typeof value === 'number') {
    return new EncodeError('ERR_ETF_NOT_FINITE', `${value} is no number on the BEAM`, value)
  }
  const what =
    typeof value === 'object' && value !== null ? `an instance of ${className(value)}` : `a ${typeof value}`
  const advice =
    typeof value === 'object'
      ? 'send a plain object, or register the class with defineStruct and the option structs'
      : 'leave it out'
  return new EncodeError('ERR_ETF_NOT_A_TERM', `${what} is no Erlang term; ${advice}`, value)
}

export function className(value: object): string {
  const made: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name
  return typeof made === 'string' && made !== '' ? made : 'an unnamed class'
}

const TRUE = atom('true')
const FALSE = atom('false')
const NIL = atom('nil')

/** The atom that a value of kind ATOM stands for. */
export function asAtom(value: unknown): Atom {
  if (value instanceof Atom) return value
  return value === true ? TRUE : value === false ? FALSE : NIL
}

/** The number behind a value of kind FLOAT. */
export function asFloat(value: unknown): number {
  return value instanceof Float ? value.value : (value as number)
}

/**
 * The pairs of a value of kind MAP; an object's keys are atoms, and its undefined properties are left out. New atoms
 * are not interned: an object may hold keys that a peer chose.
 */
export function mapPairs(value: unknown): [unknown, unknown][] {
  if (value instanceof Map) return [...value]
  const pairs: [unknown, unknown][] = []
  for (const [key, each] of Object.entries(value as object)) {
    if (each !== undefined) pairs.push([findAtomByName(key) ?? looseAtom(key), each])
  }
  return pairs
}

const textEncoder = new TextEncoder()

/** The bytes of a value of kind BITS. */
export function asBytes(value: unknown): Uint8Array {
  if (typeof value === 'string') return textEncoder.encode(value)
  return value instanceof BitString ? value.bytes : (value as Uint8Array)
}

/** The length in bits of a value of kind BITS, whose bytes are these. */
export function bitLengthOf(value: unknown, bytes: Uint8Array): number {
  return value instanceof BitString ? value.bitLength : bytes.length * 8
}
