/**
 * Terms of every kind that a BEAM makes, a hundred thousand on each release: they come back to it as what they were, and
 * have the order, equality and hash here that they have there.
 */
import { test } from 'tap'
import {
  type Atom,
  compareTerms,
  decode,
  type Encodable,
  EXACT,
  encode,
  inspect,
  phash2,
  type Term,
  type Tuple,
  termEquals,
  tuple,
} from '../src/etf/index.ts'
import { atom } from '../src/index.ts'
import { seed } from './support/arbitrary-terms.ts'
import { findBeam } from './support/beam.ts'
import { EtfBeam } from './support/etf-beam.ts'

const BATCH = 5_000
const BATCHES = 20

/** What the BEAM says of a term; see interop/companion/etf_beam.erl. */
interface Fact {
  readonly bytes: Uint8Array
  /** To the next term; `:unknown` where it depends on the virtual machine. */
  readonly order: number | Atom
  readonly equal: boolean
  /** phash2/1, phash2/2 with 2^32, another range and phash2/2 with it; none for native records. */
  readonly hashes: readonly number[]
}

function factOf(term: Term): Fact {
  const [bytes, order, equal, hashes] = (term as Tuple).toArray() as [
    Uint8Array,
    number | Atom,
    boolean,
    number[],
  ]
  return { bytes, order, equal, hashes }
}

test('terms of a BEAM are the same terms here, and when they are back', { timeout: 280_000 }, async (t) => {
  t.comment(`SEED=${seed}`)
  const beam = new EtfBeam(findBeam(), 'erl')
  t.teardown(() => beam.close())
  let hashed = 0
  let ordered = 0
  for (let batch = 0; batch < BATCHES; batch++) {
    const answer = (await beam.ask(tuple(atom('batch'), seed + batch, BATCH))) as Term[]
    const facts = answer.map(factOf)
    const terms = facts.map(({ bytes }) => decode(bytes, EXACT))
    const wrong: string[] = []
    facts.forEach(({ order, equal, hashes }, i) => {
      const [term, next] = [terms[i] as Term, terms[Math.min(i + 1, BATCH - 1)] as Term]
      const found = [compareTerms(term, next), compareTerms(next, term), termEquals(term, next)]
      const isKnown = typeof order === 'number'
      if (isKnown) ordered++
      if ((isKnown && (found[0] !== order || found[1] !== -order + 0)) || found[2] !== equal) {
        wrong.push(
          `order ${found.join(' ')} instead of ${String(order)}, ${equal}: ${inspect(term)} AND ${inspect(next)}`,
        )
      }
      const [hash, full, range, ranged] = hashes as [number, number, number, number]
      if (hashes.length === 0) return
      hashed++
      if (phash2(term) !== hash || phash2(term, 2 ** 32) !== full || phash2(term, range) !== ranged) {
        wrong.push(`phash2 ${phash2(term, 2 ** 32)} instead of ${full}: ${inspect(term)}`)
      }
    })
    const back = facts.map(({ bytes }, i): Encodable => {
      const plain = decode(bytes)
      return tuple(encode(terms[i] as Term), encode(plain), encode(terms[i] as Term, { deterministic: true }))
    })
    const judged = (await beam.ask(tuple(atom('check'), back))) as Term[]
    for (const each of judged) {
      const [index, what, text] = (each as Tuple).toArray() as [number, Uint8Array, Uint8Array]
      wrong.push(
        `${Buffer.from(what)}: ${Buffer.from(text)} ${Buffer.from(facts[index]!.bytes).toString('hex')}`,
      )
    }
    t.same(wrong.slice(0, 10), [], `${wrong.length} of ${BATCH} terms with seed ${seed + batch} are right`)
  }
  // The others hold native records.
  t.ok(ordered > BATCH * BATCHES * 0.9, `${ordered} orders`)
  t.ok(hashed > BATCH * BATCHES * 0.7, `${hashed} hashes`)
})
