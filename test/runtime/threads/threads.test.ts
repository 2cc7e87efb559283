/** A process in a thread is a process: what the others do, it does, with its own pid. */
import { test } from 'tap'
import {
  atom,
  type Encodable,
  inspect,
  type Pid,
  type Reference,
  type Term,
  type Tuple,
  tuple,
} from '../../../src/etf/index.ts'
import { type CallError, type Process, thread } from '../../../src/runtime/index.ts'
import { down, Echo, inbox, OK, world } from './world.ts'

test('calls, casts and terms of every kind cross, atoms interned on both sides', async (t) => {
  const { runtime, start } = world(t)
  const pid = await start({ tag: tuple(atom('my'), 1) })
  const terms: Encodable[] = [
    1,
    -1.5,
    2n ** 70n,
    'text',
    new Uint8Array([255]),
    null,
    true,
    atom('x'),
    [1, [2]],
    tuple(atom('a'), tuple()),
    new Map<Encodable, Encodable>([[atom('k'), 'v']]),
    pid,
    runtime.makeRef(),
    'x'.repeat(300_000),
    Array.from({ length: 5000 }, (_, i) => tuple(i, `row ${i}`)),
  ]
  for (const term of terms) {
    const back = await runtime.call(pid, tuple(atom('echo'), term))
    t.equal(inspect(back), inspect(term as Term))
  }
  t.equal(await runtime.call(pid, tuple(atom('is_atom'), atom('an_atom_of_main'))), true)
  t.equal(await runtime.call(pid, tuple(atom('echo'), atom('back'))), atom('back'))
  t.same(inspect(await runtime.call(pid, atom('parent_tag'))), '{:my, 1}', 'the argument of init holds terms')
  t.ok(pid.equals(await runtime.call(pid, atom('pid'))))
  await t.rejects(runtime.call(pid, tuple(atom('echo'), (() => {}) as never)), { code: 'exit' }, 'no term')
  t.same(await runtime.call(pid, atom('pid')), pid, 'and the server goes on')
})

test('the process of a thread calls, sends, replies later and is called back', async (t) => {
  const { runtime, start } = world(t)
  const pid = await start()
  const echo = await runtime.start(Echo, undefined, { name: 'echo' })
  const answer = await runtime.call(pid, tuple(atom('call'), echo, tuple(atom('ask'), 1)))
  t.equal(inspect(answer), '{:main, {:ask, 1}}')
  t.equal(inspect(await runtime.call(pid, tuple(atom('call'), atom('echo'), 'hi'))), '{:main, "hi"}')
  const failed = await runtime.call(pid, tuple(atom('call_fails'), atom('nobody'), 1))
  t.equal(inspect(failed), '{"noproc", :noproc}')
  const self = await runtime.call(pid, tuple(atom('call_fails'), pid, 1))
  t.equal(inspect(self), '{"exit", :calling_self}')
  const box = inbox(runtime)
  for (let i = 0; i < 500; i++) runtime.call(pid, tuple(atom('send'), box.pid, i))
  for (let i = 0; i < 500; i++) t.equal(await box.next(), i)
  await runtime.call(pid, tuple(atom('send_after'), box.pid, 'later'))
  t.equal(await box.next(), 'later')
  const late = runtime.call(pid, atom('later'))
  runtime.cast(pid, tuple(atom('answer'), 'at last'))
  t.equal(await late, 'at last')
  const timedOut = await runtime
    .call(pid, atom('later'), { timeout: 20 })
    .catch((error: CallError) => error.code)
  t.equal(timedOut, 'timeout')
  t.same(runtime.pending(), { calls: 0, aliases: 0, remoteMonitors: 0, spawns: 0 })
})

test('monitors and links work in both directions', async (t) => {
  const { runtime, start } = world(t)
  const box = inbox(runtime)
  const pid = await start({ tell: box.pid, trap: true })
  const victim = runtime.spawn((self: Process) => self.receive())
  const ref = await runtime.call(pid, tuple(atom('monitor'), victim))
  await runtime.call(pid, tuple(atom('link'), victim))
  t.same(runtime.processInfo(victim)?.links, [pid])
  runtime.exit(victim, atom('boom'))
  const heard = [inspect(await box.next()), inspect(await box.next())].sort()
  t.match(heard[0], /^\{:info, \{:DOWN, #Reference<.*>, :process, #PID<.*>, :boom\}\}$/)
  t.match(heard[1], /^\{:info, \{:EXIT, #PID<.*>, :boom\}\}$/)
  t.equal(await runtime.call(pid, tuple(atom('demonitor'), ref)), false)
  const dead = runtime.call(pid, tuple(atom('monitor'), victim))
  t.match(inspect(await box.next()), /:noproc/)
  await dead
  const linked = runtime.spawn(async (self: Process) => {
    self.trapExit = true
    self.link(pid)
    const message = await self.receive()
    self.send(box.pid, tuple(atom('linked'), (message as Tuple)[2] as Term))
    self.send(box.pid, 'done')
  })
  t.ok(runtime.isAlive(linked))
  await runtime.call(pid, atom('pid'))
  const reason = down(runtime, pid)
  runtime.cast(pid, tuple(atom('stop'), tuple(atom('shutdown'), 'bye')))
  t.equal(inspect(await box.next()), '{:terminate, {:shutdown, "bye"}}')
  t.equal(inspect(await reason), '{:shutdown, "bye"}')
  t.equal(inspect(await box.next()), '{:linked, {:shutdown, "bye"}}')
})

test('names, aliases and exit signals of a thread are those of the node', async (t) => {
  const { runtime, start } = world(t)
  const pid = await start()
  t.equal(await runtime.call(pid, tuple(atom('register'), atom('threaded'))), OK)
  t.ok(pid.equals(runtime.whereis('threaded')))
  t.ok(pid.equals(await runtime.call('threaded', tuple(atom('whereis'), atom('threaded')))))
  t.equal(await runtime.call(pid, tuple(atom('whereis'), atom('nobody'))), null)
  const other = await start()
  t.equal(await runtime.call(other, tuple(atom('register'), atom('threaded'))), 'ERR_RUNTIME_NAME_TAKEN')
  t.equal(await runtime.call(pid, tuple(atom('unregister'), atom('threaded'))), true)
  t.equal(runtime.whereis('threaded'), undefined)
  const alias = (await runtime.call(pid, tuple(atom('alias'), true))) as Reference
  const box = inbox(runtime)
  const teller = await start({ tell: box.pid })
  const once = (await runtime.call(teller, tuple(atom('alias'), true))) as Reference
  runtime.send(once, 'first')
  runtime.send(once, 'second')
  runtime.send(teller, 'third')
  t.equal(inspect(await box.next()), '{:info, "first"}')
  t.equal(inspect(await box.next()), '{:info, "third"}')
  t.equal(runtime.pending().aliases, 1, 'the other thread still has its own')
  t.ok(alias)
  const victim = runtime.spawn((self: Process) => self.receive())
  const reason = down(runtime, victim)
  await runtime.call(pid, tuple(atom('exit'), victim, atom('because')))
  t.equal(await reason, atom('because'))
})

test('what a thread spawns has a pid of this node, and ends with it', async (t) => {
  const { runtime, start } = world(t)
  const pid = await start()
  const child = (await runtime.call(pid, atom('spawn'))) as Pid
  t.ok(runtime.isAlive(child))
  // It registers itself in its own time, as any process does after its spawn.
  while (runtime.whereis('in_thread') === undefined) await new Promise((resolve) => setImmediate(resolve))
  const box = inbox(runtime)
  runtime.send('in_thread', tuple(box.pid, 1))
  t.same(inspect(await box.next()), inspect(tuple(child, 1) as Term))
  const reason = down(runtime, child)
  runtime.send(child, atom('stop'))
  t.equal(await reason, atom('told_to'))
  const second = (await runtime.call(pid, atom('spawn'))) as Pid
  const orphan = down(runtime, second)
  runtime.exit(pid, atom('kill'))
  t.equal(await orphan, atom('shutdown'))
  t.equal(runtime.whereis('in_thread'), undefined)
})

test('log lines of a thread reach the logger of the node; a function runs in a thread too', async (t) => {
  const { runtime, start, log } = world(t)
  const pid = await start()
  await runtime.call(pid, atom('log'))
  t.match(
    log.find(({ message }) => message === 'from the thread'),
    { level: 'warn', fields: { answer: 42 } },
  )
  const box = inbox(runtime)
  const doubler = runtime.spawn(thread(new URL('./function.ts', import.meta.url)), [box.pid])
  t.equal(inspect(await box.next()), ':ready')
  runtime.send(doubler, 21)
  t.equal(await box.next(), 42)
  t.equal(await down(runtime, doubler), atom('normal'))
})
