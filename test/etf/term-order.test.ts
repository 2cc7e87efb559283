import { test } from 'tap'
import {
  atom,
  compareTerms,
  decode,
  type Encodable,
  EXACT,
  encode,
  float,
  phash2,
  RecordTerm,
  type Term,
  termEquals,
  tuple,
} from '../../src/etf/index.ts'
import { ArbitraryTerms, seed } from '../support/arbitrary-terms.ts'
import { fromHex } from './bytes.ts'
import { readVectors } from './vectors.ts'

test('terms are in the order of OTP', async (t) => {
  const vectors = readVectors<{ a: string; b: string; cmp: number }>('term_order_vectors')
  for (const { a, b, cmp } of vectors) {
    const left = decode(fromHex(a), EXACT)
    const right = decode(fromHex(b), EXACT)
    if (compareTerms(left, right) !== cmp) t.fail(`${a} and ${b} should compare as ${cmp}`)
    if (compareTerms(right, left) !== 0 - cmp) t.fail(`${b} and ${a} the other way round`)
    if (cmp !== 0 && termEquals(left, right)) t.fail(`${a} and ${b} are not equal`)
  }
  t.equal(vectors.length, 2300)
})

test('the order of types, of numbers and of records', async (t) => {
  const ascending: Encodable[] = [
    -(2n ** 70n),
    -1.5,
    0,
    2 ** 53,
    2n ** 53n + 1n,
    1e300,
    atom('a'),
    atom('aa'),
    atom('b'),
    tuple(),
    tuple(1, 2),
    new RecordTerm(atom('m'), atom('r'), false, [], []),
    new RecordTerm(atom('m'), atom('r'), true, [], []),
    {},
    { a: 1 },
    [],
    [1],
    [[]],
    '',
    'a',
  ]
  for (let i = 0; i < ascending.length; i++) {
    for (let k = 0; k < ascending.length; k++) {
      t.equal(compareTerms(ascending[i], ascending[k]), Math.sign(i - k), `${i} and ${k}`)
    }
  }
})

test('1 and 1.0 compare as equal and are not equal', async (t) => {
  t.equal(compareTerms(1, float(1)), 0)
  t.equal(compareTerms([tuple(1)], [tuple(float(1))]), 0)
  t.equal(termEquals(1, float(1)), false)
  t.equal(termEquals(float(0), float(-0)), false)
  t.equal(compareTerms(float(0), float(-0)), 0)
  t.equal(compareTerms(new Map([[1, 'x']]), new Map([[float(1), 'x']])), -1, 'keys always compare exactly')
})

test('equality knows every spelling of one term', async (t) => {
  t.equal(termEquals({ a: [1, undefined] }, new Map([[atom('a'), [1n, null]]])), true)
  t.equal(termEquals('ab', Uint8Array.of(97, 98)), true)
  t.throws(() => termEquals(Symbol('s') as never, 1), { code: 'ERR_ETF_NOT_A_TERM' })
})

test('random terms are in one order, and only equal to themselves', async (t) => {
  t.comment(`SEED=${seed}`)
  const terms = new ArbitraryTerms(seed)
  const sorted = Array.from({ length: 300 }, () => terms.term(3)).sort(compareTerms)
  for (let i = 0; i < sorted.length - 1; i++) {
    const order = compareTerms(sorted[i], sorted[i + 1])
    if (order > 0) t.fail(`${i} is behind ${i + 1}`)
    if (!termEquals(sorted[i], sorted[i])) t.fail(`${i} is not itself`)
    if (order !== 0 && termEquals(sorted[i], sorted[i + 1])) t.fail(`${i} equals ${i + 1}`)
  }
  t.pass('they are')
})

test('phash2 is that of OTP in both ranges', async (t) => {
  const vectors = readVectors<{ etf: string; kind: string; phash2: number; phash2_32: number }>(
    'phash2_vectors',
  )
  for (const { etf, kind, phash2: hash, phash2_32: full } of vectors) {
    for (const options of [EXACT, { ...EXACT, binaries: 'buffer' as const }]) {
      const term = decode(fromHex(etf), options)
      if (phash2(term) !== hash) t.fail(`${kind} ${etf}: ${phash2(term)} instead of ${hash}`)
      if (phash2(term, 2 ** 32) !== full) t.fail(`${kind} ${etf} in the full range`)
    }
  }
  t.equal(vectors.length, 3439)
})

test('phash2 takes what encoding takes, and a range from 1 to 2^32', async (t) => {
  t.equal(phash2({ a: 1 }), 59617982)
  t.equal(phash2(undefined), phash2(atom('nil')))
  t.equal(phash2(tuple(atom('user'), 42)), 33738137)
  t.equal(phash2('abc', 1), 0)
  t.equal(phash2([]), 113427502)
  for (const range of [0, -1, 1.5, 2 ** 32 + 1])
    t.throws(() => phash2(1, range), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => phash2(Number.NaN), { code: 'ERR_ETF_NOT_FINITE' })
  t.throws(() => phash2(new RecordTerm(atom('m'), atom('r'), true, [], [])), { code: 'ERR_ETF_NOT_A_TERM' })
})

test('deep terms are compared and hashed without a stack overflow', async (t) => {
  let a: Term = []
  let b: Term = []
  for (let i = 0; i < 100_000; i++) {
    a = i % 2 === 0 ? [a] : new Map<Term, Term>([[1, a]])
    b = i % 2 === 0 ? [b] : new Map<Term, Term>([[1, b]])
  }
  t.equal(termEquals(a, b), true)
  t.equal(phash2(a), phash2(b))
})

test('maps as keys of maps are compared in time that grows with their size only', async (t) => {
  const nested = (depth: number, leaf: number): Encodable =>
    depth === 0
      ? leaf
      : new Map([
          [nested(depth - 1, 0), 1],
          [nested(depth - 1, leaf + 1), 1],
        ])
  t.equal(compareTerms(nested(15, 0), nested(15, 0)), 0)
  t.equal(compareTerms(nested(15, 0), nested(15, 1)), -1)
  encode(nested(15, 0), { deterministic: true })
  // It did not end within the time limit of a test file when each comparison sorted every map again.
})
