import { test } from 'tap'
import { type Deadline, Deadlines } from '../../src/runtime/deadlines.ts'
import { FakeClock } from '../../src/testing/index.ts'

function deadline(expire: () => void): Deadline {
  return { due: 0, previous: undefined, next: undefined, waitsIn: undefined, expire }
}

test('deadlines expire at their time, in order, with one timer for each duration', async (t) => {
  const clock = new FakeClock()
  const deadlines = new Deadlines(clock)
  const expired: string[] = []
  deadlines.add(
    deadline(() => expired.push('a')),
    100,
  )
  clock.advance(10)
  deadlines.add(
    deadline(() => expired.push('b')),
    100,
  )
  deadlines.add(
    deadline(() => expired.push('c')),
    50,
  )
  t.equal(clock.pending, 2)
  clock.advance(50)
  t.same(expired, ['c'])
  clock.advance(40)
  t.same(expired, ['c', 'a'])
  clock.advance(10)
  t.same(expired, ['c', 'a', 'b'])
  t.equal(clock.pending, 0)
})

test('a removed deadline does not expire, wherever it stands in the list', async (t) => {
  for (const removed of [0, 1, 2]) {
    const clock = new FakeClock()
    const deadlines = new Deadlines(clock)
    const expired: number[] = []
    const all = [0, 1, 2].map((i) => deadline(() => expired.push(i)))
    for (const one of all) {
      deadlines.add(one, 100)
      clock.advance(1)
    }
    deadlines.remove(all[removed] as Deadline)
    deadlines.remove(all[removed] as Deadline)
    clock.advance(200)
    t.same(
      expired,
      [0, 1, 2].filter((i) => i !== removed),
    )
    t.equal(clock.pending, 0)
  }
})

test('the timer stops with the last deadline', async (t) => {
  const clock = new FakeClock()
  const deadlines = new Deadlines(clock)
  const one = deadline(() => t.fail('expired'))
  deadlines.add(one, 100)
  deadlines.remove(one)
  t.equal(clock.pending, 0)
})

test('what expires may wait again at once', async (t) => {
  const clock = new FakeClock()
  const deadlines = new Deadlines(clock)
  let times = 0
  const again = deadline(() => {
    if (++times < 3) deadlines.add(again, 100)
  })
  deadlines.add(again, 100)
  clock.advance(50)
  deadlines.add(
    deadline(() => {}),
    100,
  )
  clock.advance(1000)
  t.equal(times, 3)
  t.equal(clock.pending, 0)
})

test('many durations do not pile up', async (t) => {
  const clock = new FakeClock()
  const deadlines = new Deadlines(clock)
  let expired = 0
  for (let ms = 1; ms <= 1000; ms++)
    deadlines.add(
      deadline(() => expired++),
      ms,
    )
  clock.advance(1000)
  t.equal(expired, 1000)
  t.equal(clock.pending, 0)
})
