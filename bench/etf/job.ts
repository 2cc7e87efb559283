/** One codec with one document. */
export interface Job {
  readonly bytes: Uint8Array
  encode(): unknown
  decode(): unknown
}

/** By document, or by variant of one; documents that a codec cannot take are missing. */
export type Jobs = Record<string, Job>

export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): unknown
}

export function jobOf<T>(codec: Codec<T>, value: T): Job {
  // Copied: some give out views of a buffer that they use again.
  const bytes = Buffer.from(codec.encode(value))
  return { bytes, encode: () => codec.encode(value), decode: () => codec.decode(bytes) }
}
