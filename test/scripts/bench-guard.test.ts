import { test } from 'tap'
import { codecGuards } from '../../bench/guard/codec.ts'
import { check, type Guard, timeCalls } from '../../bench/guard/guard.ts'
import { ReferenceCodec } from '../../bench/guard/reference.ts'

/** A guard whose work takes what `ratio` says, of a reference that takes 100; `ratio` gets the number of the call. */
function guardOf(expected: number, ratio: (call: number) => number): Guard {
  let calls = 0
  return { name: 'fake', expected, work: () => ratio(calls++) * 100, reference: async () => 100 }
}

test('what takes as long as expected passes, and what takes nearly twice as long too', async (t) => {
  for (const ratio of [0.5, 1, 1.9]) {
    const { ok, tries } = await check(guardOf(1, () => ratio))
    t.ok(ok, `${ratio}`)
    t.equal(tries, 1)
  }
})

test('what takes more than twice as long fails, after more than one try', async (t) => {
  const verdict = await check(guardOf(0.25, () => 0.6))
  t.notOk(verdict.ok)
  t.ok(verdict.tries > 1)
  t.equal(verdict.ratio, 0.6)
})

test('a machine that is busy for a while fails nothing', async (t) => {
  t.ok((await check(guardOf(1, (call) => (call % 3 === 0 ? 50 : 1)))).ok, 'now and then')
  const { ok, tries } = await check(guardOf(1, (call) => (call < 30 ? 50 : 1)))
  t.ok(ok, 'at the beginning')
  t.ok(tries > 1)
})

test('a call is timed by the processor time that it takes', async (t) => {
  const work = (rounds: number) => () => {
    let sum = 0
    for (let i = 0; i < rounds; i++) sum += Math.sqrt(i)
    return sum
  }
  const short = timeCalls(work(2_000))
  const long = timeCalls(work(20_000))
  short(20)
  long(20)
  t.ok(long(50) > short(50) * 3)
})

test('the reference encodes and decodes what it is given', async (t) => {
  const codec = new ReferenceCodec()
  const value = [null, true, false, 0, -5, 2 ** 31 - 1, 2 ** 31, 1.5, '', 'añ日🎉', [[]], { a: [1], b: 'c' }]
  const maps = [
    ...value.slice(0, -1),
    new Map<string, unknown>([
      ['a', [1]],
      ['b', 'c'],
    ]),
  ]
  t.strictSame(codec.decode(codec.encode(value)), maps)
})

test('every document but the binary is guarded, both ways', async (t) => {
  const names = codecGuards().map(({ name }) => name)
  for (const document of ['call', 'records', 'integers', 'tree', 'unicode']) {
    t.ok(names.includes(`encode ${document}`) && names.includes(`decode ${document}`), document)
  }
})
