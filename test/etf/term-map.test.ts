import { test } from 'tap'
import {
  atom,
  BitString,
  type Encodable,
  float,
  Pid,
  Reference,
  TermMap,
  TermSet,
  tuple,
} from '../../src/etf/index.ts'
import { asReceived, fromText } from './bytes.ts'

/** Pairs of different objects that are the same key to Erlang. */
const SAME: [Encodable, Encodable][] = [
  [tuple(1, 'a'), tuple(1, 'a')],
  [
    [1, [2]],
    [1, [2]],
  ],
  [new Map([[atom('a'), 1]]), { a: 1 }],
  [new Pid(atom('a@b'), 1, 2, 3), new Pid(atom('a@b'), 1, 2, 3)],
  [new Reference(atom('a@b'), 1, [1]), new Reference(atom('a@b'), 1, [1, 0, 0])],
  ['text', fromText('text')],
  [Uint8Array.of(255), asReceived(Uint8Array.of(255))],
  [Uint8Array.of(97), new BitString(Uint8Array.of(97), 8)],
  [5, 5n],
  [2n ** 70n, 2n ** 70n],
  [0, -0],
  [1.5, float(1.5)],
  [float(1), float(1)],
  [true, atom('true')],
  [null, undefined],
  [null, atom('nil')],
]

const DIFFERENT: [Encodable, Encodable][] = [
  [1, float(1)],
  [float(0), float(-0)],
  ['a', atom('a')],
  ['a', [97]],
  [tuple(1), [1]],
  [tuple(tuple(1), 2), tuple(1, tuple(2))],
  [[], tuple()],
  [[], new Map()],
  [
    ['ab', 'c'],
    ['a', 'bc'],
  ],
  [new Pid(atom('a@b'), 1, 2, 3), new Pid(atom('a@b'), 1, 2, 4)],
  [new BitString(Uint8Array.of(0x80), 1), new BitString(Uint8Array.of(0x80), 2)],
  [1, '1'],
]

test('equal terms are one key, whichever of them was set', async (t) => {
  for (const [a, b] of [...SAME, ...SAME.map(([x, y]): [Encodable, Encodable] => [y, x])]) {
    const map = new TermMap<Encodable, number>([[a, 1]])
    t.equal(map.get(b), 1)
    t.equal(map.has(b), true)
    t.equal(map.set(b, 2).size, 1)
    t.equal(map.get(a), 2)
    t.equal(map.delete(b), true)
    t.equal(map.size, 0)
    t.equal(map.has(a), false)
  }
})

test('different terms are different keys', async (t) => {
  for (const [a, b] of DIFFERENT)
    t.equal(
      new TermMap<Encodable, number>([
        [a, 1],
        [b, 2],
      ]).size,
      2,
    )
})

test('a TermMap is a Map that keeps the order and the objects that were set', async (t) => {
  const key = tuple(1)
  const map = new TermMap<Encodable, number>([
    ['b', 1],
    [key, 2],
    ['a', 3],
  ])
  map.set(tuple(1), 4)
  t.ok(map instanceof Map)
  t.strictSame([...map.values()], [1, 4, 3])
  t.equal([...map.keys()][1], key)
  map.clear()
  t.equal(map.get(tuple(1)), undefined)
  t.equal(map.delete(tuple(1)), false)
  t.throws(() => map.set(Symbol('s') as never, 1), { code: 'ERR_ETF_NOT_A_TERM' })
})

test('a TermSet holds equal terms once', async (t) => {
  const set = new TermSet<Encodable>([tuple(1), tuple(1), 'a'])
  t.equal(set.size, 2)
  t.equal(set.has(tuple(1)), true)
  t.equal(set.add(tuple(2)).delete(tuple(1)), true)
  t.strictSame([...set].map(String), ['a', '{2}'])
  t.strictSame([...set.entries()].length, 2)
  const seen: Encodable[] = []
  set.forEach((element) => {
    seen.push(element)
  })
  t.equal(seen.length, 2)
  set.clear()
  t.equal(set.size, 0)
})
