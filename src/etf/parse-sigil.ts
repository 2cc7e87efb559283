/** Sigils of Elixir's syntax: `~s`, `~c`, `~w`, and those of dates and times, which give the struct of Elixir. */
import type { ParseCursor } from './parse-cursor.ts'
import { parseQuoted, type Quoted, quotedBinary, quotedCharlist, quotedName } from './parse-text.ts'
import { STRUCT_KEY } from './structs.ts'
import { type Atom, atom } from './terms/atom.ts'
import type { Term } from './terms/term.ts'
import { tuple } from './terms/tuple.ts'

const SIGIL = /~([a-zA-Z])(["'/|([{<])/y
const MODIFIERS = /[a-zA-Z]*/y

const DATE = /^(-?\d{4,})-(\d\d)-(\d\d)$/
const TIME = /^(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6})\d*)?$/
const MOMENT = /^(.*?)[ T](.*?)(Z?)$/

const ISO = atom('Elixir.Calendar.ISO')

type Fields = [Atom, Term][]

function dateFields(text: string): Fields | undefined {
  const found = DATE.exec(text)
  if (found === null) return undefined
  return ['year', 'month', 'day'].map((name, i): [Atom, Term] => [atom(name), Number(found[i + 1])])
}

function timeFields(text: string): Fields | undefined {
  const found = TIME.exec(text)
  if (found === null) return undefined
  const fraction = found[4] ?? ''
  const fields = ['hour', 'minute', 'second'].map((name, i): [Atom, Term] => [
    atom(name),
    Number(found[i + 1]),
  ])
  return [...fields, [atom('microsecond'), tuple(Number(fraction.padEnd(6, '0')), fraction.length)]]
}

function naiveFields(text: string, zone: '' | 'Z'): Fields | undefined {
  const found = MOMENT.exec(text)
  if (found === null || found[3] !== zone) return undefined
  const date = dateFields(found[1]!)
  const time = timeFields(found[2]!)
  return date === undefined || time === undefined ? undefined : [...date, ...time]
}

function utcFields(text: string): Fields | undefined {
  const fields = naiveFields(text, 'Z')
  if (fields === undefined) return undefined
  return [
    ...fields,
    [atom('time_zone'), 'Etc/UTC'],
    [atom('zone_abbr'), 'UTC'],
    [atom('utc_offset'), 0],
    [atom('std_offset'), 0],
  ]
}

const STRUCTS = new Map<string, readonly [string, (text: string) => Fields | undefined]>([
  ['D', ['Date', dateFields]],
  ['T', ['Time', timeFields]],
  ['N', ['NaiveDateTime', (text) => naiveFields(text, '')]],
  ['U', ['DateTime', utcFields]],
])

function calendarStruct(
  cursor: ParseCursor,
  letter: string,
  quoted: Quoted,
  start: number,
): Term | undefined {
  const form = STRUCTS.get(letter)
  if (form === undefined) return undefined
  const [module, read] = form
  const fields = read(quotedName(quoted))
  if (fields === undefined) throw cursor.fail(`this is no ${module} as ~${letter} writes it`, start)
  return new Map<Term, Term>([[STRUCT_KEY, atom(`Elixir.${module}`)], [atom('calendar'), ISO], ...fields])
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
      const struct = calendarStruct(cursor, letter, quoted, start)
      if (struct !== undefined) return struct
      throw cursor.fail(`the sigil ~${letter} is not known; ~s, ~c, ~w, ~D, ~T, ~N and ~U are`, start)
    }
  }
}
