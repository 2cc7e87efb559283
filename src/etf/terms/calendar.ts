/** Arithmetic and text of the proleptic Gregorian calendar, Elixir's `Calendar.ISO`. */
import { OptionError } from '../../core/index.ts'

export const MICROSECONDS_PER_SECOND = 1_000_000

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function daysInMonth(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && leap ? 29 : DAYS[month - 1]!
}

function isWithin(value: number, first: number, last: number): boolean {
  return Number.isInteger(value) && value >= first && value <= last
}

export function isDate(year: number, month: number, day: number): boolean {
  return Number.isSafeInteger(year) && isWithin(month, 1, 12) && isWithin(day, 1, daysInMonth(year, month))
}

export function isTime(
  hour: number,
  minute: number,
  second: number,
  microsecond: number,
  precision: number,
): boolean {
  return (
    isWithin(hour, 0, 23) &&
    isWithin(minute, 0, 59) &&
    isWithin(second, 0, 59) &&
    isWithin(microsecond, 0, MICROSECONDS_PER_SECOND - 1) &&
    isWithin(precision, 0, 6)
  )
}

/** With zeros in front; the sign before them. */
export function digits(value: number | bigint, width: number): string {
  const text = String(value < 0 ? -value : value).padStart(width, '0')
  return value < 0 ? `-${text}` : text
}

/** `+02:00`. */
export function offsetText(seconds: number): string {
  const minutes = Math.trunc(Math.abs(seconds) / 60)
  return `${seconds < 0 ? '-' : '+'}${digits(Math.trunc(minutes / 60), 2)}:${digits(minutes % 60, 2)}`
}

/** What a pattern finds in a text that has to match. */
export function matchText(pattern: RegExp, text: string, what: string): RegExpExecArray {
  const found = pattern.exec(text)
  if (found === null) throw new OptionError(`${JSON.stringify(text)} is no ${what}`)
  return found
}
