/** What io_lib:format makes; held against a BEAM in interop/io.test.ts. */
import { test } from 'tap'
import { atom, Float, ImproperList, type Term, tuple } from '../../../src/etf/index.ts'
import { charsToText } from '../../../src/services/io/chars.ts'
import { erlangFloat, erlangTerm } from '../../../src/services/io/erlang-syntax.ts'
import { formatErlang } from '../../../src/services/io/format.ts'

const W = { strings: false, unicode: false, depth: 100 }
const P = { strings: true, unicode: true, depth: 100 }

test('control sequences', async (t) => {
  for (const [format, args, expected] of [
    ['~s and ~s~n', ['text', atom('atom')], 'text and atom\n'],
    ['~5s|~-5s|~.2s', ['ab', 'ab', 'abcd'], '   ab|ab   |ab'],
    ['~2w', [12345], '**'],
    ['~4..0b', [42], '0042'],
    ['~.16b ~.16B ~.2#', [255, 255, 5], 'ff FF 2#101'],
    ['~c~3c', [120, 121], 'xyyy'],
    ['~~ ~i~p', [1, atom('x')], '~ x'],
    ['~*s', [4, 'ab'], '  ab'],
    ['~P', [[1, 2], 1], '[...,...]'],
    ['~-3~', [], '~~~'],
    ['~10000n'.repeat(100), [], '\n'.repeat(1_000_000)],
    ['~s', ['x'.repeat(2_000_000)], 'x'.repeat(2_000_000)],
    ['no sequence', [], 'no sequence'],
  ] as [string, Term[], string][]) {
    t.equal(formatErlang(format, args), expected, format.slice(0, 20))
  }
})

test('arguments that do not fit are refused, as badarg', async (t) => {
  for (const [format, args] of [
    ['~p', []],
    ['', [1]],
    ['~s', [1]],
    ['~b', ['x']],
    ['~z', [1]],
    ['~99999999s', ['x']],
    ['~c', [-1]],
    ['~f', [atom('x')]],
    ['~-3n', []],
    ['~10000n'.repeat(101), []],
    ['~10000s'.repeat(101), new Array(101).fill('x')],
    ['~10000c'.repeat(101), new Array(101).fill(120)],
    [tuple(1), []],
  ] as [Term, Term[]][]) {
    t.equal(formatErlang(format, args), undefined, String(format).slice(0, 20))
  }
})

test('terms as Erlang writes them', async (t) => {
  for (const [term, plain, pretty] of [
    [[104, 105], '[104,105]', '"hi"'],
    ['hi', '<<104,105>>', '<<"hi">>'],
    ['ü', '<<195,188>>', '<<"ü"/utf8>>'],
    [[], '[]', '[]'],
    [tuple(atom('ok'), null), '{ok,nil}', '{ok,nil}'],
    [atom('With Space'), "'With Space'", "'With Space'"],
    [atom('end'), "'end'", "'end'"],
    [new ImproperList([1], 2), '[1|2]', '[1|2]'],
    [new Map([[atom('a'), true]]), '#{a => true}', '#{a => true}'],
    [new Float(2), '2.0', '2.0'],
    [new Uint8Array([0, 255]), '<<0,255>>', '<<0,255>>'],
    [[10, 34, 27], '[10,34,27]', '"\\n\\"\\e"'],
  ] as [Term, string, string][]) {
    t.equal(erlangTerm(term, W), plain)
    t.equal(erlangTerm(term, P), pretty)
  }
})

test('floats with an exponent where that is shorter', async (t) => {
  for (const [value, text] of [
    [0.1, '0.1'],
    [0.0001, '0.0001'],
    [0.00015, '1.5e-4'],
    [100, '100.0'],
    [1000, '1.0e3'],
    [123456, '123456.0'],
    [-1.5e300, '-1.5e300'],
    [2 ** 53, '9.007199254740992e15'],
    [-0, '-0.0'],
  ] as [number, string][]) {
    t.equal(erlangFloat(value), text)
  }
})

test('character data is lists in each other of code points and binaries', async (t) => {
  t.equal(charsToText(['a', 98, [new Uint8Array([0xc3, 0xbc])], []]), 'abü')
  t.equal(charsToText([new Uint8Array([0xfc])], 'latin1'), 'ü')
  t.equal(charsToText(new ImproperList([97], 'b')), 'ab')
  for (const bad of [[new Uint8Array([255])], [-1], [0x110000], [1.5], atom('x'), [tuple()]] as Term[]) {
    t.equal(charsToText(bad), undefined)
  }
  let deep: Term = 'x'
  for (let i = 0; i < 200_000; i++) deep = [deep]
  t.equal(charsToText(deep), 'x')
})
