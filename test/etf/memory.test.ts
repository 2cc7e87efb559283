/** What decoded terms take: at most a hundred times their bytes. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { test } from 'tap'
import { decode, type Term } from '../../src/etf/index.ts'
import { KINDS, limits, listOf, SIZE } from './kinds-of-terms.ts'

/** Bytes of memory for each byte of a term; the worst below takes 65. */
const FACTOR = 100
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function usedMemory(): number {
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

let kept: Term | undefined

test('a term takes at most a hundred times its bytes', async (t) => {
  for (const [name, hex, options] of KINDS) {
    const bytes = listOf(hex)
    kept = undefined
    decode(bytes, { ...options, limits })
    const before = usedMemory()
    kept = decode(bytes, { ...options, limits })
    const factor = (usedMemory() - before) / bytes.length
    t.ok(factor < FACTOR, `${name}: ${factor.toFixed(1)} times`)
  }
  t.ok(kept !== undefined)
})

test('and no more on the way, compressed or not', async (t) => {
  const program = fileURLToPath(new URL('memory-of-decoding.ts', import.meta.url))
  // Beside what the program itself takes. More memory than that ends the process.
  const heap = Math.ceil((FACTOR * SIZE) / 2 ** 20) + 24
  const args = [`--max-old-space-size=${heap}`, '--import=tsx', program]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  t.equal(Number(stdout), KINDS.length * 2)
})
