/** Times of a day, the counterpart of Elixir's `Time`. */
import { OptionError } from '../../core/index.ts'
import { digits, isTime, matchText } from './calendar.ts'

const TIME = /^(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6})\d*)?$/

/**
 * A time of day in microseconds: Elixir's `Time`.
 *
 * @example
 * encode(CalendarTime.parse('12:00:07.120'), { structs: elixirStructs }) // ~T[12:00:07.120]
 */
export class CalendarTime {
  readonly hour: number
  readonly minute: number
  /** 0 to 59. */
  readonly second: number
  /** 0 to 999 999. */
  readonly microsecond: number
  /** How many digits of the fraction are meant, 0 to 6. */
  readonly precision: number

  /**
   * @param precision default: 0 for no microseconds, else 6
   * @throws OptionError (`ERR_INVALID_OPTION`) for a time that there is not.
   */
  constructor(
    hour: number,
    minute: number,
    second: number,
    microsecond = 0,
    precision = microsecond === 0 ? 0 : 6,
  ) {
    if (!isTime(hour, minute, second, microsecond, precision)) {
      const given = `${hour}:${minute}:${second} with ${microsecond} microseconds in ${precision} digits`
      throw new OptionError(`there is no time ${given}`)
    }
    this.hour = hour
    this.minute = minute
    this.second = second
    this.microsecond = microsecond
    this.precision = precision
  }

  /**
   * The time of a text in ISO 8601 with all of hours, minutes and seconds, `12:00:07.120`. Digits behind the sixth of
   * the fraction are dropped, as Elixir does.
   *
   * @throws OptionError for any other text.
   */
  static parse(text: string): CalendarTime {
    const [, hour, minute, second, fraction = ''] = matchText(TIME, text, 'time such as 12:00:07.120')
    const microsecond = Number(fraction.padEnd(6, '0'))
    return new CalendarTime(Number(hour), Number(minute), Number(second), microsecond, fraction.length)
  }

  /** The time of a JavaScript `Date` in UTC, in milliseconds. */
  static from(date: Date): CalendarTime {
    const microsecond = date.getUTCMilliseconds() * 1000
    return new CalendarTime(date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), microsecond, 3)
  }

  /** ISO 8601: `12:00:07.120`. */
  toString(): string {
    const text = [this.hour, this.minute, this.second].map((each) => digits(each, 2)).join(':')
    return this.precision === 0 ? text : `${text}.${digits(this.microsecond, 6).slice(0, this.precision)}`
  }

  toJSON(): string {
    return this.toString()
  }
}
