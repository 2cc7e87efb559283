/** Numbers and characters of Elixir's syntax: `1_000`, `0xff`, `-1.5e3`, `?a`. */
import { normalizeInteger } from './integers.ts'
import type { ParseCursor } from './parse-cursor.ts'
import { parseEscape } from './parse-text.ts'
import { Float } from './terms/float.ts'

const SIGN = /[+-]\s*(?=\d)/y
const PREFIXED = /0(?:x[\da-fA-F]+(?:_[\da-fA-F]+)*|o[0-7]+(?:_[0-7]+)*|b[01]+(?:_[01]+)*)/y
const FLOAT = /\d+(?:_\d+)*\.\d+(?:_\d+)*(?:[eE][+-]?\d+)?/y
const INTEGER = /\d+(?:_\d+)*/y
const WORD_AFTER = /[\p{L}\d_]/uy

/** The number here, or undefined. An integral float is a `Float`, for it must not become an integer. */
export function parseNumber(cursor: ParseCursor): number | bigint | Float | undefined {
  const start = cursor.position
  const sign = cursor.match(SIGN)
  const negative = sign?.[0].startsWith('-') === true
  const value = parseUnsigned(cursor, negative)
  if (value !== undefined && cursor.match(WORD_AFTER)) throw cursor.fail('a number goes on strangely', start)
  return value
}

function parseUnsigned(cursor: ParseCursor, negative: boolean): number | bigint | Float | undefined {
  const start = cursor.position
  const float = cursor.match(FLOAT)
  if (float !== undefined) {
    const size = Number(float[0].replaceAll('_', ''))
    if (!Number.isFinite(size)) throw cursor.fail('the float is too large', start)
    const value = negative ? -size : size
    return Number.isInteger(value) ? new Float(value) : value
  }
  const integer = cursor.match(PREFIXED) ?? cursor.match(INTEGER)
  if (integer === undefined) return undefined
  const size = BigInt(integer[0].replaceAll('_', ''))
  return normalizeInteger(negative ? -size : size)
}

/** The code point of `?a` or `?\n`; undefined when there is no `?`. */
export function parseCharacter(cursor: ParseCursor): number | undefined {
  if (!cursor.accept('?')) return undefined
  if (cursor.next === '') throw cursor.fail('expected a character after ?, got the end')
  if (cursor.next === '\\') return parseEscape(cursor).value
  const point = cursor.text.codePointAt(cursor.position)!
  cursor.position += point > 0xffff ? 2 : 1
  return point
}
