import { test } from 'tap'
import {
  Atom,
  AtomBudget,
  atom,
  type DecodeOptions,
  decode,
  EXACT,
  encode,
  Float,
  Fun,
  float,
  inspect,
  Pid,
  type Term,
  TermMap,
  TermReader,
  Tuple,
  termEquals,
  tuple,
} from '../../src/etf/index.ts'
import { ArbitraryTerms, seed } from '../support/arbitrary-terms.ts'
import { asReceived, fromHex, fromText, NodeBuffer, sameBytes, toHex } from './bytes.ts'
import { GOLDEN_TERMS } from './golden-terms.ts'

function decodeHex(hex: string, options?: DecodeOptions): Term {
  return decode(fromHex(hex), options)
}

test('random terms survive the round trip', async (t) => {
  t.comment(`SEED=${seed}`)
  const terms = new ArbitraryTerms(seed)
  for (let i = 0; i < 2000; i++) {
    const term = terms.term(5)
    for (const options of [{}, { deterministic: true }, { compress: true }]) {
      const bytes = encode(term, options)
      const input = i % 2 === 0 ? asReceived(bytes) : bytes
      if (!termEquals(decode(input, EXACT), term)) t.fail(`${inspect(term)} with ${JSON.stringify(options)}`)
    }
  }
  t.pass('all came back')
})

test('floats are numbers by default, and integral ones are Float with floats: exact', async (t) => {
  const one = '83 46 3FF0000000000000'
  t.equal(decodeHex(one), 1)
  t.strictSame(decodeHex(one, { floats: 'exact' }), new Float(1))
  t.equal(decodeHex('83 46 3FF8000000000000', { floats: 'exact' }), 1.5)
  t.ok(Object.is((decodeHex('83 46 8000000000000000', EXACT) as Float).value, -0))
})

test('binaries are strings where they are UTF-8, and always bytes with binaries: buffer', async (t) => {
  t.equal(decodeHex('83 6D 00000002 C3A9'), 'é')
  const bytes = decodeHex('83 6D 00000002 C3A9', { binaries: 'buffer' })
  t.strictSame(bytes, asReceived(fromText('é')))
  const forms = [bytes, decodeHex('83 6D 00000001 FF'), decode(encode(new Uint8Array(10_000).fill(255)))]
  for (const each of forms) t.ok(each instanceof (NodeBuffer ?? Uint8Array), 'a Buffer where there is one')
})

test('every valid text is a string and every other binary is not, at any length and place', async (t) => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const isText = (bytes: Uint8Array): boolean => {
    try {
      strict.decode(bytes)
      return true
    } catch {
      return false
    }
  }
  const oddities = [
    'C3',
    'C3A9',
    'C1BF',
    'E0A080',
    'E09F80',
    'EDA080',
    'EE8080',
    'F0908080',
    'F4908080',
    'F5808080',
    '80',
    'FF',
    'E282',
  ]
  for (const oddity of oddities) {
    for (const before of [0, 1, 11, 12, 13, 60, 63, 64, 65, 200]) {
      for (const after of [0, 1, 12, 64, 200]) {
        const bytes = fromHex('61'.repeat(before) + oddity + '62'.repeat(after))
        const decoded = decode(encode(bytes))
        if ((typeof decoded === 'string') !== isText(bytes))
          t.fail(`${oddity} behind ${before}, before ${after}`)
        const back = typeof decoded === 'string' ? fromText(decoded) : (decoded as Uint8Array)
        if (!sameBytes(back, bytes)) t.fail(`${oddity} changed`)
      }
    }
  }
  t.pass('they are')
})

test('small binaries are copied out of what was received', async (t) => {
  const received = asReceived(encode([Uint8Array.of(255, 1), new Uint8Array(100).fill(200)]))
  const [tiny, small] = decode(received) as [Uint8Array, Uint8Array]
  received.fill(0)
  t.strictSame([...tiny], [255, 1])
  t.equal(small[99], 200)
})

test('maps are Map, and TermMap only where a key needs it', async (t) => {
  const plain = decode(encode({ a: 1, b: { c: 2 } }))
  t.ok(plain instanceof Map && !(plain instanceof TermMap))
  t.equal((plain as Map<Term, Term>).get(atom('a')), 1)
  const keyed = decode(
    encode(
      new TermMap([
        [tuple(1), 'x'],
        ['k' as never, 'y'],
      ]),
    ),
  )
  t.ok(keyed instanceof TermMap)
  t.equal((keyed as Map<Term, Term>).get(tuple(1)), 'x')
  t.equal((keyed as Map<Term, Term>).get('k'), 'y')
})

test('keys keep floats apart from integers', async (t) => {
  const map = decode(
    encode(
      new TermMap<Term, Term>([
        [float(1), 'float'],
        [1, 'integer'],
      ]),
    ),
  ) as Map<Term, Term>
  t.equal(map.get(float(1)), 'float')
  t.equal(map.get(1), 'integer')
})

test('maps: object gives objects for maps with only atoms or only strings as keys', async (t) => {
  const object = (term: Parameters<typeof encode>[0]): Term => decode(encode(term), { maps: 'object' })
  t.strictSame(object({ a: 1, b: { c: [{}] } }), { a: 1, b: { c: [{}] } })
  t.strictSame(object(new Map([['x y', 1]])), { 'x y': 1 })
  t.strictSame(
    object(
      new Map([
        [true, 1],
        [null, 2],
      ]),
    ),
    { true: 1, nil: 2 },
  )
  for (const keys of [['a', atom('a')], [1], [tuple(1)]]) {
    t.ok(object(new Map(keys.map((key) => [key, 1]))) instanceof Map, inspect(keys))
  }
  const hostile = object(new Map([['__proto__', { polluted: true }]])) as Record<string, Term>
  t.strictSame(Object.keys(hostile), ['__proto__'])
  t.equal(Object.getPrototypeOf(hostile), Object.prototype)
})

test('a fun is sent back as it came, whatever the options', async (t) => {
  const golden = GOLDEN_TERMS.find(({ tag }) => tag === 'NEW_FUN_EXT')!
  const bytes = fromHex(`83 ${golden.hex}`)
  for (const options of [{}, { maps: 'object', binaries: 'buffer' }] as const) {
    const fun = decode(bytes, options)
    t.ok(fun instanceof Fun)
    t.equal(toHex(encode(fun)), toHex(bytes))
  }
})

test('Latin-1 and UTF-8 forms of an atom are one atom', async (t) => {
  t.equal(decodeHex('83 64 0001 E9'), atom('é'))
  t.equal(decodeHex('83 77 02 C3A9'), atom('é'))
  t.equal(decodeHex('83 73 01 E9'), decodeHex('83 76 0002 C3A9'))
})

test('a reader reads one term after another out of one chunk, without version bytes', async (t) => {
  const reader = new TermReader({})
  reader.reset(fromHex('FF 61 01 68 01 52 01 6D 00000001 61 FF'), 1, [atom('a'), atom('b')])
  t.equal(reader.readTerm(), 1)
  t.equal(reader.offset, 3)
  t.ok(termEquals(reader.readTerm(), tuple(atom('b'))))
  t.equal(reader.readTerm(), 'a')
  t.throws(() => reader.readTerm(), { code: 'ERR_ETF_UNKNOWN_TAG', offset: 13, byte: 255 })
})

test('atom references are found only in the frame that has them', async (t) => {
  const reader = new TermReader({})
  const frame = fromHex('58 52 00 00000001 00000000 00000002')
  reader.reset(frame, 0, [atom('a@b')])
  t.ok((reader.readTerm() as Pid).equals(new Pid(atom('a@b'), 1, 0, 2)))
  reader.reset(frame, 0, [])
  t.throws(() => reader.readTerm(), { code: 'ERR_ETF_ATOM_CACHE', offset: 2 })
  reader.reset(frame, 0)
  t.throws(() => reader.readTerm(), { code: 'ERR_ETF_ATOM_CACHE', message: /outside a distribution frame/ })
})

test('a reader works on behind an error, wherever it happened', async (t) => {
  const reader = new TermReader({ floats: 'number' })
  for (const hex of [
    '74 00000001 74 00000001 46 00',
    `${'68 01'.repeat(500)} 74 00000001`,
    '6C 00000002 61',
  ]) {
    reader.reset(fromHex(hex))
    t.throws(() => reader.readTerm(), { code: 'ERR_ETF_TRUNCATED' })
    reader.reset(fromHex('68 01 46 3FF0000000000000'))
    t.strictSame([...(reader.readTerm() as Tuple)], [1])
  }
})

test('texts of atoms are read without a tag, as in distribution headers', async (t) => {
  const budget = new AtomBudget(0)
  const reader = new TermReader({ atomBudget: budget })
  reader.reset(fromHex('6F6B C3A9 FF'))
  t.equal(reader.readAtomText(2), atom('ok'))
  t.equal(reader.readAtomText(2), atom('é'))
  t.throws(() => reader.readAtomText(1), { code: 'ERR_ETF_ATOM' })
  t.throws(() => reader.readAtomText(1), { code: 'ERR_ETF_TRUNCATED' })
  reader.reset(fromText(`never seen before ${seed}`))
  t.throws(() => reader.readAtomText(17 + String(seed).length), { code: 'ERR_ETF_ATOM_LIMIT' })
})

test('options out of range are refused', async (t) => {
  for (const limits of [{ depth: -1 }, { atoms: 1.5 }, { inflated: Number.POSITIVE_INFINITY }]) {
    t.throws(() => decode(encode(1), { limits }), { code: 'ERR_INVALID_OPTION' })
  }
  t.ok(decode(encode(atom('x'))) instanceof Atom)
  t.ok(decode(encode(tuple())) instanceof Tuple)
})
