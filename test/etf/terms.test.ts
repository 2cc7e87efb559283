import { test } from 'tap'
import {
  type Atom,
  alias,
  atom,
  BitString,
  ExportFun,
  Float,
  float,
  fromKeyword,
  inspect,
  Pid,
  Port,
  RecordTerm,
  Reference,
  type Term,
  Tuple,
  toKeyword,
  tuple,
} from '../../src/etf/index.ts'
import { asReceived } from './bytes.ts'

test('atoms of one name are one object', async (t) => {
  t.equal(atom('ok'), atom('ok'))
  t.not(atom('ok') as Atom, atom('Ok'))
  t.equal(atom('ok').name, 'ok')
  t.equal(`${atom('ok')}`, 'ok')
  t.equal(JSON.stringify([atom('ok')]), '["ok"]')
  for (let i = 0; i < 5000; i++) atom(`grow_${i}`)
  for (let i = 0; i < 5000; i++) if (atom(`grow_${i}`).name !== `grow_${i}`) t.fail(`grow_${i}`)
})

test('an alias is the atom of an Elixir module', async (t) => {
  t.equal(alias('My.Mod') as Atom, atom('Elixir.My.Mod'))
  t.equal(alias('Elixir.My.Mod') as Atom, atom('Elixir.My.Mod'))
})

test('an atom has at most 255 characters, of any size', async (t) => {
  t.equal(atom('\u{1f600}'.repeat(255)).name.length, 510)
  for (const name of ['a'.repeat(256), '\u{1f600}'.repeat(256), '\ud800']) {
    t.throws(() => atom(name), { code: 'ERR_INVALID_OPTION' })
  }
})

test('a tuple is indexed, iterable and no array', async (t) => {
  const made = tuple(atom('ok'), 5, 'x')
  const [tag, value] = made.toArray()
  t.equal(tag, atom('ok'))
  t.equal(value, 5)
  t.equal(made[2], 'x')
  t.equal(made[3 as number], undefined)
  t.equal(made.length, 3)
  t.strictSame([...made], [atom('ok'), 5, 'x'])
  t.ok(made instanceof Tuple)
  t.notOk(Array.isArray(made))
  t.equal(made.constructor, Tuple)
  t.equal(String(made), '{ok, 5, x}')
  t.equal(JSON.stringify(made), '["ok",5,"x"]')
  t.strictSame(Object.keys(tuple('a', 'b')), ['0', '1'])
})

test('tuples of every size hold their elements', async (t) => {
  for (const size of [0, 1, 2, 3, 4, 5, 64, 65, 1000]) {
    const elements = Array.from({ length: size }, (_, i) => i)
    for (const made of [new Tuple(elements), tuple(...elements)]) {
      t.equal(made.length, size)
      t.equal(made instanceof Tuple, true)
      t.strictSame([...made], elements)
      t.strictSame(made.toArray(), elements)
      t.strictSame(Object.keys(made).length, size)
    }
  }
})

test('identifiers are equal by value', async (t) => {
  const node = atom('a@b')
  const other = atom('c@d') as Atom as Atom<'a@b'>
  const pid = new Pid(node, 1, 2, 3)
  t.ok(pid.equals(new Pid(node, 1, 2, 3)))
  for (const different of [
    new Pid(other, 1, 2, 3),
    new Pid(node, 2, 2, 3),
    new Pid(node, 1, 1, 3),
    new Pid(node, 1, 2, 4),
    1,
  ]) {
    t.notOk(pid.equals(different))
    if (different instanceof Pid) t.not(different.key, pid.key)
  }
  t.equal(new Pid(node, 1, 2, 3).key, pid.key)
  const port = new Port(node, 2n ** 60n, 1)
  t.ok(port.equals(new Port(node, 2n ** 60n, 1)))
  t.notOk(port.equals(new Port(node, 5, 1)))
  t.equal(new Port(node, 5n, 1).id, 5)
  const reference = new Reference(node, 1, [7])
  t.ok(reference.equals(new Reference(node, 1, [7, 0, 0])))
  t.equal(new Reference(node, 1, [7, 0, 0]).key, reference.key)
  t.notOk(reference.equals(new Reference(node, 1, [0, 7])))
  t.notOk(reference.equals(new Reference(node, 2, [7])))
  t.not(reference.key, port.key)
  t.ok(new ExportFun(node, node, 1).equals(new ExportFun(node, node, 1)))
  t.notOk(new ExportFun(node, node, 1).equals(new ExportFun(node, node, 2)))
  t.strictSame(JSON.parse(JSON.stringify([pid, port, reference])), [
    '#PID<0.1.2>',
    '#Port<0.1152921504606846976>',
    '#Reference<0.7>',
  ])
})

test('a bitstring clears the bits that do not count, and leaves what it was made of', async (t) => {
  for (const bytes of [Uint8Array.of(0xff), asReceived(Uint8Array.of(0xff))]) {
    const bits = new BitString(bytes, 3)
    t.equal(bits.bytes[0], 0xe0)
    t.equal(bits.bitLength, 3)
    t.equal(bytes[0], 0xff)
  }
  t.equal(new BitString(new Uint8Array(0), 0).bitLength, 0)
  for (const [size, bits] of [
    [0, 1],
    [1, 0],
    [1, 9],
    [1, 1.5],
  ] as const) {
    t.throws(() => new BitString(new Uint8Array(size), bits), { code: 'ERR_INVALID_OPTION' })
  }
})

test('a Float is finite', async (t) => {
  t.strictSame(float(3), new Float(3))
  t.equal(Number(float(3)), 3)
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
    t.throws(() => float(value), { code: 'ERR_INVALID_OPTION' })
})

test('fields of a record are found by name', async (t) => {
  const record = new RecordTerm(atom('m'), atom('r'), true, [atom('a'), atom('b')], [1, 2])
  t.equal(record.get('b'), 2)
  t.equal(record.get(atom('a')), 1)
  t.equal(record.get('c'), undefined)
})

test('keyword lists are objects and back', async (t) => {
  const list = toKeyword({ timeout: 5, name: undefined, nil: true })
  t.equal(inspect(list), '[timeout: 5, nil: true]')
  const twice = [tuple(atom('a'), 1), tuple(null, 2), tuple(true, 3), tuple(atom('a'), 4)] as Term
  t.strictSame(fromKeyword(twice), { a: 1, nil: 2, true: 3 })
  t.strictSame(fromKeyword([]), {})
  for (const other of [1, [atom('a')], [tuple(atom('a'))], [tuple('a', 1)], new Map()]) {
    t.equal(fromKeyword(other as Term), undefined)
  }
})
