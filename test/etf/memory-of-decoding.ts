/** Decodes a list of each kind of term, plain and compressed; run with little memory by memory.test.ts. */
import { zlibSync } from 'fflate'
import { decode } from '../../src/etf/index.ts'
import { KINDS, limits, listOf } from './kinds-of-terms.ts'

function compressed(bytes: Uint8Array): Uint8Array {
  const zlib = zlibSync(bytes.subarray(1))
  const size = bytes.length - 1
  return Uint8Array.of(131, 80, size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255, ...zlib)
}

let decoded = 0
for (const [, hex, options] of KINDS) {
  for (const bytes of [listOf(hex), compressed(listOf(hex))]) {
    decode(bytes, { ...options, limits })
    decoded++
  }
}
console.log(decoded)
