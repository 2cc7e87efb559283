/** Sigils of Elixir's syntax: `~s`, `~c`, `~w`, and those of dates and times, which give the struct of Elixir. */
import { describeError } from '../core/index.ts'
import type { ParseCursor } from './parse-cursor.ts'
import { parseQuoted, type Quoted, quotedBinary, quotedCharlist, quotedName } from './parse-text.ts'
import { STRUCT_KEY } from './structs.ts'
import { atom } from './terms/atom.ts'
import { CalendarDate } from './terms/calendar-date.ts'
import { CalendarTime } from './terms/calendar-time.ts'
import { DateTime } from './terms/date-time.ts'
import { NaiveDateTime } from './terms/naive-date-time.ts'
import type { Term } from './terms/term.ts'
import { tuple } from './terms/tuple.ts'

const SIGIL = /~([a-zA-Z])(["'/|([{<])/y
const MODIFIERS = /[a-zA-Z]*/y

const ISO = atom('Elixir.Calendar.ISO')

type Fields = readonly [string, Term][]

function dateFields({ year, month, day }: CalendarDate): Fields {
  return [
    ['year', year],
    ['month', month],
    ['day', day],
  ]
}

function timeFields({ hour, minute, second, microsecond, precision }: CalendarTime): Fields {
  return [
    ['hour', hour],
    ['minute', minute],
    ['second', second],
    ['microsecond', tuple(microsecond, precision)],
  ]
}

function naiveFields({ date, time }: NaiveDateTime): Fields {
  return [...dateFields(date), ...timeFields(time)]
}

function utcFields(text: string): Fields {
  const { date, time, zone } = DateTime.parse(text)
  return [
    ...naiveFields(new NaiveDateTime(date, time)),
    ['time_zone', zone.name],
    ['zone_abbr', zone.abbreviation],
    ['utc_offset', zone.utcOffset],
    ['std_offset', zone.stdOffset],
  ]
}

const STRUCTS = new Map<string, readonly [string, (text: string) => Fields]>([
  ['D', ['Date', (text) => dateFields(CalendarDate.parse(text))]],
  ['T', ['Time', (text) => timeFields(CalendarTime.parse(text))]],
  ['N', ['NaiveDateTime', (text) => naiveFields(NaiveDateTime.parse(text))]],
  ['U', ['DateTime', utcFields]],
])

/** The struct of a calendar module with these fields. */
export function calendarStruct(module: string, fields: Fields): Term {
  return new Map<Term, Term>([
    [STRUCT_KEY, atom(`Elixir.${module}`)],
    [atom('calendar'), ISO],
    ...fields.map(([name, value]): [Term, Term] => [atom(name), value]),
  ])
}

function parseCalendar(cursor: ParseCursor, letter: string, quoted: Quoted, start: number): Term | undefined {
  const form = STRUCTS.get(letter)
  if (form === undefined) return undefined
  const [module, read] = form
  try {
    return calendarStruct(module, read(quotedName(quoted)))
  } catch (error) {
    throw cursor.fail(`this is no ${module} as ~${letter} writes it: ${describeError(error)}`, start)
  }
}

function words(cursor: ParseCursor, quoted: Quoted, modifiers: string, start: number): Term {
  const parts = quotedName(quoted).split(/\s+/).filter(Boolean)
  if (modifiers === 'a') return parts.map((part) => atom(part).term)
  if (modifiers === 'c')
    return parts.map((part) => Array.from(part, (character) => character.codePointAt(0)!))
  if (modifiers === '' || modifiers === 's') return parts
  throw cursor.fail(`~w knows the modifiers a, c and s, not ${modifiers}`, start)
}

/** The term of the sigil here, or undefined when there is none. */
export function parseSigil(cursor: ParseCursor): Term | undefined {
  const start = cursor.position
  const head = cursor.match(SIGIL)
  if (head === undefined) return undefined
  const letter = head[1]!
  const quoted = parseQuoted(cursor, head[2]!, letter === letter.toUpperCase())
  const modifiers = cursor.match(MODIFIERS)?.[0] ?? ''
  switch (letter.toLowerCase()) {
    case 's':
      return quotedBinary(quoted)
    case 'c':
      return quotedCharlist(quoted)
    case 'w':
      return words(cursor, quoted, modifiers, start)
    default: {
      const struct = parseCalendar(cursor, letter, quoted, start)
      if (struct !== undefined) return struct
      throw cursor.fail(`the sigil ~${letter} is not known; ~s, ~c, ~w, ~D, ~T, ~N and ~U are`, start)
    }
  }
}
