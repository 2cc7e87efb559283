/**
 * Control and payload of a message that leaves in fragments: memory of ours, in which large binaries are not copied yet.
 * They are where the sender has them, and may only be read before the call that sent them returns.
 */

/** Bytes of the sender, and where they stand. */
export interface LentBytes {
  readonly start: number
  readonly length: number
  readonly bytes: Uint8Array
}

const NOTHING_LENT: readonly LentBytes[] = []

export class MessageBody {
  readonly length: number
  /** What it lies in. */
  readonly memory: Uint8Array
  readonly #bytes: Uint8Array
  #lent: readonly LentBytes[]

  /**
   * @param bytes all of it, which nobody writes to any more
   * @param lent what stands there instead of them, in that order
   */
  constructor(bytes: Uint8Array, lent: readonly LentBytes[] = NOTHING_LENT, memory = bytes) {
    this.length = bytes.length
    this.memory = memory
    this.#bytes = bytes
    this.#lent = lent
  }

  /** Adds views of the bytes from one offset to the other. */
  addPieces(from: number, to: number, pieces: Uint8Array[]): void {
    let at = from
    for (const { start, length, bytes } of this.#lent) {
      if (start >= to) break
      if (start + length <= at) continue
      if (start > at) pieces.push(this.#bytes.subarray(at, start))
      const first = Math.max(at, start)
      at = Math.min(start + length, to)
      pieces.push(partOf(bytes, first - start, at - start))
    }
    if (at < to) pieces.push(this.#bytes.subarray(at, to))
  }

  /** Copies what is still the sender's from that offset on: what is before has left. */
  own(from: number): void {
    for (const { start, length, bytes } of this.#lent) {
      const first = Math.max(from, start)
      if (first < start + length) this.#bytes.set(partOf(bytes, first - start, length), first)
    }
    this.#lent = NOTHING_LENT
  }
}

/** Whatever a class of the sender makes of `subarray`. */
function partOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from)
}
