/** Values to bytes as Discord's erlpack makes them. */
import { ByteWriter } from '../core/index.ts'
import { NodeBuffer } from './binary.ts'
import { EncodeError } from './errors.ts'
import { notATerm } from './kinds.ts'
import { locate } from './locate.ts'
import {
  BINARY_EXT,
  INTEGER_EXT,
  LIST_EXT,
  MAP_EXT,
  NEW_FLOAT_EXT,
  NIL_EXT,
  SMALL_ATOM_EXT,
  SMALL_BIG_EXT,
  SMALL_INTEGER_EXT,
  VERSION_MAGIC,
} from './tags.ts'

/** As deep as erlpack goes. */
const MAX_DEPTH = 256

const textEncoder = new TextEncoder()

function atomBytes(name: string): Uint8Array {
  return Uint8Array.of(SMALL_ATOM_EXT, name.length, ...textEncoder.encode(name))
}

const NIL = atomBytes('nil')
const TRUE = atomBytes('true')
const FALSE = atomBytes('false')

/** Names of properties that V8 keeps as numbers, which makes them integers as keys. */
function isIndex(name: string): boolean {
  const index = Number(name)
  return Number.isInteger(index) && index >= 0 && index < 0xffffffff && String(index) === name
}

class ErlpackWriter {
  readonly #out = new ByteWriter()

  constructor() {
    this.#out.writeU8(VERSION_MAGIC)
  }

  /** A `Buffer` on Node, as from erlpack. */
  get bytes(): Uint8Array {
    const { buffer, byteOffset, length } = this.#out.finish()
    return NodeBuffer === undefined
      ? new Uint8Array(buffer, byteOffset, length)
      : NodeBuffer.from(buffer as ArrayBuffer, byteOffset, length)
  }

  write(value: unknown, depth: number): void {
    if (depth > MAX_DEPTH) {
      throw new EncodeError('ERR_ETF_DEPTH', `erlpack stops at ${MAX_DEPTH} levels of nesting`, value)
    }
    if (value === null || value === undefined) this.#out.writeBytes(NIL)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'string') this.#string(value)
    else if (typeof value === 'boolean') this.#out.writeBytes(value ? TRUE : FALSE)
    else if (Array.isArray(value)) this.#list(value, depth)
    else if (typeof value === 'object' || typeof value === 'function') this.#map(value, depth)
    else throw notATerm(value)
  }

  #head(tag: number, length: number): void {
    this.#out.writeU8(tag)
    this.#out.writeU32(length)
  }

  #number(value: number): void {
    const out = this.#out
    if ((value | 0) === value && !Object.is(value, -0)) {
      if (value >= 0 && value < 256) {
        out.writeU8(SMALL_INTEGER_EXT)
        out.writeU8(value)
      } else {
        this.#head(INTEGER_EXT, value >>> 0)
      }
    } else if (value >>> 0 === value && !Object.is(value, -0)) {
      out.writeU8(SMALL_BIG_EXT)
      out.writeU8(4)
      out.writeU8(0)
      for (let shift = 0; shift < 32; shift += 8) out.writeU8(value >>> shift)
    } else {
      out.writeU8(NEW_FLOAT_EXT)
      out.writeBytes(new Uint8Array(Float64Array.of(value).buffer).reverse())
    }
  }

  /** A lone surrogate becomes U+FFFD. */
  #string(value: string): void {
    const text = textEncoder.encode(value)
    this.#head(BINARY_EXT, text.length)
    this.#out.writeBytes(text)
  }

  /** Only elements that are there, and properties that the array has besides. */
  #list(value: readonly unknown[], depth: number): void {
    const names = Object.keys(value)
    if (names.length > 0) {
      this.#head(LIST_EXT, names.length)
      for (const name of names) this.write(Reflect.get(value, name), depth + 1)
    }
    this.#out.writeU8(NIL_EXT)
  }

  #map(value: object, depth: number): void {
    const names = Object.keys(value)
    this.#head(MAP_EXT, names.length)
    for (const name of names) {
      this.write(isIndex(name) ? Number(name) : name, depth + 1)
      this.write(Reflect.get(value, name), depth + 1)
    }
  }
}

/** See `erlpack`. */
export function pack(value: unknown): Uint8Array {
  const writer = new ErlpackWriter()
  try {
    writer.write(value, 0)
  } catch (error) {
    throw error instanceof EncodeError ? locate(value, error) : error
  }
  return writer.bytes
}
