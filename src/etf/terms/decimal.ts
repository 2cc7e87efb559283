/** Decimals, the counterpart of the struct of the package `decimal`. */
import { OptionError } from '../../core/index.ts'

/** Exponents beyond print as such: `1e1000000000` written out is a gigabyte of zeros. */
const MAX_WRITTEN_EXPONENT = 10_000

/**
 * A decimal number of any precision, `sign * coef * 10^exp`: the struct of the package `decimal`.
 *
 * @example
 * String(Decimal.parse('1.50')) // '1.50'
 */
export class Decimal {
  readonly sign: 1 | -1
  /** Not negative; or what is no number. */
  readonly coef: bigint | 'NaN' | 'inf'
  readonly exp: number

  /** @throws OptionError (`ERR_INVALID_OPTION`) for another sign, a negative coefficient or a fraction as exponent. */
  constructor(sign: 1 | -1, coef: bigint | 'NaN' | 'inf', exp: number) {
    const isCoef = typeof coef === 'bigint' ? coef >= 0n : coef === 'NaN' || coef === 'inf'
    if (!isCoef || (sign !== 1 && sign !== -1) || !Number.isSafeInteger(exp)) {
      throw new OptionError(`a decimal is sign * coef * 10^exp, got ${sign} * ${coef} * 10^${exp}`)
    }
    this.sign = sign
    this.coef = coef
    this.exp = exp
  }

  /**
   * The decimal of a text such as `-12.50` or `1e3`; digits are kept as they are.
   *
   * @throws OptionError for any other text.
   */
  static parse(text: string): Decimal {
    const found = /^([+-]?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text)
    if (found === null)
      throw new OptionError(`${JSON.stringify(text)} is no decimal number such as -12.50 or 1e3`)
    const [, sign, whole, fraction = '', exponent = '0'] = found
    return new Decimal(sign === '-' ? -1 : 1, BigInt(whole! + fraction), Number(exponent) - fraction.length)
  }

  /** As `Decimal.to_string(decimal, :normal)` writes it: without an exponent, unless that is beyond 10 000. */
  toString(): string {
    const sign = this.sign < 0 ? '-' : ''
    if (typeof this.coef === 'string') return sign + (this.coef === 'inf' ? 'Infinity' : 'NaN')
    const digits = this.coef.toString()
    if (Math.abs(this.exp) > MAX_WRITTEN_EXPONENT) return `${sign}${digits}e${this.exp}`
    if (this.exp >= 0) return sign + (this.coef === 0n ? '0' : digits + '0'.repeat(this.exp))
    const padded = digits.padStart(1 - this.exp, '0')
    return `${sign}${padded.slice(0, this.exp)}.${padded.slice(this.exp)}`
  }

  toJSON(): string {
    return this.toString()
  }
}
