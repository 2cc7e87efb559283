/** Who gets which call: the decisions of a pool. */
import { test } from 'tap'
import { PoolQueue, type Routing } from '../../src/supervisor/pool-queue.ts'

interface Named {
  readonly key: string
}

function queueOf(routing: Routing, concurrency = 1, queueLimit = 2): PoolQueue<Named, number> {
  const queue = new PoolQueue<Named, number>({ routing, concurrency, queueLimit })
  for (const key of ['a', 'b', 'c']) queue.addMember({ key }, key)
  return queue
}

function given(queue: PoolQueue<Named, number>): string {
  const parts: string[] = []
  for (let next = queue.next(); next !== undefined; next = queue.next()) {
    parts.push(`${next.member.key}${next.call}`)
  }
  return parts.join(' ')
}

test('each member gets one call, the rest waits up to the limit, more is refused', async (t) => {
  const queue = queueOf('leastBusy')
  for (const call of [1, 2, 3]) {
    t.ok(queue.push(call))
    t.match(given(queue), new RegExp(`[abc]${call}`))
  }
  t.ok(queue.push(4))
  t.ok(queue.push(5))
  t.notOk(queue.push(6))
  t.equal(given(queue), '')
  t.equal(queue.waiting, 2)
  queue.done('b')
  t.equal(given(queue), 'b4')
  t.ok(queue.push(7))
})

test('the least busy member is chosen, and of those the next in turn', async (t) => {
  const queue = queueOf('leastBusy', 3, 10)
  for (const call of [1, 2, 3, 4, 5]) queue.push(call)
  t.equal(given(queue), 'a1 b2 c3 a4 b5')
  queue.done('a')
  queue.done('a')
  queue.push(6)
  t.equal(given(queue), 'a6')
  t.same([queue.load('a'), queue.load('b'), queue.load('c')], [1, 2, 1])
})

test('round robin passes over those that are full', async (t) => {
  const queue = queueOf('roundRobin', 2, 10)
  for (const call of [1, 2, 3, 4, 5, 6]) queue.push(call)
  t.equal(given(queue), 'a1 b2 c3 a4 b5 c6')
  queue.done('c')
  queue.push(7)
  t.equal(given(queue), 'c7')
})

test('a member that left gets nothing, and a new one takes what waits', async (t) => {
  const queue = queueOf('leastBusy')
  for (const key of ['a', 'b', 'c']) t.ok(queue.removeMember(key))
  t.notOk(queue.removeMember('a'))
  t.equal(queue.anyMember(), undefined)
  t.ok(queue.push(1))
  t.equal(given(queue), '')
  queue.addMember({ key: 'd' }, 'd')
  t.equal(given(queue), 'd1')
  t.equal(queue.anyMember()?.key, 'd')
  queue.done('gone')
})

test('a call that did not reach its member is the next one again, for somebody else', async (t) => {
  const queue = queueOf('leastBusy', 1, 10)
  for (const call of [1, 2, 3, 4, 5]) queue.push(call)
  t.equal(given(queue), 'a1 b2 c3')
  queue.retire('b')
  queue.putBack(2)
  queue.done('b')
  t.equal(given(queue), '')
  queue.done('a')
  queue.done('c')
  t.equal(given(queue), 'a2 c4')
})
