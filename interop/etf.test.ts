/** The codec against the BEAM's own: what each makes of the bytes, the text and the hash of the other. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { decode, EXACT, encode, inspect, phash2, type Term, termEquals } from '../src/etf/index.ts'
import { ArbitraryTerms, seed } from './support/arbitrary-terms.ts'
import { beamCommand, findBeam } from './support/beam.ts'

const COUNT = 1500

interface Answer {
  readonly bytes: Uint8Array
  readonly text: string
  readonly hash: number
  readonly same: boolean
}

const beam = findBeam()

/** Asks the BEAM about each line of terms. */
function ask(lines: readonly (readonly Uint8Array[])[]): Answer[] {
  const source = readFileSync(new URL('companion/etf.exs', import.meta.url), 'utf8')
  const [command, args] = beamCommand(beam, 'elixir', ['-e', source])
  const input = lines
    .map((terms) => `${terms.map((term) => Buffer.from(term).toString('base64')).join(' ')}\n`)
    .join('')
  const output = execFileSync(command, args, { input, encoding: 'utf8', maxBuffer: 2 ** 30 })
  return output
    .trim()
    .split('\n')
    .map((line) => {
      const [bytes, text, hash, same] = line.split(' ') as [string, string, string, string]
      return {
        bytes: Buffer.from(bytes, 'base64'),
        text: Buffer.from(text, 'base64').toString('utf8'),
        hash: Number(hash),
        same: same === 'true',
      }
    })
}

/** In a form that does not depend on the node that prints, nor on its order of map keys. */
function comparable(text: string): string {
  const local = text.replace(/#(PID|Port|Reference)<\d+\./g, '#$1<0.')
  return [...local].sort().join('')
}

test('random terms mean the same to the BEAM and to us', async (t) => {
  t.comment(`SEED=${seed}`)
  const arbitrary = new ArbitraryTerms(seed)
  const terms: Term[] = Array.from({ length: COUNT }, () => arbitrary.term())
  const forms = [{}, { deterministic: true }, { compress: true }]
  const sent = terms.map((term, i) => encode(term, forms[i % forms.length]))
  const answers = ask(sent.map((bytes) => [bytes]))
  t.equal(answers.length, COUNT)
  answers.forEach(({ bytes, text, hash }, i) => {
    const term = terms[i]!
    if (!termEquals(decode(bytes, EXACT), term)) t.fail(`${inspect(term)} came back as something else`)
    if (phash2(term, 2 ** 32) !== hash) t.fail(`phash2 of ${inspect(term)} should be ${hash}`)
    // Elixir before 1.15 prints charlists and invisible characters in another way.
    if (beam.otp >= 27 && comparable(inspect(term)) !== comparable(text))
      t.fail(`${inspect(term)} should print as ${text}`)
  })
  const again = ask(answers.map(({ bytes }, i) => [sent[i]!, encode(decode(bytes, EXACT))]))
  again.forEach(({ same }, i) => {
    if (!same) t.fail(`${inspect(terms[i])} is not =:= to itself after the way back`)
  })
  t.pass(`${COUNT} terms`)
})
