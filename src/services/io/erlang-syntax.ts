/**
 * Terms as Erlang writes them: `~w` and `~p` of `io_lib:format/2`. Everything stands on one line; the line breaks of
 * `~p` are not made.
 */
import {
  Atom,
  BitString,
  ExportFun,
  Float,
  Fun,
  ImproperList,
  inspect,
  Pid,
  Port,
  Reference,
  type Term,
  Tuple,
} from '../../etf/index.ts'
import { codePointsToText } from './chars.ts'

export interface SyntaxOptions {
  /** `~p`: lists of printable characters are strings. */
  readonly strings: boolean
  /** The modifier `t`: characters above 255 are printable. */
  readonly unicode: boolean
  /** `~P` and `~W`: what lies deeper is `...`. */
  readonly depth: number
}

const RESERVED = new Set(
  'after and andalso band begin bnot bor bsl bsr bxor case catch cond div else end fun if let maybe not of or orelse receive rem try when xor'.split(
    ' ',
  ),
)
const BARE_ATOM = /^[a-z\u00df-\u00f6\u00f8-\u00ff][\w@\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]*$/
const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
  '\x1b': '\\e',
  '\x7f': '\\d',
  '\\': '\\\\',
}

export function erlangTerm(term: Term, options: SyntaxOptions): string {
  if (options.depth <= 0) return '...'
  const inner = { ...options, depth: options.depth - 1 }
  const list = (items: Iterable<Term>): string => [...items].map((item) => erlangTerm(item, inner)).join(',')
  if (term === null) return 'nil'
  if (typeof term === 'boolean' || typeof term === 'bigint') return String(term)
  if (typeof term === 'number') return Number.isSafeInteger(term) ? String(term) : erlangFloat(term)
  if (term instanceof Float) return erlangFloat(term.value)
  if (typeof term === 'string') return erlangBinary(new TextEncoder().encode(term), term, options)
  if (term instanceof Atom) return erlangAtom(term.name)
  if (Array.isArray(term)) {
    if (term.length > 0 && options.strings && isPrintable(term, options)) {
      return quote(codePointsToText(term as number[]), '"')
    }
    return `[${list(term)}]`
  }
  if (term instanceof Tuple) return `{${list([...term] as Term[])}}`
  if (term instanceof Map) {
    const pairs = [...term].map(([key, value]) => `${erlangTerm(key, inner)} => ${erlangTerm(value, inner)}`)
    return `#{${pairs.join(',')}}`
  }
  if (term instanceof Uint8Array) return erlangBinary(term, undefined, options)
  if (term instanceof ImproperList) return `[${list(term.items)}|${erlangTerm(term.tail, inner)}]`
  if (term instanceof Pid || term instanceof Port || term instanceof Reference) {
    return String(term)
      .replace(/^#PID/, '')
      .replace(/^#Reference/, '#Ref')
  }
  if (term instanceof BitString)
    return inspect(term)
      .replaceAll('::size(', ':')
      .replace(/\)>>$/, '>>')
      .replaceAll('::', ':')
      .replaceAll(', ', ',')
  if (term instanceof ExportFun) {
    return `fun ${erlangAtom(term.module.name)}:${erlangAtom(term.function.name)}/${term.arity}`
  }
  if (term instanceof Fun) return '#Fun<>'
  return inspect(term)
}

export function erlangAtom(name: string): string {
  return BARE_ATOM.test(name) && !RESERVED.has(name) ? name : quote(name, "'")
}

/** From here on floats have no digits behind the point to show. */
const EXPONENT_ALWAYS = 2 ** 53

/** The shortest digits that give the number back, with an exponent where that is shorter. */
export function erlangFloat(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const sign = value < 0 ? '-' : ''
  const size = Math.abs(value)
  const [mantissa = '', power = ''] = size.toExponential().split('e')
  const exponent = `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}e${Number(power)}`
  if (size >= EXPONENT_ALWAYS) return sign + exponent
  const digits = mantissa.replace('.', '')
  const places = digits.length - 1 - Number(power)
  const fixed = places > 0 ? size.toFixed(Math.min(places, 100)) : `${size.toFixed(0)}.0`
  return sign + (exponent.length < fixed.length ? exponent : fixed)
}

function erlangBinary(bytes: Uint8Array, text: string | undefined, options: SyntaxOptions): string {
  if (options.strings && bytes.length > 0) {
    const codes =
      text === undefined ? [...bytes] : [...text].map((character) => character.codePointAt(0) as number)
    const isPlain = codes.every((code) => code < 128)
    if (
      isPlain
        ? isPrintable(codes, options)
        : text !== undefined && options.unicode && isPrintable(codes, options)
    ) {
      return `<<${quote(codePointsToText(codes), '"')}${isPlain ? '' : '/utf8'}>>`
    }
    if (bytes.length > 0 && isPrintable([...bytes], options) && !options.unicode) {
      return `<<${quote(codePointsToText(bytes), '"')}>>`
    }
  }
  return `<<${[...bytes].join(',')}>>`
}

function isPrintable(list: readonly unknown[], { unicode }: SyntaxOptions): boolean {
  return list.every(
    (code) =>
      typeof code === 'number' &&
      Number.isInteger(code) &&
      ((code >= 32 && code < 127) ||
        (code >= 160 && code <= (unicode ? 0x10ffff : 255) && !(code >= 0xd800 && code < 0xe000)) ||
        (code >= 8 && code <= 13) ||
        code === 27),
  )
}

function quote(text: string, mark: string): string {
  const escaped = [...text].map((character) => {
    if (character === mark) return `\\${mark}`
    const code = character.codePointAt(0) as number
    return (
      ESCAPES[character] ??
      (code < 32 || (code > 126 && code < 160) ? `\\x{${code.toString(16).toUpperCase()}}` : character)
    )
  })
  return `${mark}${escaped.join('')}${mark}`
}
