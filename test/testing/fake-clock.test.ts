/** The clock of the tests is itself tested: everything timed relies on it. */
import { test } from 'tap'
import { FakeClock } from '../../src/testing/index.ts'

test('timers fire in order of due time, and of setting when due together', (t) => {
  const clock = new FakeClock()
  const fired: string[] = []
  const note = (name: string) => () => fired.push(`${name}@${clock.now()}`)
  clock.after(20, note('late'))
  clock.after(10, note('first'))
  clock.after(10, note('second'))
  clock.after(30, note('never')).cancel()
  clock.advance(9)
  t.same(fired, [])
  clock.advance(11)
  t.same(fired, ['first@10', 'second@10', 'late@20'])
  t.equal(clock.pending, 0)
  t.equal(clock.now(), 20)
  t.end()
})

test('a timer set by a timer fires in the same advance when it is due', (t) => {
  const clock = new FakeClock()
  const at: number[] = []
  const tick = (): void => {
    at.push(clock.now())
    clock.after(10, tick)
  }
  clock.after(10, tick)
  clock.advance(35)
  t.same(at, [10, 20, 30])
  t.equal(clock.pending, 1)
  t.end()
})

test('elapse gives promises their turn between timers', async (t) => {
  const clock = new FakeClock()
  const steps: string[] = []
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))
  const work = async (): Promise<void> => {
    await sleep(10)
    steps.push(`first@${clock.now()}`)
    await sleep(10)
    steps.push(`second@${clock.now()}`)
  }
  const done = work()
  await clock.elapse(20)
  await done
  t.same(steps, ['first@10', 'second@20'])
})
