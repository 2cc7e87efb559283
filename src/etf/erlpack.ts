/**
 * What Discord's `erlpack` does, for programs that speak with Discord's gateway: plain values in, plain values out. Terms
 * that have no such value, such as pids, become objects that cannot be sent back.
 *
 * Where erlpack itself fails this does better: an improper or unsupported value is a typed error and no broken bytes, text
 * in Latin-1 atoms is read as such, atoms and identifiers as OTP 26 and later write them are understood.
 */
import { pack } from './erlpack-pack.ts'
import { unpack } from './erlpack-unpack.ts'

/**
 * A drop-in for the package `erlpack`, with the same bytes and the same values.
 *
 * `pack`: strings and keys are binaries, whole numbers of 32 bits integers and all others floats, null and undefined the
 * atom nil. Throws EncodeError for bigints, symbols, and more than 256 levels.
 *
 * `unpack`: atoms are strings, but for true, false, nil and null; tuples are arrays; integers of more than 32 bits are
 * strings of digits, so that ids are kept. Bytes behind the term are not looked at. Throws DecodeError.
 *
 * @example
 * erlpack.unpack(erlpack.pack({ op: 1, d: [null, 'text', true] })) // { op: 1, d: [null, 'text', true] }
 * erlpack.unpack(encode(tuple(atom('ok'), 2n ** 60n))) // ['ok', '1152921504606846976']
 */
export const erlpack: {
  pack(value: unknown): Uint8Array
  unpack(bytes: Uint8Array): unknown
} = Object.freeze({ pack, unpack })
