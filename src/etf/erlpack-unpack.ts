/** Bytes to values as Discord's erlpack makes them. */
import { Cursor } from './cursor.ts'
import { DecodeError } from './errors.ts'
import { inflate } from './inflate.ts'
import { DEFAULT_LIMITS } from './options.ts'
import {
  ATOM_EXT,
  ATOM_UTF8_EXT,
  BINARY_EXT,
  COMPRESSED,
  EXPORT_EXT,
  FLOAT_EXT,
  INTEGER_EXT,
  LARGE_BIG_EXT,
  LARGE_TUPLE_EXT,
  LIST_EXT,
  MAP_EXT,
  NEW_FLOAT_EXT,
  NEW_PID_EXT,
  NEW_PORT_EXT,
  NEW_REFERENCE_EXT,
  NEWER_REFERENCE_EXT,
  NIL_EXT,
  PID_EXT,
  PORT_EXT,
  REFERENCE_EXT,
  SMALL_ATOM_EXT,
  SMALL_ATOM_UTF8_EXT,
  SMALL_BIG_EXT,
  SMALL_INTEGER_EXT,
  SMALL_TUPLE_EXT,
  STRING_EXT,
  V4_PORT_EXT,
  VERSION_MAGIC,
} from './tags.ts'

/** erlpack goes on until the stack overflows; this is more than any message of a gateway has. */
const MAX_DEPTH = 1000

/** Bytes of an integer that erlpack reads. */
const MAX_INTEGER_BYTES = 8

/** Text that is no UTF-8 gets U+FFFD in it. */
const textDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

class ErlpackReader extends Cursor {
  #depth = 0
  /** Bytes that compressed terms may still inflate to, all those inside each other together. */
  #inflatable = DEFAULT_LIMITS.inflated

  constructor(bytes: Uint8Array, offset: number) {
    super(DEFAULT_LIMITS.elements)
    this.bytes = bytes
    this.end = bytes.length
    this.offset = offset
  }

  read(): unknown {
    const at = this.take(1)
    switch (this.bytes[at]) {
      case SMALL_INTEGER_EXT:
        return this.readU8()
      case INTEGER_EXT:
        return this.readI32()
      case NEW_FLOAT_EXT:
        return new DataView(this.bytes.buffer, this.bytes.byteOffset + this.take(8)).getFloat64(0)
      case FLOAT_EXT:
        return this.#textFloat()
      case ATOM_EXT:
        return this.#atom(this.readU16(), false)
      case SMALL_ATOM_EXT:
        return this.#atom(this.readU8(), false)
      case ATOM_UTF8_EXT:
        return this.#atom(this.readU16(), true)
      case SMALL_ATOM_UTF8_EXT:
        return this.#atom(this.readU8(), true)
      case SMALL_BIG_EXT:
        return this.#big(this.readU8())
      case LARGE_BIG_EXT:
        return this.#big(this.readU32())
      case BINARY_EXT:
        return this.#text(this.readU32())
      case STRING_EXT:
        return this.#bytes(this.readU16())
      case NIL_EXT:
        return []
      default:
        return this.#readInner(this.bytes[at], at)
    }
  }

  /** Terms that hold others. */
  #readInner(tag: number | undefined, at: number): unknown {
    if (++this.#depth > MAX_DEPTH) {
      throw this.fail('ERR_ETF_DEPTH', `more than ${MAX_DEPTH} levels of nesting`, at)
    }
    const value = this.#readByTag(tag, at)
    this.#depth--
    return value
  }

  #readByTag(tag: number | undefined, at: number): unknown {
    switch (tag) {
      case SMALL_TUPLE_EXT:
        return this.#elements(this.#charged(this.readU8()))
      case LARGE_TUPLE_EXT:
        return this.#elements(this.readCount(1))
      case LIST_EXT:
        return this.#list()
      case MAP_EXT:
        return this.#map()
      case COMPRESSED:
        return this.#compressed()
      case EXPORT_EXT:
        return { mod: this.read(), fun: this.read(), arity: this.read() }
      case PID_EXT:
        return { node: this.read(), id: this.readU32(), serial: this.readU32(), creation: this.readU8() }
      case NEW_PID_EXT:
        return { node: this.read(), id: this.readU32(), serial: this.readU32(), creation: this.readU32() }
      case PORT_EXT:
        return { node: this.read(), id: this.readU32(), creation: this.readU8() }
      case NEW_PORT_EXT:
        return { node: this.read(), id: this.readU32(), creation: this.readU32() }
      case V4_PORT_EXT:
        return { node: this.read(), id: this.#longId(), creation: this.readU32() }
      case REFERENCE_EXT:
        return { node: this.read(), id: [this.readU32()], creation: this.readU8() }
      case NEW_REFERENCE_EXT:
        return this.#reference(1)
      case NEWER_REFERENCE_EXT:
        return this.#reference(4)
      default:
        throw this.fail('ERR_ETF_UNKNOWN_TAG', 'erlpack knows no term that begins with this byte', at)
    }
  }

  #charged(count: number): number {
    this.charge(count)
    return count
  }

  #elements(count: number): unknown[] {
    const elements: unknown[] = []
    for (let i = 0; i < count; i++) elements.push(this.read())
    return elements
  }

  #list(): unknown[] {
    const elements = this.#elements(this.readCount(1))
    const at = this.take(1)
    if (this.bytes[at] !== NIL_EXT)
      throw this.fail('ERR_ETF_UNKNOWN_TAG', 'erlpack knows no improper lists', at)
    return elements
  }

  #map(): Record<string, unknown> {
    const count = this.readPairCount()
    const map: Record<string, unknown> = {}
    for (let i = 0; i < count; i++) {
      const key = this.#key()
      const value = this.read()
      // Assigning to this name would change the prototype.
      if (key === '__proto__') Object.defineProperty(map, key, { value, ...OWN })
      else map[key] = value
    }
    return map
  }

  #key(): string {
    const at = this.offset
    const key = this.read()
    try {
      return String(key)
    } catch {
      // A map with keys such as toString hides what makes text of an object.
      throw this.fail('ERR_ETF_UNKNOWN_TAG', 'nothing makes a name of this key of a map', at)
    }
  }

  #bytes(length: number): number[] {
    this.charge(length)
    const at = this.take(length)
    return Array.from(this.bytes.subarray(at, at + length))
  }

  #text(length: number): string {
    const at = this.take(length)
    return textDecoder.decode(this.bytes.subarray(at, at + length))
  }

  #atom(length: number, utf8: boolean): string | boolean | null {
    const at = this.take(length)
    const bytes = this.bytes.subarray(at, at + length)
    let name = ''
    if (utf8) name = textDecoder.decode(bytes)
    else for (const byte of bytes) name += String.fromCharCode(byte)
    if (name === 'nil' || name === 'null') return null
    return name === 'true' || name === 'false' ? name === 'true' : name
  }

  #textFloat(): number {
    const at = this.take(31)
    const text = String.fromCharCode(...this.bytes.subarray(at, at + 31)).replace(/\0[\s\S]*/, '')
    const value = Number.parseFloat(text)
    if (!Number.isFinite(value)) throw this.fail('ERR_ETF_FLOAT', 'a float must be finite', at)
    return value
  }

  /** A number in up to four bytes, or else the digits, as JavaScript could not hold all of those integers. */
  #big(length: number): number | string {
    const sign = this.readU8()
    if (length > MAX_INTEGER_BYTES) {
      const problem = `erlpack reads integers of up to ${MAX_INTEGER_BYTES} bytes`
      throw this.fail('ERR_ETF_INTEGER', problem, this.offset - 1)
    }
    const at = this.take(length)
    let value = 0n
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[at + i]!)
    if (length <= 4 && (sign === 0 || value < 0x80000000n)) return Number(sign === 0 ? value : -value)
    return `${sign === 0 ? '' : '-'}${value}`
  }

  #longId(): number | string {
    const id = (BigInt(this.readU32()) << 32n) | BigInt(this.readU32())
    return id <= Number.MAX_SAFE_INTEGER ? Number(id) : String(id)
  }

  #reference(creationSize: 1 | 4): object {
    const count = this.#charged(this.readU16())
    const node = this.read()
    const creation = creationSize === 1 ? this.readU8() : this.readU32()
    return { node, creation, id: Array.from({ length: count }, () => this.readU32()) }
  }

  #compressed(): unknown {
    const size = this.readU32()
    const inner = new ErlpackReader(inflate(this.bytes, this.offset, size, this.#inflatable), 0)
    inner.#depth = this.#depth
    inner.#inflatable = this.#inflatable - size
    inner.elements = this.elements
    this.offset = this.end
    return inner.read()
  }
}

const OWN = { enumerable: true, configurable: true, writable: true } as const

/** See `erlpack`. */
export function unpack(bytes: Uint8Array): unknown {
  if (bytes[0] !== VERSION_MAGIC) {
    throw new DecodeError('ERR_ETF_VERSION', `a term begins with ${VERSION_MAGIC}`, bytes, 0)
  }
  return new ErlpackReader(bytes, 1).read()
}
