import { zlibSync } from 'fflate'
import { test } from 'tap'
import {
  AtomBudget,
  DecodeError,
  type DecodeErrorCode,
  type DecodeOptions,
  decode,
  type Encodable,
  EXACT,
  encode,
  TermMap,
  TermReader,
  Tuple,
  tuple,
} from '../../src/etf/index.ts'
import { ArbitraryTerms, randomNumbers, seed } from '../support/arbitrary-terms.ts'
import { fromHex, textToHex, toHex } from './bytes.ts'
import { GOLDEN_TERMS } from './golden-terms.ts'

/** The error that decoding fails with; anything but a DecodeError is a failure of the test. */
function failure(bytes: Uint8Array, options?: DecodeOptions): DecodeError | undefined {
  try {
    decode(bytes, options)
    return undefined
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

function failureOf(hex: string, options?: DecodeOptions): DecodeError | undefined {
  return failure(fromHex(hex), options)
}

/** `count` times the prefix, then the end: containers inside each other. */
function nested(prefix: string, count: number, end: string): Uint8Array {
  const one = fromHex(prefix)
  const last = fromHex(end)
  const bytes = new Uint8Array(1 + one.length * count + last.length)
  bytes[0] = 131
  for (let i = 0; i < count; i++) bytes.set(one, 1 + i * one.length)
  bytes.set(last, 1 + one.length * count)
  return bytes
}

test('every golden term cut short at any byte is an error', async (t) => {
  for (const { tag, hex } of GOLDEN_TERMS) {
    const whole = fromHex(`83 ${hex}`)
    for (let length = 1; length < whole.length; length++) {
      const error = failure(whole.subarray(0, length))
      if (error === undefined) t.fail(`${tag} cut to ${length} bytes was decoded`)
      else if (error.offset > length) t.fail(`${tag} cut to ${length} bytes fails at ${error.offset}`)
    }
  }
  t.pass('all were refused')
})

test('bytes behind the term are an error', async (t) => {
  for (const { tag, hex } of GOLDEN_TERMS) {
    t.equal(failureOf(`83 ${hex} 00`)?.code, 'ERR_ETF_TRAILING_BYTES', tag)
  }
})

test('each violation has its code, the offset and the byte there', async (t) => {
  const cases: [string, DecodeErrorCode, number, number | undefined][] = [
    ['', 'ERR_ETF_VERSION', 0, undefined],
    ['82 61 01', 'ERR_ETF_VERSION', 0, 0x82],
    ['83', 'ERR_ETF_TRUNCATED', 1, undefined],
    ['83 00', 'ERR_ETF_UNKNOWN_TAG', 1, 0],
    ['83 75 00000000', 'ERR_ETF_UNKNOWN_TAG', 1, 117],
    ['83 68 01 50 00000001', 'ERR_ETF_UNKNOWN_TAG', 3, 80],
    ['83 68 01 83', 'ERR_ETF_UNKNOWN_TAG', 3, 131],
    ['83 79 00000000 61 01', 'ERR_ETF_LOCAL', 1, 121],
    ['83 52 00', 'ERR_ETF_ATOM_CACHE', 2, 0],
    ['83 77 01 FF', 'ERR_ETF_ATOM', 3, 0xff],
    ['83 77 03 EDA080', 'ERR_ETF_ATOM', 3, 0xed],
    [`83 76 0100 ${'61'.repeat(256)}`, 'ERR_ETF_ATOM', 4, 0x61],
    [`83 64 0100 ${'61'.repeat(256)}`, 'ERR_ETF_ATOM', 4, 0x61],
    [`83 76 FFFF ${'61'.repeat(65535)}`, 'ERR_ETF_ATOM', 4, 0x61],
    ['83 58 61 01', 'ERR_ETF_ATOM', 2, 0x61],
    ['83 6E 01 02 05', 'ERR_ETF_INTEGER', 3, 2],
    ['83 6F 00800001 00', 'ERR_ETF_INTEGER', 6, 0],
    ['83 46 7FF0000000000000', 'ERR_ETF_FLOAT', 2, 0x7f],
    ['83 46 7FF8000000000000', 'ERR_ETF_FLOAT', 2, 0x7f],
    [`83 63 ${textToHex('nan')} ${'00'.repeat(28)}`, 'ERR_ETF_FLOAT', 2, 0x6e],
    [`83 63 ${textToHex('1.0e999')} ${'00'.repeat(24)}`, 'ERR_ETF_FLOAT', 2, 0x31],
    ['83 4D 00000001 09 00', 'ERR_ETF_BITS', 6, 9],
    ['83 4D 00000001 00 00', 'ERR_ETF_BITS', 6, 0],
    ['83 4D 00000000 01', 'ERR_ETF_BITS', 6, 1],
    ['83 5A 0000 77 00 00000000', 'ERR_ETF_REFERENCE', 2, 0],
    ['83 5A 0006 77 00 00000000', 'ERR_ETF_REFERENCE', 2, 0],
    ['83 71 77 01 6D 77 01 66 62 00000001', 'ERR_ETF_FUN', 8, 98],
    ['83 43 00000000 02 77 00 77 00', 'ERR_ETF_RECORD', 6, 2],
    ['83 74 00000002 61 01 6A 61 01 6A', 'ERR_ETF_DUPLICATE_KEY', 1, 116],
    ['83 74 00000002 77 02 6F6B 6A 64 0002 6F6B 6A', 'ERR_ETF_DUPLICATE_KEY', 1, 116],
    ['83 74 00000002 68 01 61 01 6A 68 01 62 00000001 6A', 'ERR_ETF_DUPLICATE_KEY', 1, 116],
    ['83 74 00000002 6D 00000001 FF 6A 6D 00000001 FF 6A', 'ERR_ETF_DUPLICATE_KEY', 1, 116],
  ]
  for (const [hex, code, offset, byte] of cases) {
    const error = failureOf(hex)
    t.match(error, { code, offset, byte }, `${hex.slice(0, 40)} is ${code}`)
  }
})

test('1 and 1.0 are two keys of a map, whatever floats become', async (t) => {
  const map = decode(fromHex('83 74 00000002 61 01 6A 46 3FF0000000000000 6A'))
  t.equal(map instanceof Map && map.size, 2)
})

test('announced counts beyond the bytes at hand are refused before anything is made of them', async (t) => {
  for (const hex of [
    '6C FFFFFFFF',
    '69 00FFFFFF',
    '69 FFFFFFFF',
    '74 FFFFFFFF',
    '6D FFFFFFFF',
    '4D FFFFFFFF 01',
    '6B FFFF',
    '6F 00700000 00',
    '43 FFFFFFFF 00',
    '76 FFFF',
    `70 00000000 00 ${'00'.repeat(16)} 00000000 FFFFFFFF`,
  ]) {
    for (const prefix of ['83', '83 68 01', `83 ${'68 01'.repeat(300)}`]) {
      const error = failureOf(`${prefix} ${hex} 6A 6A 6A`)
      t.equal(error?.code, 'ERR_ETF_TRUNCATED', `${prefix.slice(0, 8)} ${hex.slice(0, 12)}`)
    }
  }
  t.equal(
    failure(nested('69 01000000', 1, '6A'.repeat(0x1000000)), { limits: { elements: 2 ** 25 } })?.code,
    'ERR_ETF_TUPLE',
    'a tuple of 2^24 elements',
  )
})

test('a million levels of nesting are refused without a stack overflow', async (t) => {
  const forms: [string, string, string][] = [
    ['tuples', '68 01', '6A'],
    ['lists', '6C 00000001', '6A'],
    ['maps as values', '74 00000001 61 01', '6A'],
    ['maps as keys', '74 00000001', '6A'],
    ['large tuples', '69 00000001', '6A'],
    ['records', '43 00000001 00 77 00 77 00 77 00', '6A'],
    [
      'funs',
      `70 00000000 00 ${'00'.repeat(16)} 00000000 00000001 77 00 61 00 61 00 58 77 00 000000000000000000000000`,
      '6A',
    ],
  ]
  for (const [name, prefix, end] of forms) {
    t.equal(failure(nested(prefix, 1_000_000, end))?.code, 'ERR_ETF_DEPTH', name)
    t.equal(failure(nested(prefix, 1_000_000, ''))?.code, 'ERR_ETF_DEPTH', `${name}, cut short`)
  }
})

test('a list that goes on in its tail is one list, however often it does', async (t) => {
  const list = decode(nested('6C 00000001 61 01', 100_000, '6A'))
  t.equal(Array.isArray(list) && list.length, 100_000)
  const deep = decode(fromHex(`83 ${'68 01'.repeat(300)} ${'6C 00000001 61 01'.repeat(1000)} 6A`))
  let inner = deep
  while (inner instanceof Tuple) inner = inner[0]!
  t.equal(Array.isArray(inner) && inner.length, 1000)
})

test('limits.depth is the number of levels that pass', async (t) => {
  for (const depth of [1, 5, 199, 200, 201, 1000, 50_000]) {
    const options = { limits: { depth } }
    t.equal(failure(nested('68 01', depth, '6A'), options), undefined, `${depth} levels pass`)
    t.equal(
      failure(nested('68 01', depth + 1, '61 00'), options)?.code,
      'ERR_ETF_DEPTH',
      `${depth + 1} do not`,
    )
  }
  t.equal(failureOf('83 61 00', { limits: { depth: 0 } }), undefined)
  t.equal(failureOf('83 68 00', { limits: { depth: 0 } })?.code, 'ERR_ETF_DEPTH')
})

test('funs count as levels, and what they hold goes on counting, on both ways', async (t) => {
  const fun = `70 00000000 00 ${'00'.repeat(16)} 00000000 00000001 77 00 61 00 61 00 58 77 00 000000000000000000000000`
  // Four funs at different depths, so that all ways of reading and writing are taken.
  const parts = [3, 250, 250, 40].map((levels) => '68 01'.repeat(levels) + fun).join('')
  const levels = 3 + 250 + 250 + 40 + 4
  const bytes = fromHex(`83 ${parts} 6A`)
  const term = decode(bytes, { ...EXACT, limits: { depth: levels } }) as Encodable
  t.equal(failure(bytes, { limits: { depth: levels - 1 } })?.code, 'ERR_ETF_DEPTH')
  t.same(decode(encode(term, { limits: { depth: levels } }), EXACT), term)
  t.throws(() => encode(term, { limits: { depth: levels - 1 } }), { code: 'ERR_ETF_DEPTH' })
  t.equal(failure(nested(fun, 4, '61 00'), { limits: { depth: 3 } })?.code, 'ERR_ETF_DEPTH')
  t.equal(failure(nested(fun, 3, '61 00'), { limits: { depth: 3 } }), undefined)
})

test('keys of maps go on counting levels, on both ways', async (t) => {
  const key = `${'68 01'.repeat(300)} 61 01`
  const map = `74 00000001 ${key} 61 01`
  const bytes = fromHex(`83 ${'68 01'.repeat(300)} ${map}`)
  const term = decode(bytes, { ...EXACT, limits: { depth: 601 } }) as Encodable
  t.equal(failure(bytes, { limits: { depth: 600 } })?.code, 'ERR_ETF_DEPTH')
  t.ok(encode(term, { limits: { depth: 601 } }))
  t.throws(() => encode(term, { limits: { depth: 600 } }), { code: 'ERR_ETF_DEPTH' })
})

test('new atoms are counted against the budget, known ones are free', async (t) => {
  const fresh = (i: number): string => `77 08 ${textToHex(`${(seed + i) % 1000}`.padEnd(8, `${i}x`))}`
  const atomBudget = new AtomBudget(2)
  t.equal(failureOf(`83 68 02 ${fresh(1)} ${fresh(2)}`, { atomBudget }), undefined)
  t.equal(atomBudget.used, 2)
  t.equal(failureOf(`83 68 03 77 02 6F6B ${fresh(1)} ${fresh(2)}`, { atomBudget }), undefined, 'again')
  t.equal(atomBudget.used, 2)
  t.equal(failureOf(`83 ${fresh(3)}`, { atomBudget })?.code, 'ERR_ETF_ATOM_LIMIT')
  t.equal(failureOf(`83 ${fresh(3)}`, { limits: { atoms: 0 } })?.code, 'ERR_ETF_ATOM_LIMIT')
  t.equal(failureOf(`83 ${fresh(3)}`, { limits: { atoms: 1 } }), undefined)
})

test('compressed terms are bounded and checked', async (t) => {
  const term = fromHex(`6D 00010000 ${'61'.repeat(0x10000)}`)
  const header = (size: number): Uint8Array =>
    Uint8Array.of(131, 80, size >>> 24, size >>> 16, size >>> 8, size)
  const packed = (size: number, zlib: Uint8Array): Uint8Array => Uint8Array.from([...header(size), ...zlib])
  const good = zlibSync(term)
  t.equal(decode(packed(term.length, good)), 'a'.repeat(0x10000))
  const refused: [string, Uint8Array, DecodeOptions?][] = [
    ['a size beyond limits.inflated', packed(term.length, good), { limits: { inflated: 1000 } }],
    ['a size that no zlib data of this length can have', packed(0x3ffffff, good)],
    ['a size that is too small', packed(term.length - 1, good)],
    ['a size that is too large', packed(term.length + 1, good)],
    ['a wrong checksum', packed(term.length, Uint8Array.from([...good.slice(0, -1), good.at(-1)! ^ 1]))],
    ['bytes behind the checksum', packed(term.length, Uint8Array.from([...good, 0]))],
    ['no zlib data', packed(5, Uint8Array.from(new Array(20).fill(0xaa)))],
    ['nothing', packed(0, new Uint8Array(0))],
  ]
  for (const [name, bytes, options] of refused)
    t.equal(failure(bytes, options)?.code, 'ERR_ETF_COMPRESSED', name)
  for (let length = 2; length < good.length + 6; length++) {
    const error = failure(packed(term.length, good).subarray(0, length))
    if (error === undefined) t.fail(`compressed data cut to ${length} bytes was decoded`)
  }
  t.equal(failure(header(0).subarray(0, 4))?.code, 'ERR_ETF_TRUNCATED')
})

test('random bytes and mutated terms give a term or a DecodeError', async (t) => {
  t.comment(`SEED=${seed}`)
  const random = randomNumbers(seed)
  const terms = new ArbitraryTerms(seed)
  const atomBudget = new AtomBudget(5000)
  let refused = 0
  for (let i = 0; i < 4000; i++) {
    const bytes = encode(terms.term(3), i % 5 === 0 ? { compress: true } : {})
    const changes = 1 + Math.floor(random() * 3)
    for (let k = 0; k < changes; k++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    const options: DecodeOptions =
      i % 2 === 0 ? { ...EXACT, atomBudget } : { maps: 'object', binaries: 'buffer', atomBudget }
    if (failure(bytes, options) !== undefined) refused++
    const noise = Uint8Array.from({ length: 40 }, (_, at) => (at === 0 ? 131 : Math.floor(random() * 256)))
    if (failure(noise, options) === undefined) t.comment(`decoded ${toHex(noise)}`)
  }
  t.ok(refused > 500, `${refused} of 4000 mutated terms were refused`)
})

test('elements are bounded over all containers of a term, whatever their bytes', async (t) => {
  const limits = { elements: 100 }
  const nils = (count: number): string => 'j'.charCodeAt(0).toString(16).repeat(count)
  const word = (count: number): string => count.toString(16).padStart(8, '0')
  const many: [string, string][] = [
    ['one list', `6C ${word(101)} ${nils(101)} 6A`],
    ['lists in a tuple', `68 03 ${`6C ${word(33)} ${nils(33)} 6A`.repeat(3)}`],
    ['tuples in a list', `6C ${word(26)} ${'68 03 6A6A6A'.repeat(26)} 6A`],
    ['a large tuple', `69 ${word(101)} ${nils(101)}`],
    ['empty maps', `6C ${word(21)} ${'74 00000000'.repeat(21)} 6A`],
    ['pairs', `74 ${word(49)} ${Array.from({ length: 49 }, (_, i) => `61 ${word(i).slice(6)} 6A`).join('')}`],
    ['list of bytes', `6B 0065 ${'00'.repeat(101)}`],
  ]
  for (const [name, hex] of many) {
    t.equal(failureOf(`83 ${hex}`, { limits })?.code, 'ERR_ETF_TOO_LARGE', name)
    t.equal(failureOf(`83 ${hex}`), undefined, `${name}, by default`)
  }
  t.equal(failureOf(`83 6C ${word(100)} ${nils(100)} 6A`, { limits }), undefined, 'at the limit')
  const reader = new TermReader({ limits })
  const list = fromHex(`6C ${word(60)} ${nils(60)} 6A`.repeat(2))
  reader.reset(list)
  reader.readTerm()
  t.throws(() => reader.readTerm(), { code: 'ERR_ETF_TOO_LARGE' }, 'over all terms of a message')
  reader.reset(list)
  t.equal((reader.readTerm() as unknown[]).length, 60, 'and anew for the next message')
})

test('a small binary does not hold a message of many megabytes in memory', async (t) => {
  const bytes = encode(tuple(new Uint8Array(8192).fill(200), new Uint8Array(1_000_000).fill(200)))
  const [small, large] = (decode(bytes) as Tuple).toArray() as [Uint8Array, Uint8Array]
  t.equal(small.length, 8192)
  t.ok(small.buffer.byteLength < 100_000, 'the small one is a copy')
  t.equal(large.buffer, bytes.buffer, 'the large one is not')
})

/** So large that the quadratic ways, which took 90 s for half of it, would not end within the time limit of a test file. */
test('large integers and binaries in keys of maps cost no more than their bytes', async (t) => {
  const integer = 2n ** 48_000_000n
  const map = new TermMap<Encodable, number>([
    [tuple(integer), 1],
    [tuple(-integer), 2],
    [new Uint8Array(8_000_000).fill(200), 3],
  ])
  const same = decode(encode(map)) as TermMap<Encodable, number>
  t.equal(same.get(tuple(integer)), 1)
  t.equal(same.get(tuple(-integer)), 2)
})
