import { test } from 'tap'
import { ByteWriter } from '../../src/core/index.ts'
import {
  type Atom,
  atom,
  BitString,
  decode,
  type Encodable,
  EncodeError,
  type EncodeErrorCode,
  EXACT,
  ExportFun,
  encode,
  float,
  ImproperList,
  inspect,
  Pid,
  Port,
  RecordTerm,
  Reference,
  TermMap,
  TermWriter,
  tuple,
} from '../../src/etf/index.ts'
import { asReceived, fromText, sameBytes, toHex } from './bytes.ts'

/** What a value means to the other side. */
function meaning(value: Encodable): string {
  return inspect(decode(encode(value), EXACT))
}

function failure(value: unknown): EncodeError | undefined {
  try {
    encode(value as Encodable)
    return undefined
  } catch (error) {
    if (error instanceof EncodeError) return error
    throw error
  }
}

test('JavaScript values stand for the terms of the mapping', async (t) => {
  const cases: [Encodable, string][] = [
    [undefined, 'nil'],
    [null, 'nil'],
    [-0, '0'],
    [5n, '5'],
    [-(2n ** 53n), '-9007199254740992'],
    [2 ** 53, '9007199254740992.0'],
    [float(3), '3.0'],
    [float(-0), '-0.0'],
    [1.5, '1.5'],
    ['', '""'],
    [Uint8Array.of(97, 98), '"ab"'],
    [asReceived(Uint8Array.of(255)), '<<255>>'],
    [[1, undefined, 'a'], '[1, nil, "a"]'],
    [[97, 98], '~c"ab"'],
    [[1n, 2], '[1, 2]'],
    [new Array(2), '[nil, nil]'],
    [{ a: 1, b: undefined, c: { d: [] } }, '%{a: 1, c: %{d: []}}'],
    [Object.assign(Object.create(null), { a: 1 }), '%{a: 1}'],
    [{}, '%{}'],
    [new Map([['a', 1]]), '%{"a" => 1}'],
    [atom('true'), 'true'],
    [tuple(atom('nil')), '{nil}'],
    [new ImproperList([1], [2, 3]), '[1, 2, 3]'],
    [new ImproperList([], 2), '2'],
    [new BitString(Uint8Array.of(97), 8), '"a"'],
    [new BitString(new Uint8Array(0), 0), '""'],
  ]
  for (const [value, expected] of cases) t.equal(meaning(value), expected)
})

test('strings of any length and alphabet are written as UTF-8', async (t) => {
  for (const unit of ['a', 'é', '日', '\u{1f600}', 'aé日\u{1f600}']) {
    for (const count of [1, 7, 12, 13, 24, 25, 63, 64, 65, 100, 1000, 70_000]) {
      const text = unit.repeat(count)
      const bytes = encode(text)
      if (!sameBytes(bytes.subarray(6), fromText(text))) t.fail(`${count} times ${unit}`)
      if (decode(bytes) !== text) t.fail(`${count} times ${unit} back`)
      if (decode(asReceived(bytes)) !== text) t.fail(`${count} times ${unit} back from a Buffer`)
    }
  }
  t.pass('all came back')
})

test('objectKeys chooses what keys of objects become', async (t) => {
  t.equal(inspect(decode(encode({ a: { b: 1 } }, { objectKeys: 'string' }))), '%{"a" => %{"b" => 1}}')
})

test('deterministic sorts the pairs of maps by exact term order, whatever their order was', async (t) => {
  const pairs: [Encodable, Encodable][] = [
    [-1, 1],
    [5, 1],
    [float(1), 1],
    [1.5, 1],
    [atom('a'), 1],
    [atom('aa'), 1],
    [tuple(), 1],
    [new Map(), 1],
    [[], 1],
    [[1], 1],
    ['a', 1],
    ['é', 1],
  ]
  const sorted = encode(new Map(pairs))
  t.same(encode(new Map([...pairs].reverse()), { deterministic: true }), sorted)
  t.same(
    encode({ b: 1, ab: 2, a: { d: 1, c: 2 } }, { deterministic: true }),
    encode({ a: { c: 2, d: 1 }, ab: 2, b: 1 }),
  )
  const deep = (value: Encodable): Encodable => {
    let made = value
    for (let i = 0; i < 300; i++) made = tuple(made)
    return made
  }
  t.same(encode(deep(new Map([...pairs].reverse())), { deterministic: true }), encode(deep(new Map(pairs))))
})

test('maps that are keys of a map of more than 32 pairs are sorted, as virtual machines before erts 13.1.3 need', async (t) => {
  const key = new Map<Atom, number>([
    [atom('b'), 1],
    [atom('a'), 2],
  ])
  const pairs = (count: number): [Encodable, number][] => Array.from({ length: count }, (_, i) => [i, i])
  const sorted = toHex(encode(key, { deterministic: true })).slice(2)
  t.ok(toHex(encode(new Map([...pairs(32), [key, 0]]))).includes(sorted))
  t.notOk(toHex(encode(new Map([...pairs(31), [key, 0]]))).includes(sorted))
})

test('compress keeps what is shorter', async (t) => {
  const text = 'abc'.repeat(1000)
  t.equal(encode(text, { compress: true })[1], 80)
  t.equal(decode(encode(text, { compress: 9 })), text)
  t.equal(encode('abc', { compress: true })[1], 109)
  for (const compress of [-1, 10, 1.5])
    t.throws(() => encode(text, { compress }), { code: 'ERR_INVALID_OPTION' })
})

/** An object that cannot be read. */
const throwing = {
  get bad(): never {
    throw new Error('no')
  },
}

test('what is no term is refused with the way to it', async (t) => {
  const cases: [unknown, EncodeErrorCode, string][] = [
    [() => 1, 'ERR_ETF_NOT_A_TERM', 'at the top'],
    [Symbol('s'), 'ERR_ETF_NOT_A_TERM', 'at the top'],
    [new Date(), 'ERR_ETF_NOT_A_TERM', 'at the top'],
    [new Set(), 'ERR_ETF_NOT_A_TERM', 'at the top'],
    [new Uint16Array(2), 'ERR_ETF_NOT_A_TERM', 'at the top'],
    [{ a: [1, tuple(2, Number.NaN)] }, 'ERR_ETF_NOT_FINITE', 'at .a[1][1]'],
    [[Number.POSITIVE_INFINITY], 'ERR_ETF_NOT_FINITE', 'at [0]'],
    [{ 'a b': { c: '\ud800' } }, 'ERR_ETF_LONE_SURROGATE', 'at ["a b"].c'],
    [`${'long text '.repeat(20)}\udc00`, 'ERR_ETF_LONE_SURROGATE', 'at the top'],
    [new Map([['k', Symbol('s')]]), 'ERR_ETF_NOT_A_TERM', 'at .get("k")'],
    [new Map([[atom('k'), Symbol('s')]]), 'ERR_ETF_NOT_A_TERM', 'at .get(atom("k"))'],
    [new Map([[Symbol('s'), 1]]), 'ERR_ETF_NOT_A_TERM', 'at .keys()[0]'],
    [new ImproperList([1], Symbol('s')), 'ERR_ETF_NOT_A_TERM', 'at .tail'],
    [new ImproperList([Symbol('s')], 1), 'ERR_ETF_NOT_A_TERM', 'at .items[0]'],
    [
      new RecordTerm(atom('m'), atom('r'), true, [atom('f')], [Symbol('s') as never]),
      'ERR_ETF_NOT_A_TERM',
      'at .values[0]',
    ],
    [{ ['k'.repeat(256)]: 1 }, 'ERR_ETF_ATOM', 'at the top'],
    [[{ '\ud800': 1 }], 'ERR_ETF_ATOM', 'at [0]'],
    [new Reference(atom('a@b'), 1, []), 'ERR_ETF_TOO_LARGE', 'at the top'],
    [[new Reference(atom('a@b'), 1, [-1])], 'ERR_ETF_TOO_LARGE', 'at [0]'],
    [[new Pid(atom('a@b'), 2 ** 32, 0, 0)], 'ERR_ETF_TOO_LARGE', 'at [0]'],
    [[new Pid(atom('a@b'), 1.5, 0, 0)], 'ERR_ETF_TOO_LARGE', 'at [0]'],
    [{ p: new Port(atom('a@b'), -1, 0) }, 'ERR_ETF_TOO_LARGE', 'at .p'],
    [{ p: new Port(atom('a@b'), 2n ** 64n, 0) }, 'ERR_ETF_TOO_LARGE', 'at .p'],
    [[new ExportFun(atom('m'), atom('f'), 256)], 'ERR_ETF_TOO_LARGE', 'at [0]'],
    [['a\ud800'], 'ERR_ETF_LONE_SURROGATE', 'at [0]'],
    [[new Pid('a@b' as never, 1, 2, 3)], 'ERR_ETF_UNREADABLE', 'at the top'],
    [throwing, 'ERR_ETF_UNREADABLE', 'at the top'],
  ]
  for (const [value, code, place] of cases) {
    const error = failure(value)
    t.equal(error?.code, code)
    t.equal(error?.message.endsWith(place), true, `${error?.message}`)
  }
  t.strictSame(failure({ a: [1, tuple(2, Number.NaN)] })?.path, ['.a', '[1]', '[1]'])
})

test('one key twice in a map is refused, for a BEAM would close the connection over it', async (t) => {
  const doubles: [Encodable, Encodable][] = [
    [tuple(1), tuple(1)],
    [5, 5n],
    [null, undefined],
    [true, atom('true')],
    ['a', Uint8Array.of(97)],
    [1.5, float(1.5)],
    [[1], [1]],
  ]
  for (const [a, b] of doubles) {
    const error = failure(
      new Map([
        [a, 1],
        [b, 2],
      ]),
    )
    t.equal(error?.code, 'ERR_ETF_DUPLICATE_KEY', inspect(a))
  }
  t.equal(
    failure(
      new Map<Encodable, number>([
        [1, 1],
        [float(1), 2],
        ['1', 3],
        [atom('1'), 4],
      ]),
    ),
    undefined,
  )
})

test('a value that contains itself is refused, and so is one that is too deep', async (t) => {
  const list: unknown[] = [1]
  list.push({ inside: list })
  t.match(failure(list), { code: 'ERR_ETF_DEPTH', problem: /contains itself/ })
  const map = new Map<string, unknown>()
  map.set('again', tuple(map))
  t.match(failure(map), { code: 'ERR_ETF_DEPTH', problem: /contains itself/ })
  let deep: Encodable = []
  for (let i = 0; i < 1_000_000; i++) deep = [deep]
  t.match(failure(deep), { code: 'ERR_ETF_DEPTH', problem: /10000 levels/ })
  const shared = [1, 300]
  t.equal(inspect(decode(encode([shared, shared]))), '[[1, 300], [1, 300]]', 'one value twice is fine')
})

test('nesting up to limits.depth passes in both directions', async (t) => {
  for (const depth of [10, 199, 200, 201, 5000, 9_999]) {
    const kinds: ((inner: Encodable) => Encodable)[] = [
      (inner) => tuple(inner, atom('x')),
      (inner) => [inner],
      (inner) => ({ a: inner }),
      (inner) => new ImproperList([inner], 1),
      (inner) => new Map([[tuple(1), inner]]),
    ]
    let value: Encodable = 'end'
    for (let i = 0; i < depth; i++) value = kinds[i % kinds.length]!(value)
    const bytes = encode(value)
    t.same(encode(decode(bytes, EXACT)), bytes, `${depth} levels`)
  }
})

test('a writer goes on behind an error when its output is set back', async (t) => {
  const out = new ByteWriter()
  const writer = new TermWriter(out)
  writer.writeTerm(1)
  const { length } = out
  t.throws(() => writer.writeTerm([[new Map([[[Symbol('s') as never], 1]])]]), { code: 'ERR_ETF_NOT_A_TERM' })
  out.length = length
  writer.writeTerm([['a']])
  t.equal(toHex(out.view8()), '61016C000000016C000000016D00000001616A6A')
})

test('a writer asks for the index of every atom and writes it instead', async (t) => {
  const asked: Atom[] = []
  const indexes = new Map<Atom, number>([[atom('n@h'), 3]])
  const out = new ByteWriter()
  const atomRef = (each: Atom): number => {
    asked.push(each)
    return indexes.get(each) ?? -1
  }
  new TermWriter(out, { atomRef }).writeTerm([new Pid(atom('n@h'), 1, 0, 2), { key: true }])
  t.equal(
    toHex(out.view8()),
    '6C0000000258520300000001000000000000000274000000017703 6B6579 7704 74727565 6A'.replace(/ /g, ''),
  )
  t.strictSame(asked.map(String), ['n@h', 'key', 'true'])
})

test('encoding does not depend on what a TermMap holds its keys as', async (t) => {
  const map = new TermMap<Encodable, Encodable>([
    [Uint8Array.of(97), 1],
    [5n, 2],
    [undefined, 3],
  ])
  t.equal(meaning(map), '%{"a" => 1, 5 => 2, nil => 3}')
})
