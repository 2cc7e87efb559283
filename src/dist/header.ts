/**
 * The distribution header: which atoms the terms of a frame refer to by index. Protocol: sections 4.2 to 4.4.
 * Here they are read; `outgoing-atoms.ts` writes them.
 */
import type { Atom } from '../etf/index.ts'
import type { AtomCache } from './atom-cache.ts'
import { DistError } from './errors.ts'

/** First byte of a frame with a header. */
export const VERSION_MAGIC = 131
/** Second byte: a whole message. */
export const DIST_HEADER = 68
/** Second byte: the first fragment of a message. */
export const DIST_FRAG_HEADER = 69
/** Second byte: a later fragment. */
export const DIST_FRAG_CONT = 70
/** First byte of a frame where neither the cache nor fragments were negotiated. */
export const PASS_THROUGH = 112

/** Makes the atom of the UTF-8 text between two offsets; throws for text that no atom has. */
export type ReadAtom = (bytes: Uint8Array, start: number, end: number) => Atom

/** Flag of a reference: its text follows. */
export const NEW_ENTRY = 0x8
const SEGMENT = 0x7
/** Flag of all references: lengths have two bytes. */
export const LONG_ATOMS = 0x1

/**
 * Reads the atom references of a frame into `atoms` (index by index) and what is new into the cache.
 *
 *     u8 n, then unless n = 0:
 *     n + 1 nibbles, low half first: 1 bit new entry, 3 bits segment; the last one: 1 bit long atoms, 3 bits unused
 *     n times: u8 index in the segment, and if new: u8 or (long atoms) u16 length, UTF-8 text
 *
 * @returns the offset behind the header.
 * @throws DistError `ERR_DIST_BAD_FRAME`, `ERR_DIST_BAD_ATOM_REF`, and what `readAtom` throws.
 */
export function readAtomRefs(
  bytes: Uint8Array,
  offset: number,
  cache: AtomCache,
  atoms: Atom[],
  readAtom: ReadAtom,
  end = bytes.length,
): number {
  const count = byteAt(bytes, offset, end)
  // Setting the length, which V8 does out of line, costs as much as the rest.
  while (atoms.length > count) atoms.pop()
  if (count === 0) return offset + 1
  const flagsAt = offset + 1
  let at = flagsAt + (count >> 1) + 1
  // Each reference has a byte at least.
  if (at + count > end) throw truncated(at + count - end)
  for (let i = 0; i < count; i++) {
    const flags = nibble(bytes, flagsAt, i)
    const slot = ((flags & SEGMENT) << 8) | byteAt(bytes, at++, end)
    if ((flags & NEW_ENTRY) === 0) {
      atoms[i] = cache.get(slot)
    } else {
      const lengthBytes = (nibble(bytes, flagsAt, count) & LONG_ATOMS) === 0 ? 1 : 2
      const start = at + lengthBytes
      at = start + newTextLength(bytes, at, lengthBytes, end)
      atoms[i] = readAtom(bytes, start, at)
      cache.set(slot, atoms[i]!)
    }
  }
  return at
}

/** The length of the text of a new atom, all of which is there. */
function newTextLength(bytes: Uint8Array, at: number, lengthBytes: number, end: number): number {
  let length = byteAt(bytes, at, end)
  if (lengthBytes === 2) length = (length << 8) | byteAt(bytes, at + 1, end)
  const needed = at + lengthBytes + length
  if (needed > end) throw truncated(needed - end)
  return length
}

/** Half a byte that is known to be there. */
function nibble(bytes: Uint8Array, flagsAt: number, index: number): number {
  return (bytes[flagsAt + (index >> 1)]! >> ((index & 1) << 2)) & 0xf
}

function byteAt(bytes: Uint8Array, offset: number, end: number): number {
  if (offset >= end) throw truncated(offset + 1 - end)
  return bytes[offset]!
}

function truncated(missing: number): DistError {
  const what = `a frame ends inside its header, which needs ${missing} more bytes at least`
  return new DistError('ERR_DIST_BAD_FRAME', what)
}
