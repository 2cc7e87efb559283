import { test } from 'tap'
import { atom, type Pid, type Term } from '../../src/etf/index.ts'
import type { Runtime } from '../../src/runtime/index.ts'
import { cluster, settled, testRuntime } from './runtimes.ts'

const EXIT = atom('EXIT')

/** A process that collects what it gets. */
function collector(runtime: Runtime, got: Term[], trapExit: boolean): Pid {
  return runtime.spawn(async (self) => {
    self.trapExit = trapExit
    for (;;) got.push(await self.receive())
  })
}

interface Case {
  readonly signal: 'exit/2' | 'link'
  readonly reason: string
  readonly trap: boolean
  /** The exit reason, or undefined: it lives on. */
  readonly ends: string | undefined
  /** The reason in the message, if there is one. */
  readonly message: string | undefined
}

const CASES: readonly Case[] = [
  { signal: 'exit/2', reason: 'kill', trap: false, ends: 'killed', message: undefined },
  { signal: 'exit/2', reason: 'kill', trap: true, ends: 'killed', message: undefined },
  { signal: 'exit/2', reason: 'normal', trap: false, ends: undefined, message: undefined },
  { signal: 'exit/2', reason: 'normal', trap: true, ends: undefined, message: 'normal' },
  { signal: 'exit/2', reason: 'boom', trap: false, ends: 'boom', message: undefined },
  { signal: 'exit/2', reason: 'boom', trap: true, ends: undefined, message: 'boom' },
  { signal: 'link', reason: 'kill', trap: false, ends: 'kill', message: undefined },
  { signal: 'link', reason: 'kill', trap: true, ends: undefined, message: 'kill' },
  { signal: 'link', reason: 'normal', trap: false, ends: undefined, message: undefined },
  { signal: 'link', reason: 'normal', trap: true, ends: undefined, message: 'normal' },
  { signal: 'link', reason: 'boom', trap: false, ends: 'boom', message: undefined },
  { signal: 'link', reason: 'boom', trap: true, ends: undefined, message: 'boom' },
]

for (const { signal, reason, trap, ends, message } of CASES) {
  const what = `${signal} with ${reason} to a process that ${trap ? 'traps' : 'does not trap'} exits`
  for (const across of [false, true]) {
    test(`${what}${across ? ', from another node' : ''}`, async (t) => {
      const { a, b } = cluster(t)
      const got: Term[] = []
      const pid = collector(a.runtime, got, trap)
      await settled()
      const down = a.runtime.client.whenDown(pid)
      const sender = (across ? b : a).runtime.spawn(async (self) => {
        if (signal === 'exit/2') {
          self.exit(pid, atom(reason))
          await self.receive()
        } else {
          self.link(pid)
          self.exit(atom(reason))
        }
      })
      await settled()
      t.equal(a.runtime.isAlive(pid), ends === undefined)
      if (ends !== undefined) t.equal(await down, atom(ends))
      t.same(got.length, message === undefined ? 0 : 1)
      if (message !== undefined) {
        const [tag, from, why] = got[0] as unknown as [Term, Pid, Term]
        t.equal(tag, EXIT)
        t.ok(sender.equals(from))
        t.equal(why, atom(message))
      }
    })
  }
}

test('exit(self(), normal) ends the process itself', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = runtime.spawn(async (self) => {
    self.exit(self.pid, atom('normal'))
    await self.receive()
  })
  t.equal(await runtime.client.whenDown(pid), atom('normal'))
})

test('an exit goes through a long chain of links without filling the stack', async (t) => {
  const { runtime } = testRuntime(t)
  const before = runtime.processes().length
  let last: Pid | undefined
  const first = runtime.spawn(async (self) => {
    await self.receive()
  })
  last = first
  for (let i = 0; i < 20_000; i++) {
    const previous: Pid = last
    last = runtime.spawn(async (self) => {
      self.link(previous)
      await self.receive()
    })
  }
  while (runtime.processInfo(last)?.links.length === 0) await settled()
  runtime.exit(first, atom('boom'))
  t.equal(runtime.processes().length, before)
})

test('the name of a process is free as soon as it has ended', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = runtime.spawn((self) => self.receive())
  runtime.register('printer', pid)
  t.ok(runtime.whereis('printer')?.equals(pid))
  runtime.exit(pid, atom('kill'))
  t.equal(runtime.whereis('printer'), undefined)
  t.same(runtime.registered(), [])
})
