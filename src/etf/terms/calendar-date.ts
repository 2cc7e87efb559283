/** Dates without a time, the counterpart of Elixir's `Date`. */
import { OptionError } from '../../core/index.ts'
import { digits, isDate, matchText } from './calendar.ts'

const DATE = /^(-?\d{4,})-(\d\d)-(\d\d)$/

/**
 * A day of the proleptic Gregorian calendar without a time: Elixir's `Date`.
 *
 * @example
 * encode(CalendarDate.parse('2024-02-29'), { structs: elixirStructs }) // ~D[2024-02-29]
 */
export class CalendarDate {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  /** 1 to 31. */
  readonly day: number

  /** @throws OptionError (`ERR_INVALID_OPTION`) for a day that there is not. */
  constructor(year: number, month: number, day: number) {
    if (!isDate(year, month, day)) throw new OptionError(`there is no date ${year}-${month}-${day}`)
    this.year = year
    this.month = month
    this.day = day
  }

  /**
   * The date of a text in ISO 8601, `2024-02-29`.
   *
   * @throws OptionError for any other text.
   */
  static parse(text: string): CalendarDate {
    const [, year, month, day] = matchText(DATE, text, 'date such as 2024-02-29')
    return new CalendarDate(Number(year), Number(month), Number(day))
  }

  /** The day of a JavaScript `Date` in UTC. */
  static from(date: Date): CalendarDate {
    return new CalendarDate(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())
  }

  /** The beginning of the day in UTC. */
  toDate(): Date {
    const date = new Date(0)
    date.setUTCFullYear(this.year, this.month - 1, this.day)
    return date
  }

  /** ISO 8601: `2024-02-29`. */
  toString(): string {
    return `${digits(this.year, 4)}-${digits(this.month, 2)}-${digits(this.day, 2)}`
  }

  toJSON(): string {
    return this.toString()
  }
}
