/** Processes that are held back because a node is busy. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { test } from 'tap'
import { atom, Pid, type Term } from '../../src/etf/index.ts'
import type { Cell } from '../../src/runtime/cell.ts'
import { GenServer, noreply } from '../../src/runtime/index.ts'
import { ThreadCell } from '../../src/runtime/threads/thread-cell.ts'
import { settled, testRuntime } from './runtimes.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const BUSY = atom('busy@there')
const OTHER = atom('other@there')

class Log extends GenServer<Term[]> {
  static handled: Term[] = []

  override init(): Term[] {
    Log.handled = []
    return Log.handled
  }

  override handleInfo(message: Term, state: Term[]) {
    state.push(message)
    return noreply(state)
  }
}

test('a server that is held handles its next message when it is released', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = await runtime.start(Log)
  runtime.send(pid, 1)
  await settled()
  runtime.sink.hold(pid, BUSY)
  runtime.sink.hold(pid, BUSY)
  runtime.send(pid, 2)
  runtime.send(pid, 3)
  await settled()
  t.same(Log.handled, [1])
  runtime.sink.release(OTHER)
  await settled()
  t.same(Log.handled, [1])
  runtime.sink.release(BUSY)
  await settled()
  t.same(Log.handled, [1, 2, 3])
  runtime.sink.release(BUSY)
  runtime.send(pid, 4)
  await settled()
  t.same(Log.handled, [1, 2, 3, 4])
})

test('a server that is held in the middle of a batch stops after the message at hand', async (t) => {
  const { runtime } = testRuntime(t)
  class Sender extends Log {
    override handleInfo(message: Term, state: Term[]) {
      if (message === 2) runtime.sink.hold(this.pid, BUSY)
      return super.handleInfo(message, state)
    }
  }
  const pid = await runtime.start(Sender)
  for (let i = 1; i < 5; i++) runtime.send(pid, i)
  await settled()
  t.same(Log.handled, [1, 2])
  runtime.sink.release(BUSY)
  await settled()
  t.same(Log.handled, [1, 2, 3, 4])
})

test('who waits for two nodes goes on when both have drained', async (t) => {
  const { runtime } = testRuntime(t)
  const pid = await runtime.start(Log)
  runtime.sink.hold(pid, BUSY)
  runtime.sink.hold(pid, OTHER)
  runtime.send(pid, 1)
  runtime.sink.release(BUSY)
  await settled()
  t.same(Log.handled, [])
  runtime.sink.release(OTHER)
  await settled()
  t.same(Log.handled, [1])
})

test('the next receive of a function waits, also for a message that is there, and so does drain', async (t) => {
  const { runtime } = testRuntime(t)
  const got: Term[] = []
  const pid = runtime.spawn(async (self) => {
    got.push(await self.receive())
    runtime.sink.hold(self.pid, BUSY)
    got.push(await self.receive(undefined, { timeout: 0 }))
    runtime.sink.hold(self.pid, BUSY)
    await self.drain()
    got.push('drained')
    await self.drain()
    got.push(await self.receive())
  })
  runtime.send(pid, 1)
  runtime.send(pid, 2)
  await settled()
  t.same(got, [1])
  runtime.sink.release(BUSY)
  await settled()
  t.same(got, [1, 2])
  runtime.sink.release(BUSY)
  await settled()
  t.same(got, [1, 2, 'drained'])
  runtime.sink.hold(pid, BUSY)
  runtime.send(pid, 3)
  await settled()
  t.equal(got.length, 3, 'a receive that waits already waits on')
  runtime.sink.release(BUSY)
  await settled()
  t.same(got, [1, 2, 'drained', 3])
})

test('a process that is held can be killed, and its waiting ends', async (t) => {
  const { runtime } = testRuntime(t)
  let failure: unknown
  const pid = runtime.spawn(async (self) => {
    runtime.sink.hold(self.pid, BUSY)
    await self.drain().catch((error: unknown) => {
      failure = error
    })
  })
  await settled()
  runtime.exit(pid, atom('kill'))
  await settled()
  t.equal(runtime.isAlive(pid), false)
  t.match(failure, { code: 'ERR_RUNTIME_EXITED' })
  runtime.sink.release(BUSY)
})

test('plain code and processes that are gone are never held', async (t) => {
  const { runtime } = testRuntime(t)
  const messages: Term[] = []
  runtime.onMessage = (message) => void messages.push(message)
  runtime.sink.hold(runtime.client.pid, BUSY)
  runtime.send(runtime.client.pid, 'hello')
  await settled()
  t.same(messages, ['hello'])
  await runtime.client.drain()
  const pid = runtime.spawn(() => {})
  await settled()
  runtime.sink.hold(pid, BUSY)
  runtime.sink.release(BUSY)
})

test('a process in a thread that is held gets nothing more until it is released, and then all in order', async (t) => {
  const delivered: Term[] = []
  const queue: ThreadCell[] = []
  const host = {
    mailboxLimit: 10,
    enqueue: (each: Cell) => void queue.push(each as ThreadCell),
    mailboxFull: () => {},
  }
  const thread = {
    deliver: (_cell: ThreadCell, message: Term) => void delivered.push(message),
    ended: () => {},
    leaderChanged: () => {},
    begin: () => {},
  }
  const pid = new Pid(BUSY, 1, 0, 1)
  const cell = new ThreadCell(host, { pid, parent: pid, ancestors: [], groupLeader: pid, label: 'x' }, thread)
  const run = (): void => {
    for (const each of queue.splice(0)) each.run(100)
  }
  cell.deliver(1)
  cell.hold()
  cell.deliver(2)
  cell.deliver(3)
  run()
  t.same(delivered, [1])
  cell.release()
  cell.deliver(4)
  run()
  t.same(delivered, [1, 2, 3, 4])
  cell.deliver(5)
  t.same(delivered, [1, 2, 3, 4, 5])
})

test('a process that ends while it is held leaves nothing behind, though its node stays busy', async (t) => {
  const { runtime } = testRuntime(t)
  const kept = (): { pid: Pid; ref: WeakRef<object> } => {
    const payload = { bytes: new Uint8Array(1000) }
    const pid = runtime.spawn(async (self) => {
      runtime.sink.hold(self.pid, BUSY)
      runtime.sink.hold(self.pid, OTHER)
      await self.receive()
      self.logger.debug({ payload }, 'kept by its function')
    })
    return { pid, ref: new WeakRef(payload) }
  }
  const { pid, ref } = kept()
  await settled()
  runtime.exit(pid, atom('kill'))
  for (let i = 0; i < 20 && ref.deref() !== undefined; i++) {
    await settled()
    collectGarbage()
  }
  t.equal(ref.deref(), undefined)
  const other = await runtime.start(Log)
  runtime.sink.hold(other, BUSY)
  runtime.send(other, 1)
  runtime.sink.release(BUSY)
  await settled()
  t.same(Log.handled, [1])
})
