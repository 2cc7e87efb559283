/**
 * `Term` and `Encodable` (design.md 2), and the classes of terms that hold terms. They are in one file because each
 * refers to `Term`, and `Term` to each.
 */
import type { Atom } from './atom.ts'
import type { BitString } from './bit-string.ts'
import type { CalendarDate } from './calendar-date.ts'
import type { CalendarTime } from './calendar-time.ts'
import type { DateTime } from './date-time.ts'
import type { Decimal } from './decimal.ts'
import type { ExportFun } from './export-fun.ts'
import type { Float } from './float.ts'
import type { NaiveDateTime } from './naive-date-time.ts'
import type { Pid } from './pid.ts'
import type { Port } from './port.ts'
import type { Range } from './range.ts'
import type { Reference } from './reference.ts'
import type { Uri } from './uri.ts'

/** A map as an object; only with the codec option `maps: 'object'`. */
export interface TermObject {
  [key: string]: Term
}

/**
 * Types of classes that were registered for Elixir structs: they arrive, and they can be sent.
 *
 * @example
 * class User { name = '' }
 * declare module 'beamjoin/etf' { interface RegisteredTypes { user: User } }
 * const codec = { structs: [defineStruct('MyApp.User', User)] }
 * const user = decode(encode(new User(), codec), codec)
 * user instanceof User // true
 */
// biome-ignore lint/suspicious/noEmptyInterface: users add to it
export interface RegisteredTypes {}

/**
 * A list that does not end in `[]`: `[a, b | tail]`. The tail is never a list itself.
 *
 * @example
 * encode(new ImproperList([1, 2], 3)) // [1, 2 | 3]
 */
export class ImproperList<T = Term, L = Term> {
  /** At least one. */
  readonly items: readonly T[]
  readonly tail: L

  constructor(items: readonly T[], tail: L) {
    this.items = items
    this.tail = tail
  }
}

/** The fields of NEW_FUN_EXT in the order of the wire. */
export interface FunFields {
  readonly arity: number
  /** 16 bytes: the MD5 of the code of the module. */
  readonly uniq: Uint8Array
  readonly index: number
  readonly module: Atom
  readonly oldIndex: number
  readonly oldUniq: number
  /** The process that made it. */
  readonly pid: Pid
  /** The free variables, exactly as they came, whatever the options of the codec. */
  readonly free: readonly Term[]
}

/** A local function of a BEAM node, `fn x -> x + y end`: opaque, and equal to itself when sent back. */
export class Fun implements FunFields {
  readonly arity: number
  readonly uniq: Uint8Array
  readonly index: number
  readonly module: Atom
  readonly oldIndex: number
  readonly oldUniq: number
  readonly pid: Pid
  readonly free: readonly Term[]

  /** @internal */
  constructor(fields: FunFields) {
    this.arity = fields.arity
    this.uniq = fields.uniq
    this.index = fields.index
    this.module = fields.module
    this.oldIndex = fields.oldIndex
    this.oldUniq = fields.oldUniq
    this.pid = fields.pid
    this.free = fields.free
  }
}

/** A native record: `#module:name{field = value}`. */
export class RecordTerm {
  readonly module: Atom
  readonly name: Atom
  /** Whether the module exports the definition. */
  readonly exported: boolean
  /** In the order of the definition. */
  readonly fields: readonly Atom[]
  /** One for each field. */
  readonly values: readonly Term[]

  constructor(module: Atom, name: Atom, exported: boolean, fields: readonly Atom[], values: readonly Term[]) {
    this.module = module
    this.name = name
    this.exported = exported
    this.fields = fields
    this.values = values
  }

  /** The value of a field, or undefined when there is no such field. */
  get(field: Atom | string): Term | undefined {
    const index = this.fields.findIndex((each) => each === field || each.name === field)
    return index < 0 ? undefined : this.values[index]
  }
}

interface TupleBase<E extends readonly unknown[]> {
  readonly length: E['length']
  readonly [index: number]: E[number]
  [Symbol.iterator](): IterableIterator<E[number]>
  /** A fresh array of the elements, typed one by one: `const [tag, value] = tuple.toArray()`. */
  toArray(): [...E]
  toString(): string
}

/** A tuple of these elements, each of its own type. `Tuple` is the same with a default. */
export type TupleOf<E extends readonly unknown[]> = TupleBase<E> & {
  readonly [K in keyof E as K extends `${number}` ? K : never]: E[K]
}

/** A tuple of any terms. An interface, for a type cannot refer to itself through the intersection that TupleOf is. */
export interface AnyTuple extends TupleBase<readonly Term[]> {}

interface EncodableTuple extends TupleBase<readonly Encodable[]> {}

/** An Erlang term as it arrives. */
export type Term =
  | number
  | bigint
  | string
  | boolean
  | null
  | Atom
  | Uint8Array
  | BitString
  | Float
  | Pid
  | Port
  | Reference
  | Fun
  | ExportFun
  | AnyTuple
  | Term[]
  | ImproperList
  | Map<Term, Term>
  | RecordTerm
  | TermObject
  | RegisteredTypes[keyof RegisteredTypes]

/**
 * What can be sent: every `Term`, and what JavaScript code would rather write. Dates, sets and their like go out as
 * structs of Elixir when the codec has `structs: elixirStructs`.
 */
export type Encodable =
  | Term
  | undefined
  | EncodableTuple
  | Date
  | DateTime
  | NaiveDateTime
  | CalendarDate
  | CalendarTime
  | Decimal
  | Range
  | Uri
  | ReadonlySet<Encodable>
  | readonly Encodable[]
  | ImproperList<Encodable, Encodable>
  | ReadonlyMap<Encodable, Encodable>
  | { readonly [key: string]: Encodable }
