/** Dates with a time and without a zone, the counterpart of Elixir's `NaiveDateTime`. */
import { matchText } from './calendar.ts'
import { CalendarDate } from './calendar-date.ts'
import { CalendarTime } from './calendar-time.ts'

const MOMENT = /^(\S+?)[ T]([\d:.,]+)$/

/**
 * A date and a time, of which nobody says where: Elixir's `NaiveDateTime`.
 *
 * @example
 * encode(NaiveDateTime.parse('2024-02-29 12:00:07'), { structs: elixirStructs }) // ~N[2024-02-29 12:00:07]
 */
export class NaiveDateTime {
  readonly date: CalendarDate
  readonly time: CalendarTime

  constructor(date: CalendarDate, time: CalendarTime) {
    this.date = date
    this.time = time
  }

  /**
   * The date and time of a text in ISO 8601, with a space or T between them.
   *
   * @throws OptionError (`ERR_INVALID_OPTION`) for any other text.
   */
  static parse(text: string): NaiveDateTime {
    const [, date, time] = matchText(MOMENT, text, 'date with time such as 2024-02-29 12:00:07')
    return new NaiveDateTime(CalendarDate.parse(date!), CalendarTime.parse(time!))
  }

  /** `2024-02-29 12:00:07`, as Elixir writes it. */
  toString(): string {
    return `${this.date} ${this.time}`
  }

  /** ISO 8601: `2024-02-29T12:00:07`. */
  toJSON(): string {
    return `${this.date}T${this.time}`
  }
}
