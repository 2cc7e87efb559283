import { test } from 'tap'
import { atom } from '../../src/etf/index.ts'
import { ExitError, type Process } from '../../src/runtime/index.ts'
import { applyExposed } from '../../src/services/rpc/apply.ts'
import { FunctionTable } from '../../src/services/rpc/exposed.ts'

const MATH = 'Elixir.TsMath'
/** The functions here do not use the process that they run in. */
const SELF = {} as Process

function found(table: FunctionTable, name: string): unknown {
  return table.find(atom(MATH), atom(name), 2)
}

test('what was exposed is found by module and name, nothing else is', async (t) => {
  const table = new FunctionTable()
  const add = (): number => 1
  table.expose(MATH, { add })
  t.equal(found(table, 'add'), add)
  t.equal(found(table, 'sub'), undefined)
  t.equal(table.find(atom('TsMath'), atom('add'), 2), undefined)
  for (const inherited of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    t.equal(found(table, inherited), undefined, inherited)
    t.equal(table.find(atom(inherited), atom('add'), 2), undefined, inherited)
  }
})

test('several objects of one module add up, and each is taken back alone', async (t) => {
  const table = new FunctionTable()
  const [one, two] = [() => 1, () => 2]
  const takeOne = table.expose(MATH, { one })
  const takeTwo = table.expose(MATH, { two })
  t.same([found(table, 'one'), found(table, 'two')], [one, two])
  takeOne()
  t.same([found(table, 'one'), found(table, 'two')], [undefined, two])
  takeOne()
  takeTwo()
  t.equal(found(table, 'two'), undefined)
})

test('the later function of a name counts, and the earlier one again when that is taken back', async (t) => {
  const table = new FunctionTable()
  const [early, late] = [() => 1, () => 2]
  const takeEarly = table.expose(MATH, { run: early })
  const takeLate = table.expose(MATH, { run: late })
  t.equal(found(table, 'run'), late)
  takeLate()
  t.equal(found(table, 'run'), early)
  const takeAgain = table.expose(MATH, { run: late })
  takeEarly()
  t.equal(found(table, 'run'), late, 'taking back the earlier one changes nothing')
  takeAgain()
  t.equal(found(table, 'run'), undefined)
})

test('one function that was exposed twice is there until it is taken back twice', async (t) => {
  const table = new FunctionTable()
  const run = (): number => 1
  const first = table.expose(MATH, { run })
  const second = table.expose(MATH, { run })
  first()
  first()
  t.equal(found(table, 'run'), run)
  second()
  t.equal(found(table, 'run'), undefined)
})

test('what is no function is refused when it is exposed', async (t) => {
  const table = new FunctionTable()
  const bad = { add: 1 } as unknown as Record<string, () => number>
  t.throws(() => table.expose(MATH, bad), { code: 'ERR_INVALID_OPTION', message: /Elixir\.TsMath.*add/ })
  t.equal(found(table, 'add'), undefined)
})

test('a function ends in one of four ways', async (t) => {
  const table = new FunctionTable()
  table.expose('m', {
    value: (a, b) => Number(a) + Number(b),
    nothing: () => {},
    later: async () => 'later',
    thrown: () => {
      throw atom('oops')
    },
    rejected: () => Promise.reject(17),
    exit: () => {
      throw new ExitError(atom('bye'))
    },
    error: () => {
      throw new RangeError('too far')
    },
  })
  const run = (name: string, ...args: number[]) => applyExposed(table, SELF, atom('m'), atom(name), args)
  t.same(await run('value', 1, 2), { kind: 'return', value: 3 })
  t.same(await run('nothing'), { kind: 'return', value: undefined })
  t.same(await run('later'), { kind: 'return', value: 'later' })
  t.same(await run('thrown'), { kind: 'throw', value: atom('oops') })
  t.same(await run('rejected'), { kind: 'throw', value: 17 })
  t.same(await run('exit'), { kind: 'exit', reason: atom('bye') })
  const failed = await run('error')
  t.match(failed, { kind: 'error' })
  if (failed.kind !== 'error') return
  t.equal((failed.reason as Map<unknown, unknown>).get(atom('message')), 'RangeError: too far')
  t.ok(Array.isArray(failed.stack) && failed.stack.length > 0)
})

test('what is not there is undef with the call in the stack', async (t) => {
  const outcome = await applyExposed(new FunctionTable(), SELF, atom('m'), atom('f'), [1])
  t.match(outcome, { kind: 'error', reason: atom('undef') })
  if (outcome.kind !== 'error') return
  t.match(outcome.stack, [{ 0: atom('m'), 1: atom('f'), 2: [1], 3: [] }])
})

test('a call that is none is badarg', async (t) => {
  const table = new FunctionTable()
  const badarg = { kind: 'error', reason: atom('badarg'), stack: [] }
  t.same(await applyExposed(table, SELF, atom('m'), atom('f'), atom('args')), badarg)
  t.same(await applyExposed(table, SELF, 'm', atom('f'), []), badarg)
  t.same(await applyExposed(table, SELF, null, atom('f'), []), badarg)
  t.same(await applyExposed(table, SELF, atom('m'), 1, []), badarg)
})

test('a name with an arity is nobody else’s name: no call reaches the function with more arguments', async (t) => {
  const table = new FunctionTable()
  table.expose(MATH, { 'add/2': () => 1 })
  t.ok(table.find(atom(MATH), atom('add'), 2))
  t.equal(table.find(atom(MATH), atom('add'), 5), undefined)
  t.equal(table.find(atom(MATH), atom('add/2'), 5), undefined)
})
