/** Quoted text of Elixir's syntax: strings, charlists, quoted atoms, and the sigils s, c and w. */
import type { ParseCursor } from './parse-cursor.ts'
import { readText } from './text.ts'

const NAMED_ESCAPES = new Map([
  ['0', 0x00],
  ['a', 0x07],
  ['b', 0x08],
  ['t', 0x09],
  ['n', 0x0a],
  ['v', 0x0b],
  ['f', 0x0c],
  ['r', 0x0d],
  ['e', 0x1b],
  ['s', 0x20],
  ['d', 0x7f],
])

const HEX = /x(?:\{([\da-fA-F]{1,6})\}|([\da-fA-F]{1,2}))/y
const UNICODE = /u(?:\{([\da-fA-F]{1,6})\}|([\da-fA-F]{4}))/y

/** One character of quoted text. `byte` when it is written as a byte, `\xff`, and not as a character. */
interface Character {
  readonly value: number
  readonly byte: boolean
}

/** What stands between quotes, character by character. */
export type Quoted = readonly Character[]

const CLOSERS = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
  ['<', '>'],
])

/** The escape sequence at the cursor, which is at its backslash. */
export function parseEscape(cursor: ParseCursor): Character {
  const start = cursor.position
  cursor.position++
  const hex = cursor.match(HEX)
  if (hex !== undefined) return { value: Number.parseInt(hex[1] ?? hex[2]!, 16), byte: hex[1] === undefined }
  const unicode = cursor.match(UNICODE)
  if (unicode !== undefined) {
    const value = Number.parseInt(unicode[1] ?? unicode[2]!, 16)
    if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
      throw cursor.fail(`${unicode[0]} is no character`, start)
    }
    return { value, byte: false }
  }
  const { next } = cursor
  if (next === '') throw cursor.fail('expected a character after \\, got the end')
  if (next === 'x' || next === 'u') throw cursor.fail(`\\${next} needs hexadecimal digits`, start)
  const value = NAMED_ESCAPES.get(next) ?? cursor.text.codePointAt(cursor.position)!
  cursor.position += value > 0xffff ? 2 : 1
  return { value, byte: false }
}

/** Text up to the closing quote; the cursor is behind the opening one. */
export function parseQuoted(cursor: ParseCursor, open: string, raw = false): Quoted {
  const start = cursor.position - open.length
  const close = CLOSERS.get(open) ?? open
  const characters: Character[] = []
  while (!cursor.accept(close)) {
    if (cursor.next === '') throw cursor.fail(`${open} is never closed, expected ${close}`, start)
    if (!raw && cursor.startsWith('#{')) throw cursor.fail('interpolation is not possible here')
    if (cursor.next === '\\' && (!raw || cursor.startsWith(`\\${close}`))) {
      characters.push(parseEscape(cursor))
      continue
    }
    const value = cursor.text.codePointAt(cursor.position)!
    cursor.position += value > 0xffff ? 2 : 1
    characters.push({ value, byte: false })
  }
  return characters
}

const textEncoder = new TextEncoder()

/** A binary: a string when it is valid UTF-8. */
export function quotedBinary(characters: Quoted): string | Uint8Array {
  const bytes = characters.flatMap(({ value, byte }) =>
    byte ? [value] : [...textEncoder.encode(String.fromCodePoint(value))],
  )
  const binary = Uint8Array.from(bytes)
  return readText(binary, 0, binary.length) ?? binary
}

export function quotedCharlist(characters: Quoted): number[] {
  return characters.map(({ value }) => value)
}

/** Text of an atom, in which `\xff` is a character too. */
export function quotedName(characters: Quoted): string {
  return characters.map(({ value }) => String.fromCodePoint(value)).join('')
}
