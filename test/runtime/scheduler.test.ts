import { test } from 'tap'
import { type Runnable, Scheduler } from '../../src/runtime/scheduler.ts'
import { FakeClock } from '../../src/testing/index.ts'

const LIMITS = { turnMessages: 100, turnMs: 10, sliceMessages: 20, longSchedule: 500 }
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Has `count` messages to handle. */
function worker(scheduler: Scheduler, name: string, count: number, order: string[]): Runnable {
  let left = count
  const runnable: Runnable = {
    run(limit) {
      const handled = Math.min(limit, left)
      left -= handled
      order.push(`${name}${handled}`)
      if (left > 0) scheduler.enqueue(runnable)
      return handled
    },
  }
  return runnable
}

test('what is enqueued runs in a microtask of the same turn', async (t) => {
  const scheduler = new Scheduler(new FakeClock(), LIMITS)
  const order: string[] = []
  scheduler.enqueue(worker(scheduler, 'a', 1, order))
  t.same(order, [])
  await Promise.resolve()
  t.same(order, ['a1'])
})

test('what is enqueued in a batch runs at its end, all of it and at once', (t) => {
  const scheduler = new Scheduler(new FakeClock(), LIMITS)
  const order: string[] = []
  scheduler.beginBatch()
  scheduler.enqueue(worker(scheduler, 'a', 30, order))
  scheduler.enqueue(worker(scheduler, 'b', 1, order))
  t.same(order, [])
  scheduler.endBatch()
  t.same(order, ['a20', 'b1', 'a10'])
  t.end()
})

test('a batch leaves what was planned before to its microtask, and what has no budget left to the next turn', async (t) => {
  const scheduler = new Scheduler(new FakeClock(), LIMITS)
  const order: string[] = []
  scheduler.enqueue(worker(scheduler, 'a', 1, order))
  scheduler.beginBatch()
  scheduler.enqueue(worker(scheduler, 'b', 1, order))
  scheduler.endBatch()
  t.same(order, [])
  await Promise.resolve()
  t.same(order, ['a1', 'b1'])
  scheduler.enqueue(worker(scheduler, 'c', 150, order))
  await Promise.resolve()
  const handled = order.length
  scheduler.beginBatch()
  scheduler.enqueue(worker(scheduler, 'd', 1, order))
  scheduler.endBatch()
  t.equal(order.length, handled, 'the budget is used up')
  await nextTurn()
  await nextTurn()
  t.ok(order.includes('d1'))
})

test('a batch that begins while processes run changes nothing', async (t) => {
  const scheduler = new Scheduler(new FakeClock(), LIMITS)
  const order: string[] = []
  scheduler.enqueue({
    run() {
      scheduler.beginBatch()
      scheduler.enqueue(worker(scheduler, 'a', 1, order))
      scheduler.endBatch()
      order.push('first')
      return 1
    },
  })
  await Promise.resolve()
  t.same(order, ['first', 'a1'])
})

test('processes take turns of one slice each', async (t) => {
  const scheduler = new Scheduler(new FakeClock(), LIMITS)
  const order: string[] = []
  scheduler.enqueue(worker(scheduler, 'a', 40, order))
  scheduler.enqueue(worker(scheduler, 'b', 30, order))
  await Promise.resolve()
  t.same(order, ['a20', 'b20', 'a20', 'b10'])
})

test('when the budget of messages is used up the event loop gets its turn', async (t) => {
  const scheduler = new Scheduler(new FakeClock(), LIMITS)
  const order: string[] = []
  scheduler.enqueue(worker(scheduler, 'a', 150, order))
  await Promise.resolve()
  t.equal(order.length, 5)
  await nextTurn()
  await nextTurn()
  t.equal(order.length, 8)
})

test('when the budget of time is used up the event loop gets its turn', async (t) => {
  const clock = new FakeClock()
  const scheduler = new Scheduler(clock, LIMITS)
  let runs = 0
  const slow: Runnable = {
    run() {
      clock.advance(6)
      if (++runs < 5) scheduler.enqueue(slow)
      return 1
    },
  }
  scheduler.enqueue(slow)
  await Promise.resolve()
  t.equal(runs, 2)
  await nextTurn()
  await nextTurn()
  await nextTurn()
  t.equal(runs, 5)
})

test('work that microtasks keep creating does not keep the event loop from its turn', async (t) => {
  const scheduler = new Scheduler(new FakeClock(), LIMITS)
  let runs = 0
  let turns = 0
  const again: Runnable = {
    run() {
      runs++
      queueMicrotask(() => {
        if (runs < 1000) scheduler.enqueue(again)
      })
      return 1
    },
  }
  scheduler.enqueue(again)
  while (runs < 1000) {
    await nextTurn()
    turns++
  }
  t.ok(turns >= 9, `${turns} turns`)
})

test('time that passes between microtasks counts: the event loop waits for twice the budget at most', async (t) => {
  const clock = new FakeClock()
  const scheduler = new Scheduler(clock, LIMITS)
  let turned = false
  let runs = 0
  const again: Runnable = {
    run() {
      runs++
      clock.advance(1)
      queueMicrotask(() => {
        if (!turned && runs < 1000) scheduler.enqueue(again)
      })
      return 1
    },
  }
  // The loop has turned since the budget began, which says nothing of what follows.
  scheduler.enqueue(again)
  turned = true
  await Promise.resolve()
  await nextTurn()
  turned = false
  scheduler.enqueue(again)
  await nextTurn()
  turned = true
  t.ok(runs <= 22, `${runs} ms`)
})

test('the event loop is not asked for its turn with every message', async (t) => {
  const scheduler = new Scheduler(new FakeClock(), LIMITS)
  const order: string[] = []
  const asked = t.capture(globalThis, 'setImmediate', setImmediate)
  for (let i = 0; i < 50; i++) {
    scheduler.enqueue(worker(scheduler, 'a', 1, order))
    await Promise.resolve()
  }
  t.equal(order.length, 50)
  t.equal(asked().length, 1)
})
