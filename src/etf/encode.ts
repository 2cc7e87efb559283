/** Whole terms to bytes, as `term_to_binary` makes them. */
import { zlibSync } from 'fflate'
import { ByteWriter, OptionError } from '../core/index.ts'
import type { EncodeOptions } from './options.ts'
import { sameOptions, snapshotOf } from './same-options.ts'
import { COMPRESSED, VERSION_MAGIC } from './tags.ts'
import type { Encodable } from './terms/term.ts'
import { TermWriter } from './writer.ts'

/** Version byte, COMPRESSED, and the size before compression (u32). */
const COMPRESSED_HEADER = 6

/**
 * The external form of a term, with the leading version byte 131, as `erlang:term_to_binary/2` gives it.
 *
 * @throws EncodeError whose `path` says where the value is that cannot be encoded; OptionError for bad options.
 * @example
 * encode(tuple(atom('ok'), { id: 1, tags: ['a', 'b'] })) // {:ok, %{id: 1, tags: ["a", "b"]}}
 */
export function encode(term: Encodable, options: EncodeOptions = NO_OPTIONS): Uint8Array {
  const taken = takeWriter(options)
  const { out, writer } = taken
  out.length = 0
  out.writeU8(VERSION_MAGIC)
  try {
    writer.writeTerm(term)
    return options.compress ? compress(out, options.compress) : out.finish()
  } finally {
    if (out.bytes.length <= MAX_SPARE) spare = taken
  }
}

const NO_OPTIONS: EncodeOptions = {}

/** The most memory that is kept for the next call. */
const MAX_SPARE = 128 * 1024

interface WriterFor {
  readonly options: EncodeOptions
  readonly writer: TermWriter
  readonly out: ByteWriter
}

/** The writer of the call before. Nobody has it while it writes: the classes of structs may encode something themselves. */
let spare: WriterFor | undefined

function takeWriter(options: EncodeOptions): WriterFor {
  const taken = spare
  spare = undefined
  if (taken !== undefined && (taken.options === options || sameOptions(taken.options, options))) return taken
  const out = new ByteWriter()
  const made = options === NO_OPTIONS ? options : snapshotOf(options)
  return { options: made, writer: new TermWriter(out, options), out }
}

/** The compressed form if it is shorter, else the plain one. */
function compress(out: ByteWriter, option: true | number): Uint8Array {
  const level = option === true ? 6 : option
  if (!isLevel(level))
    throw new OptionError(`compress must be true or a zlib level from 1 to 9, got ${level}`)
  const deflated = zlibSync(out.bytes.subarray(1, out.length), { level })
  if (deflated.length + COMPRESSED_HEADER >= out.length) return out.bytes.slice(0, out.length)
  const made = new Uint8Array(COMPRESSED_HEADER + deflated.length)
  made[0] = VERSION_MAGIC
  made[1] = COMPRESSED
  new DataView(made.buffer).setUint32(2, out.length - 1)
  made.set(deflated, COMPRESSED_HEADER)
  return made
}

function isLevel(level: number): level is 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 {
  return Number.isInteger(level) && level >= 1 && level <= 9
}
