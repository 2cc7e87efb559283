import { test } from 'tap'
import { ByteWriter } from '../../src/core/index.ts'
import { decode, encode } from '../../src/etf/index.ts'
import { readText, writeText } from '../../src/etf/text.ts'
import { randomNumbers, seed } from '../support/arbitrary-terms.ts'
import { fromText, sameBytes, toHex } from './bytes.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** What the platform's own decoder makes of the bytes, if they are text: its result turns into the same bytes. */
function expected(bytes: Uint8Array): string | undefined {
  const text = decoder.decode(bytes)
  return sameBytes(fromText(text), bytes) ? text : undefined
}

/** Edges of what UTF-8 allows anywhere, and what lies beside them. */
const EDGES = [
  0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
  0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff,
]

/** With the sequence at the beginning, in the middle and at the end, in a short and in a longer binary. */
const PLACES = [
  ['', ''],
  ['a', ''],
  ['', 'abcdefghi'],
  ['é', 'x'.repeat(20)],
] as const

test('bytes are text exactly when a strict UTF-8 decoder takes them', async (t) => {
  let wrong = 0
  const check = (sequence: readonly number[]): void => {
    for (const [before, after] of PLACES) {
      const bytes = Uint8Array.of(...fromText(before), ...sequence, ...fromText(after))
      if (readText(bytes, 0, bytes.length) !== expected(bytes)) {
        if (wrong++ === 0) t.fail(`${toHex(bytes)} was read as ${readText(bytes, 0, bytes.length)}`)
      }
    }
  }
  for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b++) check([a, b])
  for (const a of EDGES) for (const b of EDGES) for (const c of EDGES) check([a, b, c])
  for (const a of [0xed, 0xf0, 0xf1, 0xf4, 0xf5]) {
    for (const b of EDGES) for (const c of EDGES) for (const d of EDGES) check([a, b, c, d])
  }
  t.equal(wrong, 0)
})

const CHARACTERS = [
  'a',
  'é',
  'ÿ',
  'Ā',
  'я',
  '\u07ff',
  '\u0800',
  '日',
  '\ufeff',
  '\ufffd',
  '\uffff',
  '🎉',
  '\u{10ffff}',
]

function randomText(random: () => number, length: number, from: number): string {
  const pick = (): string => CHARACTERS[Math.floor(random() * from)]!
  return Array.from({ length }, pick).join('')
}

test('text of every length and alphabet is written and read as the platform does', async (t) => {
  t.comment(`SEED=${seed}`)
  const random = randomNumbers(seed)
  for (let length = 0; length < 700; length += 1 + Math.floor(length / 50)) {
    for (const alphabet of [1, 3, CHARACTERS.length]) {
      const text = randomText(random, length, alphabet)
      const out = new ByteWriter(1)
      if (!writeText(out, text)) t.fail(`${length} characters were refused`)
      const bytes = fromText(text)
      if (!sameBytes(out.view8(), bytes)) t.fail(`${JSON.stringify(text)} was written wrong`)
      if (readText(bytes, 0, bytes.length) !== text) t.fail(`${JSON.stringify(text)} was read wrong`)
      // Changed in one place it is text or none, as the strict decoder says.
      const changed = Uint8Array.from(bytes)
      changed[Math.floor(random() * length)] = Math.floor(random() * 256)
      if (readText(changed, 0, changed.length) !== expected(changed)) {
        t.fail(`${toHex(changed)} was read wrong`)
      }
    }
  }
  t.pass('all were the same')
})

test('long text comes back, and a lone surrogate is refused at every length', async (t) => {
  for (const length of [4096, 4097, 20_000, 200_000]) {
    for (const piece of ['a', 'é', '日', '🎉']) {
      const text = piece.repeat(length / piece.length)
      t.ok(decode(encode(text)) === text, `${length} units of ${piece}`)
    }
  }
  for (const length of [0, 1, 39, 40, 41, 100, 4095, 4096, 5000]) {
    for (const lone of ['\ud800', '\udc00']) {
      const before = 'a'.repeat(length)
      for (const text of [before + lone, `${before}${lone}b`, `${lone}${before}`]) {
        t.throws(() => encode(text), { code: 'ERR_ETF_LONE_SURROGATE' })
      }
    }
  }
})

test('one byte of a long text decides whether it is text', async (t) => {
  for (const length of [2047, 2048, 2049, 20_000, 2 ** 20]) {
    // Something lies before and behind it.
    const bytes = new Uint8Array(length + 8).fill(0xff)
    const [start, end] = [3, 3 + length]
    bytes.fill(0x61, start, end)
    t.ok(readText(bytes, start, end) === 'a'.repeat(length), `${length} bytes of ASCII`)
    bytes.set(fromText('é'), end - 2)
    t.ok(
      readText(bytes, start, end) === `${'a'.repeat(length - 2)}é`,
      `${length} bytes, another character last`,
    )
    for (const at of [start, start + 100, end - 1]) {
      bytes.fill(0x61, start, end)
      bytes[at] = 0xff
      t.equal(readText(bytes, start, end), undefined, `${length} bytes, none at ${at - start}`)
    }
  }
})
