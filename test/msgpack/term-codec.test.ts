import { ExtData, encode as pack, decode as unpack } from '@msgpack/msgpack'
import { test } from 'tap'
import {
  atom,
  BitString,
  decode,
  type Encodable,
  EXACT,
  ExportFun,
  encode,
  Float,
  ImproperList,
  inspect,
  Pid,
  Port,
  Reference,
  type Term,
  TermMap,
  Tuple,
  termEquals,
  tuple,
} from '../../src/etf/index.ts'
import { EXTENSION_TYPES, termCodec } from '../../src/msgpack/index.ts'
import { fromBase64 } from '../etf/bytes.ts'
import { GOLDEN_TERMS } from '../etf/golden-terms.ts'
import { readVectors } from '../etf/vectors.ts'
import { ArbitraryTerms, seed } from '../support/arbitrary-terms.ts'

const extensionCodec = termCodec()

function through(term: unknown): Term {
  return unpack(pack(term, { extensionCodec }), { extensionCodec }) as Term
}

/** The type of the extension that a value is written as. */
function typeOf(value: unknown): number {
  const found = unpack(pack(value, { extensionCodec }))
  return found instanceof ExtData ? found.type : -1
}

test('every kind of term comes back the same', async (t) => {
  for (const { tag, term } of GOLDEN_TERMS) t.ok(termEquals(through(term), term), tag)
})

test('terms of BEAM nodes come back the same, native records and funs included', async (t) => {
  for (const otp of [25, 27, 29]) {
    for (const { etf } of readVectors<{ etf: string }>(`terms_otp${otp}`)) {
      const term = decode(fromBase64(etf), EXACT)
      if (!termEquals(through(term), term)) t.fail(`${etf} changes`)
    }
  }
  t.pass('all came back')
})

test('random terms come back the same, inside of each other', async (t) => {
  t.comment(`SEED=${seed}`)
  const terms = new ArbitraryTerms(seed)
  for (let i = 0; i < 500; i++) {
    const term = terms.term(5)
    if (!termEquals(through([term, tuple(term)]), [term, tuple(term)])) t.fail(inspect(term))
  }
  t.pass('all came back')
})

test('what MessagePack has is written as what it is', async (t) => {
  const plain = {
    list: [1, 1.5, -(2 ** 40), 'text', true, null],
    bytes: Uint8Array.of(1, 255),
    deep: { a: [] },
  }
  t.strictSame(pack(plain, { extensionCodec }), pack(plain))
  t.strictSame(through(plain), plain)
  t.strictSame(through(new Date(5)), new Date(5), 'its own extension for dates stays')
  t.equal(through(undefined), null)
})

test('extensions have the tags of the external term format as types', async (t) => {
  const node = atom('a@b')
  const cases: [unknown, number][] = [
    [atom('ok'), EXTENSION_TYPES.atom],
    [tuple(1), EXTENSION_TYPES.tuple],
    [new Map(), EXTENSION_TYPES.map],
    [new ImproperList([1], 2), EXTENSION_TYPES.improperList],
    [5n, EXTENSION_TYPES.smallInteger],
    [2n ** 64n, EXTENSION_TYPES.smallBig],
    [2n ** 4096n, EXTENSION_TYPES.largeBig],
    [new Float(1), EXTENSION_TYPES.float],
    [new BitString(Uint8Array.of(0x80), 1), EXTENSION_TYPES.bitstring],
    [new BitString(Uint8Array.of(0x80), 8), EXTENSION_TYPES.binary],
    [new Pid(node, 1, 2, 3), EXTENSION_TYPES.pid],
    [new Port(node, 1, 2), EXTENSION_TYPES.port],
    [new Reference(node, 1, [2]), EXTENSION_TYPES.reference],
    [new ExportFun(node, node, 1), EXTENSION_TYPES.exportFun],
  ]
  for (const [value, type] of cases) t.equal(typeOf(value), type)
  t.equal(EXTENSION_TYPES.atom, 119)
  t.strictSame(
    pack(atom('ok'), { extensionCodec }),
    Uint8Array.of(0xd5, 119, 0x6f, 0x6b),
    'an atom is its text',
  )
  t.strictSame(
    pack(tuple(1, 'a'), { extensionCodec }),
    Uint8Array.of(0xd6, 104, 0x92, 1, 0xa1, 0x61),
    'a tuple is an array in an extension',
  )
})

test('keys of maps are any terms, and found by value', async (t) => {
  const back = through(
    new TermMap<Encodable, number>([
      [tuple(1), 1],
      ['a', 2],
      [atom('a'), 3],
      [new Float(1), 4],
      [1, 5],
    ]),
  )
  t.ok(back instanceof TermMap)
  t.equal((back as Map<Term, Term>).get(tuple(1)), 1)
  t.equal((back as Map<Term, Term>).size, 5)
  t.notOk(through(new Map([['a', 1]])) instanceof TermMap)
  t.ok((through([tuple(atom('a'))]) as Tuple[])[0] instanceof Tuple)
})

test('malformed extensions are a DecodeError', async (t) => {
  const ext = (type: number, data: Uint8Array): Uint8Array => pack(new ExtData(type, data))
  const cases: [string, number, Uint8Array, string][] = [
    ['an atom of 256 characters', 119, new Uint8Array(256).fill(97), 'ERR_ETF_ATOM'],
    ['an atom that is no UTF-8', 119, Uint8Array.of(255), 'ERR_ETF_ATOM'],
    ['an atom beyond the format', 119, new Uint8Array(70_000), 'ERR_ETF_EXTENSION'],
    ['a tuple that is no array', 104, pack(1), 'ERR_ETF_EXTENSION'],
    ['a map with a key only', 116, pack([1]), 'ERR_ETF_EXTENSION'],
    ['a map with one key twice', 116, pack([1, 2, 1, 3]), 'ERR_ETF_DUPLICATE_KEY'],
    ['an improper list without elements', 108, pack([1]), 'ERR_ETF_EXTENSION'],
    ['a pid cut short', 88, Uint8Array.of(119, 0), 'ERR_ETF_TRUNCATED'],
    ['bytes behind a float', 70, new Uint8Array(9), 'ERR_ETF_TRAILING_BYTES'],
  ]
  for (const [what, type, data, code] of cases) {
    t.throws(() => unpack(ext(type, data), { extensionCodec }), { code }, what)
  }
  t.strictSame(unpack(ext(1, new Uint8Array(2)), { extensionCodec }), new ExtData(1, new Uint8Array(2)))
})

test('nesting and new atoms are bounded', async (t) => {
  const shallow = termCodec({ depth: 3, atoms: 1 })
  const packed = pack(tuple(tuple(tuple(tuple()))), { extensionCodec })
  t.throws(() => unpack(packed, { extensionCodec: shallow }), { code: 'ERR_ETF_DEPTH' })
  t.throws(() => pack(tuple(tuple(tuple(tuple()))), { extensionCodec: shallow }), { code: 'ERR_ETF_DEPTH' })
  t.ok(
    unpack(pack(tuple(tuple(tuple())), { extensionCodec: shallow }), { extensionCodec: shallow }),
    'and goes on',
  )
  let bytes: Uint8Array = pack(1)
  for (let i = 0; i < 2000; i++) bytes = pack(new ExtData(104, pack([new ExtData(104, bytes)])))
  t.throws(() => unpack(bytes, { extensionCodec }), { code: 'ERR_ETF_DEPTH' })
  const fresh = (i: number): Uint8Array => pack(new ExtData(119, encode(`${seed}-${i}`).subarray(6)))
  t.ok(unpack(fresh(1), { extensionCodec: shallow }))
  t.throws(() => unpack(fresh(2), { extensionCodec: shallow }), { code: 'ERR_ETF_ATOM_LIMIT' })
  t.throws(() => termCodec({ depth: -1 }), { code: 'ERR_INVALID_OPTION' })
})

test('a tuple may have more elements than a call has arguments', async (t) => {
  const bytes = pack(new ExtData(EXTENSION_TYPES.tuple, pack(new Array(300_000).fill(1))))
  const back = unpack(bytes, { extensionCodec }) as Tuple
  t.ok(back instanceof Tuple)
  t.equal(back.length, 300_000)
  t.same(pack(back, { extensionCodec }), bytes)
})
