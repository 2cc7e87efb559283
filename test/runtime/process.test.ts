import { test } from 'tap'
import { atom, type Encodable, encode, Pid, type Term, Tuple, tuple } from '../../src/etf/index.ts'
import { ExitError, type Process } from '../../src/runtime/index.ts'
import { settled, testRuntime } from './runtimes.ts'

test('receive gives messages in the order they were sent', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  const pid = runtime.spawn(async (self) => {
    for (let i = 0; i < 3; i++) got.push(await self.receive())
  })
  for (const message of [1, 'two', atom('three')]) runtime.send(pid, message)
  await settled()
  t.same(got, [1, 'two', atom('three')])
  t.notOk(runtime.isAlive(pid), 'the function returned, so the process has ended')
})

test('selective receive leaves other messages in order', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  const pid = runtime.spawn(async (self) => {
    got.push(await self.receive((message) => typeof message === 'string'))
    got.push(await self.receive())
    got.push(await self.receive())
  })
  for (const message of [1, 2]) runtime.send(pid, message)
  await settled()
  t.same(got, [])
  runtime.send(pid, 'now')
  await settled()
  t.same(got, ['now', 1, 2])
})

test('receive gives up after its timeout and a later message stays for the next receive', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const got: unknown[] = []
  const pid = runtime.spawn(async (self) => {
    await self.receive(undefined, { timeout: 100 }).catch((error) => got.push(error.code))
    got.push(await self.receive())
  })
  await settled()
  clock.advance(99)
  await settled()
  t.same(got, [])
  clock.advance(1)
  await settled()
  runtime.send(pid, 'late')
  await settled()
  t.same(got, ['ERR_RUNTIME_RECEIVE_TIMEOUT', 'late'])
})

test('receive with timeout 0 takes what is there and does not wait', async (t) => {
  const { runtime } = testRuntime(t)
  const got: unknown[] = []
  const pid = runtime.spawn(async (self) => {
    await self.receive((message) => message === 'go')
    got.push(await self.receive(undefined, { timeout: 0 }))
    got.push(await self.receive(undefined, { timeout: 0 }).catch((error) => error.code))
  })
  runtime.send(pid, 'first')
  runtime.send(pid, 'go')
  await settled()
  t.same(got, ['first', 'ERR_RUNTIME_RECEIVE_TIMEOUT'])
})

test('receive is given up by an AbortSignal', async (t) => {
  const { runtime } = testRuntime(t)
  const abort = new AbortController()
  let reason: unknown
  runtime.spawn(async (self) => {
    await self.receive(undefined, { signal: abort.signal }).catch((error) => {
      reason = error
    })
  })
  await settled()
  abort.abort('enough')
  await settled()
  t.equal(reason, 'enough')
})

test('two receives at a time are refused', async (t) => {
  const { runtime } = testRuntime(t)
  let code: unknown
  runtime.spawn(async (self) => {
    const first = self.receive()
    code = await self.receive().catch((error) => error.code)
    await first
  })
  await settled()
  t.equal(code, 'ERR_RUNTIME_RECEIVE_BUSY')
})

test('a match function that throws ends the process with its error', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = runtime.spawn(async (self) => {
    await self.receive(() => {
      throw new ExitError(atom('bad_match'))
    })
  })
  const down = runtime.client.whenDown(pid)
  runtime.send(pid, 1)
  t.equal(await down, atom('bad_match'))
})

test('a process that is killed unwinds: finally blocks run and its signal is aborted', async (t) => {
  const { runtime } = testRuntime(t)
  const seen: string[] = []
  const pid = runtime.spawn(async (self) => {
    self.signal.addEventListener('abort', () => seen.push('aborted'))
    try {
      await self.receive()
    } finally {
      seen.push('finally')
    }
  })
  await settled()
  runtime.exit(pid, atom('kill'))
  await settled()
  t.same(seen.sort(), ['aborted', 'finally'])
})

test('code of a process that has ended cannot act any more', async (t) => {
  const { runtime } = testRuntime(t)
  let self: Process | undefined
  runtime.spawn((me) => {
    self = me
  })
  const other = runtime.spawn((me) => me.receive())
  await settled()
  t.ok(self !== undefined && !self.isAlive)
  self?.send(other, 'from the grave')
  await settled()
  t.ok(runtime.isAlive(other), 'the message was not sent')
  t.throws(() => self?.monitor(other), { code: 'ERR_RUNTIME_EXITED' })
  await t.rejects(self?.receive() as Promise<unknown>, { code: 'ERR_RUNTIME_EXITED' })
  await t.rejects(self?.call(other, 1) as Promise<unknown>, { code: 'ERR_RUNTIME_EXITED' })
})

test('a function that throws ends with an exception and a stack, and that is logged', async (t) => {
  const { runtime, log } = testRuntime(t)
  const pid = runtime.spawn(() => {
    throw new TypeError('x is undefined')
  })
  const reason = await runtime.client.whenDown(pid)
  t.ok(reason instanceof Tuple)
  const [exception, stack] = reason as Tuple
  t.ok(exception instanceof Map)
  t.equal((exception as Map<Term, Term>).get(atom('message')), 'TypeError: x is undefined')
  t.equal((exception as Map<Term, Term>).get(atom('__struct__')), atom('Elixir.RuntimeError'))
  t.ok(Array.isArray(stack) && stack.length > 0)
  t.match(log, [{ level: 'error', message: 'a process ended with an error' }])
})

test('exit/1 ends a process with any term and is not logged', async (t) => {
  const { runtime, log } = testRuntime(t)
  const pid = runtime.spawn((self) => self.exit(tuple(atom('shutdown'), 5)))
  t.same(await runtime.client.whenDown(pid), tuple(atom('shutdown'), 5))
  t.same(log, [])
})

test('a value that is thrown is {nocatch, Value}, as an uncaught throw', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = runtime.spawn(() => {
    throw 'a value'
  })
  t.same(await runtime.client.whenDown(pid), tuple(tuple(atom('nocatch'), 'a value'), []))
})

test('spawn passes arguments', async (t) => {
  const { runtime } = testRuntime(t)
  let sum = 0
  runtime.spawn(
    (_self, a: number, b: number) => {
      sum = a + b
    },
    2,
    3,
  )
  await settled()
  t.equal(sum, 5)
})

test('sendAfter sends after the time, unless it is cancelled or the receiver has ended', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const got: Term[] = []
  const pid = runtime.spawn(async (self) => {
    for (;;) got.push(await self.receive())
  })
  runtime.sendAfter(pid, 'soon', 10)
  runtime.sendAfter(pid, 'never', 20).cancel()
  runtime.sendAfter(pid, 'too late', 30)
  runtime.sendAfter('nobody', 'lost', 5)
  await settled()
  clock.advance(20)
  await settled()
  t.same(got, ['soon'])
  runtime.exit(pid, atom('kill'))
  t.equal(clock.pending, 0)
})

test('cancel_timer and read_timer tell what was left, and false when it is too late', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const pid = runtime.spawn((self) => self.receive())
  const timer = runtime.sendAfter(pid, 'late', 100)
  clock.advance(30)
  t.equal(timer.left, 70)
  t.equal(timer.cancel(), 70)
  t.equal(timer.cancel(), false)
  t.equal(timer.left, false)
  const sent = runtime.sendAfter(pid, 'now', 10)
  clock.advance(10)
  t.equal(sent.left, false)
  t.equal(sent.cancel(), false)
  t.equal(clock.pending, 0)
})

test('spawn_monitor watches before the process runs', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  runtime.spawn(async (self) => {
    const { pid, ref } = self.spawnMonitor((child, reason: string) => child.exit(reason), 'over')
    const message = (await self.receive()) as Tuple
    got.push(...message)
    t.ok(ref.equals(message[1]) && pid.equals(message[3]))
  })
  await settled()
  t.equal(got[0], atom('DOWN'))
  t.equal(got[4], 'over')
})

test('spawned processes have the group leader of their parent, unless they change it', async (t) => {
  const { runtime } = testRuntime(t)
  const leader = runtime.spawn((self) => self.receive())
  runtime.groupLeader = leader
  let inherited: Pid | undefined
  const pid = runtime.spawn(async (self) => {
    self.spawn((child) => {
      inherited = child.groupLeader
    })
    await self.receive()
  })
  await settled()
  t.equal(inherited, leader)
  t.equal(runtime.processInfo(pid)?.groupLeader, leader)
})

test('more processes than the limit are refused as system_limit', async (t) => {
  const { runtime } = testRuntime(t, { limits: { processes: 3 } })
  runtime.spawn((self) => self.receive())
  runtime.spawn((self) => self.receive())
  t.throws(() => runtime.spawn((self) => self.receive()), { code: 'ERR_RUNTIME_PROCESS_LIMIT' })
})

test('a process whose mailbox is full is killed, and only that', async (t) => {
  const { runtime, log } = testRuntime(t, { limits: { mailbox: 100 } })
  const pid = runtime.spawn((self) => self.receive((message) => message === 'never'))
  const down = runtime.client.whenDown(pid)
  for (let i = 0; i <= 100; i++) runtime.send(pid, i)
  t.equal(await down, atom('killed'))
  t.match(log, [{ level: 'error', fields: { limit: 100 } }])
})

test('a million messages go through one mailbox, and the event loop gets turns meanwhile', async (t) => {
  const { runtime } = testRuntime(t)
  let sum = 0
  const pid = runtime.spawn(async (self) => {
    for (let i = 0; i < 1_000_000; i++) sum += (await self.receive()) as number
  })
  const down = runtime.client.whenDown(pid)
  for (let i = 0; i < 1_000_000; i++) runtime.send(pid, 1)
  let turns = 0
  const count = (): void => {
    turns++
    if (runtime.isAlive(pid)) setImmediate(count)
  }
  count()
  await down
  t.equal(sum, 1_000_000)
  t.ok(turns > 50, `${turns} turns`)
})

test('messages to plain code and exits of what it linked come to onMessage', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  runtime.onMessage = (message) => got.push(message)
  const pid = runtime.spawn(async (self) => {
    self.send(runtime.client.pid, 'hello')
    self.exit(await self.receive())
  })
  runtime.link(pid)
  runtime.send(pid, atom('bye'))
  await settled()
  t.same(got, ['hello', tuple(atom('EXIT'), pid, atom('bye'))])
})

test('a callback of plain code that throws is logged and harms nobody', async (t) => {
  const { runtime, log } = testRuntime(t)
  let calls = 0
  runtime.onMessage = () => {
    calls++
    throw new Error('oops')
  }
  runtime.send(runtime.client.pid, 1)
  runtime.send(runtime.client.pid, 2)
  await settled()
  t.equal(calls, 2)
  t.equal(log.length, 2)
})

test('the process of plain code survives kill and is told', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  runtime.onMessage = (message) => got.push(message)
  const killer = runtime.spawn((self) => self.exit(runtime.client.pid, atom('kill')))
  await settled()
  t.same(got, [tuple(atom('EXIT'), killer, atom('killed'))])
  t.ok(runtime.isAlive(runtime.client.pid))
})

test('stop ends everything, can be called twice, and nothing starts afterwards', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const polite = runtime.spawn((self) => self.receive())
  const stubborn = runtime.spawn(async (self) => {
    self.trapExit = true
    for (;;) await self.receive()
  })
  await settled()
  const stopped = runtime.stop({ timeout: 100 })
  t.notOk(runtime.isAlive(polite))
  t.ok(runtime.isAlive(stubborn))
  clock.advance(100)
  await Promise.all([stopped, runtime.stop()])
  t.same(runtime.processes(), [])
  t.equal(clock.pending, 0)
  t.throws(() => runtime.spawn(() => {}), { code: 'ERR_RUNTIME_STOPPED' })
})

test('a message of sendAfter that has no term is logged, and the program lives on', async (t) => {
  const { runtime, clock, log } = testRuntime(t)
  const there = new Pid(atom('b@test'), 5, 0, 1)
  runtime.sendAfter(there, Symbol('no term') as unknown as Encodable, 10)
  t.doesNotThrow(() => clock.advance(10))
  t.match(log, [{ level: 'error' }])
})

test('a process that always finds mail gives the event loop its turn when its time is used up', async (t) => {
  const { runtime, clock } = testRuntime(t, { limits: { turnMs: 10 } })
  let handled = 0
  const pid = runtime.spawn(async (self) => {
    for (;;) {
      await self.receive()
      handled++
      clock.advance(6)
    }
  })
  await settled()
  let turns = 0
  const count = (): void => {
    turns++
    if (handled < 1000) setImmediate(count)
  }
  setImmediate(count)
  for (let i = 0; i < 1000; i++) runtime.send(pid, i)
  while (handled < 1000) await settled()
  t.ok(turns > 50, `${turns} turns`)
})

test('a text with half a character in it is no reason to lose the exception', async (t) => {
  const { runtime } = testRuntime(t)
  const reason = await runtime.client.whenDown(
    runtime.spawn(() => {
      JSON.parse('\u{1f600}')
    }),
  )
  t.doesNotThrow(() => encode(reason))
})

test('a timeout that is no number is refused at once', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const pid = runtime.spawn((self) => self.receive())
  for (const timeout of [Number.NaN, -1, '5' as unknown as number]) {
    await t.rejects(runtime.call(pid, 'x', { timeout }), { code: 'ERR_INVALID_OPTION' })
    await t.rejects(runtime.client.receive(undefined, { timeout }), { code: 'ERR_INVALID_OPTION' })
  }
  t.equal(clock.pending, 0)
  t.equal(runtime.pending().calls, 0)
})
