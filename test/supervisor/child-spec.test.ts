import { test } from 'tap'
import { alias, atom, decode, encode, type Term, tuple } from '../../src/etf/index.ts'
import { GenServer } from '../../src/runtime/index.ts'
import {
  type ChildSpec,
  childSpecToMap,
  childSpecToTuple,
  parseChildSpec,
  toChildSpec,
} from '../../src/supervisor/child-spec.ts'
import type { SupervisorError } from '../../src/supervisor/errors.ts'

class Counter extends GenServer<number> {
  init(start: number) {
    return start
  }
}

const START = tuple(alias('Counter'), atom('start_link'), [[1]]) as Term
const map = (entries: Record<string, Term>): Term =>
  new Map<Term, Term>(Object.entries(entries).map(([key, value]) => [atom(key), value]))

const COMPLETE: ChildSpec = {
  id: atom('one'),
  start: { module: alias('Counter'), function: atom('start_link'), args: [[1]] },
  restart: 'transient',
  shutdown: 'brutal_kill',
  type: 'supervisor',
  modules: [alias('Counter'), atom('other')],
  significant: false,
  local: undefined,
}

test('the map with id and start only gets the defaults of Elixir', async (t) => {
  t.same(parseChildSpec(map({ id: atom('one'), start: START })), {
    id: atom('one'),
    start: COMPLETE.start,
    restart: 'permanent',
    shutdown: 5000,
    type: 'worker',
    modules: [alias('Counter')],
    significant: false,
    local: undefined,
  })
})

test('a supervisor has no limit for its shutdown by default', async (t) => {
  const spec = parseChildSpec(map({ id: 1, start: START, type: atom('supervisor') }))
  t.equal(spec.shutdown, 'infinity')
})

test('a specification survives the way over the wire as a map and as a tuple', async (t) => {
  const asMap = decode(encode(childSpecToMap(COMPLETE)))
  t.same(parseChildSpec(asMap), COMPLETE)
  const asTuple = decode(encode(childSpecToTuple(COMPLETE)))
  t.same(parseChildSpec(asTuple), { ...COMPLETE, id: atom('undefined') })
})

test('the tuple of six elements has the id in front', async (t) => {
  const six = tuple('x', START, atom('temporary'), 10, atom('worker'), atom('dynamic')) as Term
  const spec = parseChildSpec(six)
  t.match(spec, { id: 'x', restart: 'temporary', shutdown: 10, type: 'worker', modules: atom('dynamic') })
})

const complete = { id: 1, start: START }
const WRONG: [string, Term][] = [
  ['invalid_mfa', map({ ...complete, start: tuple(1, 2, 3) as Term })],
  ['invalid_restart_type', map({ ...complete, restart: atom('never') })],
  ['invalid_shutdown', map({ ...complete, shutdown: 0 })],
  ['invalid_shutdown', map({ ...complete, shutdown: -1 })],
  ['invalid_shutdown', map({ ...complete, shutdown: atom('soon') })],
  ['invalid_child_type', map({ ...complete, type: atom('thing') })],
  ['invalid_modules', map({ ...complete, modules: [1] })],
  ['invalid_child_spec', map({ start: START })],
  ['invalid_child_spec', map({ id: 1, start: tuple(atom('a'), atom('b')) as Term })],
  ['invalid_child_spec', 5],
  ['invalid_child_spec', tuple(START, atom('permanent')) as Term],
]

WRONG.forEach(([reason, term], i) => {
  test(`wrong specification ${i} is refused with ${reason}, as Elixir refuses it`, async (t) => {
    try {
      parseChildSpec(term)
      t.fail('was taken')
    } catch (error) {
      const { code, reason: got } = error as SupervisorError
      t.equal(code, 'ERR_SUPERVISOR_BAD_SPEC')
      t.equal((got as unknown as Term[])[0], atom(reason))
    }
  })
})

test('a class with an argument is a complete specification', async (t) => {
  t.same(toChildSpec([Counter, 5]), {
    id: alias('Counter'),
    start: { module: alias('Counter'), function: atom('start_link'), args: [5] },
    restart: 'permanent',
    shutdown: 5000,
    type: 'worker',
    modules: [alias('Counter')],
    significant: false,
    local: { server: Counter, name: undefined, timeout: undefined },
  })
  t.same(toChildSpec([Counter]).start.args, [])
})

test('TypeScript code can say everything that the map can', async (t) => {
  const spec = toChildSpec({
    id: atom('one'),
    start: ['Elixir.Counter', 'start_link', [[1]]],
    restart: 'transient',
    shutdown: 'brutal_kill',
    type: 'supervisor',
    modules: [alias('Counter'), atom('other')],
  })
  t.same(spec, COMPLETE)
})

test('the module of a class can be given', async (t) => {
  const spec = toChildSpec({ start: [Counter] }, () => alias('My.Counter'))
  t.equal(spec.start.module, alias('My.Counter'))
})

test('a shutdown that cannot be is refused', async (t) => {
  for (const shutdown of [-1, 1.5, Number.NaN])
    t.throws(() => toChildSpec({ start: [Counter], shutdown }), { code: 'ERR_SUPERVISOR_BAD_SPEC' })
  t.equal(toChildSpec({ start: [Counter], shutdown: 0 }).shutdown, 0)
})
