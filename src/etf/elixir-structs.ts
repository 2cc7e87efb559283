/**
 * Structs of Elixir that have a counterpart here; nothing happens to them unless `elixirStructs` is passed.
 *
 * A struct becomes an instance when it has the fields that Elixir's has, in `Calendar.ISO` where it has a calendar; with
 * other fields, or a calendar of its own, it stays a `Map`. With those fields and impossible values (the 30th of
 * February, a step of 0) it is refused.
 */
import { OptionError } from '../core/index.ts'
import { EncodeError } from './errors.ts'
import { isPlainObject } from './kinds.ts'
import { defineStruct, type StructCodec, type StructFields } from './structs.ts'
import { Atom, atom } from './terms/atom.ts'
import { CalendarDate } from './terms/calendar-date.ts'
import { CalendarTime } from './terms/calendar-time.ts'
import { DateTime } from './terms/date-time.ts'
import { Decimal } from './terms/decimal.ts'
import { NaiveDateTime } from './terms/naive-date-time.ts'
import { Range } from './terms/range.ts'
import type { Encodable, Term } from './terms/term.ts'
import { TermMap } from './terms/term-map.ts'
import { TermSet } from './terms/term-set.ts'
import { Tuple, tuple } from './terms/tuple.ts'
import { Uri, type UriParts } from './terms/uri.ts'
import { readText } from './text.ts'

const ISO = atom('Elixir.Calendar.ISO')

type Fields = Record<string, Encodable>

const DATE = ['calendar', 'year', 'month', 'day']
const CLOCK = ['hour', 'minute', 'second', 'microsecond']
const ZONE = ['time_zone', 'zone_abbr', 'utc_offset', 'std_offset']
const URI = ['scheme', 'userinfo', 'host', 'port', 'path', 'query', 'fragment', 'authority']

/** Whether these are the names of all the fields. */
function hasFields(fields: StructFields, ...names: readonly string[]): boolean {
  return Object.keys(fields).length === names.length && names.every((name) => Object.hasOwn(fields, name))
}

function isIso(fields: StructFields, ...names: readonly string[]): boolean {
  return fields['calendar'] === ISO && hasFields(fields, ...names)
}

/** The values of fields that have to be integers; those that are too large for a number are impossible everywhere. */
function integers(fields: StructFields, ...names: readonly string[]): number[] {
  return names.map((name) => {
    const value = fields[name]
    if (!Number.isSafeInteger(value)) throw new OptionError(`${name} has to be an integer`)
    return value as number
  })
}

/** Text, also where binaries stay bytes; what is none is refused by the classes. */
function text(value: Term | undefined): string {
  if (!(value instanceof Uint8Array)) return value as string
  return readText(value, 0, value.length) ?? (value as unknown as string)
}

function readDate(fields: StructFields): CalendarDate {
  const [year, month, day] = integers(fields, 'year', 'month', 'day') as [number, number, number]
  return new CalendarDate(year, month, day)
}

function dateFields({ year, month, day }: CalendarDate): Fields {
  return { calendar: ISO, year, month, day }
}

function readTime(fields: StructFields): CalendarTime {
  const [hour, minute, second] = integers(fields, 'hour', 'minute', 'second') as [number, number, number]
  const { microsecond: fraction } = fields
  const parts = fraction instanceof Tuple && fraction.length === 2 ? fraction.toArray() : []
  if (parts.length !== 2) throw new OptionError('microsecond has to be a pair')
  return new CalendarTime(hour, minute, second, parts[0] as number, parts[1] as number)
}

function timeFields({ hour, minute, second, microsecond, precision }: CalendarTime): Fields {
  return { calendar: ISO, hour, minute, second, microsecond: tuple(microsecond, precision) }
}

function decodeDateTime(fields: StructFields): DateTime | undefined {
  if (!isIso(fields, ...DATE, ...CLOCK, ...ZONE)) return undefined
  const name = text(fields['time_zone'])
  const abbreviation = text(fields['zone_abbr'])
  const [utcOffset, stdOffset] = integers(fields, 'utc_offset', 'std_offset') as [number, number]
  const zone = { name, abbreviation, utcOffset, stdOffset }
  return new DateTime(readDate(fields), readTime(fields), zone)
}

function encodeDateTime({ date, time, zone }: DateTime): Fields {
  return {
    ...dateFields(date),
    ...timeFields(time),
    time_zone: zone.name,
    zone_abbr: zone.abbreviation,
    utc_offset: zone.utcOffset,
    std_offset: zone.stdOffset,
  }
}

function encodeJsDate(date: Date): Fields {
  if (Number.isNaN(date.getTime())) {
    throw new EncodeError('ERR_ETF_NOT_A_TERM', 'an invalid Date has no term', date)
  }
  return encodeDateTime(DateTime.from(date))
}

/** Elixir's may have bounds of any size; those beyond the safe integers stay maps. */
function decodeRange(fields: StructFields): Range | undefined {
  const { first, last, step } = fields
  if (!hasFields(fields, 'first', 'last', 'step')) return undefined
  if ([first, last, step].some((bound) => typeof bound === 'bigint')) return undefined
  return new Range(first as number, last as number, step as number)
}

function decodeDecimal(fields: StructFields): Decimal | undefined {
  if (!hasFields(fields, 'sign', 'coef', 'exp')) return undefined
  const { sign, exp, coef: given } = fields
  if (typeof exp === 'bigint') return undefined
  const coef = Number.isSafeInteger(given)
    ? BigInt(given as number)
    : given instanceof Atom
      ? given.name
      : given
  return new Decimal(sign as 1, coef as bigint, exp as number)
}

function uriParts(fields: StructFields): UriParts {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, text(value)]))
}

/** Sets of Elixir before 1.15 have a version, which goes back with them. */
const setVersions = new WeakMap<TermSet, Term>()

function decodeMapSet(fields: StructFields): TermSet | undefined {
  const { map, version } = fields
  if (version === undefined ? !hasFields(fields, 'map') : !hasFields(fields, 'map', 'version'))
    return undefined
  // With the option maps: 'object', which does not say whether its keys are atoms.
  if (typeof map === 'object' && map !== null && isPlainObject(map)) return undefined
  if (!(map instanceof Map)) throw new OptionError('map has to be a map')
  const set = new TermSet<Term>(map.keys())
  if (version !== undefined) setVersions.set(set, version)
  return set
}

function encodeMapSet(set: TermSet): Fields {
  const map = new TermMap<Term, Term>([...set].map((element): [Term, Term] => [element, []]))
  const version = setVersions.get(set)
  return version === undefined ? { map } : { map, version }
}

/**
 * `DateTime`, `NaiveDateTime`, `Date` as `CalendarDate`, `Time` as `CalendarTime`, `Range`, `URI` as `Uri`, `MapSet` as
 * `TermSet`, and `Decimal` of the package `decimal`. A JavaScript `Date` is sent as a `DateTime` in UTC
 * with milliseconds, a `Set` as a `MapSet`.
 *
 * @example
 * encode(new Date('2024-02-29T12:00:00Z'), { structs: elixirStructs }) // ~U[2024-02-29 12:00:00.000Z]
 */
export const elixirStructs: readonly StructCodec[] = Object.freeze([
  defineStruct('DateTime', DateTime, { decode: decodeDateTime, encode: encodeDateTime }),
  defineStruct('DateTime', Date, { decode: false, encode: encodeJsDate }),
  defineStruct('NaiveDateTime', NaiveDateTime, {
    decode: (fields) =>
      isIso(fields, ...DATE, ...CLOCK) ? new NaiveDateTime(readDate(fields), readTime(fields)) : undefined,
    encode: ({ date, time }) => ({ ...dateFields(date), ...timeFields(time) }),
  }),
  defineStruct('Date', CalendarDate, {
    decode: (fields) => (isIso(fields, ...DATE) ? readDate(fields) : undefined),
    encode: dateFields,
  }),
  defineStruct('Time', CalendarTime, {
    decode: (fields) => (isIso(fields, 'calendar', ...CLOCK) ? readTime(fields) : undefined),
    encode: timeFields,
  }),
  defineStruct('Range', Range, { decode: decodeRange }),
  defineStruct('URI', Uri, {
    decode: (fields) => (hasFields(fields, ...URI) ? new Uri(uriParts(fields)) : undefined),
  }),
  defineStruct('Decimal', Decimal, {
    decode: decodeDecimal,
    encode: ({ sign, coef, exp }) => ({ sign, coef: typeof coef === 'string' ? atom(coef) : coef, exp }),
  }),
  defineStruct<TermSet>('MapSet', TermSet, { decode: decodeMapSet, encode: encodeMapSet }),
  defineStruct<Set<Term>>('MapSet', Set, { decode: false, encode: (set) => encodeMapSet(new TermSet(set)) }),
])
