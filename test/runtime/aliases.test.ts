import { test } from 'tap'
import { atom, type Pid, type Reference, type Term, Tuple } from '../../src/etf/index.ts'
import type { Process, Runtime } from '../../src/runtime/index.ts'
import { cluster, settled, testRuntime } from './runtimes.ts'

async function observer(runtime: Runtime, got: Term[]): Promise<Process> {
  let process: Process | undefined
  runtime.spawn(async (self) => {
    process = self
    for (;;) got.push(await self.receive())
  })
  await settled()
  if (process === undefined) throw new Error('the process did not start')
  return process
}

const sleeper = (runtime: Runtime): Pid => runtime.spawn((self) => self.receive())
/** Only what was sent to the alias, without DOWN messages. */
const replies = (got: Term[]): Term[] => got.filter((message) => !(message instanceof Tuple))

for (const across of [false, true]) {
  test(`an explicit alias delivers until unalias/1${across ? ', also from another node' : ''}`, async (t) => {
    const { a, b } = cluster(t)
    const sender = (across ? b : a).runtime
    const got: Term[] = []
    const self = await observer(a.runtime, got)
    const alias = self.alias()
    sender.send(alias, 1)
    sender.send(alias, 2)
    await settled()
    t.ok(self.unalias(alias))
    t.notOk(self.unalias(alias))
    sender.send(alias, 3)
    await settled()
    t.same(got, [1, 2])
    t.equal(a.runtime.pending().aliases, 0)
  })
}

test('a reply alias delivers one message', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  const self = await observer(runtime, got)
  const alias = self.alias({ reply: true })
  runtime.send(alias, 1)
  runtime.send(alias, 2)
  await settled()
  t.same(got, [1])
})

test('the aliases of a process end with it', async (t) => {
  const { runtime } = testRuntime(t)
  const self = await observer(runtime, [])
  self.alias()
  self.alias()
  t.equal(runtime.pending().aliases, 2)
  runtime.exit(self.pid, atom('kill'))
  t.equal(runtime.pending().aliases, 0)
})

test('only the process that made an alias can take it back', async (t) => {
  const { runtime } = testRuntime(t)
  const one = await observer(runtime, [])
  const two = await observer(runtime, [])
  const alias = one.alias()
  t.notOk(two.unalias(alias))
  t.ok(one.unalias(alias))
})

interface Case {
  readonly alias: 'explicit_unalias' | 'demonitor' | 'reply_demonitor'
  readonly after: 'reply' | 'demonitor' | 'down'
  readonly active: boolean
  readonly monitored: boolean
}

const CASES: readonly Case[] = [
  { alias: 'explicit_unalias', after: 'reply', active: true, monitored: true },
  { alias: 'explicit_unalias', after: 'demonitor', active: true, monitored: false },
  { alias: 'explicit_unalias', after: 'down', active: true, monitored: false },
  { alias: 'demonitor', after: 'reply', active: true, monitored: true },
  { alias: 'demonitor', after: 'demonitor', active: false, monitored: false },
  { alias: 'demonitor', after: 'down', active: false, monitored: false },
  { alias: 'reply_demonitor', after: 'reply', active: false, monitored: false },
  { alias: 'reply_demonitor', after: 'demonitor', active: false, monitored: false },
  { alias: 'reply_demonitor', after: 'down', active: false, monitored: false },
]

for (const { alias, after, active, monitored } of CASES) {
  test(`monitor/3 with {alias, ${alias}} after ${after}: alias ${active ? 'active' : 'inactive'}`, async (t) => {
    const { runtime } = testRuntime(t)
    const got: Term[] = []
    const self = await observer(runtime, got)
    const pid = sleeper(runtime)
    const ref: Reference = self.monitor(pid, { alias })
    if (after === 'reply') runtime.send(ref, 'reply')
    if (after === 'demonitor') self.demonitor(ref)
    if (after === 'down') runtime.exit(pid, atom('kill'))
    await settled()
    got.length = 0
    runtime.send(ref, 'again')
    await settled()
    t.same(replies(got), active ? ['again'] : [])
    t.equal((runtime.processInfo(self.pid)?.monitors.length ?? 0) > 0, monitored)
  })
}
