/** Structs of Elixir that print in a form of their own: dates, times, ranges, sets. */
import { STRUCT_KEY } from './structs.ts'
import { Atom, atom } from './terms/atom.ts'
import { Tuple } from './terms/tuple.ts'
import { readText } from './text.ts'

type Fields = ReadonlyMap<unknown, unknown>

/** Finds `undefined` for every field that is not what the struct should have; then the struct prints as a map. */
function integer(fields: Fields, name: string): number | bigint | undefined {
  const value = fields.get(atom(name))
  return typeof value === 'bigint' || Number.isSafeInteger(value) ? (value as number | bigint) : undefined
}

function text(fields: Fields, name: string): string | undefined {
  const value = fields.get(atom(name))
  if (value instanceof Uint8Array) return readText(value, 0, value.length)
  return typeof value === 'string' ? value : undefined
}

function digits(value: number | bigint, width: number): string {
  const text = String(value < 0 ? -value : value).padStart(width, '0')
  return value < 0 ? `-${text}` : text
}

function joined(
  fields: Fields,
  names: readonly string[],
  width: number,
  separator: string,
): string | undefined {
  const parts: string[] = []
  for (const name of names) {
    const value = integer(fields, name)
    if (value === undefined) return undefined
    parts.push(digits(value, name === 'year' ? 4 : width))
  }
  return parts.join(separator)
}

/** Sigils have years of four digits only. */
function dateText(fields: Fields): string | undefined {
  const year = integer(fields, 'year')
  if (year === undefined || year > 9999 || year < -9999) return undefined
  return joined(fields, ['year', 'month', 'day'], 2, '-')
}

/** `12:00:07.120`, with as many digits of the second as its precision says. */
function timeText(fields: Fields): string | undefined {
  const time = joined(fields, ['hour', 'minute', 'second'], 2, ':')
  const fraction = fields.get(atom('microsecond'))
  if (time === undefined || !(fraction instanceof Tuple) || fraction.length !== 2) return undefined
  const [micros, precision] = fraction.toArray()
  if (typeof micros !== 'number' || typeof precision !== 'number') return undefined
  if (precision === 0) return time
  return `${time}.${digits(micros, 6).slice(0, precision)}`
}

function naiveText(fields: Fields): string | undefined {
  const date = dateText(fields)
  const time = timeText(fields)
  return date === undefined || time === undefined ? undefined : `${date} ${time}`
}

function sigil(letter: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : `~${letter}[${text}]`
}

function offsetText(seconds: number): string {
  const minutes = Math.trunc(Math.abs(seconds) / 60)
  const sign = seconds < 0 ? '-' : '+'
  return `${sign}${digits(Math.trunc(minutes / 60), 2)}:${digits(minutes % 60, 2)}`
}

function dateTimeText(fields: Fields): string | undefined {
  const naive = naiveText(fields)
  const zone = text(fields, 'time_zone')
  if (naive === undefined) return undefined
  if (zone === 'Etc/UTC') return sigil('U', `${naive}Z`)
  const total = Number(integer(fields, 'utc_offset')) + Number(integer(fields, 'std_offset'))
  const abbreviation = text(fields, 'zone_abbr')
  if (zone === undefined || abbreviation === undefined || Number.isNaN(total)) return undefined
  return `#DateTime<${naive}${offsetText(total)} ${abbreviation} ${zone}>`
}

function rangeText(fields: Fields): string | undefined {
  const first = integer(fields, 'first')
  const last = integer(fields, 'last')
  const step = integer(fields, 'step')
  if (first === undefined || last === undefined || step === undefined || fields.size !== 4) return undefined
  return step === 1 && first <= last ? `${first}..${last}` : `${first}..${last}//${step}`
}

const ISO = atom('Elixir.Calendar.ISO')

const FORMS = new Map<Atom, (fields: Fields) => string | undefined>([
  [atom('Elixir.Range'), rangeText],
  [atom('Elixir.Date'), (fields) => sigil('D', dateText(fields))],
  [atom('Elixir.Time'), (fields) => sigil('T', timeText(fields))],
  [atom('Elixir.NaiveDateTime'), (fields) => sigil('N', naiveText(fields))],
  [atom('Elixir.DateTime'), dateTimeText],
])

/** The text of such a struct, or undefined for every other map. */
export function inspectStruct(fields: Fields): string | undefined {
  const module = fields.get(STRUCT_KEY)
  const form = module instanceof Atom ? FORMS.get(module) : undefined
  if (form === undefined) return undefined
  const calendar = fields.get(atom('calendar'))
  return calendar === undefined || calendar === ISO ? form(fields) : undefined
}

const MAP_SET = atom('Elixir.MapSet')

/** The elements of a `MapSet` struct, or undefined for every other map. */
export function mapSetElements(fields: Fields): unknown[] | undefined {
  if (fields.get(STRUCT_KEY) !== MAP_SET) return undefined
  const elements = fields.get(atom('map'))
  return elements instanceof Map ? [...elements.keys()] : undefined
}
