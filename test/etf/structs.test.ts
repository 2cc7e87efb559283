import { test } from 'tap'
import {
  atom,
  CalendarDate,
  Decimal,
  decode,
  defineStruct,
  type Encodable,
  elixirStructs,
  encode,
  inspect,
  parseTerm,
  Range,
  type Term,
  TermSet,
  tuple,
} from '../../src/etf/index.ts'

class User {
  name: string
  age = 0

  constructor(name: string) {
    this.name = name
  }
}

const options = { structs: [...elixirStructs, defineStruct('MyApp.User', User)] }

/** What a value means to the other side. */
function meaning(value: unknown): string {
  return inspect(decode(encode(value as Encodable, options)))
}

function arriving(text: string): unknown {
  return decode(encode(parseTerm(text)), options)
}

test('an instance of a registered class is a struct, and comes back as an instance', async (t) => {
  const user = Object.assign(new User('Ann'), { age: 31 })
  t.equal(meaning(user), '%MyApp.User{name: "Ann", age: 31}')
  t.equal(meaning([{ user }]), '[%{user: %MyApp.User{name: "Ann", age: 31}}]')
  const back = decode(encode(tuple(user as never), options), options) as unknown as { 0: User }
  t.ok(back[0] instanceof User)
  t.strictSame({ ...back[0] }, { name: 'Ann', age: 31 })
})

test('mappings decide about fields, and about what stays a map', async (t) => {
  const structs = [
    defineStruct('P', User, {
      decode: ({ n }) => (typeof n === 'string' ? new User(n) : undefined),
      encode: ({ name }) => ({ n: name }),
    }),
  ]
  t.equal(inspect(decode(encode(new User('x') as never, { structs }))), '%P{n: "x"}')
  t.ok((decode(encode(parseTerm('%P{n: "x"}')), { structs }) as unknown) instanceof User)
  t.ok(decode(encode(parseTerm('%P{n: 1}')), { structs }) instanceof Map)
  t.ok(decode(encode(parseTerm('%Q{n: "x"}')), { structs }) instanceof Map)
  t.throws(() => encode(1, { structs: [...structs, ...structs] }), { code: 'ERR_INVALID_OPTION' })
})

test('a mapping that throws is a DecodeError with its cause', async (t) => {
  const cause = new Error('no')
  const structs = [
    defineStruct('P', User, {
      decode: () => {
        throw cause
      },
    }),
  ]
  t.throws(() => decode(encode(parseTerm('%P{}')), { structs }), { code: 'ERR_ETF_STRUCT', cause })
})

test('a field that is called __proto__ stays a field', async (t) => {
  const user = arriving('%MyApp.User{__proto__: %{admin: true}}') as User
  t.ok(user instanceof User)
  t.equal((user as unknown as { admin?: boolean }).admin, undefined)
})

test('structs inside map keys stay maps, so that keys are compared as terms', async (t) => {
  const map = arriving('%{%MyApp.User{name: "a"} => 1}') as Map<Term, Term>
  t.ok([...map.keys()][0] instanceof Map)
  t.equal(map.get(parseTerm('%MyApp.User{name: "a"}')), 1)
})

test('Date is a DateTime in UTC, and back where nothing is lost', async (t) => {
  const date = new Date(Date.UTC(2024, 1, 29, 12, 30, 5, 7))
  t.equal(meaning(date), '~U[2024-02-29 12:30:05.007Z]')
  t.strictSame(arriving('~U[2024-02-29 12:30:05.007Z]'), date)
  t.strictSame(arriving('~U[0050-01-01 00:00:00Z]'), new Date('0050-01-01T00:00:00Z'))
  t.ok(arriving('~U[2024-02-29 12:30:05.000001Z]') instanceof Map)
  t.ok(arriving('~U[2024-06-30 23:59:60Z]') instanceof Map)
  t.throws(() => encode(new Date(Number.NaN), options), { code: 'ERR_ETF_NOT_A_TERM' })
})

test('CalendarDate, Range, Decimal and TermSet are structs of Elixir', async (t) => {
  const cases: [unknown, string][] = [
    [new CalendarDate(2024, 2, 29), '~D[2024-02-29]'],
    [new Range(1, 3), '1..3'],
    [new Range(5, 1, -2), '5..1//-2'],
    [Decimal.parse('-12.50'), '%Decimal{sign: -1, coef: 1250, exp: -2}'],
    [new Decimal(1, 'NaN', 0), '%Decimal{sign: 1, coef: :NaN, exp: 0}'],
    [new TermSet([1, tuple(2)]), 'MapSet.new([1, {2}])'],
  ]
  for (const [value, text] of cases) {
    t.equal(meaning(value), text)
    t.strictSame(arriving(text), value)
  }
  t.strictSame([...new Range(5, 1, -2)], [5, 3, 1])
  t.strictSame([...new Range(3, 1)], [])
  t.throws(() => new Range(1, 2, 0), { code: 'ERR_INVALID_OPTION' })
  t.equal(`${new CalendarDate(-5, 1, 2)}`, '-0005-01-02')
})

test('structs that are not what they should be stay maps', async (t) => {
  for (const text of [
    '%Range{first: "a", last: 2, step: 1}',
    '%Range{first: 1, last: 2, step: 0}',
    '%Decimal{sign: 2, coef: 1, exp: 0}',
    '%Decimal{sign: 1, coef: :x, exp: 0}',
    '%MapSet{map: 1}',
    '%Date{year: 1, month: 1, day: 1, calendar: Other}',
    '%DateTime{}',
  ]) {
    t.ok(arriving(text) instanceof Map, text)
  }
})

test('decimals print without an exponent', async (t) => {
  const cases = {
    '1.50': '1.50',
    '-0.001': '-0.001',
    '1e3': '1000',
    '1.5e3': '1500',
    '12e-3': '0.012',
    '0e5': '0',
  }
  for (const [text, printed] of Object.entries(cases)) t.equal(String(Decimal.parse(text)), printed)
  t.equal(String(new Decimal(-1, 'inf', 0)), '-Infinity')
  for (const text of ['', 'x', '1.', '.5', '1e'])
    t.throws(() => Decimal.parse(text), { code: 'ERR_INVALID_OPTION' })
})

test('without the option a struct is a map, and an instance is no term', async (t) => {
  const term = decode(encode(parseTerm('1..3'))) as Map<Term, Term>
  t.equal(term.get(atom('first')), 1)
  t.throws(() => encode(new Range(1, 2)), { code: 'ERR_ETF_NOT_A_TERM' })
})

test('decimals that are none stay maps, and an exponent is not written out into gigabytes', async (t) => {
  const decimal = (fields: Record<string, Encodable>): Term =>
    decode(encode({ __struct__: atom('Elixir.Decimal'), sign: 1, coef: 1, exp: 0, ...fields }), {
      structs: elixirStructs,
    })
  t.ok(decimal({}) instanceof Decimal)
  for (const fields of [
    { coef: 1.5 },
    { coef: -1 },
    { coef: -(2n ** 64n) },
    { exp: 0.5 },
    { exp: 2n ** 64n },
  ]) {
    t.ok(decimal(fields) instanceof Map, inspect(fields))
  }
  t.equal(String(decimal({ exp: 1_000_000_000 })), '1e1000000000')
  t.equal(String(decimal({ exp: -1_000_000_000, sign: -1 })), '-1e-1000000000')
})
