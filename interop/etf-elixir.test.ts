/** What Elixir prints, reads and makes: terms as text in both directions, and its structs. */
import { test } from 'tap'
import {
  type Decimal,
  decode,
  type Encodable,
  EXACT,
  elixirStructs,
  encode,
  inspect,
  parseTerm,
  type Term,
  type Tuple,
  termEquals,
  tuple,
} from '../src/etf/index.ts'
import { atom } from '../src/index.ts'
import { seed } from './support/arbitrary-terms.ts'
import { findBeam } from './support/beam.ts'
import { EtfBeam } from './support/etf-beam.ts'

const COUNT = 5000
const STRUCTS = 3000
const CODEC = { structs: elixirStructs }

const beam = findBeam()
/** Elixir before 1.15 writes charlists in quotes, so all are printed as lists there and here. */
const CHARLISTS = beam.otp >= 27 ? 'infer' : 'as_lists'

/** Node numbers are each node's own; of funs we do not know the name in the code. */
function comparable(text: string): string {
  return (
    text
      .replace(/#(PID|Port|Reference)<\d+\./g, '#$1<0.')
      // Elixir 1.14 does not escape it.
      .replaceAll('\u200b', '\\u200B')
      .replace(/(#Function<\d+\.\d+\/\d+ in :beamjoin_terms)\.[^>]*>/g, '$1>')
  )
}

function sorted(text: string): string {
  return [...text].sort().join('')
}

/** So many pairs at least. */
const LARGE_MAP = /%\{(?:[\s\S]*?(?: =>|\w:) ){33}/

/** What is different, with what stands around it. */
function difference(ours: string, theirs: string): string | undefined {
  const [found, wanted] = [comparable(ours), comparable(theirs)]
  // The values of native records are printed in Erlang's syntax, for Elixir has none for them.
  if (found === wanted || theirs.includes('#beamjoin_record')) return undefined
  // Maps of more than 32 pairs are encoded in another order than that in which they are printed.
  if (sorted(found) === sorted(wanted) && LARGE_MAP.test(found)) return undefined
  let at = 0
  while (found[at] === wanted[at]) at++
  const around = (text: string): string => text.slice(Math.max(0, at - 60), at + 60)
  return `${around(found)} INSTEAD OF ${around(wanted)}`
}

/** Of every line of an answer its elements, with binaries as text but for the first. */
function rows(answer: Term): [Uint8Array, ...(string | null)[]][] {
  return (answer as Term[]).map((row) => {
    const [first, ...rest] = (row as Tuple).toArray() as [Uint8Array, ...(Uint8Array | null)[]]
    return [first, ...rest.map((each) => each && Buffer.from(each).toString('utf8'))]
  })
}

test('terms print as Elixir prints them, and are read as Elixir reads them', {
  timeout: 280_000,
}, async (t) => {
  t.comment(`SEED=${seed}`)
  const elixir = new EtfBeam(beam, 'elixir')
  t.teardown(() => elixir.close())
  const made = rows(await elixir.ask(tuple(atom('make'), seed, COUNT)))
  const wrong: string[] = []
  const literals: string[] = []
  const read: Term[] = []
  for (const [bytes, text] of made) {
    const term = decode(bytes, EXACT)
    const printed = difference(inspect(term, { charlists: CHARLISTS }), text!)
    if (printed !== undefined) wrong.push(printed)
    if (/#(PID|Port|Reference|Function|beamjoin_record)/.test(text!)) continue
    if (!termEquals(parseTerm(text!), term)) wrong.push(`read in another way: ${text}`)
    // Its compiler takes its time, and has no atoms of 255 characters that are four bytes each.
    if (literals.length === COUNT / 5 || text!.includes('\u{1f600}'.repeat(255))) continue
    literals.push(inspect(term))
    read.push(term)
  }
  t.same(wrong.slice(0, 10), [], `${wrong.length} of ${COUNT} with seed ${seed}`)
  const evaluated = (await elixir.ask(tuple(atom('read'), literals))) as Uint8Array[]
  const misread = literals.filter((_, i) => !termEquals(decode(evaluated[i]!, EXACT), read[i] as Term))
  t.same(misread.slice(0, 10), [], `Elixir reads ${literals.length} of ours as the same terms`)
  t.ok(literals.length > COUNT / 10)
})

test('structs of Elixir are instances here, and the same structs when they are back', {
  timeout: 280_000,
}, async (t) => {
  t.comment(`SEED=${seed}`)
  const elixir = new EtfBeam(beam, 'elixir')
  t.teardown(() => elixir.close())
  const made = rows(await elixir.ask(tuple(atom('structs'), seed, STRUCTS)))
  const wrong: string[] = []
  const back = made.map(([bytes, text, string], i): Encodable => {
    const instance = decode(bytes, i % 2 === 0 ? { ...CODEC, ...EXACT, ...CODEC } : CODEC) as object
    if (instance instanceof Map) wrong.push(`${text} stays a map`)
    if (string !== null && String(instance) !== string) wrong.push(`${instance} INSTEAD OF ${string}`)
    // Elixir knows no Decimal without its package.
    const printed = difference(inspect(decode(bytes, EXACT), { charlists: CHARLISTS }), text!)
    if (printed !== undefined && !text!.includes('Decimal')) wrong.push(printed)
    return encode(instance as Decimal, CODEC)
  })
  t.same(wrong.slice(0, 10), [], `${wrong.length} of ${STRUCTS} with seed ${seed}`)
  const same = (await elixir.ask(tuple(atom('same'), back))) as boolean[]
  t.same(
    made.filter((_, i) => !same[i]).map(([, text]) => text),
    [],
  )
})
