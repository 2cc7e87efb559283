/** A node that reads slowly holds back who sends to it, and nobody else. */
import { test } from 'tap'
import { atom, type Pid, type Term, Tuple, tuple } from '../../src/etf/index.ts'
import { GenServer, noreply } from '../../src/runtime/index.ts'
import { failure, nodeEvents, TestNodes } from '../support/two-nodes.ts'

const BIG = 'x'.repeat(300_000)

/** Sends what it is told to, and counts what it handled. */
class Feeder extends GenServer<number> {
  override init(): number {
    return 0
  }

  override handleInfo(message: Term, handled: number) {
    if (message instanceof Tuple) this.self.send(message[0] as Pid, message[1] as Term)
    return noreply(handled + 1)
  }

  override handleCall(_request: Term, from: never, handled: number) {
    this.reply(from, handled)
    return noreply(handled)
  }
}

test('a server is held above the high-water mark and goes on when the connection drains', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const received: Term[] = []
  const sink = b.spawn(async (self) => {
    for (;;) received.push(await self.receive())
  })
  const feeder = await a.startLink(Feeder)
  nodes.network.cut('a', 'b')
  for (let i = 0; i < 20; i++) a.send(feeder, tuple(sink, tuple(i, BIG)))
  await nodes.settle()
  t.equal(received.length, 0)
  t.match(a.runtime.processInfo(feeder), { messageQueueLength: 16 }, 'four messages are 1.2 MB')
  const bystander = await a.startLink(Feeder)
  for (let i = 0; i < 5; i++) a.send(bystander, i)
  await nodes.settle()
  t.equal(await nodes.during(a.call(bystander, atom('count'))), 5, 'who sends nothing there is not held')
  nodes.network.heal('a', 'b')
  await nodes.until(() => received.length === 20)
  t.same(
    received.map((message) => (message as Tuple)[0]),
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('drain of plain code resolves below the mark, and rejects when the connection goes', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const sink = b.spawn(async (self) => {
    for (;;) await self.receive()
  })
  await a.drain('b@b')
  nodes.network.cut('a', 'b')
  a.send(sink, BIG)
  await a.drain('b@b')
  for (let i = 0; i < 4; i++) a.send(sink, BIG)
  let isDrained = false
  const drained = a.drain(b.name).then(() => {
    isDrained = true
  })
  await nodes.settle()
  t.equal(isDrained, false)
  nodes.network.heal('a', 'b')
  await drained

  nodes.network.cut('a', 'b')
  for (let i = 0; i < 5; i++) a.send(sink, BIG)
  const lost = failure(a.drain('b@b'))
  a.disconnect('b@b')
  t.match(await lost, { code: 'ERR_NODE_DOWN' })
})

test('above the hard limit the connection is given up with a typed error, and its senders go on', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair({ limits: { pendingBytes: 2_000_000 } })
  const events = nodeEvents(a)
  const sink = b.spawn(async (self) => {
    for (;;) await self.receive()
  })
  const feeder = await a.startLink(Feeder)
  nodes.network.cut('a', 'b')
  for (let i = 0; i < 5; i++) a.send(feeder, tuple(sink, BIG))
  await nodes.settle()
  for (let i = 0; i < 5; i++) a.send(sink, BIG)
  await nodes.until(() => events.length === 1)
  t.same(events, ['down b@b connection_closed'])
  t.match(
    nodes.log.filter(({ fields }) => fields['code'] === 'ERR_DIST_OUTPUT_LIMIT'),
    [{ level: 'warn', message: /b@b reads too slowly.*limits\.pendingBytes/ }],
  )
  t.equal(await nodes.during(a.call(feeder, atom('count'))), 5)
})

test('a peer that takes nothing of the last messages is not waited for for ever, and that is told', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const sink = b.spawn(async (self) => {
    for (;;) await self.receive()
  })
  nodes.network.cut('a', 'b')
  for (let i = 0; i < 5; i++) a.send(sink, BIG)
  a.disconnect('b@b')
  const warnings = () => nodes.log.filter(({ fields }) => fields['code'] === 'ERR_DIST_UNSENT')
  await nodes.elapse(4900)
  t.same(warnings(), [])
  await nodes.elapse(200)
  t.equal(warnings().length, 1)
  const { fields, level, message } = warnings()[0]!
  t.match({ level, message }, { level: 'warn', message: /b@b, which had not taken the last \d+ bytes/ })
  t.match(fields, { peer: 'b@b' })
  t.ok(Number(fields['bytes']) > 4 * BIG.length)
})

test('pings and the messages of others overtake a message of 64 MiB', async (t) => {
  const nodes = new TestNodes(t, { highWaterMark: 64 * 1024 })
  const [a, b] = await nodes.pair()
  const order: string[] = []
  const sink = b.spawn(async (self) => {
    for (;;) {
      const message = await self.receive()
      order.push(message instanceof Uint8Array ? `${message.length} bytes` : String(message))
    }
  })
  const other = b.spawn(async (self) => {
    for (;;) order.push(`other ${String(await self.receive())}`)
  })
  a.send(sink, new Uint8Array(64 * 1024 * 1024).fill(255))
  a.send(sink, 'behind')
  a.send(other, 'ahead')
  a.spawn(async (self) => self.send(sink, 'of another'))
  for (let i = 0; i < 3; i++) {
    t.equal(await nodes.during(a.ping('b@b')), 'pong')
    order.push('pong')
  }
  await nodes.until(() => order.includes('behind'))
  t.same(order.slice(-2), [`${64 * 1024 * 1024} bytes`, 'behind'])
  t.same(order.slice(0, -2).sort(), ['of another', 'other ahead', 'pong', 'pong', 'pong'])
})

test('monitors, exits and the end of the sender keep their place behind its large message', async (t) => {
  const nodes = new TestNodes(t)
  const [a, b] = await nodes.pair()
  const got: string[] = []
  const sink = b.spawn(async (self) => {
    self.trapExit = true
    for (;;) {
      const message = await self.receive()
      if (message === 'ready') continue
      got.push(typeof message === 'string' ? `${message.length}` : String((message as Tuple)[0]))
    }
  })
  const starter = a.spawn(async (self) => {
    self.link(sink)
    self.send(sink, 'x'.repeat(2_000_000))
    self.exit(sink, atom('stop'))
    self.send(sink, 'small')
    self.send(sink, 'y'.repeat(1_000_000))
    self.exit(atom('done'))
  })
  await nodes.until(() => got.length === 5)
  t.same(got, ['2000000', 'EXIT', '5', '1000000', 'EXIT'])
  t.equal(a.runtime.isAlive(starter), false)
})
