/** The zlib data of COMPRESSED (protocol.md 5.1), inflated without trusting what it says about itself. */
import { unzlibSync } from 'fflate'
import { describeError } from '../core/index.ts'
import { DecodeError } from './errors.ts'

/** Deflate makes at most this many bytes out of one. */
const MAX_RATIO = 1032

/** zlib data is a header of 2 bytes, the deflated bytes, and the Adler-32 checksum of what they inflate to (u32). */
const ZLIB_OVERHEAD = 6

const ADLER_MODULUS = 65521
/** How many bytes can be added up before the sums leave 32 bits. */
const ADLER_RUN = 3800

function adler32(bytes: Uint8Array): number {
  let low = 1
  let high = 0
  for (let i = 0; i < bytes.length; ) {
    const stop = Math.min(i + ADLER_RUN, bytes.length)
    for (; i < stop; i++) {
      low += bytes[i]!
      high += low
    }
    low %= ADLER_MODULUS
    high %= ADLER_MODULUS
  }
  return high * 0x10000 + low
}

/**
 * The `size` bytes that the zlib data from `start` to the end inflates to.
 *
 * @throws DecodeError (`ERR_ETF_COMPRESSED`) for a size above `limit` or beyond what the data could give, and for bad
 *   data; memory is taken only after the size has passed.
 */
export function inflate(bytes: Uint8Array, start: number, size: number, limit: number): Uint8Array {
  const refuse = (problem: string, cause?: unknown): DecodeError =>
    new DecodeError('ERR_ETF_COMPRESSED', problem, bytes, start, { cause })
  const deflated = bytes.length - start - ZLIB_OVERHEAD
  if (size > limit) throw refuse(`the term inflates to ${size} bytes, limits.inflated is ${limit}`)
  if (deflated < 1 || size > deflated * MAX_RATIO) {
    throw refuse(`${bytes.length - start} bytes of zlib data cannot inflate to ${size} bytes`)
  }
  let inflated: Uint8Array
  try {
    // One byte more than announced, since the library drops what does not fit without a word.
    inflated = unzlibSync(bytes.subarray(start), { out: new Uint8Array(size + 1) })
  } catch (cause) {
    throw refuse(`bad zlib data: ${describeError(cause)}`, cause)
  }
  if (inflated.length !== size) throw refuse(`the zlib data does not inflate to ${size} bytes`)
  const checksum = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(bytes.length - 4)
  if (checksum !== adler32(inflated)) throw refuse('the checksum of the zlib data is wrong')
  return inflated
}
