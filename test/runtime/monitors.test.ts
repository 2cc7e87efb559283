import { getEventListeners } from 'node:events'
import { test } from 'tap'
import { atom, Pid, type Reference, type Term, tuple } from '../../src/etf/index.ts'
import type { Process, Runtime } from '../../src/runtime/index.ts'
import { cluster, settled, testRuntime } from './runtimes.ts'

const BOOM = atom('boom')
const DOWN = atom('DOWN')
const PROCESS = atom('process')
const NOPROC = atom('noproc')

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

for (const across of [false, true]) {
  const where = across ? ' on another node' : ''

  test(`monitor/2 of a pid${where} brings DOWN with the reason`, async (t) => {
    const { a, b } = cluster(t)
    const got: Term[] = []
    const self = await observer(a.runtime, got)
    const pid = sleeper((across ? b : a).runtime)
    await settled()
    const ref = self.monitor(pid)
    await settled()
    b.runtime.exit(pid, BOOM)
    a.runtime.exit(pid, BOOM)
    await settled()
    t.equal(String(got), String([tuple(DOWN, ref, PROCESS, pid, BOOM)]))
    t.same(a.runtime.pending().remoteMonitors, 0)
    t.same(b.runtime.pending().remoteMonitors, 0)
  })

  test(`monitor/2 of a name${where} brings DOWN with name and node, and does not follow the name`, async (t) => {
    const { a, b } = cluster(t)
    const there = (across ? b : a).runtime
    const got: Term[] = []
    const self = await observer(a.runtime, got)
    const first = sleeper(there)
    const second = sleeper(there)
    there.register('printer', first)
    const ref = self.monitor(['printer', there.node])
    await settled()
    there.unregister('printer')
    there.register('printer', second)
    there.exit(second, BOOM)
    await settled()
    t.same(got, [])
    there.exit(first, BOOM)
    await settled()
    t.equal(String(got), String([tuple(DOWN, ref, PROCESS, tuple(atom('printer'), there.node), BOOM)]))
  })

  test(`monitor/2 of nobody${where} brings noproc`, async (t) => {
    const { a, b } = cluster(t)
    const there = (across ? b : a).runtime
    const got: Term[] = []
    const self = await observer(a.runtime, got)
    const dead = new Pid(there.node, 4711, 0, there.creation)
    const one = self.monitor(dead)
    const two = self.monitor(['nobody', there.node])
    await settled()
    const name = tuple(atom('nobody'), there.node)
    t.equal(
      String(got),
      String([tuple(DOWN, one, PROCESS, dead, NOPROC), tuple(DOWN, two, PROCESS, name, NOPROC)]),
    )
  })

  test(`demonitor/1${where} brings nothing afterwards`, async (t) => {
    const { a, b } = cluster(t)
    const there = (across ? b : a).runtime
    const got: Term[] = []
    const self = await observer(a.runtime, got)
    const pid = sleeper(there)
    await settled()
    const ref = self.monitor(pid)
    await settled()
    t.ok(self.demonitor(ref))
    t.notOk(self.demonitor(ref))
    await settled()
    there.exit(pid, BOOM)
    await settled()
    t.same(got, [])
    t.same(b.runtime.pending().remoteMonitors, 0)
  })
}

test('two monitors on one process are two messages', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  const self = await observer(runtime, got)
  const pid = sleeper(runtime)
  const refs = [self.monitor(pid), self.monitor(pid)]
  runtime.exit(pid, BOOM)
  await settled()
  t.same(
    got.map((message) => (message as unknown as Term[])[1]),
    refs,
  )
})

test('demonitor with flush takes a message that came already out of the mailbox', async (t) => {
  const { runtime } = testRuntime(t)
  let left: number | undefined
  const pid = sleeper(runtime)
  runtime.spawn(async (self) => {
    const ref = self.monitor(pid)
    self.exit(pid, BOOM)
    self.demonitor(ref, { flush: true })
    left = runtime.processInfo(self.pid)?.messageQueueLength
  })
  await settled()
  t.equal(left, 0)
})

test('a DOWN that crosses the demonitor is dropped', async (t) => {
  const { a, b } = cluster(t)
  const got: Term[] = []
  const self = await observer(a.runtime, got)
  const pid = sleeper(b.runtime)
  const ref = self.monitor(pid)
  await settled()
  b.wire.hold()
  b.runtime.exit(pid, BOOM)
  self.demonitor(ref)
  b.wire.release()
  await settled()
  t.same(got, [])
  t.same(b.runtime.pending().remoteMonitors, 0)
})

test('the monitors of a process that ends are taken back', async (t) => {
  const { a, b } = cluster(t)
  const near = sleeper(a.runtime)
  const far = sleeper(b.runtime)
  const pid = a.runtime.spawn(async (self) => {
    self.monitor(near)
    self.monitor(far)
    await self.receive()
  })
  await settled()
  t.equal(b.runtime.pending().remoteMonitors, 1)
  a.runtime.exit(pid, atom('kill'))
  await settled()
  t.equal(b.runtime.pending().remoteMonitors, 0)
  t.same(a.runtime.processInfo(near)?.monitoredBy, [])
})

test('when the connection is lost monitors across it bring noconnection and those of the other side go', async (t) => {
  const { a, b, cut } = cluster(t)
  const got: Term[] = []
  const self = await observer(a.runtime, got)
  const far = sleeper(b.runtime)
  const refs: Reference[] = [self.monitor(far), self.monitor(['nobody-yet', b.runtime.node])]
  b.wire.hold()
  await settled()
  t.equal(b.runtime.pending().remoteMonitors, 1)
  cut()
  await settled()
  const noconnection = atom('noconnection')
  const name = tuple(atom('nobody-yet'), b.runtime.node)
  t.equal(
    String(got),
    String([
      tuple(DOWN, refs[0], PROCESS, far, noconnection),
      tuple(DOWN, refs[1], PROCESS, name, noconnection),
    ]),
  )
  t.equal(b.runtime.pending().remoteMonitors, 0)
  t.same(b.runtime.processInfo(far)?.monitoredBy, [])
})

test('plain code monitors with a callback', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = sleeper(runtime)
  const reasons: Term[] = []
  const messages: Term[] = []
  runtime.onMessage = (message) => messages.push(message)
  runtime.monitor(pid, (reason) => reasons.push(reason))
  const cancelled = runtime.monitor(pid, () => t.fail('was demonitored'))
  const plain = runtime.monitor(pid)
  runtime.exit(pid, BOOM)
  runtime.demonitor(cancelled)
  await settled()
  t.same(reasons, [BOOM])
  t.same(messages, [tuple(DOWN, plain, PROCESS, pid, BOOM)])
})

test('whenDown resolves with the reason, and can be given up', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = sleeper(runtime)
  const abort = new AbortController()
  const given = runtime.client.whenDown(pid, { signal: abort.signal })
  abort.abort('enough')
  await t.rejects(given, 'enough')
  t.same(runtime.processInfo(pid)?.monitoredBy, [])
  const down = runtime.client.whenDown(pid)
  runtime.exit(pid, BOOM)
  t.equal(await down, BOOM)
  t.equal(await runtime.client.whenDown(pid), NOPROC)
})

test('monitor/3 with a tag puts it in place of DOWN', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  const self = await observer(runtime, got)
  const pid = sleeper(runtime)
  const ref = self.monitor(pid, { tag: tuple(atom('job'), 5) })
  runtime.exit(pid, BOOM)
  await settled()
  t.same(got, [tuple(tuple(atom('job'), 5), ref, PROCESS, pid, BOOM)])
})

test('demonitor with flush takes the message out whatever its tag is', async (t) => {
  const { runtime } = testRuntime(t)
  let left: number | undefined
  const pid = sleeper(runtime)
  runtime.spawn(async (self) => {
    const ref = self.monitor(pid, { tag: atom('gone') })
    self.exit(pid, BOOM)
    self.demonitor(ref, { flush: true })
    left = runtime.processInfo(self.pid)?.messageQueueLength
  })
  await settled()
  t.equal(left, 0)
})

test('the callback of a monitor is called whatever the tag of the message is', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = sleeper(runtime)
  const reasons: Term[] = []
  runtime.onMessage = (message) => t.fail(`nobody waits for ${String(message)}`)
  runtime.monitor(pid, (reason) => reasons.push(reason), { tag: atom('gone') })
  runtime.exit(pid, BOOM)
  await settled()
  t.same(reasons, [BOOM])
})

test('whenDown rejects when the process that waits has ended, and lets go of the signal', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = sleeper(runtime)
  const { signal } = new AbortController()
  let unwound: unknown
  const waiting = runtime.spawn(async (self) => {
    try {
      await self.whenDown(pid, { signal })
    } catch (error) {
      unwound = error
    }
  })
  const careless = runtime.spawn(async (self) => {
    self.whenDown(pid)
    await self.receive()
  })
  await settled()
  t.equal(getEventListeners(signal, 'abort').length, 1)
  runtime.exit(waiting, atom('kill'))
  runtime.exit(careless, atom('kill'))
  await settled()
  t.match(unwound, { code: 'ERR_RUNTIME_EXITED' })
  t.equal(getEventListeners(signal, 'abort').length, 0)
  t.same(runtime.processInfo(pid)?.monitoredBy, [])
})
