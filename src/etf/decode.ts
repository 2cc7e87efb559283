/** Bytes to whole terms, as `binary_to_term` takes them. */
import { DecodeError } from './errors.ts'
import { inflate } from './inflate.ts'
import { type DecodeOptions, resolveLimits } from './options.ts'
import { TermReader } from './reader.ts'
import { sameOptions, snapshotOf } from './same-options.ts'
import { COMPRESSED, VERSION_MAGIC } from './tags.ts'
import type { Term } from './terms/term.ts'

/** Version byte, COMPRESSED, and the size of the term when inflated (u32). */
const COMPRESSED_HEADER = 6

/**
 * The term of an external form with the leading version byte 131, compressed or not; all bytes belong to it.
 *
 * Takes any bytes: the outcome is a term or a `DecodeError`. Large binaries, from 4 KiB on, may be views into `bytes`,
 * so leave those unchanged.
 *
 * @throws DecodeError with `code`, `offset` and `byte`; OptionError for bad options.
 * @example
 * decode(encode([1, 'two', atom('three')])) // [1, 'two', :three]
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = NO_OPTIONS): Term {
  if (bytes[0] !== VERSION_MAGIC) {
    throw new DecodeError('ERR_ETF_VERSION', `a term begins with ${VERSION_MAGIC}`, bytes, 0)
  }
  const taken = takeReader(options)
  const { reader } = taken
  try {
    return bytes[1] === COMPRESSED ? readCompressed(reader, bytes, options) : readAll(reader, bytes, 1)
  } finally {
    reader.release()
    spare = taken
  }
}

const NO_OPTIONS: DecodeOptions = {}

interface ReaderFor {
  readonly options: DecodeOptions
  readonly reader: TermReader
}

/** The reader of the call before. Nobody has it while it reads: the classes of structs may decode something themselves. */
let spare: ReaderFor | undefined

function takeReader(options: DecodeOptions): ReaderFor {
  const taken = spare
  spare = undefined
  if (taken !== undefined && (taken.options === options || sameOptions(taken.options, options))) return taken
  return { options: options === NO_OPTIONS ? options : snapshotOf(options), reader: new TermReader(options) }
}

function readCompressed(reader: TermReader, bytes: Uint8Array, options: DecodeOptions): Term {
  if (bytes.length < COMPRESSED_HEADER) {
    const problem = 'a compressed term has a size of four bytes'
    throw new DecodeError('ERR_ETF_TRUNCATED', problem, bytes, bytes.length)
  }
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(2)
  const limit = resolveLimits(options.limits).inflated
  return readAll(reader, inflate(bytes, COMPRESSED_HEADER, size, limit), 0)
}

function readAll(reader: TermReader, bytes: Uint8Array, start: number): Term {
  reader.reset(bytes, start)
  const term = reader.readTerm()
  if (reader.offset !== bytes.length) {
    const left = bytes.length - reader.offset
    throw new DecodeError('ERR_ETF_TRAILING_BYTES', `the term ends ${left} bytes early`, bytes, reader.offset)
  }
  return term
}
