/** Integers beyond 32 bits: SMALL_BIG_EXT and LARGE_BIG_EXT hold a sign and a little-endian magnitude. */

const HEX_DIGITS = '0123456789abcdef'

/** From this many bytes on the other way to hexadecimal is faster. */
const LONG = 256

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** A bigint in the safe range as the number that stands for the same integer. */
export function normalizeInteger(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

/** The integer of a magnitude from `start` to `end`; a number when it is safe. */
export function readMagnitude(
  bytes: Uint8Array,
  start: number,
  end: number,
  negative: boolean,
): number | bigint {
  // Up to six bytes always fit a number, and eight often do: timestamps, ids.
  if (end - start <= 6) {
    let small = 0
    for (let i = end - 1; i >= start; i--) small = small * 256 + bytes[i]!
    // Not -0, which is no integer.
    return negative && small !== 0 ? -small : small
  }
  // By hexadecimal text, since that is linear in the length; shifting a bigint byte by byte is quadratic.
  const magnitude = BigInt(`0x${end - start > LONG ? longHex(bytes, start, end) : hex(bytes, start, end)}`)
  return normalizeInteger(negative ? -magnitude : magnitude)
}

function hex(bytes: Uint8Array, start: number, end: number): string {
  let digits = ''
  for (let i = end - 1; i >= start; i--) digits += HEX[bytes[i]!]
  return digits
}

/** Without a string for every digit on the way, which would take thirty times the memory. */
function longHex(bytes: Uint8Array, start: number, end: number): string {
  const codes = new Uint8Array((end - start) * 2)
  let at = 0
  for (let i = end - 1; i >= start; i--) {
    codes[at++] = HEX_DIGITS.charCodeAt(bytes[i]! >> 4)
    codes[at++] = HEX_DIGITS.charCodeAt(bytes[i]! & 15)
  }
  return new TextDecoder().decode(codes)
}

/** The little-endian bytes of a magnitude, without leading zero digits. */
export function magnitudeBytes(magnitude: bigint): Uint8Array {
  const digits = magnitude.toString(16)
  const length = (digits.length + 1) >> 1
  const bytes = new Uint8Array(length)
  for (let i = 0, at = digits.length; i < length; i++, at -= 2) {
    bytes[i] = Number.parseInt(digits.slice(Math.max(at - 2, 0), at), 16)
  }
  return bytes
}
