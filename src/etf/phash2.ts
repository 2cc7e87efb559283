/**
 * `erlang:phash2` (protocol.md 6): the same number for the same term on every node, which is what a hash ring needs.
 * All arithmetic is on 32 bits. Native records hash by an order of fields that only their VM knows: not supported.
 */
import { OptionError } from '../core/index.ts'
import { EncodeError } from './errors.ts'
import { asAtom, asBytes, asFloat, bitLengthOf, KIND, mapPairs, requireKind } from './kinds.ts'
import type { Atom } from './terms/atom.ts'
import type { ExportFun } from './terms/export-fun.ts'
import type { Pid } from './terms/pid.ts'
import type { Port } from './terms/port.ts'
import type { Reference } from './terms/reference.ts'
import type { Encodable, Fun } from './terms/term.ts'
import { ImproperList } from './terms/term.ts'

/** The golden ratio in 32 bits; K(i) is i times that. */
const GOLDEN = 0x9e3779b9
const K_INTEGER = 0x9e3779b9
const K_NIL = 0x3c6ef372
const K_ATOM = 0xdaa66d2b
const K_BYTES = 0x78dde6e4
const K_PID = 0x1715609d
const K_PORT = 0xb54cda56
const K_REFERENCE = 0x5384540f
const K_TUPLE = 0x8ff34781
const K_NEGATIVE = 0x2e2ac13a
const K_POSITIVE = 0xcc623af3
const K_FLOAT = 0x6a99b4ac
const K_BITS = 0x08d12e65
const K_EXPORT = 0xa708a81e
const K_TRAILING_BITS = 0x454021d7
const K_MAP_SIZE = 0xe3779b90
const K_MAP_PAIRS = 0xbe1e08bb

/** The hash of `[]` with nothing before it. */
const NIL_ALONE = 3468870702 | 0

const FULL_RANGE = 0x100000000
const DEFAULT_RANGE = 0x8000000

/** The mixer; its three words are the result. One instance per hash, so that nothing is shared. */
class Mixer {
  a = 0
  b = 0
  c = 0

  mix(): void {
    let { a, b, c } = this
    a = ((a - b - c) | 0) ^ (c >>> 13)
    b = ((b - c - a) | 0) ^ (a << 8)
    c = ((c - a - b) | 0) ^ (b >>> 13)
    a = ((a - b - c) | 0) ^ (c >>> 12)
    b = ((b - c - a) | 0) ^ (a << 16)
    c = ((c - a - b) | 0) ^ (b >>> 5)
    a = ((a - b - c) | 0) ^ (c >>> 3)
    b = ((b - c - a) | 0) ^ (a << 10)
    this.c = ((c - a - b) | 0) ^ (b >>> 15)
    this.a = a
    this.b = b
  }

  /** Two data words and a constant into the running hash. */
  fold(hash: number, x: number, y: number, k: number): number {
    this.a = (k + x) | 0
    this.b = (k + y) | 0
    this.c = hash
    this.mix()
    return this.c
  }

  /** The first `length` bytes into one word, from a seed. */
  block(bytes: Uint8Array, length: number, seed: number): number {
    this.a = this.b = GOLDEN | 0
    this.c = seed
    let at = 0
    for (; at + 12 <= length; at += 12) {
      this.#add(bytes, at, at + 12, 0)
      this.mix()
    }
    // The last byte of c is taken by the length.
    this.c = (this.c + length) | 0
    this.#add(bytes, at, length, 8)
    this.mix()
    return this.c
  }

  /** Adds up to twelve bytes as three little-endian words. */
  #add(bytes: Uint8Array, start: number, end: number, shiftC: number): void {
    for (let i = start; i < end; i++) {
      const place = i - start
      const shifted = bytes[i]! << ((place & 3) * 8 + (place >= 8 ? shiftC : 0))
      if (place < 4) this.a = (this.a + shifted) | 0
      else if (place < 8) this.b = (this.b + shifted) | 0
      else this.c = (this.c + shifted) | 0
    }
  }
}

/** The value of an atom: the classic PJW hash of its text, in which U+0080 to U+00FF count as one byte. */
function atomValue({ wire, textStart }: Atom): number {
  let hash = 0
  for (let i = textStart; i < wire.length; i++) {
    let value = wire[i]!
    if ((value === 0xc2 || value === 0xc3) && i + 1 < wire.length) {
      value = ((value << 6) | (wire[++i]! & 0x3f)) & 0xff
    }
    hash = ((hash << 4) + value) | 0
    const high = hash & 0xf0000000
    if (high !== 0) hash = hash ^ (high >>> 24) ^ high
  }
  return hash
}

const float = new DataView(new ArrayBuffer(8))

/** Something to do once the terms before it are hashed. */
type Step = (hash: number) => number

/** Hashes without recursion but into the keys of maps. */
class Hasher extends Mixer {
  /** Terms, and steps between them, in reverse. */
  readonly #pending: unknown[] = []
  /** Which functions are steps, and no terms; few terms need any. */
  #steps: Set<unknown> | undefined

  run(term: unknown, start: number): number {
    const floor = this.#pending.length
    this.#pending.push(term)
    let hash = start
    while (this.#pending.length > floor) {
      const next = this.#pending.pop()
      if (typeof next === 'function' && this.#steps?.delete(next) === true) hash = (next as Step)(hash)
      else hash = this.#one(next, hash)
    }
    return hash
  }

  #then(step: Step): void {
    this.#steps ??= new Set()
    this.#steps.add(step)
    this.#pending.push(step)
  }

  #one(value: unknown, hash: number): number {
    switch (requireKind(value)) {
      case KIND.INTEGER:
        return this.#integer(value as number | bigint, hash)
      case KIND.FLOAT:
        return this.#float(asFloat(value), hash)
      case KIND.ATOM: {
        const atomic = atomValue(asAtom(value))
        return hash === 0 ? atomic : this.fold(hash, atomic, 0, K_ATOM)
      }
      case KIND.NIL:
        return hash === 0 ? NIL_ALONE : this.fold(hash, 2, 0, K_NIL)
      case KIND.BITS:
        return this.#bits(value, hash)
      case KIND.TUPLE: {
        const elements = value as ArrayLike<unknown>
        for (let i = elements.length - 1; i >= 0; i--) this.#pending.push(elements[i])
        return this.fold(hash, elements.length, 0, K_TUPLE)
      }
      case KIND.LIST:
        return value instanceof ImproperList
          ? this.#list(value.items, 0, value.tail, hash)
          : this.#list(value as unknown[], 0, NIL, hash)
      case KIND.MAP:
        return this.#map(mapPairs(value), hash)
      case KIND.PID:
        return this.fold(hash, (value as Pid).id, 0, K_PID)
      case KIND.PORT: {
        const id = BigInt((value as Port).id)
        return this.fold(hash, Number(id & 0xffffffffn), Number(id >> 32n), K_PORT)
      }
      case KIND.REFERENCE:
        return this.fold(hash, (value as Reference).words[0] ?? 0, 0, K_REFERENCE)
      case KIND.EXPORT: {
        const { module, function: name, arity } = value as ExportFun
        const outer = this.fold(hash, arity, atomValue(module), K_INTEGER)
        return this.fold(outer, atomValue(name), 0, K_EXPORT)
      }
      case KIND.FUN: {
        const { free, module, index, oldUniq } = value as Fun
        for (let i = free.length - 1; i >= 0; i--) this.#pending.push(free[i])
        const outer = this.fold(hash, free.length, atomValue(module), K_INTEGER)
        return this.fold(outer, index, oldUniq, K_INTEGER)
      }
      case KIND.RECORD:
        throw new EncodeError(
          'ERR_ETF_NOT_A_TERM',
          'phash2 of a native record is not portable, not even between two runs of one release',
          value,
        )
    }
  }

  #integer(value: number | bigint, hash: number): number {
    if (typeof value === 'number' && value >= -0x8000000 && value < 0x8000000) {
      const before = value < 0 ? this.fold(hash, -value, 0, K_INTEGER) : hash
      return this.fold(before, value, 0, K_INTEGER)
    }
    if (typeof value === 'bigint' && value >= -0x8000000n && value < 0x8000000n) {
      return this.#integer(Number(value), hash)
    }
    const whole = BigInt(value)
    const k = whole < 0n ? K_NEGATIVE : K_POSITIVE
    const digits = (whole < 0n ? -whole : whole).toString(16)
    let folded = hash
    // Words of 64 bits from the end of the hexadecimal text, which is linear in the length.
    for (let end = digits.length; end > 0; end -= 16) {
      const low = digits.slice(Math.max(end - 8, 0), end)
      const high = digits.slice(Math.max(end - 16, 0), Math.max(end - 8, 0))
      folded = this.fold(folded, Number.parseInt(low, 16), high === '' ? 0 : Number.parseInt(high, 16), k)
    }
    return folded
  }

  #float(value: number, hash: number): number {
    float.setFloat64(0, value === 0 ? 0 : value)
    return this.fold(hash, float.getInt32(0), float.getInt32(4), K_FLOAT)
  }

  #bits(value: unknown, hash: number): number {
    const bytes = asBytes(value)
    const bitLength = bitLengthOf(value, bytes)
    const whole = bitLength >> 3
    const rest = bitLength & 7
    const seed = (K_BITS + hash) | 0
    if (rest === 0) return whole === 0 ? seed : this.block(bytes, whole, seed)
    return this.fold(this.block(bytes, whole, seed), rest, bytes[whole]! >> (8 - rest), K_TRAILING_BITS)
  }

  /** From `from` on: runs of bytes go in four at a time, every other element by itself. */
  #list(items: readonly unknown[], from: number, tail: unknown, hash: number): number {
    let folded = hash
    let collected = 0
    let count = 0
    let i = from
    for (; i < items.length && isByte(items[i]); i++) {
      collected = (collected << 8) + (items[i] as number)
      if (++count < 4) continue
      folded = this.fold(folded, collected, 0, K_BYTES)
      collected = count = 0
    }
    if (count > 0) folded = this.fold(folded, collected, 0, K_BYTES)
    if (i === items.length) {
      this.#pending.push(tail)
      return folded
    }
    if (i + 1 < items.length) this.#then((after) => this.#list(items, i + 1, tail, after))
    else this.#pending.push(tail)
    this.#pending.push(items[i])
    return folded
  }

  #map(pairs: [unknown, unknown][], hash: number): number {
    const outer = this.fold(hash, pairs.length, 0, K_MAP_SIZE)
    let mixed = 0
    if (pairs.length === 0) return outer
    this.#then(() => this.fold(outer, mixed, 0, K_MAP_PAIRS))
    for (const [key, value] of pairs) {
      this.#then((hashed) => {
        mixed ^= hashed
        return 0
      })
      this.#pending.push(value)
      this.#then(() => this.run(key, 0))
    }
    return 0
  }
}

const NIL: readonly unknown[] = []

function isByte(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 255 && Number.isInteger(value)
}

/**
 * `erlang:phash2/2`: a number from 0 to `range` - 1 that every BEAM node computes alike for this term.
 *
 * @param range 1 to 2^32; default 2^27, as `erlang:phash2/1`.
 * @throws OptionError for another range, EncodeError when a value is no term or holds a native record.
 * @example
 * phash2(tuple(atom('user'), 42)) // 33738137
 */
export function phash2(term: Encodable, range: number = DEFAULT_RANGE): number {
  if (!Number.isInteger(range) || range < 1 || range > FULL_RANGE) {
    throw new OptionError(`the range of phash2 must be a whole number from 1 to 2^32, got ${range}`)
  }
  return (new Hasher().run(term, 0) >>> 0) % range
}
