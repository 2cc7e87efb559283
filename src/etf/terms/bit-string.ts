/** Bitstrings whose length is not a whole number of bytes (protocol.md 5.1, BIT_BINARY_EXT). */
import { OptionError } from '../../core/index.ts'

/**
 * A bitstring. The last byte holds 1 to 8 bits, from its most significant end; the bits after them are zero.
 * Whole bytes arrive as string or bytes, not as this.
 *
 * @example
 * encode(new BitString(Uint8Array.of(1, 0b1010_0000), 3)) // <<1, 5::size(3)>>
 */
export class BitString {
  readonly bytes: Uint8Array
  /** How many bits of the last byte count, 1 to 8; 0 when there is no byte. */
  readonly bits: number

  /** @throws OptionError (`ERR_INVALID_OPTION`) when `bits` does not fit `bytes`. */
  constructor(bytes: Uint8Array, bits: number) {
    const fits = bytes.length === 0 ? bits === 0 : Number.isInteger(bits) && bits >= 1 && bits <= 8
    if (!fits) {
      const range = bytes.length === 0 ? '0, for there is no byte' : '1 to 8'
      throw new OptionError(
        `a BitString of ${bytes.length} bytes has ${bits} bits in the last one, expected ${range}`,
      )
    }
    const last = bytes.length - 1
    const unused = bytes.length === 0 ? 0 : bytes[last]! & (0xff >> bits)
    if (unused === 0) {
      this.bytes = bytes
    } else {
      // Not `slice`, which is no copy of a Buffer.
      this.bytes = Uint8Array.from(bytes)
      this.bytes[last]! -= unused
    }
    this.bits = bits
  }

  /** Length in bits. */
  get bitLength(): number {
    return this.bytes.length === 0 ? 0 : (this.bytes.length - 1) * 8 + this.bits
  }
}
