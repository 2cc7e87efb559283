/** Lists of many terms of one kind, for measuring what they take. */
import { type DecodeOptions, EXACT } from '../../src/etf/index.ts'
import { fromHex } from './bytes.ts'

/** Bytes of a list. */
export const SIZE = 400_000

/** So many are in none of the lists. */
export const limits = { elements: 8_000_000 }

/** The bytes of one element, and how to decode it. */
export const KINDS: readonly [string, string, DecodeOptions?][] = [
  ['empty lists', '6A'],
  ['lists of one', '6C 00000001 6A 6A'],
  ['lists of a byte', '6B 0001 05'],
  ['improper lists', '6C 00000001 6A 77 00'],
  ['empty tuples', '68 00'],
  ['pairs', '68 02 6A 6A'],
  ['empty maps', '74 00000000'],
  ['maps of one pair', '74 00000001 77 00 6A'],
  ['maps with a list for a key', '74 00000001 6A 6A'],
  ['maps with a tuple for a key', '74 00000001 68 00 6A'],
  ['objects', '74 00000001 77 00 6A', { maps: 'object' }],
  ['short binaries', '6D 00000001 FF'],
  ['short binaries as bytes', '6D 00000001 61', { binaries: 'buffer' }],
  ['bitstrings', '4D 00000001 03 A0'],
  ['floats', '46 3FF0000000000000', EXACT],
  ['integers', '6E 08 00 FFFFFFFFFFFFFFFF'],
  ['pids', '58 77 00 00000001 00000002 00000003'],
  ['references', '5A 0001 77 00 00000001 00000001'],
  ['external funs', '71 77 00 77 00 61 01'],
  ['native records', '43 00000000 00 77 00 77 00'],
]

/** The external form of a list of as many of these as fit. */
export function listOf(hex: string): Uint8Array {
  const one = fromHex(hex)
  const count = Math.floor(SIZE / one.length)
  const bytes = new Uint8Array(6 + one.length * count + 1)
  bytes.set([131, 108, count >>> 24, (count >>> 16) & 255, (count >>> 8) & 255, count & 255])
  for (let i = 0; i < count; i++) bytes.set(one, 6 + i * one.length)
  bytes[bytes.length - 1] = 106
  return bytes
}
