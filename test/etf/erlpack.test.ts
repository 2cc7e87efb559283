import { zlibSync } from 'fflate'
import { test } from 'tap'
import { atom, encode, erlpack, ImproperList, Pid, tuple } from '../../src/etf/index.ts'
import { fromHex, fromText, NodeBuffer, toHex } from './bytes.ts'
import { readVectors } from './vectors.ts'

interface ErlpackVector {
  readonly value: unknown
  readonly packed?: string
  readonly etf?: string
}

const VECTORS = readVectors<ErlpackVector>('erlpack_vectors')

test('values are packed to the bytes of erlpack, and come back', async (t) => {
  const packed = VECTORS.filter((vector) => vector.packed !== undefined)
  for (const { value, packed: expected } of packed) {
    t.equal(toHex(erlpack.pack(value)), expected!.toUpperCase())
    // Integers that need a bigint here are strings there, whoever packed them.
    const isWide = /6e0[4-8]00/.test(expected!)
    if (!isWide) t.equal(JSON.stringify(erlpack.unpack(fromHex(expected!))), JSON.stringify(value))
  }
  t.equal(packed.length, 300)
  t.ok(erlpack.pack(1) instanceof (NodeBuffer ?? Uint8Array), 'a Buffer where there is one')
})

test('terms are unpacked to the values of erlpack', async (t) => {
  const terms = VECTORS.filter((vector) => vector.etf !== undefined)
  for (const { value, etf } of terms) t.strictSame(erlpack.unpack(fromHex(etf!)), value, etf!)
  t.ok(terms.length > 40)
})

test('values that JSON has not are packed as erlpack packs them', async (t) => {
  const cases: [unknown, string][] = [
    [undefined, '7303 6E696C'],
    [{ a: undefined }, '74 00000001 6D 00000001 61 7303 6E696C'],
    [-0, '46 8000000000000000'],
    [Number.NaN, '46 7FF8000000000000'],
    [new Array(3), '6A'],
    // biome-ignore lint/suspicious/noSparseArray: holes are what this is about
    [[1, , 3], '6C 00000002 6101 6103 6A'],
    [new Date(), '74 00000000'],
    [new Map([[1, 2]]), '74 00000000'],
    [() => 1, '74 00000000'],
    [Uint8Array.of(97, 98), '74 00000002 6100 6161 6101 6162'],
    [{ 4294967294: 1, '01': 2 }, '74 00000002 6E0400FEFFFFFF 6101 6D 00000002 3031 6102'],
    ['a\ud800b', '6D 00000005 61EFBFBD62'],
  ]
  for (const [value, hex] of cases) t.equal(toHex(erlpack.pack(value)), `83${hex.replaceAll(' ', '')}`)
  t.ok(Object.is(erlpack.unpack(fromHex('83 46 8000000000000000')), -0))
})

test('what newer nodes send is understood as well', async (t) => {
  t.strictSame(erlpack.unpack(encode({ ok: [atom('true'), atom('née'), tuple(2n ** 60n)] })), {
    ok: [true, 'née', ['1152921504606846976']],
  })
  t.equal(erlpack.unpack(fromHex('83 73 01 E9')), 'é')
  t.strictSame(erlpack.unpack(encode(new Pid(atom('n'), 1, 2, 3))), {
    node: 'n',
    id: 1,
    serial: 2,
    creation: 3,
  })
  const compressed = encode('a'.repeat(1000), { compress: true })
  t.equal(erlpack.unpack(compressed), 'a'.repeat(1000))
})

test('a key that is called __proto__ stays a key', async (t) => {
  const map = erlpack.unpack(erlpack.pack(JSON.parse('{"__proto__": {"admin": true}}'))) as {
    admin?: boolean
  }
  t.equal(map.admin, undefined)
  t.ok(Object.hasOwn(map, '__proto__'))
})

/** Compressed terms in each other, each of which inflates to this many bytes; what the inner ones are padded with is not read. */
function compressedTwice(size: number): Uint8Array {
  let term = Uint8Array.of(97, 1)
  for (let i = 0; i < 2; i++) {
    const padded = new Uint8Array(size)
    padded.set(term)
    // The checksum of the term inside is looked for at the very end.
    if (i > 0) padded.set(term.subarray(-4), size - 4)
    const head = Uint8Array.of(80, 0, 0, 0, 0)
    new DataView(head.buffer).setUint32(1, size)
    term = Uint8Array.from([...head, ...zlibSync(padded, { level: 1 })])
  }
  return Uint8Array.from([131, ...term])
}

test('what erlpack breaks on is a typed error', async (t) => {
  t.throws(() => erlpack.pack({ a: [1n] }), { code: 'ERR_ETF_NOT_A_TERM', path: ['.a', '[0]'] })
  t.throws(() => erlpack.pack(Symbol('s')), { code: 'ERR_ETF_NOT_A_TERM' })
  const loop: unknown[] = []
  loop.push(loop)
  t.throws(() => erlpack.pack(loop), { code: 'ERR_ETF_DEPTH' })
  const refused: [string | Uint8Array, string][] = [
    ['', 'ERR_ETF_VERSION'],
    ['82 61 01', 'ERR_ETF_VERSION'],
    ['83', 'ERR_ETF_TRUNCATED'],
    ['83 6D 00000002 61', 'ERR_ETF_TRUNCATED'],
    ['83 6C FFFFFFFF 61', 'ERR_ETF_TRUNCATED'],
    ['83 74 FFFFFFFF 61', 'ERR_ETF_TRUNCATED'],
    ['83 6E 09 00 010101010101010101', 'ERR_ETF_INTEGER'],
    ['83 46 00', 'ERR_ETF_TRUNCATED'],
    ['83 4D 00000001 03 A0', 'ERR_ETF_UNKNOWN_TAG'],
    [encode(new ImproperList([1], 2)), 'ERR_ETF_UNKNOWN_TAG'],
    [
      encode(
        new Map([
          [
            new Map([
              ['toString', 1],
              ['valueOf', 2],
            ]),
            3,
          ],
        ]),
      ),
      'ERR_ETF_UNKNOWN_TAG',
    ],
    [compressedTwice(40 << 20), 'ERR_ETF_COMPRESSED'],
    [`83 ${'68 01'.repeat(1_000_000)}`, 'ERR_ETF_DEPTH'],
    [`83 50 10000000 ${'00'.repeat(9)}`, 'ERR_ETF_COMPRESSED'],
    [`83 63 ${'00'.repeat(31)}`, 'ERR_ETF_FLOAT'],
  ]
  for (const [given, code] of refused) {
    const bytes = typeof given === 'string' ? fromHex(given) : given
    t.throws(() => erlpack.unpack(bytes), { code }, code)
  }
  t.equal(
    erlpack.unpack(Uint8Array.of(...erlpack.pack(1), ...fromText('more'))),
    1,
    'as erlpack, not the rest',
  )
})

test('nothing but the packed bytes is in the memory behind them', async (t) => {
  // What the process had in its memory before, where it is not cleared.
  for (let i = 0; i < 50; i++) NodeBuffer?.alloc(400_000, 0x5a)
  for (const size of [1, 100, 3000, 5000, 70_000, 150_000, 300_000]) {
    const packed = erlpack.pack('x'.repeat(size))
    const { buffer, byteOffset, byteLength, length } = packed
    t.equal(length, size + 6)
    const behind = new Uint8Array(buffer, byteOffset + byteLength)
    t.ok(
      behind.every((byte) => byte === 0),
      `${size}: ${behind.length} bytes behind it`,
    )
    t.equal(byteOffset, 0, `${size}: nothing before it`)
  }
})
