import { test } from 'tap'
import { decode, EXACT, encode, inspect, termEquals } from '../../src/etf/index.ts'
import { fromHex, toHex } from './bytes.ts'
import { GOLDEN_TERMS } from './golden-terms.ts'

test('every tag is decoded', async (t) => {
  for (const { tag, hex, term } of GOLDEN_TERMS) {
    const decoded = decode(fromHex(`83 ${hex}`), EXACT)
    t.ok(termEquals(decoded, term), `${tag} is ${inspect(decoded)}`)
  }
})

test('every tag that peers want to see is encoded', async (t) => {
  for (const { tag, hex, term, emitted } of GOLDEN_TERMS) {
    const expected = `83${hex.replace(/\s/g, '').toUpperCase()}`
    if (emitted) t.equal(toHex(encode(term)), expected, tag)
    else t.not(toHex(encode(term)), expected, `${tag} is only decoded`)
  }
})

test('a decoded term is encoded to the bytes it came from', async (t) => {
  for (const { tag, hex, emitted } of GOLDEN_TERMS) {
    if (!emitted) continue
    const bytes = fromHex(`83 ${hex}`)
    t.equal(toHex(encode(decode(bytes, EXACT))), toHex(bytes), tag)
  }
})
