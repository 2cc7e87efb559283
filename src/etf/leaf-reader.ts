/** Terms without elements out of received bytes: binaries, numbers, lists of bytes, external funs (protocol.md 5.1). */
import { copyBinary, isLeftInPlace, viewBinary } from './binary.ts'
import { IdentifierReader } from './identifier-reader.ts'
import { readMagnitude } from './integers.ts'
import type { CodecLimits, DecodeOptions } from './options.ts'
import {
  ATOM_EXT,
  ATOM_UTF8_EXT,
  BIT_BINARY_EXT,
  EXPORT_EXT,
  FLOAT_EXT,
  INTEGER_EXT,
  LARGE_BIG_EXT,
  LOCAL_EXT,
  MAX_INTEGER_BYTES,
  NEW_PORT_EXT,
  NEW_REFERENCE_EXT,
  PID_EXT,
  PORT_EXT,
  REFERENCE_EXT,
  SMALL_ATOM_EXT,
  SMALL_BIG_EXT,
  SMALL_INTEGER_EXT,
  STRING_EXT,
  V4_PORT_EXT,
} from './tags.ts'
import { BitString } from './terms/bit-string.ts'
import { ExportFun } from './terms/export-fun.ts'
import { Float } from './terms/float.ts'
import type { Term } from './terms/term.ts'
import { readText } from './text.ts'

/** Text of FLOAT_EXT: as C prints a double. */
const FLOAT_TEXT = /^[-+]?\d+\.\d+(e[-+]?\d+)?$/i

/** A view for itself, since one over the received bytes would have to be made for every chunk. */
const float = new DataView(new ArrayBuffer(8))

export class LeafReader extends IdentifierReader {
  readonly #strings: boolean
  readonly #exactFloats: boolean
  /** The bytes are written over when they have been read: nothing may be a view of them. */
  lent = false
  /** Something that was read since this was set to false is a view of the bytes. */
  hasViews = false
  /** Above 0 inside map keys and funs, where floats and structs are left exactly as they are. */
  protected verbatim = 0

  constructor(options: DecodeOptions, limits: Required<CodecLimits>) {
    super(options.atomBudget, limits)
    this.#strings = options.binaries !== 'buffer'
    this.#exactFloats = options.floats === 'exact'
  }

  /** A term that holds no others, whose tag was read at `at`. */
  protected readLeaf(tag: number | undefined, at: number): Term {
    switch (tag) {
      case SMALL_INTEGER_EXT:
        return this.readU8()
      case INTEGER_EXT:
        return this.readI32()
      case STRING_EXT:
        return this.readByteList()
      case SMALL_BIG_EXT:
        return this.readBig(this.readU8())
      case LARGE_BIG_EXT:
        return this.readBig(this.readU32())
      case ATOM_UTF8_EXT:
        return this.readAtomText(this.readU16()).term
      case SMALL_ATOM_EXT:
        return this.readLatin1Atom(this.readU8()).term
      case ATOM_EXT:
        return this.readLatin1Atom(this.readU16()).term
      case BIT_BINARY_EXT:
        return this.readBits()
      case EXPORT_EXT:
        return this.readExport()
      case V4_PORT_EXT:
        return this.readV4Port()
      case NEW_PORT_EXT:
        return this.readNewPort()
      case PORT_EXT:
        return this.readOldPort()
      case PID_EXT:
        return this.readOldPid()
      case NEW_REFERENCE_EXT:
        return this.readNewReference()
      case REFERENCE_EXT:
        return this.readOldReference()
      case FLOAT_EXT:
        return this.readTextFloat()
      case LOCAL_EXT:
        throw this.fail('ERR_ETF_LOCAL', 'LOCAL_EXT means something only to the VM that wrote it', at)
      default:
        throw this.fail('ERR_ETF_UNKNOWN_TAG', 'no term begins with this byte', at)
    }
  }

  protected readBinary(): Term {
    const { bytes, offset } = this
    const start = offset + 4
    const length =
      ((bytes[offset]! << 24) |
        (bytes[offset + 1]! << 16) |
        (bytes[offset + 2]! << 8) |
        bytes[offset + 3]!) >>>
      0
    const end = start + length
    // Also when the length itself is cut short. What is missing is said where it is missing.
    if (end > this.end) this.take(this.readU32())
    this.offset = end
    return this.#binary(start, end)
  }

  #binary(start: number, end: number): Term {
    return (this.#strings ? readText(this.bytes, start, end) : undefined) ?? this.#bytesOf(start, end)
  }

  #bytesOf(start: number, end: number): Uint8Array {
    const { bytes } = this
    if (this.lent || !isLeftInPlace(bytes, end - start)) return copyBinary(bytes, start, end)
    this.hasViews = true
    return viewBinary(bytes, start, end)
  }

  /** BIT_BINARY_EXT: length (u32), bits of the last byte (u8), bytes. */
  protected readBits(): Term {
    const length = this.readU32()
    const bits = this.readU8()
    if (length === 0 ? bits !== 0 : bits < 1 || bits > 8) {
      const problem = `a bitstring of ${length} bytes cannot have ${bits} bits in the last one`
      throw this.fail('ERR_ETF_BITS', problem, this.offset - 1)
    }
    const at = this.take(length)
    if (bits === 8 || bits === 0) return this.#binary(at, at + length)
    return new BitString(this.#bytesOf(at, at + length), bits)
  }

  /** SMALL_BIG_EXT, LARGE_BIG_EXT: length (given), sign (u8), little-endian magnitude. */
  protected readBig(length: number): number | bigint {
    const sign = this.readU8()
    if (sign > 1) throw this.fail('ERR_ETF_INTEGER', `the sign must be 0 or 1, not ${sign}`, this.offset - 1)
    if (length > MAX_INTEGER_BYTES) {
      const problem = `integers have at most ${MAX_INTEGER_BYTES} bytes here, this one ${length}`
      throw this.fail('ERR_ETF_INTEGER', problem, this.offset - 1)
    }
    const at = this.take(length)
    return readMagnitude(this.bytes, at, at + length, sign === 1)
  }

  protected readFloat(): number | Float {
    const at = this.take(8)
    const { bytes } = this
    for (let i = 0; i < 8; i++) float.setUint8(i, bytes[at + i]!)
    return this.#toFloat(float.getFloat64(0), at)
  }

  /** FLOAT_EXT: 31 bytes of decimal text, padded with NUL. */
  protected readTextFloat(): number | Float {
    const at = this.take(31)
    let text = ''
    for (let i = at; i < at + 31 && this.bytes[i] !== 0; i++) text += String.fromCharCode(this.bytes[i]!)
    return this.#toFloat(FLOAT_TEXT.test(text.trim()) ? Number(text) : Number.NaN, at)
  }

  #toFloat(value: number, at: number): number | Float {
    if (!Number.isFinite(value)) throw this.fail('ERR_ETF_FLOAT', 'a float must be finite', at)
    return (this.#exactFloats || this.verbatim > 0) && Number.isInteger(value) ? new Float(value) : value
  }

  /** STRING_EXT: length (u16), bytes; a list of small integers. */
  protected readByteList(): Term[] {
    const length = this.readU16()
    const at = this.take(length)
    this.charge(length)
    const items: Term[] = new Array(length)
    for (let i = 0; i < length; i++) items[i] = this.bytes[at + i]!
    return items
  }

  /** EXPORT_EXT: module, function, arity (SMALL_INTEGER_EXT). */
  protected readExport(): ExportFun {
    const module = this.readAtom()
    const name = this.readAtom()
    const at = this.take(1)
    if (this.bytes[at] !== SMALL_INTEGER_EXT) throw this.fail('ERR_ETF_FUN', 'expected an arity', at)
    return new ExportFun(module, name, this.readU8())
  }
}
