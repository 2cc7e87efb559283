/** Floats that are told from integers (protocol.md 5.1, NEW_FLOAT_EXT). */
import { OptionError } from '../../core/index.ts'

/**
 * A float whatever its value: `1.0` and not `1`, `-0.0` and not `0`.
 *
 * Needed for sending integral values only; with the codec option `floats: 'exact'`, and in map keys, integral floats
 * arrive as `Float` too.
 *
 * @example
 * decode(encode(float(3))) // 3
 * decode(encode(float(3)), EXACT) instanceof Float // true
 */
export class Float {
  readonly value: number

  /** @throws OptionError (`ERR_INVALID_OPTION`) for NaN and the infinities, which the BEAM has not. */
  constructor(value: number) {
    if (!Number.isFinite(value)) throw new OptionError(`a float on the BEAM is finite, got ${value}`)
    this.value = value
  }

  valueOf(): number {
    return this.value
  }

  toJSON(): number {
    return this.value
  }
}

/**
 * A number that encodes as a float even when it is integral.
 *
 * @throws OptionError as `Float` does.
 * @example
 * encode(3) // 3
 * encode(float(3)) // 3.0
 */
export function float(value: number): Float {
  return new Float(value)
}
