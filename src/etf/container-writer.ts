/** What containers begin with, and what the values that stand for maps hold (protocol.md 5.1, 5.2). */
import type { ByteWriter } from '../core/index.ts'
import { EncodeError } from './errors.ts'
import { isPlainObject, notATerm } from './kinds.ts'
import type { EncodeOptions } from './options.ts'
import { PrimitiveWriter } from './primitive-writer.ts'
import { resolveStructs, STRUCT_KEY, type StructRegistry, structFields } from './structs.ts'
import { LARGE_TUPLE_EXT, MAX_TUPLE_ARITY, NIL_EXT, RECORD_EXT, SMALL_TUPLE_EXT, STRING_EXT } from './tags.ts'
import type { RecordTerm } from './terms/term.ts'
import type { Tuple } from './terms/tuple.ts'

/** STRING_EXT has a length of 16 bits. */
const MAX_STRING = 0xffff

/** A getter in it has added or taken elements: what was announced is not what follows. */
export function changed(container: unknown): EncodeError {
  return new EncodeError('ERR_ETF_UNREADABLE', 'the value was changed while it was encoded', container)
}

export class ContainerWriter extends PrimitiveWriter {
  protected readonly stringKeys: boolean
  protected readonly structs: StructRegistry | undefined
  readonly #records: boolean

  constructor(out: ByteWriter, options: EncodeOptions) {
    super(out, options.atomRef)
    this.stringKeys = options.objectKeys === 'string'
    this.structs = resolveStructs(options.structs)
    this.#records = options.records !== false
  }

  protected writeTupleHead(value: Tuple, arity: number): void {
    if (arity < 256) {
      this.writeU8(SMALL_TUPLE_EXT)
      this.writeU8(arity)
    } else if (arity <= MAX_TUPLE_ARITY) {
      this.writeHeader(LARGE_TUPLE_EXT, arity)
    } else {
      throw this.tooLarge(value, 'a tuple', arity)
    }
  }

  /** NIL_EXT for the empty list, STRING_EXT for one of bytes; false for every other list. */
  protected writeFlatList(value: readonly unknown[]): boolean {
    const { length } = value
    if (length === 0) {
      this.writeU8(NIL_EXT)
      return true
    }
    if (length > MAX_STRING) return false
    for (let i = 0; i < length; i++) if (!isByte(value[i])) return false
    this.writeU8(STRING_EXT)
    this.writeU8(length >> 8)
    this.writeU8(length)
    const { out } = this
    out.reserve(length)
    out.bytes.set(value as number[], out.length)
    // A getter among the elements may have taken some away: what was in the buffer must not stand for them.
    if (value.length !== length) throw changed(value)
    out.length += length
    return true
  }

  protected objectMap(value: Readonly<Record<string, unknown>>): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>()
    for (const [name, each] of Object.entries(value)) {
      if (each !== undefined) map.set(this.stringKeys ? name : this.keyAtom(name, value), each)
    }
    return map
  }

  /** The map of an instance of a registered class. */
  protected structMap(value: object): Map<unknown, unknown> {
    const codec = this.structs?.byType.get(value.constructor)
    if (codec === undefined) throw notATerm(value)
    const map = new Map<unknown, unknown>([[STRUCT_KEY, codec.module]])
    for (const [name, each] of Object.entries(structFields(codec, value))) {
      map.set(this.keyAtom(name, value), each)
    }
    return map
  }

  protected writeRecordHead(value: RecordTerm): void {
    if (!this.#records) {
      throw new EncodeError(
        'ERR_ETF_RECORD',
        'the peer takes no native records, which came with OTP 29',
        value,
      )
    }
    const { module, name, exported, fields, values } = value
    this.writeHeader(RECORD_EXT, values.length)
    this.writeU8(exported ? 1 : 0)
    this.writeAtom(module)
    this.writeAtom(name)
    for (const field of fields) this.writeAtom(field)
  }

  protected mapOf(container: object): Map<unknown, unknown> {
    if (container instanceof Map) return container
    return isPlainObject(container) ? this.objectMap(container) : this.structMap(container)
  }
}

function isByte(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 255 && (value | 0) === value
}
