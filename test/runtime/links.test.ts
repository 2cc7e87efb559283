import { test } from 'tap'
import { atom, Pid, type Term, tuple } from '../../src/etf/index.ts'
import type { Process, Runtime } from '../../src/runtime/index.ts'
import { cluster, settled, testRuntime } from './runtimes.ts'

const BOOM = atom('boom')

/** A process that does what it is sent: functions are called with it, the rest is collected. */
function puppet(runtime: Runtime, got: Term[] = []): { pid: Pid; act(what: (self: Process) => void): void } {
  let process: Process | undefined
  const pid = runtime.spawn(async (self) => {
    process = self
    self.trapExit = true
    for (;;) got.push(await self.receive())
  })
  return {
    pid,
    act(what) {
      if (process === undefined) throw new Error('let it start first')
      what(process)
    },
  }
}

test('link/1 to a process that does not exist brings noproc', async (t) => {
  const { a, b } = cluster(t)
  const dead = new Pid(a.runtime.node, 4711, 0, a.runtime.creation)
  const deadThere = new Pid(b.runtime.node, 4711, 0, b.runtime.creation)
  const old = new Pid(a.runtime.node, 1, 0, a.runtime.creation + 1)
  const got: Term[] = []
  const one = puppet(a.runtime, got)
  await settled()
  for (const pid of [dead, deadThere, old]) one.act((self) => self.link(pid))
  await settled()
  const noproc = (pid: Pid): Term => tuple(atom('EXIT'), pid, atom('noproc'))
  t.match(got.length, 3)
  t.strictSame(String(got), String([noproc(dead), noproc(old), noproc(deadThere)]))
})

test('link/1 to oneself and twice to the same process changes nothing', async (t) => {
  const { runtime } = testRuntime(t)
  const one = puppet(runtime)
  const two = puppet(runtime)
  await settled()
  one.act((self) => {
    self.link(self.pid)
    self.link(two.pid)
    self.link(two.pid)
  })
  t.same(runtime.processInfo(one.pid)?.links, [two.pid])
  t.same(runtime.processInfo(two.pid)?.links, [one.pid])
})

test('unlink/1 removes the link on both sides', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  const one = puppet(runtime, got)
  const two = puppet(runtime)
  await settled()
  one.act((self) => {
    self.link(two.pid)
    self.unlink(two.pid)
    self.unlink(two.pid)
  })
  runtime.exit(two.pid, atom('kill'))
  await settled()
  t.same(got, [])
})

test('spawn_link links before the new process runs', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  const one = puppet(runtime, got)
  await settled()
  let child: Pid | undefined
  one.act((self) => {
    child = self.spawnLink((me) => me.exit(BOOM))
  })
  await settled()
  t.same(got, [tuple(atom('EXIT'), child as Pid, BOOM)])
})

test('a link to another node breaks with the reason of the other side', async (t) => {
  const { a, b } = cluster(t)
  const got: Term[] = []
  const one = puppet(a.runtime, got)
  const two = puppet(b.runtime)
  await settled()
  one.act((self) => self.link(two.pid))
  await settled()
  t.equal(b.runtime.processInfo(two.pid)?.links.length, 1)
  b.runtime.exit(two.pid, atom('kill'))
  await settled()
  t.equal(String(got), String([tuple(atom('EXIT'), two.pid, atom('killed'))]))
  t.same(a.runtime.processInfo(one.pid)?.links, [])
  t.same(a.wire.sent, ['link'])
})

test('an exit that was under way when unlink was called is ignored', async (t) => {
  const { a, b } = cluster(t)
  const got: Term[] = []
  const one = puppet(a.runtime, got)
  const two = puppet(b.runtime)
  await settled()
  one.act((self) => self.link(two.pid))
  await settled()
  b.wire.hold()
  b.runtime.exit(two.pid, BOOM)
  b.runtime.exit(two.pid, atom('kill'))
  one.act((self) => self.unlink(two.pid))
  b.wire.release()
  await settled()
  t.same(got, [])
  t.same(a.wire.sent, ['link', 'unlink'])
  t.same(b.wire.sent, ['exit', 'unlinkAck'])
})

test('unlink/1 and a new link before the acknowledgement leave one working link', async (t) => {
  const { a, b } = cluster(t)
  const got: Term[] = []
  const one = puppet(a.runtime, got)
  const two = puppet(b.runtime)
  await settled()
  one.act((self) => self.link(two.pid))
  await settled()
  b.wire.hold()
  one.act((self) => {
    self.unlink(two.pid)
    self.link(two.pid)
  })
  await settled()
  b.wire.release()
  await settled()
  t.equal(a.runtime.processInfo(one.pid)?.links.length, 1)
  t.equal(b.runtime.processInfo(two.pid)?.links.length, 1)
  b.runtime.exit(two.pid, atom('kill'))
  await settled()
  t.equal(got.length, 1)
})

test('when both sides unlink at the same time both end without a link', async (t) => {
  const { a, b } = cluster(t)
  const one = puppet(a.runtime)
  const two = puppet(b.runtime)
  await settled()
  one.act((self) => self.link(two.pid))
  await settled()
  a.wire.hold()
  b.wire.hold()
  one.act((self) => self.unlink(two.pid))
  two.act((self) => self.unlink(one.pid))
  a.wire.release()
  b.wire.release()
  await settled()
  t.same(a.runtime.processInfo(one.pid)?.links, [])
  t.same(b.runtime.processInfo(two.pid)?.links, [])
  t.same(a.wire.sent, ['link', 'unlink', 'unlinkAck'])
})

test('when both sides link at the same time there is one link', async (t) => {
  const { a, b } = cluster(t)
  const got: Term[] = []
  const one = puppet(a.runtime, got)
  const two = puppet(b.runtime)
  await settled()
  one.act((self) => self.link(two.pid))
  two.act((self) => self.link(one.pid))
  await settled()
  b.runtime.exit(two.pid, atom('kill'))
  await settled()
  t.equal(got.length, 1)
})

test('UNLINK_ID is acknowledged before any other signal to that process, also without a link', async (t) => {
  const { a, b } = cluster(t)
  const one = puppet(a.runtime)
  const two = puppet(b.runtime)
  await settled()
  b.runtime.sink.unlink(2n ** 64n - 1n, one.pid, two.pid)
  two.act((self) => self.send(one.pid, 'after'))
  await settled()
  t.same(b.wire.sent, ['unlinkAck', 'send'])
})

test('a link exit without a link is ignored', async (t) => {
  const { a, b } = cluster(t)
  const got: Term[] = []
  const one = puppet(a.runtime, got)
  await settled()
  a.runtime.sink.exit(new Pid(b.runtime.node, 5, 0, 7), one.pid, BOOM)
  await settled()
  t.same(got, [])
})

test('when the connection is lost every link across it breaks with noconnection', async (t) => {
  const { a, b, cut } = cluster(t)
  const gotA: Term[] = []
  const gotB: Term[] = []
  const one = puppet(a.runtime, gotA)
  const two = puppet(b.runtime, gotB)
  const plain = a.runtime.spawn(async (self) => {
    self.link(two.pid)
    await self.receive()
  })
  const down = a.runtime.client.whenDown(plain)
  await settled()
  one.act((self) => self.link(two.pid))
  await settled()
  cut()
  await settled()
  t.equal(String(gotA), String([tuple(atom('EXIT'), two.pid, atom('noconnection'))]))
  t.equal(gotB.length, 2)
  t.equal(await down, atom('noconnection'))
})
