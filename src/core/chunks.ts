/** Chunks shorter than this are joined while they wait: each takes some hundred bytes besides its own. */
const SMALL = 1024

/**
 * Received chunks in order, read as one stream. A frame that lies inside one chunk is handed out as a view;
 * only a frame that spans chunks is copied together. A peer that sends byte by byte costs no more memory than others.
 */
export class ChunkQueue {
  #chunks: Uint8Array[] = []
  #first = 0
  #offset = 0
  #length = 0

  /** How many bytes are waiting. */
  get length(): number {
    return this.#length
  }

  append(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (chunk.length < SMALL && this.#chunks.length - this.#first > 1) this.#joinSmall()
  }

  /** The next two bytes as a number, or undefined while they have not arrived. */
  peekU16(): number | undefined {
    return this.#length < 2 ? undefined : this.#byteAt(0) * 0x100 + this.#byteAt(1)
  }

  /** The next four bytes as a number, or undefined while they have not arrived. */
  peekU32(): number | undefined {
    if (this.#length < 4) return undefined
    return this.#byteAt(0) * 0x1000000 + this.#byteAt(1) * 0x10000 + this.#byteAt(2) * 0x100 + this.#byteAt(3)
  }

  /** Drops `count` bytes, which must have arrived. */
  skip(count: number): void {
    let left = count
    this.#length -= count
    while (left > 0) {
      const rest = this.#chunks[this.#first]!.length - this.#offset
      if (left < rest) {
        this.#offset += left
        return
      }
      left -= rest
      this.#dropFirst()
    }
  }

  /** The next `count` bytes, which must have arrived: a view where they lie in one chunk. */
  take(count: number): Uint8Array {
    if (count === 0) return new Uint8Array(0)
    const chunk = this.#chunks[this.#first]!
    if (chunk.length - this.#offset >= count) {
      const bytes = chunk.subarray(this.#offset, this.#offset + count)
      this.skip(count)
      return bytes
    }
    const joined = new Uint8Array(count)
    let filled = 0
    while (filled < count) {
      const current = this.#chunks[this.#first]!
      const part = current.subarray(this.#offset, this.#offset + count - filled)
      joined.set(part, filled)
      filled += part.length
      this.skip(part.length)
    }
    return joined
  }

  /** A short chunk joins the one before it unless that is longer, so that each byte is copied a few times at most. */
  #joinSmall(): void {
    const chunks = this.#chunks
    for (let last = chunks.length - 1; last > this.#first; last--) {
      const right = chunks[last]!
      const left = last - 1 === this.#first ? chunks[last - 1]!.subarray(this.#offset) : chunks[last - 1]!
      if (right.length >= SMALL || left.length > right.length) return
      const joined = new Uint8Array(left.length + right.length)
      joined.set(left)
      joined.set(right, left.length)
      if (last - 1 === this.#first) this.#offset = 0
      chunks.pop()
      chunks[last - 1] = joined
    }
  }

  #byteAt(index: number): number {
    let position = this.#offset + index
    for (let i = this.#first; ; i++) {
      const chunk = this.#chunks[i]!
      if (position < chunk.length) return chunk[position]!
      position -= chunk.length
    }
  }

  #dropFirst(): void {
    this.#first++
    this.#offset = 0
    if (this.#first === this.#chunks.length) {
      this.#chunks = []
      this.#first = 0
    } else if (this.#first >= 64) {
      this.#chunks.splice(0, this.#first)
      this.#first = 0
    }
  }
}
