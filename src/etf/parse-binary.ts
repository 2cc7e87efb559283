/** Binaries of Elixir's syntax: `<<1, 2, "abc", 5::size(3)>>`. */
import type { ParseCursor } from './parse-cursor.ts'
import { BitString } from './terms/bit-string.ts'
import { Float } from './terms/float.ts'
import type { Term } from './terms/term.ts'
import { readText } from './text.ts'

const SIZE = /::\s*(?:size\(\s*(\d{1,6})\s*\)|(\d{1,6}))/y
const BINARY_TYPE = /::\s*(?:binary|bytes|bitstring|bits|utf8)\b/y

const textEncoder = new TextEncoder()

/** Bits one after another, the most significant first. */
class Bits {
  readonly #bytes: number[] = []
  /** How many bits of the last byte are taken; 8 when it is full, or there is none. */
  #used = 8

  push(bit: number): void {
    if (this.#used === 8) {
      this.#bytes.push(0)
      this.#used = 0
    }
    const last = this.#bytes.length - 1
    this.#bytes[last] = this.#bytes[last]! | (bit << (7 - this.#used))
    this.#used++
  }

  /** The lowest `size` bits, as Elixir cuts integers that are too large. */
  pushInteger(value: bigint, size: number): void {
    if (size === 0) return
    const kept = BigInt.asUintN(size, value).toString(2).padStart(size, '0')
    for (let i = 0; i < size; i++) this.push(kept.charCodeAt(i) & 1)
  }

  pushBytes(bytes: Uint8Array): void {
    for (const byte of bytes) for (let i = 7; i >= 0; i--) this.push((byte >> i) & 1)
  }

  toTerm(): Term {
    const bytes = Uint8Array.from(this.#bytes)
    if (this.#used < 8) return new BitString(bytes, this.#used)
    return readText(bytes, 0, bytes.length) ?? bytes
  }
}

function pushBitString(bits: Bits, value: BitString): void {
  for (let i = 0; i < value.bitLength; i++) bits.push((value.bytes[i >> 3]! >> (7 - (i & 7))) & 1)
}

/** The binary here; the cursor is at its `<`. `parseTerm` reads the value of a segment. */
export function parseBinary(cursor: ParseCursor, parseTerm: () => Term): Term {
  cursor.expect('<<', 'of a binary')
  const bits = new Bits()
  for (;;) {
    cursor.skipSpace()
    if (cursor.accept('>>')) return bits.toTerm()
    parseSegment(cursor, bits, parseTerm)
    cursor.skipSpace()
    if (cursor.accept(',')) continue
    cursor.expect('>>', 'or , in the binary')
    return bits.toTerm()
  }
}

function parseSegment(cursor: ParseCursor, bits: Bits, parseTerm: () => Term): void {
  const start = cursor.position
  const value = parseTerm()
  cursor.skipSpace()
  if (typeof value === 'number' || typeof value === 'bigint') {
    const size = cursor.match(SIZE)
    if (!Number.isInteger(value) && typeof value === 'number') {
      throw cursor.fail('a float in a binary is not possible here', start)
    }
    bits.pushInteger(BigInt(value), Number(size?.[1] ?? size?.[2] ?? 8))
  } else if (typeof value === 'string' || value instanceof Uint8Array || value instanceof BitString) {
    cursor.match(BINARY_TYPE)
    if (value instanceof BitString) pushBitString(bits, value)
    else bits.pushBytes(typeof value === 'string' ? textEncoder.encode(value) : value)
  } else {
    const what = value instanceof Float ? 'a float' : 'this'
    throw cursor.fail(`${what} in a binary is not possible here; integers and binaries are`, start)
  }
  if (cursor.startsWith('::')) throw cursor.fail('only ::size(n), ::n and ::binary are known here')
}
