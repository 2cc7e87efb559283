/**
 * `io_lib:format/2`: text from a format with control sequences `~F.P.PadModC`. BEAM nodes leave formatting to the
 * group leader, so whoever is one needs it.
 *
 * Not made: the line breaks of `~p`, and `~#` with its Erlang bases above 36.
 */
import type { Term } from '../../etf/index.ts'
import { charsToText } from './chars.ts'
import { erlangTerm } from './erlang-syntax.ts'

const CONTROL = /~(-?\d+|\*)?(?:\.(-?\d+|\*)?)?(?:\.(\*|.))?([tlkK]*)(.)/gsu
const UNLIMITED = 1_000
const DEFAULT_DIGITS = 6
/** Longer fields would only fill the memory. */
const MAX_WIDTH = 10_000
/** Characters that the format alone makes, fields and repetitions: few bytes of a peer must not become a flood. */
const MAX_FILLING = 1_000_000

interface Directive {
  readonly width: number | undefined
  readonly precision: number | undefined
  readonly pad: string
  readonly unicode: boolean
  readonly filling: Filling
}

/** Repeats characters, up to a limit for the whole text. */
class Filling {
  #left = MAX_FILLING

  repeat(text: string, times: number): string {
    this.#left -= times
    if (this.#left < 0) throw new BadFormat()
    return text.repeat(times)
  }
}

class BadFormat extends Error {}

/** Undefined where `io_lib:format` fails with `badarg`: arguments that do not fit the format. */
export function formatErlang(format: Term, args: readonly Term[]): string | undefined {
  const text = charsToText(format)
  if (text === undefined) return undefined
  const left = [...args]
  const filling = new Filling()
  const take = (): Term => {
    if (left.length === 0) throw new BadFormat()
    return left.shift() as Term
  }
  const number = (part: string | undefined): number | undefined => {
    if (part === undefined) return undefined
    const value = part === '*' ? Number(take()) : Number(part)
    if (!Number.isInteger(value) || Math.abs(value) > MAX_WIDTH) throw new BadFormat()
    return value
  }
  try {
    const result = text.replace(
      CONTROL,
      (_, width?: string, precision?: string, pad?: string, mods = '', control = '') => {
        const directive = {
          width: number(width),
          precision: number(precision),
          pad: pad === '*' ? String.fromCodePoint(Number(take())) : (pad ?? ' '),
          unicode: String(mods).includes('t'),
          filling,
        }
        return written(control as string, directive, take)
      },
    )
    return left.length === 0 ? result : undefined
  } catch (error) {
    if (error instanceof BadFormat || error instanceof RangeError) return undefined
    throw error
  }
}

function written(control: string, directive: Directive, take: () => Term): string {
  const { filling, precision, unicode } = directive
  switch (control) {
    case '~':
      return fit(filling.repeat('~', Math.abs(directive.width ?? 1)), { ...directive, width: undefined })
    case 'n':
      return filling.repeat('\n', directive.width ?? 1)
    case 'c': {
      const character = String.fromCodePoint(Number(take()))
      const times = precision ?? directive.width ?? 1
      return fit(filling.repeat(character, Math.abs(times)), directive)
    }
    case 's': {
      const given = take()
      const text = typeof given === 'object' || typeof given === 'string' ? atomOrChars(given) : undefined
      if (text === undefined) throw new BadFormat()
      return string(text, directive)
    }
    case 'w':
      return fit(erlangTerm(take(), { strings: false, unicode, depth: UNLIMITED }), directive)
    case 'p':
      return fit(erlangTerm(take(), { strings: true, unicode, depth: UNLIMITED }), {
        ...directive,
        width: undefined,
      })
    case 'W':
    case 'P': {
      const term = take()
      const depth = Number(take())
      return erlangTerm(term, { strings: control === 'P', unicode, depth: depth < 0 ? UNLIMITED : depth })
    }
    case 'e':
    case 'f':
    case 'g':
      return fit(float(control, Number(take()), precision), directive)
    case 'b':
    case 'B':
    case '#':
    case '+':
      return fit(integer(control, take(), precision), directive)
    case 'x':
    case 'X':
      return fit(prefixed(control, take(), take(), precision), directive)
    case 'i':
      take()
      return ''
    default:
      throw new BadFormat()
  }
}

function atomOrChars(given: Term): string | undefined {
  if (typeof given === 'object' && given !== null && 'wire' in given)
    return (given as { readonly name: string }).name
  return charsToText(given)
}

/** `~F.Ps`: P characters at most, then F wide. */
function string(text: string, directive: Directive): string {
  const { precision, width } = directive
  const characters = [...text]
  const limit = precision ?? (width === undefined ? undefined : Math.abs(width))
  return fit(limit === undefined ? text : characters.slice(0, limit).join(''), directive)
}

/** A field that is too narrow shows as stars. */
function fit(text: string, { filling, width, pad }: Directive): string {
  if (width === undefined) return text
  const { length } = [...text]
  const wanted = Math.abs(width)
  if (length > wanted) return filling.repeat('*', wanted)
  const padding = filling.repeat(pad, wanted - length)
  return width < 0 ? text + padding : padding + text
}

function float(control: string, value: number, precision: number | undefined): string {
  if (!Number.isFinite(value)) throw new BadFormat()
  const digits = precision ?? DEFAULT_DIGITS
  if (control === 'f') return value.toFixed(digits)
  const size = Math.abs(value)
  if (control === 'g' && size >= 0.1 && size < 10_000) {
    const places = digits - String(Math.trunc(size)).length
    return value.toFixed(Math.max(1, size < 1 ? digits : places))
  }
  return value.toExponential(digits - 1)
}

function integer(control: string, given: Term, precision: number | undefined): string {
  const base = precision ?? 10
  if (typeof given !== 'bigint' && !Number.isInteger(given)) throw new BadFormat()
  if (base < 2 || base > 36) throw new BadFormat()
  const value = BigInt(given as number)
  const digits = (value < 0n ? -value : value).toString(base)
  const cased = control === 'B' || control === '#' ? digits.toUpperCase() : digits
  const sign = value < 0n ? '-' : ''
  return control === '#' || control === '+' ? `${sign}${base}#${cased}` : sign + cased
}

function prefixed(control: string, given: Term, prefix: Term, precision: number | undefined): string {
  const digits = integer(control === 'X' ? 'B' : 'b', given, precision)
  const text = atomOrChars(prefix)
  if (text === undefined) throw new BadFormat()
  return digits.startsWith('-') ? `-${text}${digits.slice(1)}` : text + digits
}
