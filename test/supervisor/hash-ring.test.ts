import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { type Atom, alias, atom, decode, EXACT } from '../../src/etf/index.ts'
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
