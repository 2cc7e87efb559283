import { BeamjoinError } from './errors.ts'

const textEncoder = new TextEncoder()

/** A read past the end of the bytes at hand. */
export class OutOfBytesError extends BeamjoinError {
  constructor(wanted: number, left: number, offset: number) {
    super('ERR_OUT_OF_BYTES', `wanted ${wanted} more bytes at offset ${offset}, ${left} are left`)
  }
}

/** A cursor over received bytes; big-endian, and bounded: it never reads past its end. */
export class ByteReader {
  readonly bytes: Uint8Array
  offset: number
  readonly #view: DataView

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes
    this.offset = offset
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.bytes.length - this.offset
  }

  readU8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  readU16(): number {
    return this.#view.getUint16(this.#advance(2))
  }

  readU32(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  readU64(): bigint {
    return this.#view.getBigUint64(this.#advance(8))
  }

  /** A view of the next `length` bytes, not a copy. */
  readBytes(length: number): Uint8Array {
    const start = this.#advance(length)
    return this.bytes.subarray(start, start + length)
  }

  #advance(length: number): number {
    const start = this.offset
    if (length > this.left) throw new OutOfBytesError(length, this.left, start)
    this.offset = start + length
    return start
  }
}

/** A growing big-endian output buffer; the hot path writes through `bytes`, `view` and `length` directly. */
export class ByteWriter {
  bytes: Uint8Array
  view: DataView
  /** How many bytes are written. */
  length = 0

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    let capacity = this.bytes.length * 2
    while (capacity < needed) capacity *= 2
    const grown = new Uint8Array(capacity)
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }

  writeU8(value: number): this {
    this.reserve(1)
    this.bytes[this.length++] = value
    return this
  }

  writeU16(value: number): this {
    this.reserve(2)
    this.view.setUint16(this.length, value)
    this.length += 2
    return this
  }

  writeU32(value: number): this {
    this.reserve(4)
    this.view.setUint32(this.length, value)
    this.length += 4
    return this
  }

  writeU64(value: bigint): this {
    this.reserve(8)
    this.view.setBigUint64(this.length, value)
    this.length += 8
    return this
  }

  writeBytes(bytes: Uint8Array): this {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
    return this
  }

  writeText(text: string): this {
    return this.writeBytes(textEncoder.encode(text))
  }

  /** What was written so far, as a view that the next write may move away from. */
  view8(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** Hands the bytes over and starts again with a fresh buffer. */
  take(): Uint8Array {
    const taken = this.view8()
    this.bytes = new Uint8Array(this.bytes.length)
    this.view = new DataView(this.bytes.buffer)
    this.length = 0
    return taken
  }
}
