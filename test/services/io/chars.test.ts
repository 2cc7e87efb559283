import { test } from 'tap'
import { charsToText } from '../../../src/services/io/chars.ts'
import { erlangTerm } from '../../../src/services/io/erlang-syntax.ts'

const LONG = 300_000

test('long texts are taken as short ones are', async (t) => {
  const bytes = new Uint8Array(LONG).fill(0xe9)
  t.equal(charsToText(bytes, 'latin1'), 'é'.repeat(LONG))
  const codes = new Array<number>(LONG).fill(97)
  t.equal(charsToText(codes), 'a'.repeat(LONG))
  t.equal(erlangTerm(codes, { strings: true, unicode: true, depth: 10 }).length, LONG + 2)
})
