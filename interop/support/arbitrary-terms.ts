/** Random terms from a seed, for round trips. The same seed gives the same terms. */
import {
  type Atom,
  atom,
  BitString,
  ExportFun,
  Float,
  ImproperList,
  Pid,
  Port,
  Reference,
  type Term,
  TermMap,
  Tuple,
} from '../../src/etf/index.ts'

/** The codec's tests use this too, which also run where there is no process. */
const SEED = globalThis.process?.env['SEED']

/** The seed of this run: from the environment variable SEED, else a fresh one. Tests print it. */
export const seed = Number(SEED ?? (Math.random() * 0x100000000) >>> 0)

/** Numbers from 0 up to 1, by a generator of 32 bits of state. */
export function randomNumbers(from: number): () => number {
  let state = from >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000
  }
}

const TEXTS = [
  '',
  'a',
  'héllo',
  '日本',
  '\u{1f600}',
  '\ufeffx',
  'with "quotes"',
  '\n\t\0',
  'x'.repeat(70),
  '#{a}',
  '\u200b',
]
const NAMES = [
  'ok',
  'error',
  'nil',
  'true',
  'Elixir.My.Mod',
  'with space',
  'ähm',
  '日本',
  '',
  '+',
  'a'.repeat(255),
  'q?',
]
/** Without 0.0: OTP 25 takes it and -0.0 for one key of a map. */
const FLOATS = [-0, 1, -1, 1.5, 1e300, 5e-324, 1e22, 123456.789, 2 ** 53, 0.1, -1e-7, 100]

export class ArbitraryTerms {
  readonly #random: () => number

  constructor(from: number) {
    this.#random = randomNumbers(from)
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  /** A term in the exact mapping; `depth` levels of containers at most. */
  term(depth = 4): Term {
    return depth > 0 && this.below(3) > 0 ? this.#container(depth - 1) : this.leaf()
  }

  leaf(): Term {
    switch (this.below(12)) {
      case 0:
        return this.#integer()
      case 1:
        return this.pick([0, 1, 255, 256, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1])
      case 2:
        return this.#float()
      case 3:
        return this.atom().term
      case 4:
        return this.#text()
      case 5:
        return this.#bytes(0x80)
      case 6:
        return this.#bits()
      case 7:
        return this.#pid()
      case 8:
        return new Port(this.#node(), this.pick([0, 5, 2 ** 28, 2 ** 40, 2n ** 60n]), this.#u32())
      case 9:
        // Not one word: OTP 25 does not find such keys of other nodes again in maps of more than 32 pairs.
        return new Reference(
          this.#node(),
          this.#u32(),
          this.#list(2 + this.below(4), () => this.#u32()),
        )
      case 10:
        return new ExportFun(this.atom(), this.atom(), this.below(256))
      default:
        return this.#list(this.below(6), () => this.below(256))
    }
  }

  atom(): Atom {
    return atom(this.below(3) === 0 ? this.pick(NAMES) : `atom_${this.below(50)}`)
  }

  #container(depth: number): Term {
    const size = this.below(5)
    switch (this.below(5)) {
      case 0:
        return this.#list(size, () => this.term(depth))
      case 1:
        return new Tuple(this.#list(size, () => this.term(depth))) as Term
      case 2:
        return this.#map(size, depth)
      case 3:
        return this.#map(this.below(10) === 0 ? 40 : size, 0)
      default:
        return new ImproperList(
          this.#list(size + 1, () => this.term(depth)),
          this.atom().term,
        )
    }
  }

  #map(size: number, depth: number): Term {
    const map = new TermMap<Term, Term>()
    for (let i = 0; i < size; i++) map.set(this.term(depth), this.term(depth))
    return map
  }

  #list<T>(length: number, make: () => T): T[] {
    return Array.from({ length }, make)
  }

  #integer(): number | bigint {
    const bits = this.pick([6, 20, 31, 33, 52, 60, 64, 70, 100, 2000, 2048, 2100])
    let value = 0n
    for (let i = 0; i < bits; i += 16) value = (value << 16n) | BigInt(this.below(0x10000))
    const signed = this.below(2) === 0 ? value : -value
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed
  }

  #float(): Term {
    const exponent = this.below(60) - 30
    const value = this.below(3) === 0 ? this.pick(FLOATS) : (this.#random() - 0.5) * 10 ** exponent
    return Number.isInteger(value) ? new Float(value) : value
  }

  #text(): string {
    return this.#list(this.below(4), () => this.pick(TEXTS)).join('')
  }

  /** Bytes that are no UTF-8 when `first` is none. */
  #bytes(first: number): Uint8Array {
    return Uint8Array.from([first, ...this.#list(this.below(10), () => this.below(256))])
  }

  #bits(): BitString {
    return new BitString(this.#bytes(this.below(256)), 1 + this.below(7))
  }

  #node(): Atom {
    return atom(this.pick(['nonode@nohost', 'a@b', 'ts@127.0.0.1']))
  }

  #pid(): Pid {
    return new Pid(this.#node(), this.below(2 ** 28), this.below(2 ** 13), this.#u32())
  }

  #u32(): number {
    return Math.floor(this.#random() * 0x100000000)
  }
}
