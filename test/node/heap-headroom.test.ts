import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test } from 'tap'
import { keepHeapHeadroom, OptionError } from '../../src/index.ts'
import { growthPercent } from '../../src/node/heap-headroom.ts'

const SCRIPT = fileURLToPath(new URL('./heap-growth.ts', import.meta.url))
const MIB = 2 ** 20

/** Full collections while 2000 MiB come and go, by a V8 that lets the heap grow by a tenth, as it does after a rest. */
async function collections(...args: string[]): Promise<number> {
  const flags = ['--expose-gc', '--heap-growing-percent=10', '--import=tsx']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, SCRIPT, ...args])
  return Number(stdout)
}

test('with headroom memory outside of the heap comes and goes without full collections', async (t) => {
  const without = await collections()
  t.ok(without >= 10, `${without} without`)
  const headroom = await collections(String(64 * MIB))
  t.ok(headroom <= 3, `${headroom} with 64 MiB`)
})

test('the growth is as much of what is alive as the headroom is, and that of V8 beyond it', async (t) => {
  t.equal(growthPercent(8 * MIB, 64 * MIB), 800)
  t.equal(growthPercent(63 * MIB, 64 * MIB), 102)
  t.equal(growthPercent(64 * MIB, 64 * MIB), 0)
  t.equal(growthPercent(500 * MIB, 64 * MIB), 0)
})

test('a headroom that is none is an error', async (t) => {
  for (const bytes of [0, 64, -1, Number.NaN, 2 ** 40]) {
    t.throws(() => keepHeapHeadroom(bytes), OptionError)
  }
})
