/** Terms as text in Elixir's syntax, as `inspect/1` prints them. */
import { elixirStructs } from './elixir-structs.ts'
import { inspectFloat } from './inspect-float.ts'
import { inspectStruct, mapSetElements, orderStructFields } from './inspect-structs.ts'
import {
  charlistText,
  inspectAtomName,
  inspectFunctionName,
  isPrintableText,
  keywordKey,
  quoteText,
} from './inspect-text.ts'
import { asAtom, asBytes, asFloat, className, KIND, kindOf, mapPairs } from './kinds.ts'
import { resolveStructs, STRUCT_KEY } from './structs.ts'
import { Atom, atom } from './terms/atom.ts'
import { BitString } from './terms/bit-string.ts'
import type { ExportFun } from './terms/export-fun.ts'
import type { Pid } from './terms/pid.ts'
import type { Fun, RecordTerm } from './terms/term.ts'
import { ImproperList } from './terms/term.ts'
import { TermSet } from './terms/term-set.ts'
import { Tuple } from './terms/tuple.ts'
import { readText } from './text.ts'

export interface InspectOptions {
  /** At most this many elements altogether; the rest is `...`. Default: all. For logs, set it. */
  readonly limit?: number
  /** At most this many characters of one string. Default: all. For logs, set it. */
  readonly printableLimit?: number
  /** Whether lists of printable ASCII characters are shown as text, `~c"abc"` (default, as in Elixir), or as lists. */
  readonly charlists?: 'infer' | 'as_lists'
}

/** Text that waits on the stack among values, the container that ends with it, and how charlists print from then on. */
class Piece {
  readonly text: string
  readonly closes: unknown
  readonly charlists: boolean | undefined

  constructor(text: string, closes?: unknown, charlists?: boolean) {
    this.text = text
    this.closes = closes
    this.charlists = charlists
  }
}

/** Longer text is cut off: strings end at some 500 million characters, and nobody reads so much. */
const MAX_TEXT = 50_000_000

/** Integers beyond print in hexadecimal, for the decimal digits of a million bytes take a second. */
const MAX_DECIMAL = 2n ** 65_536n

const COMMA = new Piece(', ')
const ARROW = new Piece(' => ')
const BAR = new Piece(' | ')
const REST = new Piece('...')

type Pair = readonly [unknown, unknown]

function isAtom(value: unknown): boolean {
  return value instanceof Atom || typeof value === 'boolean' || value === null || value === undefined
}

/** Writes without recursion: `#pending` holds what is still to be written, the next one last. */
class Inspector {
  readonly #printableLimit: number
  #charlists: boolean
  readonly #pending: unknown[] = []
  /** Containers that are being written; a value that contains itself shows as `...` inside. */
  readonly #open = new Set<unknown>()
  #left: number
  #text = ''

  constructor(options: InspectOptions) {
    this.#left = options.limit ?? Number.POSITIVE_INFINITY
    this.#charlists = options.charlists !== 'as_lists'
    this.#printableLimit = Math.min(options.printableLimit ?? MAX_TEXT, MAX_TEXT)
  }

  run(term: unknown): string {
    this.#pending.push(term)
    while (this.#pending.length > 0) {
      const next = this.#pending.pop()
      if (next instanceof Piece) {
        this.#text += next.text
        if (next.closes !== undefined) this.#open.delete(next.closes)
        if (next.charlists !== undefined) this.#charlists = next.charlists
      } else if (this.#open.has(next)) {
        this.#text += '...'
      } else {
        this.#write(next)
      }
      if (this.#text.length > MAX_TEXT) return `${this.#text}...`
    }
    return this.#text
  }

  #write(value: unknown): void {
    switch (kindOf(value)) {
      case KIND.INTEGER:
        this.#text += integerText(value as number | bigint)
        return
      case KIND.FLOAT:
        this.#text += inspectFloat(asFloat(value))
        return
      case KIND.ATOM:
        this.#text += inspectAtomName(asAtom(value).name)
        return
      case KIND.BITS:
        this.#text += this.#bits(value)
        return
      case KIND.PID:
      case KIND.PORT:
      case KIND.REFERENCE:
        this.#text += (value as Pid).toString()
        return
      case KIND.EXPORT:
        this.#text += exportText(value as ExportFun)
        return
      case KIND.FUN:
        this.#text += funText(value as Fun)
        return
      case KIND.NIL:
        this.#text += '[]'
        return
      case KIND.LIST:
        this.#list(value)
        return
      case KIND.TUPLE:
        this.#elements('{', value, (value as Tuple).toArray(), '}')
        return
      case KIND.MAP:
        this.#map(value)
        return
      case KIND.RECORD:
        this.#record(value as RecordTerm)
        return
      case undefined:
        this.#other(value)
    }
  }

  #bits(value: unknown): string {
    if (value instanceof BitString && value.bits !== 0 && value.bits !== 8) return bitStringText(value)
    const bytes = typeof value === 'string' ? undefined : asBytes(value)
    const text = bytes === undefined ? (value as string) : readText(bytes, 0, bytes.length)
    if (text === undefined || !isPrintableText(text)) return this.#bytes(bytes ?? asBytes(value))
    if (text.length <= this.#printableLimit) return quoteText(text)
    return `${quoteText(text.slice(0, this.#printableLimit))} <> ...`
  }

  /** Bytes count as elements, as in Elixir. */
  #bytes(bytes: Uint8Array): string {
    const count = Math.min(bytes.length, Math.max(this.#left, 0), MAX_TEXT / 5)
    this.#left -= count
    const shown = bytes.subarray(0, count).join(', ')
    if (count === bytes.length) return `<<${shown}>>`
    return count === 0 ? '<<...>>' : `<<${shown}, ...>>`
  }

  #list(list: unknown): void {
    if (list instanceof ImproperList) {
      this.#enter('[', list, ']')
      this.#pending.push(list.tail, BAR)
      this.#push(list.items.map((item) => [item]))
      return
    }
    const items = list as unknown[]
    const charlist = this.#charlists ? charlistText(items) : undefined
    if (charlist !== undefined) {
      const shown = charlist.slice(0, this.#printableLimit)
      this.#text += `~c${quoteText(shown)}${shown.length < charlist.length ? ' ++ ...' : ''}`
      return
    }
    const pairs = keywordPairs(items)
    if (pairs !== undefined) this.#elements('[', list, pairs, ']', true)
    else this.#elements('[', list, items, ']')
  }

  #map(map: unknown): void {
    const fields = map instanceof Map ? map : new Map(mapPairs(map))
    const whole = inspectStruct(fields)
    if (whole !== undefined) {
      this.#text += whole
      return
    }
    const elements = mapSetElements(fields)
    if (elements !== undefined) {
      this.#mapSet(map, elements)
      return
    }
    const module: unknown = fields.get(STRUCT_KEY)
    const pairs = [...fields]
    const isStruct = module instanceof Atom && pairs.every(([key]) => isAtom(key))
    const shown = isStruct ? orderStructFields(module, fields) : pairs
    const open = isStruct ? `%${inspectAtomName(module.name)}{` : '%{'
    const keyed = shown.map(keywordPairOf)
    const allKeyed = keyed.every((pair) => pair !== undefined)
    const written = allKeyed ? keyed : shown.map(([key, value]) => [key, ARROW, value])
    this.#elements(open, map, written as unknown[][], '}', true)
  }

  /** In which charlists are lists, as in Elixir. */
  #mapSet(set: unknown, elements: readonly unknown[]): void {
    this.#text += 'MapSet.new(['
    this.#open.add(set)
    this.#pending.push(new Piece('])', set, this.#charlists))
    this.#charlists = false
    const pairs = elements.length === 0 ? undefined : keywordPairs(elements)
    this.#push(pairs ?? elements.map((element) => [element]))
  }

  /** With the head as OTP prints native records, since Elixir has no syntax for them. */
  #record({ module, name, fields, values }: RecordTerm): void {
    const written = values.map((value, i) => [new Piece(`${erlangAtom(fields[i]!.name)} = `), value])
    this.#elements(`#${erlangAtom(module.name)}:${erlangAtom(name.name)}{`, undefined, written, '}', true)
  }

  /** Elements with commas between. `compound` ones are arrays of pieces and values. */
  #elements(
    open: string,
    container: unknown,
    elements: readonly unknown[],
    close: string,
    compound = false,
  ): void {
    this.#enter(open, container, close)
    this.#push(compound ? (elements as unknown[][]) : elements.map((element) => [element]))
  }

  #enter(open: string, container: unknown, close: string): void {
    this.#text += open
    if (container !== undefined) this.#open.add(container)
    this.#pending.push(new Piece(close, container))
  }

  #push(elements: readonly (readonly unknown[])[]): void {
    const count = Math.min(elements.length, Math.max(this.#left, 0))
    this.#left -= count
    if (count < elements.length) {
      this.#pending.push(REST)
      if (count > 0) this.#pending.push(COMMA)
    }
    for (let i = count - 1; i >= 0; i--) {
      const parts = elements[i]!
      for (let k = parts.length - 1; k >= 0; k--) this.#pending.push(parts[k])
      if (i > 0) this.#pending.push(COMMA)
    }
  }

  /** What is no term, for logs: this never throws. */
  #other(value: unknown): void {
    if (value instanceof TermSet) {
      this.#mapSet(value, [...value])
      return
    }
    const struct = structOf(value)
    if (struct !== undefined) {
      this.#map(struct)
      return
    }
    if (value instanceof Error) this.#text += `#${className(value)}<${value.message}>`
    else if (typeof value === 'object' && value !== null) this.#text += `#${className(value)}<>`
    else this.#text += typeof value === 'function' ? '#function<>' : String(value)
  }
}

/** The pairs of a keyword list, or undefined for every other list. */
function keywordPairs(items: readonly unknown[]): unknown[][] | undefined {
  const pairs: unknown[][] = []
  for (const item of items) {
    const pair = keywordPair(item)
    if (pair === undefined) return undefined
    pairs.push(pair)
  }
  return pairs
}

function keywordPair(item: unknown): unknown[] | undefined {
  if (!(item instanceof Tuple) || item.length !== 2) return undefined
  const [key, value] = item.toArray() as [unknown, unknown]
  return keywordPairOf([key, value])
}

function keywordPairOf([key, value]: Pair): unknown[] | undefined {
  const text = isAtom(key) ? keywordKey(asAtom(key).name) : undefined
  return text === undefined ? undefined : [new Piece(`${text} `), value]
}

const STRUCTS = resolveStructs(elixirStructs)

/** The struct that an instance of a class in `elixirStructs` stands for. */
function structOf(value: unknown): Map<unknown, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const codec = STRUCTS?.byType.get(value.constructor)
  if (codec === undefined) return undefined
  try {
    const fields = Object.entries(codec.encode(value))
    return new Map<unknown, unknown>([
      [STRUCT_KEY, codec.module],
      ...fields.map(([name, each]) => [atom(name), each] as const),
    ])
  } catch {
    // An invalid Date, which this must print all the same.
    return undefined
  }
}

function integerText(value: number | bigint): string {
  if (value === 0) return '0'
  if (typeof value === 'number' || (value < MAX_DECIMAL && value > -MAX_DECIMAL)) return String(value)
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`
}

/** An atom in Erlang's syntax. */
function erlangAtom(name: string): string {
  return /^[a-z][\w@]*$/.test(name) ? name : quoteText(name, "'")
}

function bitStringText({ bytes, bits }: BitString): string {
  const last = bytes.length - 1
  const parts = Array.from(bytes.subarray(0, last), String)
  parts.push(`${bytes[last]! >> (8 - bits)}::size(${bits})`)
  return `<<${parts.join(', ')}>>`
}

function exportText({ module, function: name, arity }: ExportFun): string {
  return `&${inspectAtomName(module.name)}.${inspectFunctionName(name.name)}/${arity}`
}

function funText({ index, oldUniq, arity, module }: Fun): string {
  return `#Function<${index}.${oldUniq}/${arity} in ${inspectAtomName(module.name)}>`
}

/**
 * A value in Elixir's syntax, as `inspect/1` prints the term on a node of its own: `%{a: [1, "two", :three]}`.
 *
 * Never throws: what is no term shows as `#Class<>`. Everything but pids, ports, references and local funs can be read
 * back with `parseTerm`.
 *
 * @example
 * inspect(tuple(atom('ok'), { id: 1 })) // '{:ok, %{id: 1}}'
 */
export function inspect(term: unknown, options: InspectOptions = {}): string {
  return new Inspector(options).run(term)
}
