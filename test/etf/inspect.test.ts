import { test } from 'tap'
import {
  alias,
  atom,
  decode,
  EXACT,
  encode,
  Float,
  Fun,
  inspect,
  ParseError,
  Pid,
  Port,
  parseTerm,
  RecordTerm,
  Reference,
  type Term,
  TermSet,
  termEquals,
  tuple,
} from '../../src/etf/index.ts'
import { findAtomByName } from '../../src/etf/terms/atom.ts'
import { ArbitraryTerms, seed } from '../support/arbitrary-terms.ts'
import { fromHex } from './bytes.ts'
import { readVectors } from './vectors.ts'

interface InspectVector {
  readonly etf: string
  readonly text: string
}

const VECTORS = readVectors<InspectVector>('inspect_vectors')

test('terms print as Elixir prints them', async (t) => {
  for (const { etf, text } of VECTORS) t.equal(inspect(decode(fromHex(etf), EXACT)), text)
})

test('bytes print as the text that they are', async (t) => {
  for (const { etf, text } of VECTORS) {
    t.equal(inspect(decode(fromHex(etf), { ...EXACT, binaries: 'buffer' })), text)
  }
})

test('what Elixir prints is parsed to the term it was', async (t) => {
  for (const { etf, text } of VECTORS) {
    if (text.startsWith('#DateTime')) continue
    const parsed = parseTerm(text)
    t.equal(termEquals(parsed, decode(fromHex(etf), EXACT)), true, text)
  }
})

test('random terms come back from their text', async (t) => {
  t.comment(`SEED=${seed}`)
  const terms = new ArbitraryTerms(seed)
  let parsed = 0
  for (let i = 0; i < 1000; i++) {
    const term = terms.term()
    const text = inspect(term)
    if (/#(PID|Port|Reference)</.test(text)) continue
    parsed++
    if (!termEquals(parseTerm(text), term)) t.fail(text)
  }
  t.ok(parsed > 200, `${parsed} terms`)
})

test('identifiers, funs and records print in a form of their own', async (t) => {
  const node = atom('a@b')
  const pid = new Pid(node, 110, 2, 3)
  t.equal(inspect(pid), '#PID<0.110.2>')
  t.equal(inspect(new Port(node, 6, 1)), '#Port<0.6>')
  t.equal(inspect(new Reference(node, 1, [1, 2, 3])), '#Reference<0.3.2.1>')
  const fun = new Fun({
    arity: 1,
    uniq: new Uint8Array(16),
    index: 7,
    module: alias('Foo'),
    oldIndex: 7,
    oldUniq: 99,
    pid,
    free: [],
  })
  t.equal(inspect(fun), '#Function<7.99/1 in Foo>')
  const record = new RecordTerm(alias('M'), atom('point'), true, [atom('x'), atom('Y')], [1, 'a'])
  t.equal(inspect(record), `#'Elixir.M':point{x = 1, 'Y' = "a"}`)
})

test('atoms of words in one script need no quotes, and others get them', async (t) => {
  for (const name of [
    'zażółć',
    'Ålesund',
    'ngày_1',
    'привет?',
    'ελληνικά',
    'שלום',
    '日本',
    '한국',
    'straße@x',
  ]) {
    t.equal(inspect(atom(name)), `:${name}`)
    t.equal(parseTerm(`:${name}`), atom(name))
  }
  for (const name of ['aж', '1a', 'a b', '\u{1f600}', 'a\u0301', 'ǅ'])
    t.equal(inspect(atom(name)), `:"${name}"`)
})

test('inside of a MapSet charlists are lists, and pairs are keywords', async (t) => {
  t.equal(inspect([new TermSet([[97]]), [97]]), '[MapSet.new([[97]]), ~c"a"]')
  t.equal(inspect(new TermSet([tuple(atom('a'), [98])])), 'MapSet.new([a: [98]])')
  t.equal(inspect(new TermSet()), 'MapSet.new([])')
  t.equal(inspect([[97]], { charlists: 'as_lists' }), '[[97]]')
})

test('structs print with their module', async (t) => {
  const user = new Map<Term, Term>([
    [atom('__struct__'), alias('My.User')],
    [atom('name'), 'Ann'],
  ])
  t.equal(inspect(user), '%My.User{name: "Ann"}')
  t.equal(
    inspect(new Map<Term, Term>([...user, ['x', 1]])),
    '%{:__struct__ => My.User, :name => "Ann", "x" => 1}',
  )
  t.equal(inspect({ __struct__: alias('Date'), year: 'no' }), '%Date{year: "no"}')
})

test('what is no term prints too, for logs', async (t) => {
  class Thing {}
  t.equal(
    inspect([new Thing(), () => 1, Symbol('s'), Number.NaN, new Error('bad')]),
    '[#Thing<>, #function<>, Symbol(s), NaN, #Error<bad>]',
  )
  t.equal(inspect({ a: undefined, b: undefined }), '%{}')
  t.equal(inspect(new TermSet([1, 2])), 'MapSet.new([1, 2])')
  const loop: unknown[] = [1]
  loop.push(loop)
  t.equal(inspect(loop), '[1, ...]')
  let deep: unknown = 'end'
  for (let i = 0; i < 100_000; i++) deep = [deep]
  t.equal(inspect(deep).length, 200_005)
})

test('limits shorten what is printed', async (t) => {
  t.equal(inspect([1, 2, 3], { limit: 2 }), '[1, 2, ...]')
  t.equal(inspect([1, [2, 3], 4], { limit: 4 }), '[1, [2, ...], 4]')
  t.equal(inspect({ a: 1, b: 2 }, { limit: 1 }), '%{a: 1, ...}')
  t.equal(inspect([1], { limit: 0 }), '[...]')
  t.equal(inspect('abcdef', { printableLimit: 3 }), '"abc" <> ...')
})

test('literals that inspect does not print are parsed as well', async (t) => {
  const cases: [string, string][] = [
    ['  1 # comment\n ', '1'],
    ['1_000', '1000'],
    ['0xFF', '255'],
    ['0b101', '5'],
    ['0o17', '15'],
    ['-0x10', '-16'],
    ['+5', '5'],
    ['1.5e-3', '0.0015'],
    ['1_0.0', '10.0'],
    ['?a', '97'],
    ['?\\n', '10'],
    ['?é', '233'],
    ["'abc'", '~c"abc"'],
    ["'it\\'s'", '~c"it\'s"'],
    ["~c'a\"b'", '~c"a\\"b"'],
    ['~c(a\\)b)', '~c"a)b"'],
    ['~s{a"b}', '"a\\"b"'],
    ['~S(a\\n)', '"a\\\\n"'],
    ['~w(a b  c)', '["a", "b", "c"]'],
    ['~w[a nil]a', '[:a, nil]'],
    ['~w(ab)c', '[~c"ab"]'],
    ['"\\x41\\u00e9\\u{1F600}\\s\\#"', '"Aé😀 #"'],
    ['"\\xff"', '<<255>>'],
    ['"\\x{e9}"', '"é"'],
    ['"a\nb"', '"a\\nb"'],
    [":'a b'", ':"a b"'],
    [':"true"', 'true'],
    [':true', 'true'],
    ['[1, 2,]', '[1, 2]'],
    ['[1 | [2, 3]]', '[1, 2, 3]'],
    ['[1 | [2 | 3]]', '[1, 2 | 3]'],
    ['[1, a: 2]', '[1, {:a, 2}]'],
    ['{1, a: 2, "b c": 3}', '{1, [a: 2, "b c": 3]}'],
    ['%{"a" => 1, b: 2}', '%{"a" => 1, :b => 2}'],
    ['%{1=>2}', '%{1 => 2}'],
    ['%Foo.Bar{a: 1}', '%Foo.Bar{a: 1}'],
    ['Elixir.Foo', 'Foo'],
    ['<<>>', '""'],
    ['<<97, "b", ?c>>', '"abc"'],
    ['<<1::4, 2::size(4)>>', '<<18>>'],
    ['<<300>>', '","'],
    ['<<-1::3, "a"::binary>>', '<<236, 1::size(3)>>'],
    ['<<255, <<1::1>>::bitstring>>', '<<255, 1::size(1)>>'],
    ['5..1', '5..1//-1'],
    ['&String.upcase/1', '&String.upcase/1'],
    ['&:erlang.+/2', '&:erlang.+/2'],
    ['MapSet.new([1, 1])', 'MapSet.new([1])'],
  ]
  for (const [text, expected] of cases) t.equal(inspect(parseTerm(text)), expected, text)
})

test('integral floats stay floats', async (t) => {
  t.strictSame(parseTerm('[1.0, 1]'), [new Float(1), 1])
  t.equal(inspect(decode(encode(parseTerm('1.0')), EXACT)), '1.0')
})

test('mistakes are found with their place', async (t) => {
  const cases: [string, number, RegExp][] = [
    ['', 0, /expected a term, got the end/],
    ['foo', 0, /got "foo"; an atom is written :foo, a string "foo"/],
    ['[1, foo]', 4, /line 1, column 5/],
    ['[1,\n 2', 6, /expected \] or , in the list, got the end, at line 2, column 3/],
    ['[1 2]', 3, /expected \]/],
    ['1 2', 2, /expected the end/],
    ['{1', 2, /expected }/],
    ['%{1 2}', 4, /expected => behind the key/],
    ['%{a: 1, 2 => 3}', 8, /only more of them/],
    ['%foo{}', 1, /expected { or a module/],
    ['"abc', 0, /" is never closed/],
    ['~s(abc', 2, /\( is never closed/],
    ['"a#{b}"', 2, /interpolation/],
    ['"""\na\n"""', 0, /heredocs/],
    ['"\\xg"', 1, /needs hexadecimal/],
    ['"\\ud800"', 1, /no character/],
    ['~x(a)', 0, /sigil ~x/],
    ['~D[2024]', 0, /no Date/],
    ['~w(a)q', 0, /modifiers/],
    [':', 1, /name of an atom/],
    [`:${'a'.repeat(256)}`, 0, /255/],
    ['12abc', 0, /number goes on/],
    ['1.0e999', 0, /too large/],
    ['<<1.5>>', 2, /float in a binary/],
    ['<<:a>>', 2, /integers and binaries/],
    ['<<1::float>>', 3, /only ::size/],
    ['<<1', 3, /expected >>/],
    ['&foo/1', 0, /a function is written/],
    ['&Foo.bar/256', 0, /arity/],
    ['#PID<0.1.2>', 0, /cannot be written/],
    ['#Reference<0.1>', 0, /cannot be written/],
    ['1..2.5', 3, /bounds of a range/],
    ['?', 1, /expected a character/],
    ['['.repeat(1000), 500, /levels of nesting/],
    ['MapSet.new(1)', 11, /list of elements/],
  ]
  for (const [text, position, message] of cases) {
    try {
      t.fail(`${text} was parsed to ${inspect(parseTerm(text))}`)
    } catch (error) {
      if (!(error instanceof ParseError)) throw error
      t.match(error.message, message, text.slice(0, 20))
      t.equal(error.position, position, `${text.slice(0, 20)}: position`)
      t.equal(error.code, 'ERR_ETF_PARSE')
    }
  }
})

test('objects print without making atoms of their keys, which may be no atoms', async (t) => {
  const long = 'k'.repeat(300)
  t.equal(inspect({ never_seen_before: 1, [long]: 2 }), `%{never_seen_before: 1, ${long}: 2}`)
  t.equal(findAtomByName('never_seen_before'), undefined)
  t.equal(inspect({ 'a b': 1, 'Elixir.Foo': 2 }), '%{:"a b" => 1, Foo => 2}')
})

test('limits hold for bytes and charlists as well', async (t) => {
  t.equal(inspect(Uint8Array.of(255, 1, 2, 3), { limit: 2 }), '<<255, 1, ...>>')
  t.equal(inspect([1, Uint8Array.of(255, 1)], { limit: 2 }), '[1, <<...>>]')
  t.equal(inspect([97, 97, 97, 97], { printableLimit: 2 }), '~c"aa" ++ ...')
  t.equal(inspect([97, 97], { printableLimit: 2 }), '~c"aa"')
})

// Quadratic ways would not end within the time limit of a test file.
test('the largest terms print and never fail', async (t) => {
  for (const integer of [2n ** 8_000_000n, -(2n ** 8_000_000n), 2n ** 65_536n - 1n]) {
    t.equal(parseTerm(inspect(integer)) === integer, true)
  }
  t.ok(inspect(new Array(30).fill(new Uint8Array(4_000_000).fill(255))).endsWith('...'))
})

test('texts of any length are parsed', async (t) => {
  t.equal((parseTerm('<<1::size(999992)>>') as string).length, 124_999)
  t.equal((parseTerm(`[${'a: 1, '.repeat(200_000)}]`) as unknown[]).length, 200_000)
})
