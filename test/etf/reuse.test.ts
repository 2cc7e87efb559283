/** One reader and one writer serve call after call: nothing of a call may be left for the next one. */
import { test } from 'tap'
import {
  AtomBudget,
  atom,
  type DecodeOptions,
  decode,
  defineStruct,
  type Encodable,
  EXACT,
  encode,
  Float,
  float,
  RecordTerm,
  type StructCodec,
  type Term,
} from '../../src/etf/index.ts'
import { asReceived, fromText, sameBytes } from './bytes.ts'

const NAMES = [atom('a'), atom('b')] as const
const sample = encode(new Map<Encodable, Encodable>([[NAMES[0], float(1)]]))

test('each call has its own options, also when the object with them is changed in between', async (t) => {
  const options: { -readonly [K in keyof DecodeOptions]: DecodeOptions[K] } = {}
  t.same(decode(sample, options), new Map([[NAMES[0], 1]]))
  options.maps = 'object'
  t.same(decode(sample, options), { a: 1 })
  options.floats = 'exact'
  t.same(decode(sample, options), { a: new Float(1) })
  t.same(decode(sample), new Map([[NAMES[0], 1]]))
  t.same(decode(sample, EXACT), new Map([[NAMES[0], new Float(1)]]))
  const limits = { depth: 5 }
  const nested: Encodable = [[[[]]]]
  t.same(decode(encode(nested), { limits }), nested)
  limits.depth = 2
  t.throws(() => decode(encode(nested), { limits }), { code: 'ERR_ETF_DEPTH' })
  t.throws(() => encode([[['a']]], { limits }), { code: 'ERR_ETF_DEPTH' })
  limits.depth = 9
  t.same(decode(encode(nested, { limits }), { limits }), nested)
})

test('a writer that takes native records serves no call that refuses them', async (t) => {
  const record = new RecordTerm(atom('m'), atom('n'), true, [], [])
  t.equal(encode(record)[1], 67)
  t.throws(() => encode(record, { records: false }), { code: 'ERR_ETF_RECORD' })
  t.equal(encode(record)[1], 67)
})

class Point {
  x = 0
}

/** A value whose class the types do not know. */
function untyped(value: unknown): Encodable {
  return value as Encodable
}

test('a list of structs may grow between calls', async (t) => {
  const structs: StructCodec[] = []
  const bytes = encode(
    new Map<Encodable, Encodable>([
      [atom('__struct__'), atom('Elixir.P')],
      [atom('x'), 1],
    ]),
  )
  t.ok(decode(bytes, { structs }) instanceof Map)
  t.throws(() => encode(untyped(new Point()), { structs }), { code: 'ERR_ETF_NOT_A_TERM' })
  structs.push(defineStruct('P', Point))
  t.ok(decode(bytes, { structs }) instanceof Point)
  t.equal(encode(untyped(new Point()), { structs })[0], 131)
})

test('the code of a struct may itself encode and decode', async (t) => {
  class Sealed {
    readonly value: Term
    constructor(value: Term) {
      this.value = value
    }
  }
  const structs = [
    defineStruct('Sealed', Sealed, {
      encode: ({ value }) => ({ bytes: encode(value) }),
      decode: ({ bytes }) => new Sealed(decode(bytes as Uint8Array, { maps: 'object' })),
    }),
  ]
  const codec = { structs }
  const inner = { a: [1, 'two', 300], b: asReceived(Uint8Array.of(255)) }
  for (let i = 0; i < 3; i++) {
    const bytes = encode(untyped([1, new Sealed(inner), new Sealed(5), 'end']), codec)
    const [first, one, two, last] = decode(bytes, codec) as [number, Sealed, Sealed, string]
    t.same([first, last], [1, 'end'])
    t.same(one.value, inner)
    t.equal(two.value, 5)
  }
})

test('an error leaves nothing behind', async (t) => {
  const bytes = encode(['x'.repeat(100), new Map([['k', 1]]), 5])
  const good = decode(bytes)
  for (let length = 1; length < bytes.length; length++) {
    t.throws(() => decode(bytes.subarray(0, length)), { code: 'ERR_ETF_TRUNCATED' })
    t.throws(() => encode(untyped(['y'.repeat(length), () => {}])), { code: 'ERR_ETF_NOT_A_TERM' })
    t.same(decode(bytes), good)
    t.same(encode(good), bytes)
  }
})

test('the limit on new atoms counts each call for itself, and a budget over all of them', async (t) => {
  const limits = { atoms: 2 }
  const fresh = (name: string): Uint8Array => Uint8Array.from([131, 119, name.length, ...fromText(name)])
  for (const name of ['reuse_1', 'reuse_2', 'reuse_3', 'reuse_4']) {
    t.equal(decode(fresh(name), { limits }), atom(name))
  }
  const atomBudget = new AtomBudget(2)
  decode(fresh('reuse_5'), { atomBudget })
  decode(fresh('reuse_6'), { atomBudget })
  t.throws(() => decode(fresh('reuse_7'), { atomBudget }), { code: 'ERR_ETF_ATOM_LIMIT' })
})

test('encoded bytes stay as they are, whatever is encoded next', async (t) => {
  for (const size of [0, 10, 100, 1000, 120_000, 131_072, 140_000, 262_144, 400_000, 1 << 20]) {
    const first = encode(new Uint8Array(size).fill(1))
    const copy = first.slice()
    const second = encode([new Uint8Array(size).fill(2), 'more', 1.5])
    encode(new Uint8Array(size + 7).fill(3))
    t.ok(sameBytes(first, copy), `${size} bytes`)
    t.not(first.buffer, second.buffer)
    for (const bytes of [first, second]) {
      const behind = new Uint8Array(bytes.buffer, bytes.byteOffset + bytes.length)
      t.ok(
        behind.every((byte) => byte === 0),
        `nothing stands in the memory behind ${size} bytes`,
      )
      t.ok(bytes.buffer.byteLength <= bytes.length * 1.5)
    }
  }
})

test('an atom is never taken for another one, however alike their bytes are', async (t) => {
  // An atom of 256 bytes and more has a length of two bytes: 118 1 0 text. The same bytes behind tag 119 are an atom of
  // one character.
  const text = `\0${'é'.repeat(127)}x`
  const long = encode(atom(`${text}y`))
  t.equal(long[1], 118)
  for (let i = 0; i < 3; i++) {
    t.equal(decode(long), atom(`${text}y`))
    const list = Uint8Array.from([131, 108, 0, 0, 0, 1, 119, 1, 0, 106])
    t.same(decode(list), [atom('\0')])
    const small = long.slice()
    small[1] = 119
    t.throws(() => decode(small), { code: 'ERR_ETF_TRAILING_BYTES' })
  }
})

test('keys that are met in the same order as before, and in another one, are told apart', async (t) => {
  const names = ['k1', 'k2', 'k22', 'k3', 'true', 'nil', 'kk', 'k']
  for (let i = 0; i < 200; i++) {
    const order = names.map((_, k) => names[(k * 3 + i) % names.length]!).slice(0, 1 + (i % names.length))
    const object = Object.fromEntries(order.map((name, k) => [name, k]))
    const bytes = encode(object)
    t.same(decode(bytes, { maps: 'object' }), object)
    t.same(
      [...(decode(bytes) as Map<Term, Term>).keys()],
      order.map((name) => atom(name).term),
    )
  }
})

test("properties that an object inherits are no keys, and stand in no key's way", async (t) => {
  const object = { constructor: 1, toString: 2, hasOwnProperty: 3, ['__proto__']: 4, own: 5 }
  t.same(Object.keys(object).length, 5)
  const bytes = encode(object)
  const back = decode(bytes, { maps: 'object' }) as Record<string, unknown>
  t.same(Object.entries(back), Object.entries(object))
  t.equal(Object.getPrototypeOf(back), Object.prototype)
  const heir = Object.create(null, {
    a: { value: 1, enumerable: true },
    hidden: { value: 2, enumerable: false },
    [Symbol('s')]: { value: 3, enumerable: true },
    left: { value: undefined, enumerable: true },
  }) as Record<string, unknown>
  t.same(decode(encode(heir as Encodable), { maps: 'object' }), { a: 1 })
  Object.defineProperty(Object.prototype, 'polluted', { value: 1, enumerable: true, configurable: true })
  try {
    t.same(decode(encode({ a: 1 })), new Map([[atom('a'), 1]]))
  } finally {
    Reflect.deleteProperty(Object.prototype, 'polluted')
  }
})

test('a map whose keys turn out to be mixed is a map with all its pairs', async (t) => {
  const cases: [Encodable, Encodable][][] = [
    [
      [atom('a'), 1],
      ['a', 2],
    ],
    [
      ['1', 1],
      ['b', 2],
      [atom('b'), 3],
    ],
    [
      [atom('nil'), 1],
      [true, 2],
      [5, 3],
      ['x', 4],
    ],
    [
      [atom('a'), 1],
      [[1, 2], { b: 1, c: [{ d: 1 }] }],
      [atom('z'), 2],
    ],
  ]
  for (const pairs of cases) {
    const back = decode(encode(new Map(pairs)), { maps: 'object' }) as Map<Term, Term>
    t.ok(back instanceof Map)
    t.equal(back.size, pairs.length)
    for (const [key, value] of pairs) {
      const stored = Array.isArray(key) ? [...back.keys()].find(Array.isArray) : key
      t.same(back.get((stored === atom('nil') ? null : stored) as Term), value)
    }
  }
})
