import { test } from 'tap'
import {
  atom,
  CalendarDate,
  CalendarTime,
  DateTime,
  Decimal,
  decode,
  defineStruct,
  type Encodable,
  elixirStructs,
  encode,
  inspect,
  NaiveDateTime,
  parseTerm,
  Range,
  type Term,
  TermSet,
  termEquals,
  tuple,
  Uri,
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
  const sent = defineStruct('P', Date, { decode: false, encode: () => ({ n: 'now' }) })
  t.equal(inspect(decode(encode(new Date(), { structs: [...structs, sent] }))), '%P{n: "now"}')
})

test('a value that is none is found inside of registered classes', async (t) => {
  class Box {
    readonly content: unknown
    constructor(content: unknown) {
      this.content = content
    }
  }
  const cause = new Error('no')
  const structs = [
    defineStruct('Box', Box),
    defineStruct('User', User, {
      encode: () => {
        throw cause
      },
    }),
  ]
  t.throws(() => encode([{ box: new Box([1, Symbol('s')]) } as never], { structs }), {
    code: 'ERR_ETF_NOT_A_TERM',
    path: ['[0]', '.box', '.content', '[1]'],
  })
  t.throws(() => encode([new Box(new User('x')) as never], { structs }), {
    code: 'ERR_ETF_STRUCT',
    path: ['[0]', '.content'],
    cause,
  })
  const loop: unknown[] = []
  loop.push(new Box(loop))
  t.throws(() => encode(loop as never, { structs }), { code: 'ERR_ETF_DEPTH', problem: /contains itself/ })
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

test('a JavaScript Date is sent as a DateTime in UTC', async (t) => {
  const date = new Date(Date.UTC(2024, 1, 29, 12, 30, 5, 7))
  t.equal(meaning(date), '~U[2024-02-29 12:30:05.007Z]')
  const back = arriving('~U[2024-02-29 12:30:05.007Z]') as DateTime
  t.equal(back.toDate().getTime(), date.getTime())
  t.equal(meaning(new Date('0050-01-01T00:00:00Z')), '~U[0050-01-01 00:00:00.000Z]')
})

/** A DateTime as it is where no sigil can write it. */
function dateTimeIn(zone: Record<string, Encodable>): Encodable {
  const utc = parseTerm('~U[2024-07-01 12:00:00.000250Z]') as Map<Term, Encodable>
  return new Map([...utc, ...Object.entries(zone).map(([name, value]) => [atom(name), value] as const)])
}

test('a DateTime keeps microseconds, precision and time zone', async (t) => {
  const paris = {
    time_zone: 'Europe/Paris',
    zone_abbr: 'CEST',
    utc_offset: 3600,
    std_offset: 3600,
  }
  const arrived = decode(encode(dateTimeIn(paris)), options) as unknown as DateTime
  t.ok(arrived instanceof DateTime)
  t.strictSame(arrived.zone, { name: 'Europe/Paris', abbreviation: 'CEST', utcOffset: 3600, stdOffset: 3600 })
  t.equal(String(arrived), '2024-07-01 12:00:00.000250+02:00 CEST Europe/Paris')
  t.equal(JSON.stringify(arrived), '"2024-07-01T12:00:00.000250+02:00"')
  t.equal(arrived.epochMicroseconds, 1719828000000250n)
  t.equal(arrived.toDate().toISOString(), '2024-07-01T10:00:00.000Z')
  t.equal(termEquals(decode(encode(arrived, options)), decode(encode(dateTimeIn(paris)))), true)
  for (const text of [
    '~U[2024-01-01 00:00:00Z]',
    '~U[2024-01-01 00:00:00.10Z]',
    '~U[-0001-12-31 23:59:59.999999Z]',
  ]) {
    const back = arriving(text) as DateTime
    t.equal(meaning(back), text)
    t.equal(String(DateTime.fromEpoch(back.epochMicroseconds, back.time.precision)), String(back), text)
  }
  t.equal(String(DateTime.parse('2024-01-01T00:30:00.25+02:00')), '2023-12-31 22:30:00.25Z')
  t.equal(String(DateTime.parse('1969-12-31T23:59:59.5-00:30')), '1970-01-01 00:29:59.5Z')
})

test('the classes are structs of Elixir, and come back as they were', async (t) => {
  const cases: [unknown, string][] = [
    [new CalendarDate(2024, 2, 29), '~D[2024-02-29]'],
    [new CalendarTime(10, 0, 0), '~T[10:00:00]'],
    [new CalendarTime(10, 0, 0, 120_000, 2), '~T[10:00:00.12]'],
    [NaiveDateTime.parse('2024-02-29T10:00:00.000001'), '~N[2024-02-29 10:00:00.000001]'],
    [DateTime.parse('2024-02-29T10:00:00Z'), '~U[2024-02-29 10:00:00Z]'],
    [new CalendarDate(12024, 1, 1), 'Date.new!(12024, 1, 1)'],
    [NaiveDateTime.parse('12024-01-01 00:00:00.1'), 'NaiveDateTime.new!(12024, 1, 1, 0, 0, 0, {100000, 1})'],
    [new Range(1, 3), '1..3'],
    [new Range(5, 1, -2), '5..1//-2'],
    [Decimal.parse('-12.50'), '%Decimal{sign: -1, coef: 1250, exp: -2}'],
    [new Decimal(1, 'NaN', 0), '%Decimal{sign: 1, coef: :NaN, exp: 0}'],
    [new TermSet([1, tuple(2)]), 'MapSet.new([1, {2}])'],
    [
      new Uri({ scheme: 'http', host: 'a', port: 80, path: '/b' }),
      '%URI{scheme: "http", userinfo: nil, host: "a", port: 80, path: "/b", query: nil, fragment: nil}',
    ],
  ]
  for (const [value, text] of cases) {
    t.equal(meaning(value), text)
    t.equal(inspect(value), text, 'an instance prints as the struct')
    t.strictSame(decode(encode(value as Encodable, options), options), value)
    const bytes = encode(value as Encodable, options)
    t.strictSame(decode(bytes, { ...options, binaries: 'buffer' }), value, 'also where binaries stay bytes')
    if (!(value instanceof Uri)) t.strictSame(arriving(text), value)
  }
  t.equal(inspect(new Date(Number.NaN)), '#Date<>')
  t.strictSame([...new Range(5, 1, -2)], [5, 3, 1])
  t.strictSame([...new Range(3, 1)], [])
  t.equal(`${new CalendarDate(-5, 1, 2)}`, '-0005-01-02')
})

test('values that cannot be are refused where they are made', async (t) => {
  const made: (() => unknown)[] = [
    () => new CalendarDate(2023, 2, 29),
    () => new CalendarDate(1900, 2, 29),
    () => new CalendarDate(2024, 13, 1),
    () => new CalendarDate(2024.5, 1, 1),
    () => CalendarDate.parse('2024-1-1'),
    () => new CalendarTime(24, 0, 0),
    () => new CalendarTime(23, 59, 60),
    () => new CalendarTime(0, 0, 0, 1_000_000),
    () => new CalendarTime(0, 0, 0, 1, 7),
    () => CalendarTime.parse('10:00'),
    () => NaiveDateTime.parse('2024-01-01'),
    () => DateTime.parse('2024-01-01 00:00:00'),
    () => DateTime.from(new Date(Number.NaN)),
    () => new Range(1, 2, 0),
    () => new Range(1.5, 2),
    () => new Decimal(1, -1n, 0),
    () => new Decimal(1, 1n, 0.5),
    () => new Uri({ port: -1 }),
    () => new Uri({ host: 5 as never }),
  ]
  for (const make of made) t.throws(make, { code: 'ERR_INVALID_OPTION' }, String(make))
  t.throws(() => encode({ at: [new Date(Number.NaN)] }, options), {
    code: 'ERR_ETF_NOT_A_TERM',
    path: ['.at', '[0]'],
  })
})

test('structs with impossible values are refused', async (t) => {
  for (const text of [
    '%Range{first: "a", last: 2, step: 1}',
    '%Range{first: 1, last: 2, step: 0}',
    '%Decimal{sign: 2, coef: 1, exp: 0}',
    '%Decimal{sign: 1, coef: :x, exp: 0}',
    '%Decimal{sign: 1, coef: 1.5, exp: 0}',
    '%Decimal{sign: 1, coef: -1, exp: 0}',
    '%Decimal{sign: 1, coef: -18446744073709551616, exp: 0}',
    '%Decimal{sign: 1, coef: 1, exp: 0.5}',
    '%MapSet{map: 1}',
    '%Date{year: 2023, month: 2, day: 29, calendar: Calendar.ISO}',
    '%Date{year: 2023, month: "2", day: 29, calendar: Calendar.ISO}',
    '%Time{hour: 1, minute: 2, second: 3, microsecond: 4, calendar: Calendar.ISO}',
    '%Time{hour: 1, minute: 2, second: 3, microsecond: {4, 7}, calendar: Calendar.ISO}',
    '%URI{scheme: 1, userinfo: nil, host: nil, port: nil, path: nil, query: nil, fragment: nil, authority: nil}',
    '%URI{scheme: <<255>>, userinfo: nil, host: nil, port: nil, path: nil, query: nil, fragment: nil, authority: nil}',
  ]) {
    t.throws(() => arriving(text), { code: 'ERR_ETF_STRUCT', offset: 1 }, text)
  }
  t.throws(() => decode(encode(dateTimeIn({ time_zone: null })), options), { code: 'ERR_ETF_STRUCT' })
  t.throws(() => decode(encode(dateTimeIn({ utc_offset: 90_000 })), options), { code: 'ERR_ETF_STRUCT' })
})

test('structs that are not those of Elixir, or hold more than their class can, stay maps', async (t) => {
  for (const text of [
    '%Date{year: 1, month: 1, day: 1, calendar: Other}',
    '%Date{year: 1, month: 1, day: 1, calendar: Calendar.ISO, more: 1}',
    '%DateTime{}',
    '%Range{first: 1, last: 9007199254740993, step: 1}',
    '%Decimal{sign: 1, coef: 1, exp: 18446744073709551616}',
    '%URI{scheme: "a"}',
    '%MapSet{map: %{1 => []}, other: 2}',
  ]) {
    t.ok(arriving(text) instanceof Map, text)
  }
})

test('a MapSet of Elixir before 1.15 keeps its version', async (t) => {
  const set = arriving('%MapSet{map: %{1 => []}, version: 2}') as TermSet
  t.ok(set.has(1))
  t.equal((decode(encode(set, options)) as Map<Term, Term>).get(atom('version')), 2)
})

test('a JavaScript Set is sent as a MapSet, with equal elements once', async (t) => {
  t.equal(meaning(new Set([tuple(1), tuple(1), 2])), 'MapSet.new([{1}, 2])')
})

test('addresses are parsed and written as Elixir does', async (t) => {
  const cases: [string, Partial<Uri>, string?][] = [
    [
      'HTTP://u:p@H.com:8080/a/b?q=1#f',
      {
        scheme: 'http',
        userinfo: 'u:p',
        host: 'H.com',
        port: 8080,
        path: '/a/b',
        query: 'q=1',
        fragment: 'f',
      },
      'http://u:p@H.com:8080/a/b?q=1#f',
    ],
    ['http://foo.com', { host: 'foo.com', port: 80, path: null, authority: 'foo.com' }],
    ['https://h:443/', { port: 443 }, 'https://h/'],
    ['/x/y?z', { scheme: null, host: null, path: '/x/y', query: 'z', authority: null }],
    ['mailto:a@b', { scheme: 'mailto', path: 'a@b', port: null }],
    ['file:///etc', { host: '', path: '/etc', authority: '' }],
    ['http://[::1]:81/', { host: '::1', port: 81 }],
    ['', { path: null }],
    ['//h', { host: 'h', port: null }],
    ['?', { query: '' }],
  ]
  for (const [text, parts, written = text] of cases) {
    t.match(Uri.parse(text), parts, text)
    t.equal(String(Uri.parse(text)), written)
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

test('an exponent is not written out into gigabytes', async (t) => {
  t.equal(String(new Decimal(1, 1n, 1_000_000_000)), '1e1000000000')
  t.equal(String(new Decimal(-1, 1n, -1_000_000_000)), '-1e-1000000000')
})
