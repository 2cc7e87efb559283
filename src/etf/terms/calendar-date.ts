/** Dates without a time, the counterpart of Elixir's `Date`. */

/** A day of the proleptic Gregorian calendar without a time: Elixir's `Date`. */
export class CalendarDate {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  /** 1 to 31. */
  readonly day: number

  constructor(year: number, month: number, day: number) {
    this.year = year
    this.month = month
    this.day = day
  }

  /** ISO 8601: `2024-02-29`. */
  toString(): string {
    const [year, month, day] = [Math.abs(this.year), this.month, this.day].map(String)
    const sign = this.year < 0 ? '-' : ''
    return `${sign}${year!.padStart(4, '0')}-${month!.padStart(2, '0')}-${day!.padStart(2, '0')}`
  }

  toJSON(): string {
    return this.toString()
  }
}
