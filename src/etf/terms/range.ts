/** Ranges, the counterpart of Elixir's `Range`. */
import { OptionError } from '../../core/index.ts'

/** Integers from `first` to `last`, both included: Elixir's `Range`. Iterable. */
export class Range {
  readonly first: number
  readonly last: number
  readonly step: number

  /**
   * @param step default 1
   * @throws OptionError for a step of 0 or bounds that are no integers.
   */
  constructor(first: number, last: number, step = 1) {
    if (![first, last, step].every(Number.isSafeInteger) || step === 0) {
      throw new OptionError(
        `a range has integers for bounds and a step other than 0, got ${first}..${last}//${step}`,
      )
    }
    this.first = first
    this.last = last
    this.step = step
  }

  *[Symbol.iterator](): Generator<number> {
    const { first, last, step } = this
    for (let i = first; step > 0 ? i <= last : i >= last; i += step) yield i
  }
}
