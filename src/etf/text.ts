/** UTF-8 on the hot path: received binaries to strings, strings into the output buffer. */
import type { ByteWriter } from '../core/index.ts'
import { nativeAscii } from './binary.ts'
import { isWellFormed } from './well-formed.ts'

/** Up to this many ASCII bytes become a string by a loop: any call into native code costs more than the loop. */
const TINY = 12

/** Up to this many bytes a look whether all are ASCII pays, since then the cheapest native call will do. */
const SHORT = 64

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
  for (; i < end; i++) text += fromCharCode(bytes[i]!)
  return text
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
    let i = start
    while (i < end && bytes[i]! < 0x80) i++
    if (i === end) {
      const native = length > TINY ? nativeAscii(bytes, start, end) : undefined
      return native ?? tinyAscii(bytes, start, end)
    }
  }
  if (!looksLikeText(bytes, start, end)) return undefined
  try {
    return strictDecoder.decode(bytes.subarray(start, end))
  } catch {
    return undefined
  }
}

/** Appends the text as UTF-8. False, with the output as it was, when the text has a lone surrogate. */
export function writeText(out: ByteWriter, text: string): boolean {
  const { length } = text
  out.reserve(length)
  const start = out.length
  if (length <= SHORT) {
    const { bytes } = out
    let i = 0
    for (; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) break
      bytes[start + i] = unit
    }
    if (i === length) {
      out.length = start + length
      return true
    }
  }
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
