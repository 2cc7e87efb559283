import { readFileSync } from 'node:fs'
import { test } from 'tap'
import {
  Atom,
  alias,
  atom,
  BitString,
  decode,
  EXACT,
  ExportFun,
  Float,
  Fun,
  ImproperList,
  Pid,
  Port,
  Reference,
  Tuple,
} from '../../src/etf/index.ts'
import { HashRing } from '../../src/supervisor/hash-ring.ts'

interface RingVectors {
  otp: string
  rings: { steps: ['add' | 'remove', string][]; nodes: string[] }[]
  keys: { key: string; owners: number[] }[]
}

function load(otp: number): RingVectors {
  return JSON.parse(readFileSync(new URL(`../vectors/ring/otp${otp}.json`, import.meta.url), 'utf8'))
}

function build(steps: RingVectors['rings'][number]['steps']): HashRing {
  const ring = new HashRing()
  for (const [verb, node] of steps) ring[verb](atom(node))
  return ring
}

for (const otp of [25, 27, 29]) {
  test(`every key has the owner that OTP ${otp} computes`, async (t) => {
    const vectors = load(otp)
    t.equal(vectors.otp, String(otp))
    const atomKeys = otp < 26 ? 'latin1' : 'utf8'
    const rings = vectors.rings.map(({ steps }) => build(steps))
    for (const [index, { nodes }] of vectors.rings.entries()) {
      t.same(rings[index]!.nodes.map(String), nodes, `members of ring ${index}, latest first`)
    }
    for (const { key, owners } of vectors.keys) {
      const term = decode(Buffer.from(key, 'base64'), EXACT)
      const found = rings.map((ring) => ring.nodeFor(term, atomKeys)?.name)
      const expected = owners.map((owner, index) => vectors.rings[index]!.nodes[owner])
      t.strictSame(found, expected, key)
    }
  })
}

test('keys of every kind are among those', async (t) => {
  const keys = load(29).keys.map(({ key }) => decode(Buffer.from(key, 'base64'), EXACT))
  const isAtom = (text: RegExp) => (key: unknown) => key instanceof Atom && text.test(key.name)
  const kinds: Record<string, (key: unknown) => boolean> = {
    'an atom of ASCII': isAtom(/^[a-z]+$/),
    'an atom of Latin-1': isAtom(/^[\u0080-\u00ff]+$/),
    'an atom beyond that': isAtom(/[\u0100-\uffff]/),
    'an atom of 255 characters': (key) => key instanceof Atom && [...key.name].length === 255,
    'an alias': isAtom(/^Elixir\./),
    nil: (key) => key === null,
    'a boolean': (key) => key === false,
    'a small integer': (key) => key === 255,
    'a negative integer': (key) => key === -1,
    'an integer of 32 bits': (key) => key === 134_217_728,
    'a large integer': (key) => typeof key === 'bigint' && key > 2n ** 2040n,
    'a large negative integer': (key) => typeof key === 'bigint' && key < -(2n ** 2040n),
    'a float': (key) => typeof key === 'number' && !Number.isInteger(key),
    'an integral float': (key) => key instanceof Float && key.value === 1,
    'a binary of text': (key) => key === 'worker',
    'a binary of bytes': (key) => key instanceof Uint8Array,
    'a bitstring': (key) => key instanceof BitString,
    'a charlist': (key) => Array.isArray(key) && key[0] === 'c'.charCodeAt(0),
    'a list': (key) => Array.isArray(key) && Array.isArray(key[0]),
    'an empty list': (key) => Array.isArray(key) && key.length === 0,
    'an improper list': (key) => key instanceof ImproperList,
    'a tuple': (key) => key instanceof Tuple && key[0] instanceof Tuple,
    'a tuple of more than 255': (key) => key instanceof Tuple && key.length > 255,
    'a map': (key) => key instanceof Map && key.size > 0,
    'a map of more than 32': (key) => key instanceof Map && key.size > 32,
    'a pid': (key) => key instanceof Pid,
    'a reference': (key) => key instanceof Reference,
    'a port': (key) => key instanceof Port,
    'a fun': (key) => key instanceof Fun,
    'an external fun': (key) => key instanceof ExportFun,
  }
  for (const [kind, isOne] of Object.entries(kinds)) t.ok(keys.some(isOne), kind)
})

test('a ring without nodes owns nothing', async (t) => {
  const ring = new HashRing()
  t.equal(ring.nodeFor('key'), undefined)
  t.same(ring.nodesFor('key'), [])
  t.notOk(ring.remove(atom('a@h')))
})

test('adding a member twice changes nothing', async (t) => {
  const ring = new HashRing([atom('a@h'), atom('b@h')])
  t.notOk(ring.add(atom('a@h')))
  t.same(ring.nodes, [atom('b@h'), atom('a@h')])
})

test('undefined is the key nil, as it is everywhere on the wire', async (t) => {
  const ring = new HashRing(Array.from({ length: 20 }, (_, i) => atom(`n${i}@h`)))
  t.equal(ring.nodeFor(undefined), ring.nodeFor(null))
})

test('the walk from a key meets every member once, the owner first', async (t) => {
  const ring = new HashRing(Array.from({ length: 9 }, (_, i) => atom(`n${i}@h`)))
  for (const key of ['a', 'b', alias('DS'), 17, 'z']) {
    const walk = ring.nodesFor(key)
    t.equal(walk[0], ring.nodeFor(key))
    t.equal(new Set(walk).size, 9)
  }
})

test('without its owner a key goes to the next node of its walk, other keys stay', async (t) => {
  const nodes: Atom[] = Array.from({ length: 9 }, (_, i) => atom(`n${i}@h`))
  const ring = new HashRing(nodes)
  const left = new HashRing(nodes)
  left.remove(atom('n4@h'))
  for (let i = 0; i < 200; i++) {
    const [owner, next] = ring.nodesFor(`key ${i}`)
    t.equal(left.nodeFor(`key ${i}`), owner === atom('n4@h') ? next : owner)
  }
})
