import { test } from 'tap'
import { DynamicNames } from '../../src/node/dynamic-names.ts'

function names(creation = 100): DynamicNames {
  let last = 0
  return new DynamicNames({ name: () => `R${++last}`, creation: () => creation })
}

test('names in use are different, on each host', (t) => {
  const given = names()
  const taken = ['a', 'a', 'b'].map((host) => given.take(host))
  for (const name of taken) given.connected(name)
  t.same(
    taken.map(({ name }) => name),
    ['R1@a', 'R2@a', 'R3@b'],
  )
  t.end()
})

test('a name comes back on its host when its node is gone, with the next creation', (t) => {
  const given = names()
  given.connected(given.take('a'))
  given.lost('R1@a')
  given.lost('R1@a')
  t.same(given.take('b'), { name: 'R2@b', creation: 100 })
  t.same(given.take('a'), { name: 'R1@a', creation: 101 })
  t.same(given.take('a'), { name: 'R3@a', creation: 100 }, 'while somebody has it, it is not free')
  t.end()
})

test('creations wrap around and leave out the old ones', (t) => {
  const given = names(2 ** 32 - 1)
  given.connected(given.take('a'))
  given.lost('R1@a')
  t.same(given.take('a'), { name: 'R1@a', creation: 4 })
  t.end()
})

test('a name whose node never came to connect is not given again, and other names are nobody’s business', (t) => {
  const given = names()
  given.take('a')
  given.lost('R1@a')
  given.lost('n1@a')
  t.same(given.take('a'), { name: 'R2@a', creation: 100 })
  t.end()
})

test('free names are bounded, the longest free is forgotten', (t) => {
  const given = names()
  for (let host = 0; host <= 1000; host++) given.connected(given.take(`h${host}`))
  for (let host = 0; host <= 1000; host++) given.lost(`R${host + 1}@h${host}`)
  t.equal(given.take('h0').name, 'R1002@h0')
  t.equal(given.take('h1').name, 'R2@h1')
  t.end()
})

test('a name that another node claims as its own while it is used is given to nobody after it', (t) => {
  const given = names()
  given.connected(given.take('a'))
  given.lost('R1@a')
  given.claimed('R1@a')
  t.same(given.take('a'), { name: 'R2@a', creation: 100 })
  t.end()
})
