/**
 * Counts what a run of tap did from its raw TAP output. One test is one `test(...)` at the top of a file; its assertions
 * and inner tests are not counted apart. A file that failed without a failed test (it crashed, hung or did not load)
 * counts as one failure.
 *
 * As a program: `node --import=tsx scripts/tap-counts.ts FILE...` prints `PASSED FAILED SKIPPED` of all files together.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A test that did not run, with the reason it gives. */
export interface NotRun {
  readonly file: string
  readonly name: string
  readonly reason: string
}

export interface TapCounts {
  readonly passed: number
  readonly failed: number
  readonly notRun: readonly NotRun[]
}

/** Four spaces for each level: a file is at 0, its tests at 4, what is inside a test deeper. */
const POINT = /^( *)(not ok|ok) \d+(?: - (.*?))?(?: # (SKIP|TODO)(?: (.*?))?)?(?: # time=\S+)?(?: \{)?$/i
const TEST_LEVEL = 4

export function countTap(text: string): TapCounts {
  let passed = 0
  let failed = 0
  let failedInFile = 0
  let inner: Omit<NotRun, 'file'>[] = []
  const notRun: NotRun[] = []
  for (const line of text.split('\n')) {
    const point = POINT.exec(line)
    if (point === null) continue
    const [, indent = '', status, name = '', directive, reason = ''] = point
    const ok = status === 'ok'
    if (directive !== undefined) inner.push({ name, reason: reason || directive.toLowerCase() })
    if (indent.length === TEST_LEVEL && directive === undefined) {
      if (ok) passed++
      else failedInFile++
    }
    if (indent.length > 0) continue
    failed += ok ? failedInFile : Math.max(failedInFile, 1)
    notRun.push(...inner.map((test) => ({ file: name, ...test })))
    failedInFile = 0
    inner = []
  }
  // A run that was cut off has no line for its last file.
  return { passed, failed: failed + failedInFile, notRun }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const all = process.argv.slice(2).map((file) => countTap(readFileSync(file, 'utf8')))
  const sum = (of: (counts: TapCounts) => number) => all.reduce((total, counts) => total + of(counts), 0)
  console.log(
    sum((counts) => counts.passed),
    sum((counts) => counts.failed),
    sum((counts) => counts.notRun.length),
  )
}
