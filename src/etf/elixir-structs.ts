/** Structs of Elixir that have a counterpart here; nothing happens to them unless `elixirStructs` is passed. */
import { EncodeError } from './errors.ts'
import { defineStruct, type StructCodec, type StructFields } from './structs.ts'
import { Atom, atom } from './terms/atom.ts'
import { CalendarDate } from './terms/calendar-date.ts'
import { Decimal } from './terms/decimal.ts'
import { Range } from './terms/range.ts'
import type { Encodable, Term } from './terms/term.ts'
import { TermMap } from './terms/term-map.ts'
import { TermSet } from './terms/term-set.ts'
import { Tuple, tuple } from './terms/tuple.ts'

const ISO = atom('Elixir.Calendar.ISO')

/** The fields as numbers, when they all are safe integers. */
function numbers(fields: StructFields, names: readonly string[]): number[] | undefined {
  const values = names.map((name) => fields[name])
  return values.every((value): value is number => Number.isSafeInteger(value)) ? values : undefined
}

/** Only what a `Date` can hold: UTC, and no microseconds. Everything else stays a `Map`. */
function decodeDateTime(fields: StructFields): Date | undefined {
  const parts = numbers(fields, [
    'year',
    'month',
    'day',
    'hour',
    'minute',
    'second',
    'utc_offset',
    'std_offset',
  ])
  const { microsecond, time_zone: zone, calendar } = fields
  const micros = microsecond instanceof Tuple ? microsecond[0] : undefined
  if (parts === undefined || typeof micros !== 'number' || micros % 1000 !== 0) return undefined
  const [year, month, day, hour, minute, second, utcOffset, stdOffset] = parts as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const isUtc = zone === 'Etc/UTC' && utcOffset === 0 && stdOffset === 0
  if (!isUtc || calendar !== ISO || second > 59) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second, micros / 1000)
  return Number.isNaN(date.getTime()) ? undefined : date
}

function encodeDateTime(date: Date): Record<string, Encodable> {
  if (Number.isNaN(date.getTime()))
    throw new EncodeError('ERR_ETF_NOT_A_TERM', 'an invalid Date has no term', date)
  return {
    calendar: ISO,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    microsecond: tuple(date.getUTCMilliseconds() * 1000, 3),
    time_zone: 'Etc/UTC',
    zone_abbr: 'UTC',
    utc_offset: 0,
    std_offset: 0,
  }
}

function decodeDate(fields: StructFields): CalendarDate | undefined {
  const parts = numbers(fields, ['year', 'month', 'day'])
  const { calendar } = fields
  if (parts === undefined || calendar !== ISO) return undefined
  return new CalendarDate(parts[0]!, parts[1]!, parts[2]!)
}

function decodeRange(fields: StructFields): Range | undefined {
  const parts = numbers(fields, ['first', 'last', 'step'])
  return parts === undefined || parts[2] === 0 ? undefined : new Range(parts[0]!, parts[1]!, parts[2]!)
}

function decodeCoefficient(value: Term | undefined): Decimal['coef'] | undefined {
  if (typeof value === 'bigint') return value < 0n ? undefined : value
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined
  const name = value instanceof Atom ? value.name : undefined
  return name === 'NaN' || name === 'inf' ? name : undefined
}

function decodeDecimal(fields: StructFields): Decimal | undefined {
  const { sign, exp, coef: given } = fields
  const coef = decodeCoefficient(given)
  if (coef === undefined || (sign !== 1 && sign !== -1)) return undefined
  if (typeof exp !== 'number' || !Number.isSafeInteger(exp)) return undefined
  return new Decimal(sign, coef, exp)
}

/**
 * `DateTime` as `Date` (UTC in whole milliseconds; others stay maps), `Date` as `CalendarDate`, `Range`, `Decimal`, and
 * `MapSet` as `TermSet`. A `Date` is sent with a precision of three digits.
 *
 * @example
 * encode(new Date('2024-02-29T12:00:00Z'), { structs: elixirStructs }) // ~U[2024-02-29 12:00:00.000Z]
 */
export const elixirStructs: readonly StructCodec[] = Object.freeze([
  defineStruct('DateTime', Date, { decode: decodeDateTime, encode: encodeDateTime }),
  defineStruct('Date', CalendarDate, {
    decode: decodeDate,
    encode: ({ year, month, day }) => ({ calendar: ISO, year, month, day }),
  }),
  defineStruct('Range', Range, { decode: decodeRange }),
  defineStruct('Decimal', Decimal, {
    decode: decodeDecimal,
    encode: ({ sign, coef, exp }) => ({ sign, coef: typeof coef === 'string' ? atom(coef) : coef, exp }),
  }),
  defineStruct<TermSet>('MapSet', TermSet, {
    decode: ({ map }) => (map instanceof Map ? new TermSet<Term>(map.keys()) : undefined),
    encode: (set) => ({
      map: new TermMap<Term, Term>([...set].map((element): [Term, Term] => [element, []])),
    }),
  }),
])
