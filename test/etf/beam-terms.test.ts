/** Terms of every kind as OTP 25, 27 and 29 write them, with what they say about order, equality and hash. */
import { test } from 'tap'
import { compareTerms, decode, EXACT, encode, phash2, type Term, termEquals } from '../../src/etf/index.ts'
import { fromBase64 } from './bytes.ts'
import { readVectors } from './vectors.ts'

interface TermVector {
  readonly etf: string
  readonly order: number
  readonly equal: boolean
  readonly hash?: number
  readonly full?: number
  readonly range?: number
  readonly ranged?: number
}

for (const otp of [25, 27, 29]) {
  const vectors = readVectors<TermVector>(`terms_otp${otp}`)
  const terms = vectors.map(({ etf }) => decode(fromBase64(etf), EXACT))

  test(`terms of OTP ${otp} are the same after another way there and back`, async (t) => {
    terms.forEach((term, i) => {
      const back = decode(encode(term, i % 2 === 0 ? {} : { compress: true }), EXACT)
      if (!termEquals(back, term)) t.fail(`${vectors[i]!.etf} changes`)
      const shown = decode(encode(decode(fromBase64(vectors[i]!.etf))))
      if (compareTerms(shown, term) !== 0) t.fail(`${vectors[i]!.etf} changes with the default options`)
    })
    t.equal(terms.length, 500)
  })

  test(`terms have the order of OTP ${otp}`, async (t) => {
    vectors.forEach(({ etf, order, equal }, i) => {
      const [term, next] = [terms[i] as Term, terms[Math.min(i + 1, terms.length - 1)] as Term]
      if (compareTerms(term, next) !== order) t.fail(`${etf} and the next should compare as ${order}`)
      if (compareTerms(next, term) !== 0 - order) t.fail(`${etf} and the next, the other way round`)
      if (termEquals(term, next) !== equal) t.fail(`${etf} and the next should be ${equal ? '' : 'un'}equal`)
    })
    t.ok(vectors.filter(({ equal }) => equal).length > 10)
  })

  test(`terms have the hash of OTP ${otp}`, async (t) => {
    const hashed = vectors.map(({ etf, hash, full, range = 1, ranged }, i) => {
      if (hash === undefined) return false
      const found = [
        phash2(terms[i] as Term),
        phash2(terms[i] as Term, 2 ** 32),
        phash2(terms[i] as Term, range),
      ]
      if (found.join() !== [hash, full, ranged].join())
        t.fail(`${etf}: ${found} instead of ${hash}, ${full}, ${ranged}`)
      return true
    })
    t.ok(hashed.filter(Boolean).length > 300)
  })
}
