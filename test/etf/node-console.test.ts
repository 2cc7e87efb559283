/** What `console.log` of Node shows of terms. */
import { inspect } from 'node:util'
import { test } from 'tap'
import { atom, type Encodable, Pid, tuple } from '../../src/etf/index.ts'

test('values print in the console as in Elixir', async (t) => {
  t.equal(inspect(atom('with space')), ':"with space"')
  t.equal(inspect(tuple(atom('ok'), 'a', new Pid(atom('a@b'), 1, 2, 3))), "{:ok, 'a', #PID<0.1.2>}")
})

test('console.log stops at a depth, so that no nesting is too deep', async (t) => {
  let deep: Encodable = 1
  for (let i = 0; i < 9000; i++) deep = tuple(deep)
  t.equal(inspect(deep), '{{{{...}}}}')
  t.equal(inspect(tuple(tuple(tuple(tuple(1)))), { depth: null }), '{{{{1}}}}')
})
