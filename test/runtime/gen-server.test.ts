import { test } from 'tap'
import { atom, type Encodable, type Pid, type Term, type Tuple, tuple } from '../../src/etf/index.ts'
import { type From, GenServer, type MaybePromise, noreply, reply, stop } from '../../src/runtime/index.ts'
import { settled, testRuntime } from './runtimes.ts'

const BOOM = atom('boom')
const SYSTEM = atom('system')

/** Does what each message says: a function of the state and the server. Keeps a log of what happened. */
type Act = (state: string[], server: Scripted, from?: From) => MaybePromise<unknown>

class Scripted extends GenServer<string[]> {
  init(args: { events: string[]; init?: (server: Scripted) => unknown }) {
    this.events = args.events
    return (args.init?.(this) ?? []) as string[]
  }

  events: string[] = []

  override handleCall(request: Term, from: From, state: string[]) {
    return (request as unknown as Act)(state, this, from) as ReturnType<GenServer<string[]>['handleCall']>
  }

  override handleCast(request: Term, state: string[]) {
    return (request as unknown as Act)(state, this) as ReturnType<GenServer<string[]>['handleCast']>
  }

  override handleInfo(message: Term, state: string[]) {
    if (typeof message === 'function') {
      return (message as unknown as Act)(state, this) as ReturnType<GenServer<string[]>['handleInfo']>
    }
    this.events.push(`info ${String(message)}`)
    return noreply(state)
  }

  override handleContinue(argument: unknown, state: string[]) {
    this.events.push(`continue ${String(argument)}`)
    return noreply(state)
  }

  override terminate(reason: Term) {
    this.events.push(`terminate ${String(reason)}`)
  }
}

const act = (what: Act): Encodable => what as unknown as Encodable

async function scripted(t: Parameters<typeof testRuntime>[0], init?: (server: Scripted) => unknown) {
  const made = testRuntime(t)
  const events: string[] = []
  const pid = await made.runtime.start(Scripted, init === undefined ? { events } : { events, init })
  return { ...made, pid, events, down: made.runtime.client.whenDown(pid) }
}

test('reply, noreply and a later reply answer calls', async (t) => {
  const { runtime, pid } = await scripted(t)
  let kept: From | undefined
  const late = runtime.call(
    pid,
    act((state, _server, from) => {
      kept = from
      return noreply(state)
    }),
  )
  t.equal(
    await runtime.call(
      pid,
      act((state) => reply('now', [...state, 'x'])),
    ),
    'now',
  )
  t.same(
    await runtime.call(
      pid,
      act((state) => reply(state, state)),
    ),
    ['x'],
    'the state was kept',
  )
  runtime.cast(
    pid,
    act((state, server) => {
      server.self.reply(kept as From, 'later')
      return noreply(state)
    }),
  )
  t.equal(await late, 'later')
})

test('messages are handled one at a time and in order, also when callbacks are async', async (t) => {
  const { runtime, pid } = await scripted(t)
  const order: string[] = []
  let open: (() => void) | undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const first = runtime.call(
    pid,
    act(async (state) => {
      order.push('first begins')
      await gate
      order.push('first ends')
      return reply(1, state)
    }),
  )
  const second = runtime.call(
    pid,
    act((state) => {
      order.push('second')
      return reply(2, state)
    }),
  )
  await settled()
  t.same(order, ['first begins'])
  open?.()
  t.same(await Promise.all([first, second]), [1, 2])
  t.same(order, ['first begins', 'first ends', 'second'])
})

test('stop ends the server: terminate runs, the caller is answered, then it is gone', async (t) => {
  const { runtime, pid, events, down, log } = await scripted(t)
  const answer = runtime.call(
    pid,
    act((state) => stop(BOOM, 'bye', state)),
  )
  t.equal(await answer, 'bye')
  t.equal(await down, BOOM)
  t.same(events, ['terminate boom'])
  t.match(log, [
    { level: 'error', message: 'a server terminates', fields: { server: 'Scripted', reason: ':boom' } },
  ])
})

test('stop without a reply leaves the caller with the exit reason', async (t) => {
  const { runtime, pid } = await scripted(t)
  await t.rejects(
    runtime.call(
      pid,
      act((state) => stop(BOOM, state)),
    ),
    { code: 'exit', reason: BOOM },
  )
})

for (const reason of [atom('normal'), atom('shutdown'), tuple(atom('shutdown'), 1) as Term]) {
  test(`a server that stops with ${String(reason)} is not logged`, async (t) => {
    const { runtime, pid, down, log } = await scripted(t)
    runtime.cast(
      pid,
      act((state) => stop(reason, state)),
    )
    await down
    t.same(log, [])
  })
}

for (const [how, fail] of [
  [
    'throws',
    () => {
      throw new RangeError('too far')
    },
  ],
  [
    'rejects',
    async () => {
      throw new RangeError('too far')
    },
  ],
] as const) {
  test(`a callback that ${how} ends the server with an exception that Elixir can print`, async (t) => {
    const { runtime, pid, events, log } = await scripted(t)
    const error = await runtime.call(pid, act(fail)).catch((e) => e)
    t.equal(error.code, 'exit')
    const [exception, stack] = error.reason as [Map<Term, Term>, Tuple[]]
    t.equal(exception.get(atom('__exception__')), true)
    t.equal(exception.get(atom('message')), 'RangeError: too far')
    const [, , arity, location] = stack[0] as unknown as [Term, Term, number, Tuple[]]
    t.equal(arity, 0)
    const file = String.fromCodePoint(...(location[0] as unknown as [Term, number[]])[1])
    t.equal(file, 'test/runtime/gen-server.test.ts')
    t.type(location[1]?.[1], 'number')
    t.equal(events.length, 1, 'terminate ran')
    t.equal(log.length, 1)
  })
}

test('a return value that is none ends the server with bad_return_value', async (t) => {
  const { runtime, pid, down } = await scripted(t)
  runtime.cast(
    pid,
    act(() => 5),
  )
  t.same(await down, tuple(atom('bad_return_value'), 5))
})

test('reply from a cast and stop with a reply from a cast are bad return values', async (t) => {
  for (const bad of [reply(1, []), stop(BOOM, 1, [] as string[])]) {
    const { runtime, pid, down } = await scripted(t)
    runtime.cast(
      pid,
      act(() => bad),
    )
    t.equal(((await down) as Tuple)[0], atom('bad_return_value'))
  }
})

class Plain extends GenServer<number> {
  init() {
    return 0
  }
}

test('a server without handleCall or handleCast stops with bad_call and bad_cast', async (t) => {
  const { runtime } = testRuntime(t)
  const one = await runtime.start(Plain)
  await t.rejects(runtime.call(one, BOOM), { code: 'exit', reason: tuple(atom('bad_call'), BOOM) })
  const two = await runtime.start(Plain)
  const down = runtime.client.whenDown(two)
  runtime.cast(two, BOOM)
  t.same(await down, tuple(atom('bad_cast'), BOOM))
})

test('a server without handleInfo logs what it gets and goes on', async (t) => {
  const { runtime, log } = testRuntime(t)
  const pid = await runtime.start(Plain)
  runtime.send(pid, BOOM)
  await settled()
  t.ok(runtime.isAlive(pid))
  t.match(log, [{ level: 'error', fields: { message: ':boom' } }])
})

test('continue runs before the next message', async (t) => {
  const { runtime, pid, events } = await scripted(t)
  runtime.cast(
    pid,
    act((state) => noreply(state, { continue: 'a' })),
  )
  runtime.send(pid, 'next')
  await settled()
  t.same(events, ['continue a', 'info next'])
})

test('init may return options: continue runs first', async (t) => {
  const { runtime, pid, events } = await scripted(t, () => noreply(['s'], { continue: 'init' }))
  t.same(
    await runtime.call(
      pid,
      act((state) => reply(state, state)),
    ),
    ['s'],
  )
  t.same(events, ['continue init'])
})

test('timeout brings the message timeout when nothing else comes', async (t) => {
  const { runtime, pid, events, clock } = await scripted(t)
  runtime.cast(
    pid,
    act((state) => noreply(state, { timeout: 100 })),
  )
  await settled()
  clock.advance(99)
  await settled()
  t.same(events, [])
  clock.advance(1)
  await settled()
  t.same(events, ['info timeout'])
  clock.advance(1000)
  await settled()
  t.equal(events.length, 1, 'once')
})

test('any message cancels the timeout', async (t) => {
  const { runtime, pid, events, clock } = await scripted(t)
  runtime.cast(
    pid,
    act((state) => noreply(state, { timeout: 100 })),
  )
  await settled()
  runtime.send(pid, 'something')
  await settled()
  clock.advance(1000)
  await settled()
  t.same(events, ['info something'])
  t.equal(clock.pending, 0)
})

test('timeout 0 comes at once when the mailbox is empty, and not when it is not', async (t) => {
  const { runtime, pid, events } = await scripted(t)
  runtime.cast(
    pid,
    act((state) => noreply(state, { timeout: 0 })),
  )
  runtime.send(pid, 'waiting')
  await settled()
  t.same(events, ['info waiting'])
  runtime.cast(
    pid,
    act((state) => noreply(state, { timeout: 0 })),
  )
  await settled()
  t.same(events, ['info waiting', 'info timeout'])
})

test('an exit of the parent ends a server that traps exits, after terminate', async (t) => {
  const { runtime } = testRuntime(t)
  const events: string[] = []
  const init = (server: Scripted): void => {
    server.self.trapExit = true
  }
  let pid: Pid | undefined
  runtime.spawn(async (self) => {
    pid = await self.startLink(Scripted, { events, init })
    self.exit(BOOM)
  })
  await settled()
  t.same(events, ['terminate boom'])
  t.notOk(runtime.isAlive(pid as Pid))
})

test('an exit of somebody else is a message to a server that traps exits', async (t) => {
  const { runtime, pid, events } = await scripted(t, (server) => {
    server.self.trapExit = true
  })
  runtime.spawn((self) => self.exit(pid, BOOM))
  await settled()
  t.match(events, [/^info \{EXIT, #PID<.*>, boom\}$/])
})

test('an exit signal ends a server that does not trap exits without terminate', async (t) => {
  const { runtime, pid, events, down } = await scripted(t)
  runtime.exit(pid, BOOM)
  t.equal(await down, BOOM)
  t.same(events, [])
})

test('what a callback returns after its server was killed is dropped', async (t) => {
  const { runtime, pid, down } = await scripted(t)
  let open: (() => void) | undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const call = runtime.call(
    pid,
    act(async (state) => {
      await gate
      return reply('too late', state)
    }),
  )
  await settled()
  runtime.exit(pid, atom('kill'))
  await t.rejects(call, { code: 'exit', reason: atom('killed') })
  open?.()
  await settled()
  t.equal(await down, atom('killed'))
})

test('terminate may be async, and when it throws that is the exit reason', async (t) => {
  class Careful extends GenServer<null> {
    init() {
      return null
    }
    override handleCast() {
      return stop(atom('normal'), null)
    }
    override async terminate() {
      await Promise.resolve()
      throw new Error('cannot close')
    }
  }
  const { runtime } = testRuntime(t)
  const pid = await runtime.start(Careful)
  const down = runtime.client.whenDown(pid)
  runtime.cast(pid, 1)
  const [exception] = (await down) as unknown as [Map<Term, Term>]
  t.equal(exception.get(atom('message')), 'Error: cannot close')
})

test('a callback can receive selectively; what it leaves is handled afterwards', async (t) => {
  const { runtime, pid, events } = await scripted(t)
  const call = runtime.call(
    pid,
    act(async (state, server) => {
      const got = await server.self.receive((message) => typeof message === 'number')
      return reply(got, state)
    }),
  )
  await settled()
  runtime.send(pid, 'other')
  runtime.send(pid, 7)
  t.equal(await call, 7)
  await settled()
  t.same(events, ['info other'])
})

test('sync callbacks of one batch run without a microtask in between', async (t) => {
  const { runtime, pid } = await scripted(t)
  const order: number[] = []
  let microtasks = 0
  for (let i = 0; i < 100; i++) {
    runtime.cast(
      pid,
      act((state) => {
        if (i === 0) queueMicrotask(() => microtasks++)
        order.push(microtasks)
        return noreply(state)
      }),
    )
  }
  await settled()
  t.same(order, new Array(100).fill(0))
})

test('get_state, suspend, resume and unknown system messages are answered', async (t) => {
  const { runtime, pid, events } = await scripted(t, () => ['s'])
  const ask = (request: Term): Promise<Term> => runtime.client.request(SYSTEM, pid, request)
  t.same(await ask(atom('get_state')), tuple(atom('ok'), ['s']))
  t.equal(await ask(atom('suspend')), atom('ok'))
  runtime.send(pid, 'waits')
  const call = runtime.call(
    pid,
    act((state) => reply('served', state)),
  )
  await settled()
  t.same(events, [])
  const status = (await ask(atom('get_status'))) as Tuple
  t.equal((status[3] as Term[])[1], atom('suspended'))
  t.equal(await ask(atom('resume')), atom('ok'))
  t.equal(await call, 'served')
  t.same(events, ['info waits'])
  const odd = tuple(atom('install'), 1) as Term
  t.same(await ask(odd), tuple(atom('error'), tuple(atom('unknown_system_msg'), odd)))
})

test('get_status has the shape that sys:get_status gives', async (t) => {
  const { runtime, pid } = await scripted(t, () => ['s'])
  const status = (await runtime.client.request(SYSTEM, pid, atom('get_status'))) as Tuple
  const [tag, of, module, [, state, parent, debug, misc]] = status as unknown as [Term, Pid, Term, Term[]]
  t.equal(tag, atom('status'))
  t.equal(of, pid)
  t.same(module, tuple(atom('module'), atom('gen_server')))
  t.equal(state, atom('running'))
  t.equal(parent, runtime.client.pid)
  t.same(debug, [])
  t.same(
    (misc as Term[])[2],
    tuple(atom('data'), [
      tuple(
        [...'State'].map((c) => c.codePointAt(0)),
        ['s'],
      ),
    ]),
  )
})

test('stopServer ends a server in order, as gen_server:stop', async (t) => {
  const { runtime, pid, events, down } = await scripted(t)
  await runtime.stopServer(pid)
  t.equal(await down, atom('normal'))
  t.same(events, ['terminate normal'])
  await t.rejects(runtime.stopServer(pid), { code: 'noproc' })
})

test('stopServer waits for terminate and gives up after its timeout', async (t) => {
  class Slow extends GenServer<null> {
    init() {
      return null
    }
    override terminate() {
      return new Promise<void>(() => {})
    }
  }
  const { runtime, clock } = testRuntime(t)
  const pid = await runtime.start(Slow)
  const stopped = runtime.stopServer(pid, BOOM, { timeout: 50 })
  await settled()
  clock.advance(50)
  await t.rejects(stopped, { code: 'timeout' })
})

test('a system message begins the time of a timeout anew, other messages end it', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const events: string[] = []
  const pid = await runtime.start(Scripted, { events })
  await runtime.call(
    pid,
    act((state) => reply(0, state, { timeout: 100 })),
  )
  clock.advance(80)
  await runtime.client.request(SYSTEM, pid, atom('get_state'))
  await settled()
  clock.advance(80)
  await settled()
  t.same(events, [])
  clock.advance(20)
  await settled()
  t.same(events, ['info timeout'])
})

test('no timeout comes while a server is suspended; its time begins when it is resumed', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const events: string[] = []
  const pid = await runtime.start(Scripted, { events })
  for (const timeout of [0, 100]) {
    runtime.cast(
      pid,
      act((state) => noreply(state, { timeout })),
    )
    await runtime.client.request(SYSTEM, pid, atom('suspend'))
    clock.advance(500)
    await settled()
    t.same(events.splice(0), [])
    await runtime.client.request(SYSTEM, pid, atom('resume'))
    await settled()
    clock.advance(timeout)
    await settled()
    t.same(events.splice(0), ['info timeout'])
  }
})

test('system messages that wait behind a suspend are answered, however small the slice', async (t) => {
  const { runtime } = testRuntime(t, { limits: { sliceMessages: 1 } })
  const pid = await runtime.start(Scripted, { events: [] })
  const { client } = runtime
  const answers = ['suspend', 'get_state', 'resume'].map((what) => client.request(SYSTEM, pid, atom(what)))
  runtime.send(pid, 'something else')
  const done: number[] = []
  for (const [i, answer] of answers.entries()) answer.then(() => done.push(i))
  await settled()
  t.same(done, [0, 1, 2])
})

test('slow callbacks give the event loop its turn in the middle of a slice', async (t) => {
  const { runtime, clock } = testRuntime(t, { limits: { turnMs: 10 } })
  let handled = 0
  class Slow extends GenServer<null> {
    init() {
      return null
    }
    override handleInfo() {
      handled++
      clock.advance(6)
      return noreply(null)
    }
  }
  const pid = await runtime.start(Slow)
  await settled()
  for (let i = 0; i < 100; i++) runtime.send(pid, i)
  await Promise.resolve()
  t.ok(handled < 10, `${handled} messages in one turn`)
  while (handled < 100) await settled()
})

test('a reason that cannot even be looked at ends its process, and the runtime goes on', async (t) => {
  const { runtime, log } = testRuntime(t)
  const trap = {
    get x(): never {
      throw new Error('do not look')
    },
  }
  const watched: Term[] = []
  const pid = await runtime.start(Scripted, { events: [] })
  runtime.monitor(pid, (reason) => watched.push(reason))
  const waiting = runtime.call(
    pid,
    act((state) => stop(trap as Encodable, state)),
  )
  await t.rejects(waiting, { code: 'exit' })
  const spawned = runtime.spawn(() => {
    throw trap
  })
  await settled()
  t.notOk(runtime.isAlive(pid))
  t.notOk(runtime.isAlive(spawned))
  t.equal(watched[0], trap)
  t.equal(log.filter(({ level }) => level === 'error').length, 2)
  const next = await runtime.start(Scripted, { events: [] })
  t.equal(
    await runtime.call(
      next,
      act((state) => reply('fine', state)),
    ),
    'fine',
  )
})
