/** The bounded cursor under the term reader: nothing is read before it is known to be there. */
import { DecodeError, type DecodeErrorCode } from './errors.ts'

/** What a map takes besides its pairs, in elements. */
const MAP_CHARGE = 4

/** Lists up to this length have their size whatever was announced before: growing ones take more. */
const SHORT_LIST = 16

/** V8 makes a hash table of an array that is made larger than twice this. */
const MAX_SIZED = 1 << 24

/** A big-endian number of 32 bits, with its sign, of bytes that are known to be there. */
export function i32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

/**
 * What fails is said by functions of its own: the compiler puts small functions where they are called, up to a limit for
 * each caller that counts what never runs, too.
 */
export class Cursor {
  /** Where the next byte is read. */
  offset = 0
  protected bytes: Uint8Array = new Uint8Array(0)
  /** The part of them that is read. What lies around it belongs to others. */
  protected start = 0
  protected end = 0
  /** Elements of containers read since the cursor was last put into other bytes. */
  protected elements = 0
  readonly #maxElements: number

  constructor(maxElements: number) {
    this.#maxElements = maxElements
  }

  /** What is wrong at an offset into `bytes`. */
  protected fail(
    code: DecodeErrorCode,
    problem: string,
    at: number,
    options?: { cause?: unknown },
  ): DecodeError {
    return new DecodeError(code, problem, this.bytes.subarray(this.start, this.end), at - this.start, options)
  }

  /** The byte that is read next; undefined at the end. */
  protected peek(): number | undefined {
    return this.offset < this.end ? this.bytes[this.offset] : undefined
  }

  /** Steps over `count` bytes that must be there and returns where they begin. */
  protected take(count: number): number {
    const at = this.offset
    if (count > this.end - at) throw this.#truncated(count, at)
    this.offset = at + count
    return at
  }

  #truncated(count: number, at: number): DecodeError {
    const problem = `expected ${count} more bytes, ${this.end - at} are left`
    return this.fail('ERR_ETF_TRUNCATED', problem, at)
  }

  protected readU8(): number {
    return this.bytes[this.take(1)]!
  }

  protected readU16(): number {
    const at = this.take(2)
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!
  }

  protected readI32(): number {
    return i32At(this.bytes, this.take(4))
  }

  protected readU32(): number {
    return this.readI32() >>> 0
  }

  /** A count of elements, each of which takes at least `least` bytes that must still be there. */
  protected readCount(least: number): number {
    const count = this.readU32()
    const left = this.end - this.offset
    if (count * least > left) {
      const problem = `${count} elements are announced, and only ${left} bytes are left`
      throw this.fail('ERR_ETF_TRUNCATED', problem, this.offset)
    }
    this.charge(count)
    return count
  }

  /** A count of pairs of a map. */
  protected readPairCount(): number {
    const count = this.readCount(2)
    this.charge(count + MAP_CHARGE)
    return count
  }

  /** Counts elements of a container. */
  protected charge(count: number): void {
    this.elements += count
    if (this.elements > this.#maxElements) throw this.#tooManyElements()
  }

  #tooManyElements(): DecodeError {
    const problem = `more than ${this.#maxElements} elements; raise limits.elements if that is meant`
    return this.fail('ERR_ETF_TOO_LARGE', problem, this.offset)
  }

  /**
   * The array for `count` elements whose announcement was charged. It has its size from the beginning, since growing
   * takes a third of the time of reading a long list, and room for 17 elements after the first, which is most of the
   * memory of a short one.
   *
   * Every element takes a byte, so all that were announced in one piece of input are at most as many as its bytes, or
   * else some will not come: then arrays grow with what does come. So no input gets more than eight times its size.
   */
  protected newItems<T>(count: number): T[] {
    return count <= SHORT_LIST || (this.elements <= this.end - this.start && count <= MAX_SIZED)
      ? new Array(count)
      : []
  }
}
