/** Terms without elements into a growing buffer (protocol.md 5.1, 5.2). */
import type { ByteWriter } from '../core/index.ts'
import { EncodeError } from './errors.ts'
import { magnitudeBytes } from './integers.ts'
import { notATerm } from './kinds.ts'
import {
  ATOM_CACHE_REF,
  BINARY_EXT,
  BIT_BINARY_EXT,
  EXPORT_EXT,
  INTEGER_EXT,
  LARGE_BIG_EXT,
  MAX_INTEGER_BYTES,
  MAX_REFERENCE_WORDS,
  NEW_FLOAT_EXT,
  NEW_PID_EXT,
  NEWER_REFERENCE_EXT,
  SMALL_BIG_EXT,
  SMALL_INTEGER_EXT,
  V4_PORT_EXT,
} from './tags.ts'
import { type Atom, atom, atomProblem, findAtomByName } from './terms/atom.ts'
import type { BitString } from './terms/bit-string.ts'
import type { ExportFun } from './terms/export-fun.ts'
import type { Pid } from './terms/pid.ts'
import type { Port } from './terms/port.ts'
import type { Reference } from './terms/reference.ts'
import { writeText } from './text.ts'

const MAX_U32 = 0xffffffff

/** Up to this many bytes are copied by a loop: the call of `set` costs more. */
const SHORT_COPY = 24

/** From this size on it matters whether bytes are copied. */
const LONG_BYTES = 32 * 1024

const MAX_U64 = 2n ** 64n - 1n

function isU32(value: number): boolean {
  return value >>> 0 === value
}

/** Four bytes where there is room for them. Typed arrays keep the low eight bits of each. */
function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Which key followed another one last time, by the low bits of the hash of the first. */
const nextKeys: Atom[] = new Array(1024).fill(atom('nil'))
const KEY = nextKeys.length - 1

export class PrimitiveWriter {
  protected readonly out: ByteWriter
  /** Hash of the property name that was written last. */
  #lastKey = 0
  readonly #atomRef: ((atom: Atom) => number) | undefined

  constructor(out: ByteWriter, atomRef: ((atom: Atom) => number) | undefined) {
    this.out = out
    this.#atomRef = atomRef
  }

  protected writeU8(value: number): void {
    const { out } = this
    out.reserve(1)
    out.bytes[out.length++] = value
  }

  /** A tag and a length of 32 bits. */
  protected writeHeader(tag: number, length: number): void {
    const { out } = this
    out.reserve(5)
    out.bytes[out.length++] = tag
    this.#putU32(length)
  }

  protected writeU32(value: number): void {
    this.out.reserve(4)
    this.#putU32(value)
  }

  /** Four bytes that are reserved already. */
  #putU32(value: number): void {
    const { out } = this
    putU32(out.bytes, out.length, value)
    out.length += 4
  }

  protected writeBytes(source: Uint8Array): void {
    const { out } = this
    const { length } = source
    out.reserve(length)
    const { bytes } = out
    const start = out.length
    if (length > SHORT_COPY) bytes.set(source, start)
    else for (let i = 0; i < length; i++) bytes[start + i] = source[i]!
    out.length = start + length
  }

  writeAtom(value: Atom): void {
    const index = this.#atomRef === undefined ? -1 : this.#atomRef(value)
    if (index < 0) {
      this.writeBytes(value.wire)
      return
    }
    const { out } = this
    out.reserve(2)
    out.bytes[out.length++] = ATOM_CACHE_REF
    out.bytes[out.length++] = index
  }

  /** The atom for a property name of `owner`. */
  protected keyAtom(name: string, owner: object): Atom {
    // Objects come in rows of one shape, whose names are the same strings: a comparison of two pointers.
    const slot = this.#lastKey & KEY
    const guess = nextKeys[slot]!
    const found = guess.name === name ? guess : (findAtomByName(name) ?? this.#newKey(name, owner))
    nextKeys[slot] = found
    this.#lastKey = found.hash
    return found
  }

  #newKey(name: string, owner: object): Atom {
    const problem = atomProblem(name)
    if (problem !== undefined) throw new EncodeError('ERR_ETF_ATOM', `as a key, ${problem}`, owner)
    return atom(name)
  }

  protected writeNumber(value: number): void {
    const { out } = this
    if ((value | 0) === value) {
      out.reserve(5)
      if (value >= 0 && value < 256) {
        out.bytes[out.length++] = SMALL_INTEGER_EXT
        out.bytes[out.length++] = value
        return
      }
      out.bytes[out.length++] = INTEGER_EXT
      this.#putU32(value)
    } else if (Number.isSafeInteger(value)) {
      this.#writeSafeInteger(value)
    } else {
      // A number beyond the safe range came from a float, for an integer that large would be a bigint.
      this.writeFloat(value)
    }
  }

  /** SMALL_BIG_EXT: length (u8), sign (u8), little-endian magnitude. */
  #writeSafeInteger(value: number): void {
    const { out } = this
    out.reserve(10)
    const { bytes } = out
    const start = out.length
    let at = start + 3
    for (let rest = Math.abs(value); rest > 0; rest = Math.floor(rest / 256)) bytes[at++] = rest % 256
    bytes[start] = SMALL_BIG_EXT
    bytes[start + 1] = at - start - 3
    bytes[start + 2] = value < 0 ? 1 : 0
    out.length = at
  }

  protected writeBigint(value: bigint): void {
    if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
      this.writeNumber(Number(value))
      return
    }
    const magnitude = magnitudeBytes(value < 0n ? -value : value)
    if (magnitude.length < 256) {
      this.writeU8(SMALL_BIG_EXT)
      this.writeU8(magnitude.length)
    } else {
      if (magnitude.length > MAX_INTEGER_BYTES) throw this.tooLarge(value, 'an integer', magnitude.length)
      this.writeHeader(LARGE_BIG_EXT, magnitude.length)
    }
    this.writeU8(value < 0n ? 1 : 0)
    this.writeBytes(magnitude)
  }

  protected writeFloat(value: number): void {
    if (!Number.isFinite(value)) throw notATerm(value)
    const { out } = this
    out.reserve(9)
    out.bytes[out.length] = NEW_FLOAT_EXT
    out.view.setFloat64(out.length + 1, value)
    out.length += 9
  }

  /** BINARY_EXT: length (u32), UTF-8 text. */
  protected writeString(value: string): void {
    const { out } = this
    const start = out.length
    out.reserve(5)
    out.length = start + 5
    if (!writeText(out, value)) {
      const problem = 'a string with a lone surrogate is no UTF-8 text; send its bytes as a Uint8Array'
      throw new EncodeError('ERR_ETF_LONE_SURROGATE', problem, value)
    }
    const end = out.length
    out.bytes[start] = BINARY_EXT
    out.length = start + 1
    this.#putU32(end - start - 5)
    out.length = end
  }

  /**
   * BINARY_EXT: length (u32), bytes.
   *
   * @param lendable nothing is going to write other bytes to it before the whole term is written
   */
  protected writeBinary(value: Uint8Array, lendable = false): void {
    if (value.length > MAX_U32) throw this.tooLarge(value, 'a binary', value.length)
    this.writeHeader(BINARY_EXT, value.length)
    if (lendable && value.length >= LONG_BYTES) this.out.writeLendable(value)
    else this.writeBytes(value)
  }

  /** BIT_BINARY_EXT: length (u32), bits of the last byte (u8), bytes. */
  protected writeBits(value: BitString): void {
    if (value.bits === 8 || value.bits === 0) {
      this.writeBinary(value.bytes)
      return
    }
    if (value.bytes.length > MAX_U32) throw this.tooLarge(value, 'a bitstring', value.bytes.length)
    this.writeHeader(BIT_BINARY_EXT, value.bytes.length)
    this.writeU8(value.bits)
    this.writeBytes(value.bytes)
  }

  /** NEW_PID_EXT: node, id (u32), serial (u32), creation (u32). */
  writePid(value: Pid): void {
    const { node, id, serial, creation } = value
    if (!isU32(id) || !isU32(serial) || !isU32(creation)) throw this.notWords(value, 'a pid')
    this.writeU8(NEW_PID_EXT)
    this.writeAtom(node)
    const { out } = this
    out.reserve(12)
    const { bytes, length } = out
    putU32(bytes, length, id)
    putU32(bytes, length + 4, serial)
    putU32(bytes, length + 8, creation)
    out.length = length + 12
  }

  /** V4_PORT_EXT: node, id (u64), creation (u32). */
  protected writePort(value: Port): void {
    const id = BigInt(value.id)
    if (id < 0n || id > MAX_U64 || !isU32(value.creation)) throw this.notWords(value, 'a port')
    this.writeU8(V4_PORT_EXT)
    this.writeAtom(value.node)
    const { out } = this
    out.reserve(12)
    out.view.setBigUint64(out.length, id)
    out.length += 8
    this.#putU32(value.creation)
  }

  /** NEWER_REFERENCE_EXT: words (u16), node, creation (u32), words x u32. */
  writeReference(value: Reference): void {
    const { creation, node, words } = value
    const count = words.length
    if (count < 1 || count > MAX_REFERENCE_WORDS) throw wrongWordCount(value)
    if (!isU32(creation)) throw this.notWords(value, 'a reference')
    const { out } = this
    out.reserve(3)
    out.bytes[out.length] = NEWER_REFERENCE_EXT
    out.bytes[out.length + 1] = 0
    out.bytes[out.length + 2] = count
    out.length += 3
    this.writeAtom(node)
    out.reserve(4 + count * 4)
    const { bytes } = out
    let at = out.length
    putU32(bytes, at, creation)
    for (let i = 0; i < count; i++) {
      const word = words[i]!
      if (!isU32(word)) throw this.notWords(value, 'a reference')
      at += 4
      putU32(bytes, at, word)
    }
    out.length = at + 4
  }

  /** EXPORT_EXT: module, function, arity (SMALL_INTEGER_EXT). */
  protected writeExport(value: ExportFun): void {
    if (value.arity > 255 || !isU32(value.arity)) throw this.tooLarge(value, 'an arity', value.arity)
    this.writeU8(EXPORT_EXT)
    this.writeAtom(value.module)
    this.writeAtom(value.function)
    this.writeU8(SMALL_INTEGER_EXT)
    this.writeU8(value.arity)
  }

  protected notWords(value: unknown, what: string): EncodeError {
    return new EncodeError('ERR_ETF_TOO_LARGE', `${what} holds numbers of 32 bits, from 0`, value)
  }

  protected tooLarge(value: unknown, what: string, size: number): EncodeError {
    return new EncodeError('ERR_ETF_TOO_LARGE', `${what} of size ${size} does not fit the format`, value)
  }
}

function wrongWordCount(value: Reference): EncodeError {
  const problem = `a reference has 1 to ${MAX_REFERENCE_WORDS} words, this one ${value.words.length}`
  return new EncodeError('ERR_ETF_TOO_LARGE', problem, value)
}
