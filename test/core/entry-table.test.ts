import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { test } from 'tap'
import { type EntryKeys, EntryTable } from '../../src/core/index.ts'
import { randomFrom } from '../support/random.ts'

interface Entry {
  readonly key: number
  readonly payload?: unknown
}

const keysWith = (hash: (key: number) => number): EntryKeys<number, Entry> => ({
  of: (entry) => entry.key,
  hash,
  equal: (a, b) => a === b,
})

test('it holds what a Map holds, however keys come and go', async (t) => {
  const seed = Math.trunc(Math.random() * 2 ** 31)
  const random = randomFrom(seed)
  for (const [name, hash] of [
    ['keys that follow each other', (key: number) => key],
    ['hashes that clash', (key: number) => key % 5],
    ['hashes beyond 32 bits', (key: number) => key * 2 ** 31],
  ] as const) {
    const table = new EntryTable(keysWith(hash))
    const map = new Map<number, Entry>()
    for (let step = 0; step < 20_000; step++) {
      // It grows for a while and shrinks for a while.
      const isGrowing = Math.floor(step / 2000) % 2 === 0
      const key = Math.floor(random() * 300)
      if (random() < (isGrowing ? 0.7 : 0.3)) {
        if (map.has(key)) continue
        const entry = { key }
        map.set(key, entry)
        table.add(entry)
      } else {
        if (table.take(key) !== map.get(key)) t.fail(`${name}, seed ${seed}, step ${step}: took another`)
        map.delete(key)
      }
      const other = Math.floor(random() * 300)
      if (table.get(other) !== map.get(other)) t.fail(`${name}, seed ${seed}, step ${step}: got another`)
    }
    t.equal(table.size, map.size, `${name}, seed ${seed}`)
    t.same(new Set(table.entries()), new Set(map.values()), `${name}, seed ${seed}`)
  }
})

test('entries that come and go do not become old', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const oldBytes = () =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!.space_used_size
  const table = new EntryTable<number, Entry>(keysWith((key) => key))
  const LIVE = 64
  let next = 0
  const turn = () => {
    table.add({ key: next, payload: [next, next, next, next] })
    table.take(next++ - LIVE)
  }
  while (next < 20_000) turn()
  // The table itself is old from here on.
  collect()
  collect()
  const before = oldBytes()
  let most = 0
  while (next < 500_000) {
    turn()
    if (next % 1000 === 0) most = Math.max(most, oldBytes() - before)
  }
  // Of about 60 MB that went through it; with a Map it is 10 MB and more before a full collection comes.
  t.ok(most < 2 ** 20, `${most} bytes became old`)
})
