import { test } from 'tap'
import { atom } from '../../src/etf/index.ts'
import { PidAllocator, pidNumber, ReferenceAllocator } from '../../src/runtime/pids.ts'

const node = atom('a@test')
const free = (): boolean => false

test('pids count ids up from 1 and carry node and creation', async (t) => {
  const pids = new PidAllocator(node, 7)
  t.equal(pids.next(free).toString(), '#PID<0.1.0>')
  const second = pids.next(free)
  t.match(second, { id: 2, serial: 0, creation: 7 })
  t.equal(second.node, node)
})

test('after the last id of 28 bits the serial goes up and ids begin at 1 again, never at 0', async (t) => {
  const pids = new PidAllocator(node, 7, { id: 2 ** 28 - 1, serial: 4 })
  t.match(pids.next(free), { id: 2 ** 28 - 1, serial: 4 })
  t.match(pids.next(free), { id: 1, serial: 5 })
})

test('the serial wraps at 13 bits', async (t) => {
  const pids = new PidAllocator(node, 7, { id: 2 ** 28 - 1, serial: 2 ** 13 - 1 })
  pids.next(free)
  t.match(pids.next(free), { id: 1, serial: 0 })
})

test('a pid whose number is in use is skipped', async (t) => {
  const pids = new PidAllocator(node, 7)
  const taken = new Set([1, 2, 4])
  t.equal(pids.next((number) => taken.has(number)).id, 3)
  t.equal(pids.next((number) => taken.has(number)).id, 5)
})

test('pids of different serials have different numbers', async (t) => {
  const low = new PidAllocator(node, 7, { id: 5, serial: 0 }).next(free)
  const high = new PidAllocator(node, 7, { id: 5, serial: 1 }).next(free)
  t.not(pidNumber(low), pidNumber(high))
})

test('references have three words and the first stays below 2^18', async (t) => {
  const refs = new ReferenceAllocator(node, 7, [2 ** 18 - 2, 3, 0])
  t.same(refs.next().words, [2 ** 18 - 1, 3, 0])
  t.same(refs.next().words, [0, 4, 0])
})

test('the second word of references wraps into the third', async (t) => {
  const refs = new ReferenceAllocator(node, 7, [2 ** 18 - 1, 2 ** 32 - 1, 1])
  t.same(refs.next().words, [0, 0, 2])
})
