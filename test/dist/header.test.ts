import { test } from 'tap'
import { AtomCache } from '../../src/dist/atom-cache.ts'
import { readAtomRefs } from '../../src/dist/header.ts'
import { type Atom, atom } from '../../src/etf/index.ts'

const readAtom = (bytes: Uint8Array, start: number, end: number): Atom =>
  atom(Buffer.from(bytes.subarray(start, end)).toString())

const parse = (text: string): Uint8Array => Buffer.from(text.replaceAll(/\s|\/\/.*/g, ''), 'hex')

/** The names of the references, and the offset behind them. */
function read(cache: AtomCache, text: string): [string[], number] {
  const atoms: Atom[] = []
  const offset = readAtomRefs(parse(text), 2, cache, atoms, readAtom)
  return [atoms.map(({ name }) => name), offset]
}

/** A cache whose slots were filled by earlier frames. */
function filled(slots: Record<number, string>): AtomCache {
  const cache = new AtomCache()
  for (const [slot, name] of Object.entries(slots)) cache.set(Number(slot), atom(name))
  return cache
}

test('a frame of OTP 27: two cached references, a new one, another cached one', (t) => {
  const cache = filled({ 265: 'n27@localhost', 5: '', 354: 'hello' })
  const frame = '83 44 04  01 18 00  09 05 74 02 6E 6D 62  68 04'
  t.same(read(cache, frame), [['n27@localhost', '', 'nm', 'hello'], 13])
  t.equal(cache.get(0x74).name, 'nm', 'what is new stays')
  t.end()
})

test('garbage in the unused bits of the last nibble is no long-atoms flag', (t) => {
  const cache = filled({ 898: 'a', 1612: 'b' })
  t.same(read(cache, '83 44 02  63 02  82 4C'), [['a', 'b'], 7])
  t.same(read(cache, '83 44 02  63 0e  82 4C'), [['a', 'b'], 7])
  t.end()
})

test('long atoms have lengths of two bytes, for odd and even counts', (t) => {
  t.same(read(new AtomCache(), '83 44 01  18  07 0003 616263'), [['abc'], 10])
  t.same(read(new AtomCache(), '83 44 02  88 01  07 0001 61 08 0001 62'), [['a', 'b'], 13])
  t.end()
})

test('no references mean no flags either', (t) => {
  t.same(read(new AtomCache(), '83 44 00 68'), [[], 3])
  t.end()
})

test('a new entry overwrites its slot, and one atom may have several', (t) => {
  const cache = filled({ 1: 'old' })
  t.same(read(cache, '83 44 02  88 00  01 01 61 02 01 61')[0], ['a', 'a'])
  t.same(read(cache, '83 44 02  00 00  01 02')[0], ['a', 'a'])
  t.end()
})

test('255 references fit', (t) => {
  const cache = new AtomCache()
  for (let i = 0; i < 256; i++) cache.set(0x100 + i, atom(`r${i}`))
  const flags = `${'11'.repeat(127)}01`
  const refs = Array.from({ length: 255 }, (_, i) => i.toString(16).padStart(2, '0')).join('')
  const [names] = read(cache, `83 44 ff ${flags} ${refs}`)
  t.equal(names.length, 255)
  t.equal(names[254], 'r254')
  t.end()
})

test('a slot that was never filled is an error', (t) => {
  const cache = filled({ 257: 'a' })
  t.throws(() => read(cache, '83 44 01 00 01'), { code: 'ERR_DIST_BAD_ATOM_REF', actual: 1 })
  t.same(read(cache, '83 44 01 01 01')[0], ['a'], 'the cache still works')
  t.end()
})

test('a header that ends too early is an error at every length', (t) => {
  const cache = filled({ 265: 'x', 5: '', 354: 'y' })
  const frame = '834404 011800 0905 74026E6D 62'.replaceAll(' ', '')
  for (let length = 4; length < frame.length; length += 2) {
    t.throws(() => read(cache, frame.slice(0, length)), { code: 'ERR_DIST_BAD_FRAME' }, `${length / 2} bytes`)
  }
  t.end()
})
