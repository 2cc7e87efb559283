/** Character data of Erlang: lists in each other of code points and binaries. */
import { type Encodable, ImproperList, type Term } from '../../etf/index.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })
const MAX_CODE_POINT = 0x10ffff

/** A call takes only so many arguments. */
const CODES_AT_ONCE = 8192

/** The text, or undefined for what is no character data. Binaries are UTF-8, or Latin-1 where that was said. */
export function charsToText(
  chars: Term | Encodable,
  encoding: 'unicode' | 'latin1' = 'unicode',
): string | undefined {
  const parts: string[] = []
  // A stack of our own: lists may be nested deeper than calls can be.
  const stack: unknown[] = [chars]
  while (stack.length > 0) {
    const item = stack.pop()
    if (typeof item === 'string') {
      parts.push(item)
    } else if (typeof item === 'number') {
      if (!Number.isInteger(item) || item < 0 || item > MAX_CODE_POINT) return undefined
      parts.push(String.fromCodePoint(item))
    } else if (item instanceof Uint8Array) {
      const text = bytesToText(item, encoding)
      if (text === undefined) return undefined
      parts.push(text)
    } else if (Array.isArray(item)) {
      for (let i = item.length - 1; i >= 0; i--) stack.push(item[i])
    } else if (item instanceof ImproperList) {
      stack.push(item.tail)
      for (let i = item.items.length - 1; i >= 0; i--) stack.push(item.items[i])
    } else {
      return undefined
    }
  }
  return parts.join('')
}

/** The text of these code points; bytes are those of Latin-1. */
export function codePointsToText(codes: readonly number[] | Uint8Array): string {
  let text = ''
  for (let i = 0; i < codes.length; i += CODES_AT_ONCE) {
    text += String.fromCodePoint(...codes.slice(i, i + CODES_AT_ONCE))
  }
  return text
}

function bytesToText(bytes: Uint8Array, encoding: 'unicode' | 'latin1'): string | undefined {
  if (encoding === 'latin1') return codePointsToText(bytes)
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
