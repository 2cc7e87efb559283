/**
 * Terms in MessagePack: an extension codec for `@msgpack/msgpack`.
 *
 * Numbers, strings, bytes, booleans, null, lists and plain objects are what MessagePack has. Everything else is an
 * extension, whose type is the tag that the external term format has for it:
 *
 * | Type | Term | Data |
 * |---|---|---|
 * | 119 | atom | its UTF-8 text |
 * | 104 | tuple | MessagePack array of the elements |
 * | 116 | map (`Map`) | MessagePack array of keys and values in turn |
 * | 108 | improper list | MessagePack array of the elements and the tail |
 * | 97, 98, 110, 111 | integer (`bigint`) | what follows the tag in the external term format, here and below |
 * | 70 | float (`Float`) | |
 * | 77, 109 | bitstring | |
 * | 88, 90, 120 | pid, reference, port | |
 * | 112, 113 | fun, external fun | |
 * | 67 | native record | |
 *
 * A plain object stays one, with strings for keys; the keys of a `Map` are kept as they are.
 */
import { decode as decodeMessagePack, Encoder, ExtData, ExtensionCodec } from '@msgpack/msgpack'
import { OptionError } from '../core/index.ts'
import {
  Atom,
  AtomBudget,
  BitString,
  DecodeError,
  decode,
  type Encodable,
  EncodeError,
  EXACT,
  ExportFun,
  encode,
  Float,
  Fun,
  ImproperList,
  makeTuple,
  Pid,
  Port,
  RecordTerm,
  Reference,
  type Term,
  TermMap,
  Tuple,
} from '../etf/index.ts'

/** The types of the extensions: tags of the external term format. */
export const EXTENSION_TYPES = Object.freeze({
  record: 67,
  float: 70,
  bitstring: 77,
  pid: 88,
  reference: 90,
  smallInteger: 97,
  integer: 98,
  tuple: 104,
  improperList: 108,
  binary: 109,
  smallBig: 110,
  largeBig: 111,
  fun: 112,
  exportFun: 113,
  map: 116,
  atom: 119,
  port: 120,
})

/** As extensions they hold what follows their tag. */
const WHOLE_TERMS = new Set<number>([
  EXTENSION_TYPES.record,
  EXTENSION_TYPES.float,
  EXTENSION_TYPES.bitstring,
  EXTENSION_TYPES.pid,
  EXTENSION_TYPES.reference,
  EXTENSION_TYPES.smallInteger,
  EXTENSION_TYPES.integer,
  EXTENSION_TYPES.binary,
  EXTENSION_TYPES.smallBig,
  EXTENSION_TYPES.largeBig,
  EXTENSION_TYPES.fun,
  EXTENSION_TYPES.exportFun,
  EXTENSION_TYPES.port,
])

const VERSION = 131
const ATOM_UTF8_EXT = 118

const textEncoder = new TextEncoder()

export interface TermCodecOptions {
  /** Levels of tuples, maps and improper lists inside each other. Default 200. */
  readonly depth?: number
  /** Atoms that decoding may introduce over the life of the codec; see `AtomBudget`. Default 100 000. */
  readonly atoms?: number
}

/** See `termCodec`. More extensions can be registered with it. */
export class TermCodec extends ExtensionCodec<undefined> {
  readonly #maxDepth: number
  readonly #atomBudget: AtomBudget
  readonly #encoder = new Encoder({ extensionCodec: this })
  #depth = 0

  /** @throws OptionError (`ERR_INVALID_OPTION`) for limits that are no whole numbers. */
  constructor({ depth = 200, atoms = 100_000 }: TermCodecOptions = {}) {
    super()
    for (const limit of [depth, atoms]) {
      if (!Number.isSafeInteger(limit) || limit < 0) {
        throw new OptionError(`depth and atoms must be whole numbers from 0, got ${limit}`)
      }
    }
    this.#maxDepth = depth
    this.#atomBudget = new AtomBudget(atoms)
  }

  /** @internal called by the encoder for what MessagePack has not, and for every object. */
  override tryToEncode(value: unknown, context: undefined): ExtData | null {
    if (typeof value === 'bigint') return wholeTerm(value)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return super.tryToEncode(value, context)
    }
    if (value instanceof Atom) {
      return new ExtData(EXTENSION_TYPES.atom, textEncoder.encode(value.name))
    }
    if (value instanceof Tuple) return this.#container(EXTENSION_TYPES.tuple, value, value.toArray())
    if (value instanceof Map) return this.#container(EXTENSION_TYPES.map, value, [...value].flat())
    if (value instanceof ImproperList) {
      return this.#container(EXTENSION_TYPES.improperList, value, [...value.items, value.tail])
    }
    return isLeaf(value) ? wholeTerm(value) : super.tryToEncode(value, context)
  }

  /** @internal called by the decoder for every extension. */
  override decode(data: Uint8Array, type: number, context: undefined): unknown {
    if (type === EXTENSION_TYPES.atom) return this.#decodeAtom(data)
    if (type === EXTENSION_TYPES.tuple) return makeTuple(this.#items(data))
    if (type === EXTENSION_TYPES.map) return this.#decodeMap(data)
    if (type === EXTENSION_TYPES.improperList) {
      const items = this.#items(data)
      if (items.length < 2) throw malformed('an improper list has an element and a tail', data)
      return new ImproperList(items, items.pop() as Term)
    }
    if (!WHOLE_TERMS.has(type)) return super.decode(data, type, context)
    const bytes = new Uint8Array(2 + data.length)
    bytes.set([VERSION, type])
    bytes.set(data, 2)
    return this.#decodeTerm(bytes)
  }

  #container(type: number, container: object, items: readonly unknown[]): ExtData {
    if (this.#depth >= this.#maxDepth) {
      const problem = `more than ${this.#maxDepth} levels of nesting; raise the option depth if that is meant`
      throw new EncodeError('ERR_ETF_DEPTH', problem, container)
    }
    this.#depth++
    try {
      return new ExtData(type, this.#encoder.encode(items))
    } finally {
      this.#depth--
    }
  }

  #items(data: Uint8Array): Term[] {
    if (this.#depth >= this.#maxDepth) {
      const problem = `more than ${this.#maxDepth} levels of nesting; raise the option depth if that is meant`
      throw new DecodeError('ERR_ETF_DEPTH', problem, data, 0)
    }
    this.#depth++
    try {
      const items = decodeMessagePack(data, { extensionCodec: this })
      if (!Array.isArray(items)) throw malformed('this extension holds an array', data)
      return items
    } finally {
      this.#depth--
    }
  }

  #decodeAtom(text: Uint8Array): Term {
    if (text.length > 0xffff) throw malformed('an atom has at most 255 characters', text)
    const bytes = new Uint8Array(4 + text.length)
    bytes.set([VERSION, ATOM_UTF8_EXT, text.length >> 8, text.length])
    bytes.set(text, 4)
    return this.#decodeTerm(bytes)
  }

  #decodeTerm(bytes: Uint8Array): Term {
    return decode(bytes, { ...EXACT, atomBudget: this.#atomBudget })
  }

  #decodeMap(data: Uint8Array): Map<Term, Term> {
    const items = this.#items(data)
    const map = items.every((item, i) => i % 2 === 1 || isPlainKey(item))
      ? new Map<Term, Term>()
      : new TermMap<Term, Term>()
    for (let i = 0; i < items.length; i += 2) map.set(items[i] as Term, items[i + 1] as Term)
    if (items.length % 2 === 1) throw malformed('a map has a value for each key', data)
    if (map.size * 2 !== items.length) {
      throw new DecodeError('ERR_ETF_DUPLICATE_KEY', 'a map has one key twice', data, 0)
    }
    return map
  }
}

function malformed(problem: string, data: Uint8Array): DecodeError {
  return new DecodeError('ERR_ETF_EXTENSION', problem, data, 0)
}

function isLeaf(value: object): value is Extract<Encodable, object> {
  return (
    value instanceof Pid ||
    value instanceof Reference ||
    value instanceof Float ||
    value instanceof BitString ||
    value instanceof Port ||
    value instanceof ExportFun ||
    value instanceof Fun ||
    value instanceof RecordTerm
  )
}

/** The extension of a term that holds no others which MessagePack would know: type and data are its external form. */
function wholeTerm(value: bigint | Extract<Encodable, object>): ExtData | null {
  const bytes = encode(value)
  return new ExtData(bytes[1]!, bytes.subarray(2))
}

/** Whether a `Map` finds this key by value. */
function isPlainKey(key: unknown): boolean {
  return typeof key !== 'object' || key === null || key instanceof Atom
}

/**
 * A codec that takes every term through MessagePack and back: `encode(term, { extensionCodec })` and
 * `decode(bytes, { extensionCodec })` of `@msgpack/msgpack`. Leave its option `useBigInt64` off.
 *
 * Encoding and decoding throw what `@msgpack/msgpack` throws, and `EncodeError` and `DecodeError` for terms. Terms in
 * lists deeper than 100 levels need its option `maxDepth`.
 *
 * @throws OptionError (`ERR_INVALID_OPTION`) for limits that are no whole numbers.
 * @example
 * import * as msgpack from '@msgpack/msgpack'
 * const extensionCodec = termCodec()
 * const bytes = msgpack.encode(tuple(atom('ok'), [1.5, 'text']), { extensionCodec })
 * msgpack.decode(bytes, { extensionCodec }) // {:ok, [1.5, 'text']}
 */
export function termCodec(options?: TermCodecOptions): TermCodec {
  return new TermCodec(options)
}
