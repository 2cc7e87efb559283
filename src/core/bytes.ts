import { BeamjoinError } from './errors.ts'
import { allocateUncleared } from './memory.ts'

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

/** Nothing is read from a writer before it was written. Little is cleared faster than it is asked for. */
function allocate(capacity: number): Uint8Array {
  return capacity < LARGE ? new Uint8Array(capacity) : allocateUncleared(capacity)
}

/** From this size on, what was written is handed over as it is; below, it is copied and the buffer used again. */
const LARGE = 128 * 1024

/** A growing big-endian output buffer; the hot path writes through `bytes`, `view` and `length` directly. */
const INITIAL_CAPACITY = 256

/** Room for what may follow something large. */
const LITTLE = 256

export class ByteWriter {
  /** Changed by `use` only. */
  bytes: Uint8Array
  /** How many bytes are written. */
  length = 0
  #view: DataView | undefined

  constructor(capacity = INITIAL_CAPACITY) {
    this.bytes = new Uint8Array(capacity)
  }

  /** Of `bytes`. Made when it is needed: most messages do without. */
  get view(): DataView {
    this.#view ??= new DataView(this.bytes.buffer)
    return this.#view
  }

  protected use(bytes: Uint8Array): void {
    this.bytes = bytes
    this.#view = undefined
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    this.#grow(needed)
  }

  #grow(needed: number): void {
    // Not twice of what is large by itself: so it fills the buffer, and can be handed over without a copy.
    const grown = this.allocate(Math.max(needed + LITTLE, this.bytes.length * 2))
    if (this.length > 0) grown.set(this.bytes.subarray(0, this.length))
    this.use(grown)
  }

  /** The buffer in place of one that is too small, which is not used any more when its bytes have been copied. */
  protected allocate(capacity: number): Uint8Array {
    return allocate(capacity)
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

  /** Bytes of a message: who passes messages on at once may do so without this copy. */
  writeLendable(bytes: Uint8Array): void {
    this.writeBytes(bytes)
  }

  writeText(text: string): this {
    return this.writeBytes(textEncoder.encode(text))
  }

  /** What was written so far, as a view that the next write may move away from. */
  view8(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /**
   * What was written, for good, and starts again: a copy in its own memory, or when it is large and fills the buffer,
   * the buffer itself.
   */
  finish(): Uint8Array {
    const { length } = this
    this.length = 0
    if (length < LARGE) {
      const copy = this.bytes.slice(0, length)
      if (this.bytes.length > LARGE) this.#renew(INITIAL_CAPACITY)
      return copy
    }
    const whole = this.bytes
    this.#renew(INITIAL_CAPACITY)
    if (length < whole.length * 0.75) return whole.slice(0, length)
    // Whoever looks behind the view must not find what was in the memory before.
    whole.fill(0, length)
    return whole.subarray(0, length)
  }

  #renew(capacity: number): void {
    this.use(new Uint8Array(capacity))
  }

  /** Hands the bytes over and starts again with a fresh buffer. */
  take(): Uint8Array {
    const taken = this.view8()
    this.#renew(this.bytes.length)
    this.length = 0
    return taken
  }
}
