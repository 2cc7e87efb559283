/** What encoding, decoding and parsing terms can fail with. */
import { BeamjoinError } from '../core/index.ts'

/** Stable codes of `EncodeError`. */
export type EncodeErrorCode =
  | 'ERR_ETF_NOT_A_TERM'
  | 'ERR_ETF_NOT_FINITE'
  | 'ERR_ETF_LONE_SURROGATE'
  | 'ERR_ETF_ATOM'
  | 'ERR_ETF_DUPLICATE_KEY'
  | 'ERR_ETF_TOO_LARGE'
  | 'ERR_ETF_DEPTH'
  | 'ERR_ETF_STRUCT'
  | 'ERR_ETF_UNREADABLE'
  | 'ERR_ETF_RECORD'

const MAX_PRINTED_PATH = 8

function formatPath(path: readonly string[]): string {
  if (path.length === 0) return 'at the top'
  const shown = path.slice(0, MAX_PRINTED_PATH).join('')
  return path.length > MAX_PRINTED_PATH ? `at ${shown}... (${path.length} levels down)` : `at ${shown}`
}

/** A value that is no Erlang term, or not one that the other side would take. */
export class EncodeError extends BeamjoinError {
  declare readonly code: EncodeErrorCode
  /** What is wrong, without the place. */
  readonly problem: string
  /** The way to the value from the term that was encoded, one access each: `['[0]', '.user', '.get(#{...})']`. */
  readonly path: readonly string[]
  /** The value itself. */
  readonly value: unknown

  constructor(
    code: EncodeErrorCode,
    problem: string,
    value: unknown,
    path: readonly string[] = [],
    options?: { cause?: unknown },
  ) {
    super(code, `cannot encode: ${problem}, ${formatPath(path)}`, options)
    this.problem = problem
    this.path = path
    this.value = value
  }
}

/** Stable codes of `DecodeError`. */
export type DecodeErrorCode =
  | 'ERR_ETF_TRUNCATED'
  | 'ERR_ETF_TRAILING_BYTES'
  | 'ERR_ETF_VERSION'
  | 'ERR_ETF_UNKNOWN_TAG'
  | 'ERR_ETF_LOCAL'
  | 'ERR_ETF_ATOM'
  | 'ERR_ETF_ATOM_LIMIT'
  | 'ERR_ETF_ATOM_CACHE'
  | 'ERR_ETF_INTEGER'
  | 'ERR_ETF_FLOAT'
  | 'ERR_ETF_BITS'
  | 'ERR_ETF_REFERENCE'
  | 'ERR_ETF_FUN'
  | 'ERR_ETF_RECORD'
  | 'ERR_ETF_TUPLE'
  | 'ERR_ETF_DUPLICATE_KEY'
  | 'ERR_ETF_COMPRESSED'
  | 'ERR_ETF_TOO_LARGE'
  | 'ERR_ETF_DEPTH'
  | 'ERR_ETF_STRUCT'
  | 'ERR_ETF_EXTENSION'

function hex(byte: number | undefined): string {
  return byte === undefined ? 'the end' : `0x${byte.toString(16).padStart(2, '0')} (${byte})`
}

/** Bytes that are no term, or one beyond the limits. */
export class DecodeError extends BeamjoinError {
  declare readonly code: DecodeErrorCode
  /** Where in the bytes, counted from their beginning. */
  readonly offset: number
  /** The byte at `offset`; undefined when that is the end. */
  readonly byte: number | undefined

  constructor(
    code: DecodeErrorCode,
    problem: string,
    bytes: Uint8Array,
    offset: number,
    options?: { cause?: unknown },
  ) {
    const byte = bytes[offset]
    super(code, `cannot decode: ${problem}, at offset ${offset}, at byte ${hex(byte)}`, options)
    this.offset = offset
    this.byte = byte
  }
}

/** Text that is no Elixir term. */
export class ParseError extends BeamjoinError {
  declare readonly code: 'ERR_ETF_PARSE'
  /** Where in the text, counted in UTF-16 units from 0. */
  readonly position: number

  constructor(problem: string, text: string, position: number) {
    const before = text.slice(0, position)
    const line = before.split('\n').length
    const column = position - (before.lastIndexOf('\n') + 1) + 1
    super('ERR_ETF_PARSE', `cannot parse the term: ${problem}, at line ${line}, column ${column}`)
    this.position = position
  }
}
