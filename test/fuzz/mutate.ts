/** Changes to inputs, as fuzzers make them. */

/** Random numbers from 0 up to 1. */
export type Random = () => number

/** Bytes and words at which formats change their mind. */
const BYTES = [0, 1, 2, 4, 8, 16, 31, 32, 64, 127, 128, 191, 192, 223, 224, 239, 240, 247, 254, 255]
const WORDS = [0, 1, 255, 256, 65_535, 65_536, 0x7fffffff, 0x80000000, 0xffffffff]

/** Longer ones cost time and find nothing more. */
const MAX_LENGTH = 4096
const MAX_CHANGES = 6

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)]!
}

/** `from` without the bytes from `start` to `end`, and with `inserted` in their place. */
function splice(from: Uint8Array, start: number, end: number, inserted: ArrayLike<number>): Uint8Array {
  const made = new Uint8Array(from.length - (end - start) + inserted.length)
  made.set(from.subarray(0, start))
  made.set(inserted, start)
  made.set(from.subarray(end), start + inserted.length)
  return made
}

function overwrite(bytes: Uint8Array, at: number, written: ArrayLike<number>): Uint8Array {
  return splice(bytes, at, Math.min(bytes.length, at + written.length), written)
}

function word(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
}

/** One change; `other` is another input, `tokens` are bytes that mean something in the format. */
function change(
  bytes: Uint8Array,
  other: Uint8Array,
  tokens: readonly Uint8Array[],
  random: Random,
): Uint8Array {
  const at = below(random, bytes.length + 1)
  const some = 1 + below(random, 8)
  switch (below(random, 10)) {
    case 0:
      return overwrite(bytes, at, [(bytes[at] ?? 0) ^ (1 << below(random, 8))])
    case 1:
      return overwrite(bytes, at, [pick(random, BYTES)])
    case 2:
      return overwrite(bytes, at, [below(random, 256)])
    case 3:
      return overwrite(bytes, at, word(pick(random, WORDS)))
    case 4:
      return overwrite(bytes, at, [((bytes[at] ?? 0) + below(random, 9) - 4) & 255])
    case 5:
      return splice(bytes, at, Math.min(bytes.length, at + some), [])
    case 6:
      return splice(bytes, at, at, bytes.subarray(at, at + some))
    case 7: {
      const from = below(random, other.length + 1)
      return splice(bytes, at, at, other.subarray(from, from + 4 * some))
    }
    case 8:
      return splice(bytes.subarray(0, at), at, at, other.subarray(below(random, other.length + 1)))
    default: {
      if (tokens.length === 0) return bytes
      const token = pick(random, tokens)
      return random() < 0.5 ? overwrite(bytes, at, token) : splice(bytes, at, at, token)
    }
  }
}

/** An input with some changes. */
export function mutate(
  bytes: Uint8Array,
  other: Uint8Array,
  tokens: readonly Uint8Array[],
  random: Random,
): Uint8Array {
  let made = bytes
  for (let changes = 1 + below(random, MAX_CHANGES); changes > 0; changes--) {
    made = change(made, other, tokens, random)
  }
  return made.length > MAX_LENGTH ? made.slice(0, MAX_LENGTH) : made
}
