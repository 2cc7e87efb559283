/** Structs of Elixir that print in a form of their own: dates, times, ranges, sets. */
import { STRUCT_KEY } from './structs.ts'
import { Atom, atom } from './terms/atom.ts'
import { digits, offsetText } from './terms/calendar.ts'
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

function integers(fields: Fields, ...names: readonly string[]): (number | bigint)[] | undefined {
  const values = names.map((name) => integer(fields, name))
  return values.every((value) => value !== undefined) ? values : undefined
}

/** Sigils have years of four digits only; a date beyond prints as the call that makes it. */
function isSigilYear(fields: Fields): boolean {
  const year = integer(fields, 'year')
  return year !== undefined && year <= 9999 && year >= -9999
}

function dateText(fields: Fields): string | undefined {
  const parts = integers(fields, 'year', 'month', 'day')
  return parts?.map((part, i) => digits(part, i === 0 ? 4 : 2)).join('-')
}

/** Microseconds, and how many digits of them are meant. */
function fractionOf(fields: Fields): [number, number] | undefined {
  const fraction = fields.get(atom('microsecond'))
  if (!(fraction instanceof Tuple) || fraction.length !== 2) return undefined
  const [micros, precision] = fraction.toArray()
  return typeof micros === 'number' && typeof precision === 'number' ? [micros, precision] : undefined
}

/** `12:00:07.120`, with as many digits of the second as its precision says. */
function timeText(fields: Fields): string | undefined {
  const parts = integers(fields, 'hour', 'minute', 'second')
  const fraction = fractionOf(fields)
  if (parts === undefined || fraction === undefined) return undefined
  const time = parts.map((part) => digits(part, 2)).join(':')
  return fraction[1] === 0 ? time : `${time}.${digits(fraction[0], 6).slice(0, fraction[1])}`
}

function naiveText(fields: Fields): string | undefined {
  const date = dateText(fields)
  const time = timeText(fields)
  return date === undefined || time === undefined ? undefined : `${date} ${time}`
}

function sigil(letter: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : `~${letter}[${text}]`
}

function inspectDate(fields: Fields): string | undefined {
  if (isSigilYear(fields)) return sigil('D', dateText(fields))
  const parts = integers(fields, 'year', 'month', 'day')
  return parts === undefined ? undefined : `Date.new!(${parts.join(', ')})`
}

function inspectNaive(fields: Fields): string | undefined {
  if (isSigilYear(fields)) return sigil('N', naiveText(fields))
  const parts = integers(fields, 'year', 'month', 'day', 'hour', 'minute', 'second')
  const fraction = fractionOf(fields)
  if (parts === undefined || fraction === undefined) return undefined
  return `NaiveDateTime.new!(${parts.join(', ')}, {${fraction.join(', ')}})`
}

function inspectDateTime(fields: Fields): string | undefined {
  const naive = naiveText(fields)
  const zone = text(fields, 'time_zone')
  if (naive === undefined) return undefined
  if (zone === 'Etc/UTC') return isSigilYear(fields) ? sigil('U', `${naive}Z`) : `#DateTime<${naive}Z>`
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
  [atom('Elixir.Date'), inspectDate],
  [atom('Elixir.Time'), (fields) => sigil('T', timeText(fields))],
  [atom('Elixir.NaiveDateTime'), inspectNaive],
  [atom('Elixir.DateTime'), inspectDateTime],
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

const URI = atom('Elixir.URI')
/** As they stand in the definition, which is the order in which Elixir prints them. */
const URI_FIELDS = ['scheme', 'authority', 'userinfo', 'host', 'port', 'path', 'query', 'fragment']

/** The fields of a struct as they are printed; the definitions of most are not known here. */
export function orderStructFields(module: Atom, fields: Fields): [unknown, unknown][] {
  const pairs = [...fields].filter(([key]) => key !== STRUCT_KEY)
  const isUri = module === URI && pairs.length === URI_FIELDS.length
  if (!isUri || !URI_FIELDS.every((name) => fields.has(atom(name)))) return pairs
  const ordered = URI_FIELDS.map((name): [unknown, unknown] => [atom(name), fields.get(atom(name))])
  // Deprecated, and shown only where something fills it.
  return ordered.filter(([key, value]) => key !== atom('authority') || value !== null)
}
