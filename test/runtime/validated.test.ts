/** Typed references, requests and contracts, and validation by the libraries of the Standard Schema specification. */
import { type } from 'arktype'
import { test } from 'tap'
import * as v from 'valibot'
import { z } from 'zod'
import { atom, type Encodable, inspect, type Pid, type Term, tuple } from '../../src/etf/index.ts'
import {
  type CallResult,
  defineServer,
  type From,
  type InvalidMessage,
  noreply,
  reply,
  type StandardSchema,
  serverRef,
  stop,
  validated,
} from '../../src/runtime/index.ts'
import { cluster, settled, testRuntime } from './runtimes.ts'

/** True when both types are the same; `any` and unions are not mistaken. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Fails to compile unless its argument is `true`. */
function typeTest<_T extends true>(): void {}

const Counter = defineServer({
  name: 'Counter',
  init: ({ start = 0 }: { start?: number }) => start,
  calls: {
    get: (n) => reply(n, n),
    add: (n, by: number) => reply(n + by, n + by),
    name: async (n) => reply('counter' as string, n),
    last: (n) => stop(atom('normal'), n > 0, n),
    later(n): CallResult<number, string> {
      if (this.from !== undefined) this.self.reply(this.from, 'later')
      return noreply(n)
    },
    open: (n) => noreply(n),
  },
  casts: { reset: (_n, to: number) => noreply(to) },
})

test('the types of a definition flow to references and requests', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = await runtime.start(Counter, { start: 1 })
  const counter = Counter.ref(runtime, pid)
  typeTest<Same<Parameters<typeof counter.call.add>, [by: number]>>()
  typeTest<Same<ReturnType<typeof counter.call.add>, Promise<number>>>()
  typeTest<Same<ReturnType<typeof counter.call.name>, Promise<string>>>()
  typeTest<Same<ReturnType<typeof counter.call.last>, Promise<boolean>>>()
  typeTest<Same<ReturnType<typeof counter.call.later>, Promise<string>>>()
  typeTest<Same<ReturnType<typeof counter.call.open>, Promise<Term>>>()
  typeTest<Same<Parameters<typeof counter.cast.reset>, [to: number]>>()
  // @ts-expect-error the argument is a number
  const wrong = (): unknown => counter.call.add('5')
  // @ts-expect-error there is no such call
  const missing = (): unknown => counter.call.nope()
  t.type(wrong, 'function')
  t.throws(missing, TypeError)

  const sum = await runtime.call(pid, Counter.request.add(5))
  typeTest<Same<typeof sum, number>>()
  t.equal(sum, 6)
  const untyped = await runtime.call(pid, atom('get'))
  typeTest<Same<typeof untyped, Term>>()
  t.equal(inspect(Counter.request.add(5) as Encodable), '{:add, 5}')
  t.equal(inspect(Counter.request.get() as Encodable), ':get')
  t.equal(await counter.call.later(), 'later')
  t.equal(await counter.call.last(), true)
})

interface Contract {
  calls: { get(): number; add(by: number): Promise<number> }
  casts: { reset(to: number): void }
}

test('a reference is declared with a type only, of a definition or a contract', async (t) => {
  const { a, b } = cluster(t)
  const pid = await b.runtime.start(Counter, { start: 1 })
  const byContract = serverRef<Contract>(a.runtime, pid)
  typeTest<Same<ReturnType<typeof byContract.call.add>, Promise<number>>>()
  typeTest<Same<ReturnType<typeof byContract.cast.reset>, void>>()
  // @ts-expect-error the argument is a number
  const wrong = (): unknown => byContract.call.add('5')
  t.type(wrong, 'function')
  t.equal(await byContract.call.add(5), 6)
  byContract.cast.reset(2)
  t.equal(await byContract.call.get(), 2)

  const byDefinition = serverRef<typeof Counter>(a.runtime, pid, { timeout: 50 })
  typeTest<Same<ReturnType<typeof byDefinition.call.name>, Promise<string>>>()
  t.equal(await byDefinition.call.name(), 'counter')
  t.equal(await (async () => byDefinition.call)(), byDefinition.call, 'awaiting it calls nothing')
  const open = t.rejects(byDefinition.call.open(), { code: 'timeout' })
  await settled()
  a.clock.advance(50)
  await open
})

const LIBRARIES = {
  zod: {
    positive: z.number().positive(),
    person: z.object({ name: z.string(), tags: z.array(z.string()).default([]) }),
  },
  valibot: {
    positive: v.pipe(v.number(), v.minValue(1)),
    person: v.object({ name: v.string(), tags: v.optional(v.array(v.string()), []) }),
  },
  arktype: {
    positive: type('number > 0'),
    person: type({ name: 'string', tags: type('string[]').default(() => []) }),
  },
} satisfies Record<string, { positive: StandardSchema<number>; person: StandardSchema }>

for (const [library, { positive, person }] of Object.entries(LIBRARIES)) {
  const Checked = defineServer({
    name: 'Checked',
    init: () => 10,
    calls: {
      add: validated([positive as StandardSchema<number>], (n: number, by) => reply(n + by, n + by)),
      greet: validated(
        [person as StandardSchema<object, { name: string; tags: string[] }>],
        (n: number, who) => reply(`${who.name} ${who.tags.length}`, n),
      ),
      get: (n) => reply(n, n),
    },
    casts: { set: validated([positive as StandardSchema<number>], (_n: number, to) => noreply(to)) },
    infos: { tick: validated([positive as StandardSchema<number>], (n: number, by) => noreply(n + by)) },
  })

  test(`${library} validates the arguments of calls, and the server goes on`, async (t) => {
    const { a, b } = cluster(t)
    const pid = await a.runtime.start(Checked)
    for (const caller of [a.runtime, b.runtime]) {
      const checked = Checked.ref(caller, pid)
      const before = (await checked.call.get()) as number
      t.equal(await checked.call.add(5), before + 5)
      const refused = checked.call.add(-5)
      await t.rejects(refused, { code: 'ERR_RUNTIME_INVALID_MESSAGE', issues: [{ path: [0] }] })
      await t.rejects(checked.call.add('x' as never), { message: /the call add: argument 1: .+/ })
      t.equal(await checked.call.get(), before + 5)
    }
    t.equal(await Checked.ref(a.runtime, pid).call.greet({ name: 'Joe' }), 'Joe 0')
    await t.rejects(Checked.ref(a.runtime, pid).call.greet({ name: 5 }), {
      code: 'ERR_RUNTIME_INVALID_MESSAGE',
      issues: [{ path: [0, 'name'] }],
    })
    const plain = await b.runtime.call(pid, tuple(atom('add'), 'text') as Term)
    t.match(inspect(plain), /^\{:error, \{:invalid_message, \[%\{.*path: \[0\].*\}\]\}\}$/)
    const many = await b.runtime.call(pid, tuple(atom('add'), 1, 2) as Term)
    t.match(inspect(many), /expected 1 arguments, got 2/)
    t.ok(a.runtime.isAlive(pid))
  })

  test(`${library} validates casts and other messages: what is refused is logged and dropped`, async (t) => {
    const { runtime, log } = testRuntime(t)
    const pid = await runtime.start(Checked)
    const { cast, call } = Checked.ref(runtime, pid)
    cast.set(-1)
    runtime.send(pid, tuple(atom('tick'), -1))
    t.equal(await call.get(), 10)
    t.equal(log.length, 2)
    t.match(log, [
      { level: 'warn', fields: { server: 'Checked', message: '{:set, -1}', issues: /^0: ./ } },
      { level: 'warn', fields: { message: '{:tick, -1}' } },
    ])
    cast.set(1)
    runtime.send(pid, tuple(atom('tick'), 2))
    t.equal(await call.get(), 3)
  })
}

test('the types of schemas flow to handlers, references and requests', async (t) => {
  const { runtime } = testRuntime(t)
  const Typed = defineServer({
    init: () => ({ total: 0 }),
    calls: {
      add: validated(
        [z.string().transform(Number), z.boolean().optional()],
        (state: { total: number }, by, double) => {
          typeTest<Same<typeof by, number>>()
          typeTest<Same<typeof double, boolean | undefined>>()
          const total = state.total + (double ? by * 2 : by)
          return reply(total, { total })
        },
      ),
    },
  })
  const pid: Pid = await runtime.start(Typed)
  const typed = Typed.ref(runtime, pid)
  typeTest<Same<ReturnType<typeof typed.call.add>, Promise<number>>>()
  // @ts-expect-error the first argument is text that becomes a number
  const wrong = (): unknown => typed.call.add(5)
  t.type(wrong, 'function')
  t.equal(await typed.call.add('5', true), 10)
  t.equal(await typed.call.add('5', undefined), 15)
  const answer = await runtime.call(pid, Typed.request.add('1', false))
  typeTest<Same<typeof answer, number | InvalidMessage>>()
  t.equal(answer, 16)
})

test('a schema may take its time, and the next message waits for it', async (t) => {
  const { runtime } = testRuntime(t)
  const slow = z.string().refine(async (text) => {
    await settled()
    return text !== 'bad'
  })
  const Slow = defineServer({
    init: () => [] as string[],
    calls: {
      put: validated([slow], (seen: string[], text) => reply(seen.length, [...seen, text])),
      get: (seen) => reply(seen, seen),
    },
  })
  const { call } = Slow.ref(runtime, await runtime.start(Slow))
  const answers = await Promise.allSettled([call.put('one'), call.put('bad'), call.put('two'), call.get()])
  t.match(answers, [
    { value: 0 },
    { status: 'rejected', reason: { code: 'ERR_RUNTIME_INVALID_MESSAGE' } },
    { value: 1 },
    { value: ['one', 'two'] },
  ])
})

test('a schema that throws is a failure of the server', async (t) => {
  const { runtime } = testRuntime(t)
  const broken: StandardSchema<number> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: () => {
        throw new Error('broken')
      },
    },
  }
  const Broken = defineServer({
    init: () => 0,
    calls: { add: validated([broken], (n: number, by) => reply(n, n + by)) },
  })
  const { call } = Broken.ref(runtime, await runtime.start(Broken))
  await t.rejects(call.add(1), { code: 'exit' })
})

test('handlers with schemas see the process and the caller as this', async (t) => {
  const { runtime } = testRuntime(t)
  const Late = defineServer({
    init: (): From[] => [],
    calls: {
      wait: validated([z.number()], function (waiting: From[], _n) {
        return noreply(this.from === undefined ? waiting : [...waiting, this.from])
      }),
    },
    casts: {
      answer(waiting, value: string) {
        for (const from of waiting) this.self.reply(from, value)
        return noreply<From[]>([])
      },
    },
  })
  const late = Late.ref(runtime, await runtime.start(Late))
  const waiting = late.call.wait(1)
  late.cast.answer('now')
  t.equal(await waiting, 'now')
})
