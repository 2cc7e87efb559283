import { test } from 'tap'
import { atom, type Term, tuple } from '../../src/etf/index.ts'
import { defineServer, type From, noreply, reply, stop } from '../../src/runtime/index.ts'
import { cluster, settled, testRuntime } from './runtimes.ts'

const Counter = defineServer({
  name: 'Counter',
  init: ({ start = 0 }: { start?: number }) => start,
  calls: {
    get: (n) => reply(n, n),
    add: (n, by: number, times: number) => reply(n + by * times, n + by * times),
    slow: async (n) => reply('done', n),
    constructed: (n) => stop(atom('normal'), 'bye', n),
  },
  casts: { reset: () => noreply(0) },
  infos: { tick: (n) => noreply(n + 100) },
})

test('an atom and a tuple are dispatched by their tag', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = await runtime.start(Counter, { start: 5 })
  t.equal(await runtime.call(pid, atom('get')), 5)
  t.equal(await runtime.call(pid, tuple(atom('add'), 2, 3)), 11)
  runtime.send(pid, atom('tick'))
  t.equal(await runtime.call(pid, atom('get')), 111)
  t.equal(await runtime.call(pid, atom('slow')), 'done')
})

test('a reference has typed methods, also for a server on another node', async (t) => {
  const { a, b } = cluster(t)
  const pid = await b.runtime.start(Counter, {})
  for (const { runtime } of [a, b]) {
    const counter = Counter.ref(runtime, pid)
    const sum: number = await counter.call.add(2, 3)
    t.equal(sum, 6)
    counter.cast.reset()
    t.equal(await counter.call.get(), 0)
  }
})

test('the options of a reference are those of its calls', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const Silent = defineServer({ init: () => null, calls: { wait: (state) => noreply(state) } })
  const pid = await runtime.start(Silent)
  const call = Silent.ref(runtime, pid, { timeout: 10 }).call.wait()
  clock.advance(10)
  await t.rejects(call, { code: 'timeout' })
})

test('a tag that is not defined is a bad call, also one that every object has', async (t) => {
  const { runtime } = testRuntime(t)
  for (const request of [atom('constructor'), atom('nope'), tuple(atom('toString'), 1) as Term, 'get']) {
    const pid = await runtime.start(Counter, {})
    await t.rejects(runtime.call(pid, request), { code: 'exit' })
  }
})

test('an undefined info is logged and the server goes on', async (t) => {
  const { runtime, log } = testRuntime(t)
  const pid = await runtime.start(Counter, {})
  runtime.send(pid, atom('nope'))
  await settled()
  t.ok(runtime.isAlive(pid))
  t.match(log, [{ fields: { server: 'Counter' } }])
})

test('handlers see the process and the caller as this', async (t) => {
  const { runtime } = testRuntime(t)
  const ended: string[] = []
  const Late = defineServer({
    init(): From[] {
      this.self.trapExit = true
      return []
    },
    calls: {
      wait(waiting) {
        return noreply(this.from === undefined ? waiting : [...waiting, this.from])
      },
    },
    casts: {
      answer(waiting, value: string) {
        for (const from of waiting) this.self.reply(from, value)
        return noreply<From[]>([])
      },
    },
    terminate(reason) {
      ended.push(String(reason))
    },
  })
  const pid = await runtime.start(Late)
  const late = Late.ref(runtime, pid)
  const call = late.call.wait()
  late.cast.answer('now')
  t.equal(await (call as Promise<unknown>), 'now')
  await runtime.stopServer(pid)
  t.same(ended, ['normal'])
})
