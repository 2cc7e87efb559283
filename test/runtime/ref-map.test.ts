import { test } from 'tap'
import { atom, Reference } from '../../src/etf/index.ts'
import { RefMap } from '../../src/runtime/ref-map.ts'

const ref = (node: string, words: number[]): Reference => new Reference(atom(node), 1, words)

test('an entry is found by an equal reference, trailing zero words or not', async (t) => {
  const map = new RefMap<{ ref: Reference }>()
  const entry = { ref: ref('a@test', [5, 6, 0]) }
  map.add(entry)
  t.equal(map.get(ref('a@test', [5, 6])), entry)
  t.equal(map.get(ref('a@test', [5, 6, 1])), undefined)
  t.equal(map.take(ref('a@test', [5, 6])), entry)
  t.equal(map.size, 0)
})

test('references of different nodes with the same words are kept apart', async (t) => {
  const map = new RefMap<{ ref: Reference }>()
  const entries = ['a@test', 'b@test', 'c@test'].map((node) => ({ ref: ref(node, [1, 2, 3]) }))
  for (const entry of entries) map.add(entry)
  t.equal(map.size, 3)
  t.equal(map.take(ref('b@test', [1, 2, 3])), entries[1])
  t.equal(map.take(ref('b@test', [1, 2, 3])), undefined)
  t.equal(map.get(ref('a@test', [1, 2, 3])), entries[0])
  t.equal(map.take(ref('c@test', [1, 2, 3])), entries[2])
  t.equal(map.take(ref('a@test', [1, 2, 3])), entries[0])
  t.same([...map.values()], [])
})

test('entries may be taken while iterating', async (t) => {
  const map = new RefMap<{ ref: Reference }>()
  for (let i = 0; i < 10; i++) map.add({ ref: ref(i % 2 === 0 ? 'a@test' : 'b@test', [i >> 1]) })
  let seen = 0
  for (const entry of map.values()) {
    map.take(entry.ref)
    seen++
  }
  t.equal(seen, 10)
  t.equal(map.size, 0)
})
