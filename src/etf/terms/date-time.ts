/** Moments in a time zone, the counterpart of Elixir's `DateTime`. */
import { OptionError } from '../../core/index.ts'
import { MICROSECONDS_PER_SECOND, matchText, offsetText } from './calendar.ts'
import { CalendarDate } from './calendar-date.ts'
import { CalendarTime } from './calendar-time.ts'

/** A time zone at some moment, as Elixir's `DateTime` carries it. */
export interface TimeZone {
  /** Its name, such as `Europe/Paris`. */
  readonly name: string
  /** Such as `CET`. */
  readonly abbreviation: string
  /** Seconds from UTC in winter. */
  readonly utcOffset: number
  /** Seconds on top of that while daylight is saved. */
  readonly stdOffset: number
}

/** The zone of Elixir's `~U`. */
export const UTC: TimeZone = Object.freeze({
  name: 'Etc/UTC',
  abbreviation: 'UTC',
  utcOffset: 0,
  stdOffset: 0,
})

const MOMENT = /^(\S+?)[ T]([\d:.,]+)(Z|[+-]\d\d:\d\d)$/
/** A day at most, so that an offset cannot be something else by mistake. */
const MAX_OFFSET = 24 * 3600

function checkZone({ name, abbreviation, utcOffset, stdOffset }: TimeZone): void {
  const isOffset = (seconds: number): boolean => Number.isInteger(seconds) && Math.abs(seconds) <= MAX_OFFSET
  const isText = typeof name === 'string' && typeof abbreviation === 'string'
  if (isText && isOffset(utcOffset) && isOffset(stdOffset)) return
  throw new OptionError(
    `a time zone has a name, an abbreviation, and two offsets of ${MAX_OFFSET} seconds at most`,
  )
}

/** What is left over, from 0 also for a negative value. */
function modulo(value: bigint, by: bigint): bigint {
  return ((value % by) + by) % by
}

/**
 * A moment, with the date and time that clocks showed in some time zone: Elixir's `DateTime`, in microseconds and with
 * its precision. Elixir's own zones other than UTC come from a database; this class carries them and knows none.
 *
 * @example
 * encode(DateTime.from(new Date('2024-02-29T12:00:00Z')), { structs: elixirStructs }) // ~U[2024-02-29 12:00:00.000Z]
 * DateTime.parse('2024-02-29T12:00:00.5+02:00').toString() // '2024-02-29 10:00:00.5Z'
 */
export class DateTime {
  /** What calendars in the zone showed. */
  readonly date: CalendarDate
  /** What clocks in the zone showed. */
  readonly time: CalendarTime
  readonly zone: TimeZone

  /**
   * @param zone default UTC
   * @throws OptionError (`ERR_INVALID_OPTION`) for a zone without names or with impossible offsets.
   */
  constructor(date: CalendarDate, time: CalendarTime, zone: TimeZone = UTC) {
    checkZone(zone)
    this.date = date
    this.time = time
    this.zone = zone
  }

  /** The moment of a JavaScript `Date`, in UTC and milliseconds. */
  static from(date: Date): DateTime {
    return new DateTime(CalendarDate.from(date), CalendarTime.from(date))
  }

  /**
   * The moment of microseconds since 1970, in UTC.
   *
   * @param precision digits of the fraction that are meant; 6
   * @throws OptionError when a `Date` cannot be that far from 1970.
   */
  static fromEpoch(microseconds: bigint, precision = 6): DateTime {
    const fraction = modulo(microseconds, 1_000_000n)
    const date = new Date(Number((microseconds - fraction) / 1000n))
    const time = new CalendarTime(
      date.getUTCHours(),
      date.getUTCMinutes(),
      date.getUTCSeconds(),
      Number(fraction),
      precision,
    )
    return new DateTime(CalendarDate.from(date), time)
  }

  /**
   * The moment of a text in ISO 8601 that ends in Z or an offset, in UTC, as `DateTime.from_iso8601/1` reads it.
   *
   * @throws OptionError for any other text.
   */
  static parse(text: string): DateTime {
    const what = 'moment such as 2024-02-29T12:00:07.120Z'
    const [, day, clock, zone = 'Z'] = matchText(MOMENT, text, what)
    const given = new DateTime(CalendarDate.parse(day!), CalendarTime.parse(clock!))
    if (zone === 'Z') return given
    const [hours, minutes] = zone.slice(1).split(':').map(Number) as [number, number]
    const seconds = (hours * 60 + minutes) * (zone.startsWith('-') ? -60 : 60)
    const microseconds = given.epochMicroseconds - BigInt(seconds * MICROSECONDS_PER_SECOND)
    return DateTime.fromEpoch(microseconds, given.time.precision)
  }

  /** Microseconds since 1970. */
  get epochMicroseconds(): bigint {
    const { hour, minute, second, microsecond } = this.time
    const clock = (hour * 60 + minute) * 60 + second - this.#offset
    const days = BigInt(this.date.toDate().getTime()) * 1000n
    return days + BigInt(clock * MICROSECONDS_PER_SECOND + microsecond)
  }

  /** Seconds from UTC. */
  get #offset(): number {
    return this.zone.utcOffset + this.zone.stdOffset
  }

  /** The moment in whole milliseconds; what is finer is cut off. */
  toDate(): Date {
    const { epochMicroseconds } = this
    return new Date(Number((epochMicroseconds - modulo(epochMicroseconds, 1000n)) / 1000n))
  }

  /** As Elixir writes it: `2024-02-29 12:00:07Z`, `2024-02-29 13:00:07+01:00 CET Europe/Paris`. */
  toString(): string {
    const { name, abbreviation } = this.zone
    const text = `${this.date} ${this.time}`
    return name === UTC.name ? `${text}Z` : `${text}${offsetText(this.#offset)} ${abbreviation} ${name}`
  }

  /** ISO 8601, as `DateTime.to_iso8601/1` writes it: `2024-02-29T13:00:07+01:00`. */
  toJSON(): string {
    const zone = this.zone.name === UTC.name ? 'Z' : offsetText(this.#offset)
    return `${this.date}T${this.time}${zone}`
  }
}
