/** Counting tests in the raw output of tap. */
import { test } from 'tap'
import { countTap } from '../../scripts/tap-counts.ts'

const MIXED = `# Subtest: test/a.test.ts
    # Subtest: one
        ok 1 - should be equal
        not ok 2 - inner
          ---
          stack: |
            ok 3 - in a stack
          ...
        1..2
    not ok 1 - one # time=9.1ms
    # Subtest: two
        ok 1 - inner # SKIP no beam
        1..1
    ok 2 - two # time=6ms
    ok 3 - three # SKIP OTP 29 is not here
    ok 4 - four # TODO later
    1..4
not ok 1 - test/a.test.ts # time=74.332ms
  ---
  args:
    - ok
  ...
# Subtest: test/b.test.ts
    ok 1 - only # time=1ms
    1..1
    # time=2ms
ok 2 - test/b.test.ts # time=3ms
`

test('tests of files count, their assertions do not', async (t) => {
  const counts = countTap(MIXED)
  t.equal(counts.passed, 2)
  t.equal(counts.failed, 1)
})

test('what did not run is listed with its reason, wherever it is', async (t) => {
  t.strictSame(countTap(MIXED).notRun, [
    { file: 'test/a.test.ts', name: 'inner', reason: 'no beam' },
    { file: 'test/a.test.ts', name: 'three', reason: 'OTP 29 is not here' },
    { file: 'test/a.test.ts', name: 'four', reason: 'later' },
  ])
})

test('a file that fails without a failed test is one failure', async (t) => {
  const crashed = '    ok 1 - fine # time=1ms\nnot ok 1 - test/c.test.ts # time=2ms\n'
  t.strictSame(countTap(crashed), { passed: 1, failed: 1, notRun: [] })
  t.equal(countTap('not ok 1 - test/d.test.ts # time=2ms\n').failed, 1)
})

test('a run that was cut off keeps the failures it had', async (t) => {
  t.strictSame(countTap('    not ok 1 - one\n    ok 2 - two\n'), { passed: 1, failed: 1, notRun: [] })
  t.strictSame(countTap(''), { passed: 0, failed: 0, notRun: [] })
})

test('a file without tests is not run', async (t) => {
  t.strictSame(countTap('ok 1 - test/e.test.ts # SKIP no tests found\n'), {
    passed: 0,
    failed: 0,
    notRun: [{ file: 'test/e.test.ts', name: 'test/e.test.ts', reason: 'no tests found' }],
  })
})

test('names may hold what looks like a directive', async (t) => {
  const counts = countTap('    ok 1 - is #1 - really # time=1ms\nok 1 - test/f.test.ts # time=1ms\n')
  t.strictSame(counts, { passed: 1, failed: 0, notRun: [] })
})
