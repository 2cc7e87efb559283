/** UTF-8 on the hot path: received binaries to strings, strings into the output buffer. */
import type { ByteWriter } from '../core/index.ts'
import { isAscii, latin1Text, utf8Write, utf16Text } from './native-text.ts'
import { isWellFormed } from './well-formed.ts'

/** Up to this many ASCII bytes become a string by calls that are compiled in: one into native code costs more. */
const TINY = 12

/** Up to this many bytes are looked at here; beyond it the native decoder is faster at everything. */
const SHORT = 512

/** From here on a look whether all is ASCII costs less than it saves. */
const LONG = 2048

/** How far a long binary is checked by hand, so that most data that is no text never costs an exception. */
const PROBE = 64

/** Fatal, for only valid UTF-8 is text; and the byte order mark stays, for else it would be lost on the way back. */
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const textEncoder = new TextEncoder()

const { fromCharCode } = String

/** The text of a few ASCII bytes. Several characters per call, which makes fewer strings in between. */
function tinyAscii(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  let i = start
  for (; i + 4 <= end; i += 4) text += fromCharCode(bytes[i]!, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!)
  switch (end - i) {
    case 1:
      return text + fromCharCode(bytes[i]!)
    case 2:
      return text + fromCharCode(bytes[i]!, bytes[i + 1]!)
    case 3:
      return text + fromCharCode(bytes[i]!, bytes[i + 1]!, bytes[i + 2]!)
    default:
      return text
  }
}

/** Where the first byte is that is not ASCII; `end` when there is none. Eight at a time: three times as fast. */
function asciiEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start
  for (; i + 8 <= end; i += 8) {
    const low = bytes[i]! | bytes[i + 1]! | bytes[i + 2]! | bytes[i + 3]!
    const high = bytes[i + 4]! | bytes[i + 5]! | bytes[i + 6]! | bytes[i + 7]!
    if ((low | high) >= 0x80) break
  }
  while (i < end && bytes[i]! < 0x80) i++
  return i
}

/** Whether the first bytes could begin valid UTF-8. True for all text; false for nearly all data that is none. */
function looksLikeText(bytes: Uint8Array, start: number, end: number): boolean {
  const stop = Math.min(end, start + PROBE)
  let i = start
  while (i < stop) {
    const byte = bytes[i++]!
    if (byte < 0x80) continue
    const following =
      byte >= 0xc2 && byte < 0xe0 ? 1 : byte >= 0xe0 && byte < 0xf0 ? 2 : byte >= 0xf0 && byte < 0xf5 ? 3 : -1
    if (following < 0 || i + following > end) return false
    for (let k = 0; k < following; k++) if ((bytes[i++]! & 0xc0) !== 0x80) return false
  }
  return true
}

/** The text of the bytes, or undefined unless they are valid UTF-8: no surrogates, nothing overlong. */
export function readText(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start
  if (length <= SHORT) {
    const ascii = asciiEnd(bytes, start, end)
    if (ascii === end) {
      return length > TINY && latin1Text !== undefined
        ? latin1Text.call(bytes, start, end)
        : tinyAscii(bytes, start, end)
    }
    if (utf16Text !== undefined) return shortText(bytes, start, ascii, end)
  }
  if (!looksLikeText(bytes, start, end)) return undefined
  const view = bytes.subarray(start, end)
  // Most text is, and then a string is made in half the time; one of a megabyte outside of V8's heap.
  if (length >= LONG && isAscii?.(view) === true) return latin1Text!.call(bytes, start, end)
  try {
    return strictDecoder.decode(view)
  } catch {
    return undefined
  }
}

/** UTF-16 units on their way from a short binary into a string. Never more of them than bytes. */
const units = new Uint16Array(SHORT)
const unitBytes = new Uint8Array(units.buffer)

/**
 * Text with other characters than ASCII, which begin at `ascii`. Decoded here, since the native decoder takes twice as
 * long for texts of this size, and then an exception for what is no text.
 */
function shortText(bytes: Uint8Array, start: number, ascii: number, end: number): string | undefined {
  let count = 0
  for (let i = start; i < ascii; i++) units[count++] = bytes[i]!
  /** All units joined by or: tells whether each fits a byte. */
  let joined = 0
  for (let i = ascii; i < end; ) {
    const lead = bytes[i++]!
    if (lead < 0x80) {
      units[count++] = lead
      continue
    }
    const left = end - i
    const second = left > 0 ? bytes[i++]! ^ 0x80 : 0xff
    if (second > 0x3f || lead < 0xc2 || lead > 0xf4) return undefined
    if (lead < 0xe0) {
      const unit = ((lead & 0x1f) << 6) | second
      joined |= unit
      units[count++] = unit
      continue
    }
    const third = left > 1 ? bytes[i++]! ^ 0x80 : 0xff
    if (third > 0x3f) return undefined
    if (lead < 0xf0) {
      const unit = ((lead & 0xf) << 12) | (second << 6) | third
      // Overlong, or one half of a surrogate pair.
      if (unit < 0x800 || (unit & 0xf800) === 0xd800) return undefined
      joined |= unit
      units[count++] = unit
      continue
    }
    const fourth = left > 2 ? bytes[i++]! ^ 0x80 : 0xff
    const point = ((lead & 7) << 18) | (second << 12) | (third << 6) | fourth
    if (fourth > 0x3f || point < 0x10000 || point > 0x10ffff) return undefined
    joined |= point
    units[count++] = 0xd7c0 + (point >> 10)
    units[count++] = 0xdc00 | (point & 0x3ff)
  }
  if (joined > 0xff) return utf16Text!.call(unitBytes, 0, count * 2)
  // A string of Latin-1 characters takes one byte for each, so it is made from bytes.
  for (let i = 0; i < count; i++) unitBytes[i] = units[i]!
  return latin1Text!.call(unitBytes, 0, count)
}

/** Up to this many UTF-16 units are written by a loop: the call into native code costs more. */
const SHORT_TEXT = 40

/** Up to this many, room for the worst case is made at once. */
const MEDIUM_TEXT = 4096

/** Appends the text as UTF-8. False, with the output as it was, when the text has a lone surrogate. */
export function writeText(out: ByteWriter, text: string): boolean {
  const { length } = text
  if (length > MEDIUM_TEXT) return writeLongText(out, text)
  out.reserve(length * 3)
  const { bytes } = out
  const start = out.length
  if (length <= SHORT_TEXT) {
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) return writeUnits(out, text, i)
      bytes[start + i] = unit
    }
    out.length = start + length
    return true
  }
  const written =
    utf8Write === undefined
      ? textEncoder.encodeInto(text, bytes.subarray(start)).written
      : utf8Write.call(bytes, text, start, length * 3)
  // As many bytes as units: all is ASCII. Else something may have been written for a lone surrogate.
  if (written !== length && !isWellFormed(text)) return false
  out.length = start + written
  return true
}

/** The rest of a short text, whose first `from` units are written but not counted. */
function writeUnits(out: ByteWriter, text: string, from: number): boolean {
  const { bytes } = out
  const { length } = text
  let at = out.length + from
  for (let i = from; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) {
      bytes[at++] = unit
    } else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6)
      bytes[at++] = 0x80 | (unit & 0x3f)
    } else if ((unit & 0xf800) !== 0xd800) {
      bytes[at++] = 0xe0 | (unit >> 12)
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f)
      bytes[at++] = 0x80 | (unit & 0x3f)
    } else {
      const low = ++i < length ? text.charCodeAt(i) : 0
      if (unit >= 0xdc00 || (low & 0xfc00) !== 0xdc00) return false
      const point = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff)
      bytes[at++] = 0xf0 | (point >> 18)
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f)
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f)
      bytes[at++] = 0x80 | (point & 0x3f)
    }
  }
  out.length = at
  return true
}

function writeLongText(out: ByteWriter, text: string): boolean {
  const { length } = text
  out.reserve(length)
  const start = out.length
  // Room for ASCII at first, which is most often all; the rest goes in with room for the worst case.
  let { read, written } = textEncoder.encodeInto(text, out.bytes.subarray(start, start + length))
  if (written === length && read === length) {
    out.length = start + length
    return true
  }
  if (!isWellFormed(text)) return false
  while (read < length) {
    out.length = start + written
    out.reserve((length - read) * 3)
    const more = textEncoder.encodeInto(text.slice(read), out.bytes.subarray(out.length))
    read += more.read
    written += more.written
  }
  out.length = start + written
  return true
}
