import { test } from 'tap'
import { AtomCache } from '../../src/dist/atom-cache.ts'
import { readAtomRefs } from '../../src/dist/header.ts'
import { OutgoingAtoms } from '../../src/dist/outgoing-atoms.ts'
import { type Atom, atom } from '../../src/etf/index.ts'
import { randomFrom } from '../support/random.ts'

const readAtom = (bytes: Uint8Array, start: number, end: number): Atom =>
  atom(Buffer.from(bytes.subarray(start, end)).toString())

/** Both ends of one connection's cache. */
class Link {
  readonly out = new OutgoingAtoms()
  readonly cache = new AtomCache()

  /** Sends the atoms in one frame. @returns what the peer gets for each, undefined for an inline one, and the bytes */
  send(...atoms: Atom[]): { seen: (Atom | undefined)[]; bytes: Uint8Array } {
    this.out.begin(false)
    const indexes = atoms.map((each) => this.out.ref(each))
    const bytes = new Uint8Array(this.out.headerBytes)
    this.out.finish(bytes, 0)
    const refs: Atom[] = []
    if (readAtomRefs(bytes, 0, this.cache, refs, readAtom) !== bytes.length) throw new Error('wrong size')
    return { seen: indexes.map((index) => (index < 0 ? undefined : refs[index])), bytes }
  }
}

/** Two atoms of one slot. */
function colliding(): [Atom, Atom] {
  const bySlot = new Map<number, Atom>()
  for (let i = 0; ; i++) {
    const next = atom(`collide_${i}`)
    const other = bySlot.get(next.hash & 2047)
    if (other !== undefined) return [other, next]
    bySlot.set(next.hash & 2047, next)
  }
}

test('an atom is told once and referred to afterwards', (t) => {
  const link = new Link()
  const [one, two] = [atom('first_atom'), atom('second_atom')]
  const first = link.send(one, two, one)
  t.same(first.seen, [one, two, one])
  t.equal(first.bytes[0], 2, 'twice in a frame is one reference')
  const again = link.send(two, one)
  t.same(again.seen, [two, one])
  t.equal(again.bytes.length, 1 + 2 + 2)
  t.equal(link.send().bytes.length, 1, 'no atoms, no flags')
  t.end()
})

test('atoms that are no longer than a reference stand inline', (t) => {
  const link = new Link()
  t.same(link.send(atom(''), atom('a'), atom('ok')).seen, [undefined, undefined, undefined])
  t.same(link.send(atom('abc')).seen, [atom('abc')])
  t.end()
})

test('a new atom takes the slot of another, and within one frame stands inline', (t) => {
  const link = new Link()
  const [one, two] = colliding()
  t.same(link.send(one).seen, [one])
  t.same(link.send(two).seen, [two])
  t.same(link.send(one, two).seen, [one, undefined])
  t.same(link.send(two, one, two).seen, [two, undefined, two])
  t.same(link.send(one).seen, [one])
  t.end()
})

test('long atoms make all lengths two bytes, for odd and even counts', (t) => {
  const link = new Link()
  const long = [atom('ü'.repeat(200)), atom('ż'.repeat(255)), atom('𝄞'.repeat(255))]
  t.same(link.send(long[0]!).seen, [long[0]])
  t.same(link.send(atom('short_1'), long[1]!).seen, [atom('short_1'), long[1]])
  t.same(link.send(long[2]!, atom('short_2'), atom('short_3')).seen, [
    long[2],
    atom('short_2'),
    atom('short_3'),
  ])
  const again = link.send(...long)
  t.same(again.seen, long)
  t.equal(again.bytes.length, 1 + 2 + 3, 'known ones need no lengths')
  t.same(link.send(atom('a'.repeat(255))).seen, [atom('a'.repeat(255))])
  t.end()
})

test('the 256th atom of a frame stands inline', (t) => {
  const link = new Link()
  const atoms: Atom[] = []
  const slots = new Set<number>()
  for (let i = 0; atoms.length < 300; i++) {
    const next = atom(`many_${i}`)
    if (slots.has(next.hash & 2047)) continue
    slots.add(next.hash & 2047)
    atoms.push(next)
  }
  const { seen, bytes } = link.send(...atoms)
  t.equal(bytes[0], 255)
  t.same(seen.slice(0, 255), atoms.slice(0, 255))
  t.ok(seen.slice(255).every((each) => each === undefined))
  t.same(link.send(...atoms.slice(255)).seen, atoms.slice(255))
  t.end()
})

test('a frame that is given up leaves no trace', (t) => {
  const link = new Link()
  const [one, two] = colliding()
  link.send(one)
  link.out.begin(false)
  link.out.ref(two)
  link.out.ref(atom('never_sent'))
  t.same(link.send(one, atom('never_sent')).seen, [one, atom('never_sent')])
  t.end()
})

test('an inline frame refers to nothing and changes nothing', (t) => {
  const link = new Link()
  link.send(atom('known_atom'))
  link.out.begin(true)
  t.equal(link.out.ref(atom('known_atom')), -1)
  t.equal(link.out.ref(atom('unknown_atom')), -1)
  t.equal(link.out.headerBytes, 1)
  t.same(link.send(atom('known_atom'), atom('unknown_atom')).seen, [atom('known_atom'), atom('unknown_atom')])
  t.end()
})

test('two connections share nothing', (t) => {
  const [one, other] = [new Link(), new Link()]
  one.send(atom('only_here'))
  t.same(other.send(atom('only_here')).seen, [atom('only_here')])
  t.end()
})

test('10 000 frames of 5000 atoms, some given up, mean the same on both ends', (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  const random = randomFrom(seed)
  const pick = (): Atom => atom(`random_${Math.floor(random() ** 3 * 5000)}`)
  const link = new Link()
  let inline = 0
  let total = 0
  for (let i = 0; i < 10_000; i++) {
    const atoms = Array.from({ length: Math.floor(random() * 12) }, pick)
    if (random() < 0.1) {
      link.out.begin(random() < 0.5)
      for (const each of atoms) link.out.ref(each)
      continue
    }
    const { seen } = link.send(...atoms)
    seen.forEach((each, index) => {
      total++
      if (each === undefined) inline++
      else if (each !== atoms[index]) t.fail(`frame ${i}: ${each.name} for ${atoms[index]!.name}`)
    })
  }
  t.ok(inline < total / 20, `${inline} of ${total} stand inline`)
  t.end()
})

test('frames beyond the number of marks begin again', (t) => {
  const link = new Link()
  link.send(atom('before_wrap'))
  for (let i = 0; i < 0x7fffff; i++) link.out.begin(false)
  t.same(link.send(atom('before_wrap'), atom('after_wrap')).seen, [atom('before_wrap'), atom('after_wrap')])
  t.equal(link.send(atom('before_wrap'), atom('after_wrap')).bytes.length, 5)
  t.end()
})
