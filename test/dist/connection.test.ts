import { test } from 'tap'
import { DFLAG_SPAWN, OUR_FLAGS } from '../../src/dist/flags.ts'
import type { ConnectionOptions } from '../../src/dist/index.ts'
import {
  atom,
  type Encodable,
  EncodeError,
  type Pid,
  type Term,
  termEquals,
  tuple,
} from '../../src/etf/index.ts'
import { A, B, connect, framed, pair, REF, turn, until, withRawPeer } from './connected.ts'
import { ALICE, connectedPair } from './pair.ts'
import { recorder } from './recorder.ts'

test('signals of both sides arrive in order', async (t) => {
  const [alice, bob] = await pair()
  for (let i = 0; i < 100; i++) alice.connection.send(A, B, i)
  alice.connection.link(A, B)
  bob.connection.monitor(B, atom('name'), REF)
  await until(() => bob.signals.length === 101 && alice.signals.length === 1)
  t.same(
    bob.signals.slice(0, 100).map(([, , , message]) => message),
    Array.from({ length: 100 }, (_, i) => i),
  )
  t.equal(bob.signals[100]![0], 'link')
  t.ok(termEquals(alice.signals[0] as Term[], ['monitor', B, atom('name'), REF]))
  t.match(alice.connection.stats, { out: { frames: 101 }, in: { frames: 1 } })
  t.equal(alice.connection.stats.out.bytes, bob.connection.stats.in.bytes)
  alice.connection.close()
  await until(() => bob.closed.length + alice.closed.length === 2)
})

test('what one read has brought is a batch: who runs then answers with one write, before the read is over', async (t) => {
  const [ours, theirs] = await connectedPair()
  const order: string[] = []
  const { write } = ours.transport
  ours.transport.write = (bytes) => {
    order.push('write')
    return write.call(ours.transport, bytes)
  }
  const { handler } = recorder()
  const end = connect(ours, {
    handler: {
      ...handler,
      sendName: (from, name, message) => {
        order.push('signal')
        handler.sendName(from, name, message)
      },
    },
    reads: {
      begin: () => order.push('begin'),
      end: () => {
        order.push('end')
        for (let i = 0; i < 3; i++) end.connection.send(A, B, i)
        queueMicrotask(() => order.push('microtask'))
      },
    },
  })
  end.connection.start()
  theirs.transport.handler = { onData: () => {}, onDrain: () => {}, onClose: () => {} }
  theirs.transport.resume()
  const signal = framed(tuple(6, B, atom(''), atom('name')), 'hello')
  theirs.transport.write(Buffer.concat([signal, signal]))
  await until(() => order.includes('microtask') && order.includes('write'))
  t.same(order, ['begin', 'signal', 'signal', 'end', 'write', 'microtask'])
  // What came before a frame that is none is handled as well.
  order.length = 0
  theirs.transport.write(Buffer.concat([signal, framed(tuple(99))]))
  await until(() => end.closed.length === 1)
  t.same(order, ['begin', 'signal', 'end', 'microtask'])
})

for (const chunkBytes of [1, 3, 1000]) {
  test(`frames survive a stream in chunks of ${chunkBytes}`, async (t) => {
    const [alice, bob] = await pair({ network: { chunkBytes } })
    const messages = [1, 'two', ['x'.repeat(2000)], 'last']
    for (const message of messages) alice.connection.sendName(A, atom('n'), message)
    await until(() => bob.signals.length === 4)
    t.same(
      bob.signals.map(([, , , message]) => message),
      messages,
    )
    alice.connection.destroy()
    await until(() => bob.closed.length === 1)
  })
}

test('messages above 64 KiB travel both ways, with and without fragments and header', async (t) => {
  const without = OUR_FLAGS & ~0x2000n & ~0x800000n
  for (const flags of [OUR_FLAGS, OUR_FLAGS & ~0x2000n, OUR_FLAGS & ~0x800000n, without]) {
    const [alice, bob] = await pair({ initiate: { self: { ...ALICE, flags } } })
    const big = new Uint8Array(300_000).fill(255)
    alice.connection.send(A, B, big)
    bob.connection.send(B, A, tuple(big, 'and more'))
    alice.connection.send(A, B, 'small')
    await until(() => bob.signals.length === 2 && alice.signals.length === 1)
    t.ok(termEquals(bob.signals[0]![3] as Term, big))
    t.ok(termEquals(alice.signals[0]![3] as Term, tuple(big, 'and more')))
    alice.connection.destroy()
    await until(() => bob.closed.length === 1)
  }
})

test('one flush a turn, and one more at 64 KiB', async (t) => {
  const [ours, theirs] = await connectedPair()
  const alice = connect(ours)
  const bob = connect(theirs)
  const writes = t.capture(ours.transport, 'write', ours.transport.write.bind(ours.transport))
  for (let i = 0; i < 10; i++) alice.connection.send(A, B, i)
  t.equal(writes().length, 0, 'nothing leaves during the turn')
  t.ok(alice.connection.pendingBytes > 0)
  await turn()
  await turn()
  t.equal(writes().length, 1)
  for (let i = 0; i < 3; i++) alice.connection.send(A, B, 'x'.repeat(40_000))
  t.equal(writes().length, 1, '80 000 bytes in the middle of the turn')
  await turn()
  t.equal(writes().length, 1, 'the rest at its end')
  alice.connection.send(A, B, 'alone')
  await new Promise<void>((resolve) => process.nextTick(resolve))
  t.equal(writes().length, 1, 'one alone does not wait for the other events of the turn')
  alice.connection.destroy()
  bob.connection.destroy()
})

test('what is sent before start leaves, and what arrives before it is kept', async (t) => {
  const [ours, theirs] = await connectedPair()
  const alice = connect(ours)
  const bob = connect(theirs)
  alice.connection.send(A, B, 'early')
  for (let i = 0; i < 5; i++) await turn()
  t.equal(bob.signals.length, 0)
  bob.connection.start()
  t.equal(bob.signals.length, 0, 'never from inside start')
  await until(() => bob.signals.length === 1)
  alice.connection.start()
  alice.connection.start()
  bob.connection.close()
  await until(() => alice.closed.length === 1)
})

test('frames that came with the ack are handled after start', async (t) => {
  const [ours, theirs] = await connectedPair()
  const bob = connect(theirs)
  theirs.leftover.append(framed(tuple(22, A, B), 'with the ack'))
  bob.connection.start()
  await until(() => bob.signals.length === 1)
  t.equal(bob.signals[0]![3], 'with the ack')
  t.equal(bob.connection.stats.in.frames, 1)
  ours.transport.destroy()
  await until(() => bob.closed.length === 1)
})

test('a stream that ended before start is told after it, behind what it brought', async (t) => {
  const [ours, theirs] = await connectedPair()
  const alice = connect(ours)
  alice.connection.send(A, B, 'farewell')
  alice.connection.close()
  theirs.transport.resume()
  await until(() => theirs.ended !== undefined)
  const bob = connect(theirs)
  bob.connection.start()
  await until(() => bob.closed.length === 1)
  t.equal(bob.signals.length, 1)
  t.equal(bob.closed[0]?.code, 'ERR_DIST_CLOSED')
})

test('a message that cannot be encoded throws at the sender and harms nothing else', async (t) => {
  const [alice, bob] = await pair()
  alice.connection.send(A, B, 1)
  t.throws(() => alice.connection.send(A, B, [1, (() => {}) as unknown as Encodable]), EncodeError)
  alice.connection.send(A, B, 2)
  await until(() => bob.signals.length === 2)
  t.same(
    bob.signals.map(([, , , message]) => message),
    [1, 2],
  )
  alice.connection.destroy()
  await until(() => bob.closed.length === 1)
})

test('code that runs while a message is encoded cannot write into the middle of it', async (t) => {
  const [alice, bob] = await pair()
  const nosy = (act: () => void) => ({
    get value() {
      act()
      return 1
    },
  })
  alice.connection.send(A, B, 'first')
  t.throws(
    () =>
      alice.connection.send(
        A,
        B,
        nosy(() => alice.connection.link(A, B)),
      ),
    { code: 'ERR_ETF_UNREADABLE', cause: { code: 'ERR_DIST_REENTRANT' } },
  )
  alice.connection.send(
    A,
    B,
    nosy(() => alice.connection.flush()),
  )
  alice.connection.send(A, B, 'last')
  await until(() => bob.signals.length === 3)
  t.same(
    bob.signals.map(([method, , , message]) => [method, message instanceof Map ? message.size : message]),
    [
      ['send', 'first'],
      ['send', 1],
      ['send', 'last'],
    ],
  )
  alice.connection.destroy()
  await until(() => bob.closed.length === 1)
})

test('close sends what is queued, tells both sides once, and can be repeated', async (t) => {
  const [alice, bob] = await pair()
  alice.connection.send(A, B, 'last words')
  alice.connection.close()
  alice.connection.close()
  alice.connection.send(A, B, 'too late')
  await until(() => bob.closed.length === 1 && alice.closed.length === 1)
  t.same(
    bob.signals.map(([, , , message]) => message),
    ['last words'],
  )
  t.same(alice.closed, [undefined])
  t.match(bob.closed[0], { code: 'ERR_DIST_CLOSED', peer: ALICE.name })
  alice.connection.destroy()
  alice.connection.close()
  await turn()
  t.equal(alice.closed.length, 1)
})

test('close and destroy work before start', async (t) => {
  for (const how of ['close', 'destroy'] as const) {
    const [ours, theirs] = await connectedPair()
    const alice = connect(ours)
    const bob = connect(theirs)
    bob.connection.start()
    alice.connection[how]()
    await until(() => alice.closed.length === 1 && bob.closed.length === 1)
    t.same(alice.closed, [undefined])
  }
})

test('after destroy nothing more is handled, and the reason is told', async (t) => {
  const { end, peer } = await withRawPeer()
  peer.transport.write(Buffer.concat([framed(tuple(22, B, A), 1), framed(tuple(22, B, A), 2)]))
  await until(() => end.signals.length === 2)
  end.connection.destroy()
  peer.transport.write(framed(tuple(22, B, A), 3))
  await until(() => end.closed.length === 1)
  await turn()
  t.equal(end.signals.length, 2)
  t.same(end.closed, [undefined])
})

test('a handler that destroys its connection gets nothing more, even from the same chunk', async (t) => {
  const [ours, theirs] = await connectedPair()
  const seen: unknown[] = []
  const handler = {
    ...recorder().handler,
    send: (_from: Pid | null, _to: Pid, message: Term) => {
      seen.push(message)
      alice.connection.destroy()
    },
  }
  const alice = connect(ours, { handler })
  alice.connection.start()
  theirs.transport.write(Buffer.concat([framed(tuple(22, B, A), 1), framed(tuple(22, B, A), 2)]))
  await until(() => alice.closed.length === 1)
  t.same(seen, [1])
})

test('codec options apply to the messages', async (t) => {
  const [alice, bob] = await pair({
    alice: { codec: { binaries: 'buffer', objectKeys: 'string' } },
    bob: { codec: { maps: 'object' } },
  })
  bob.connection.send(B, A, 'text')
  alice.connection.send(A, B, { key: 1 })
  await until(() => alice.signals.length === 1 && bob.signals.length === 1)
  t.ok(alice.signals[0]![3] instanceof Uint8Array)
  t.same(bob.signals[0]![3], { key: 1 })
  alice.connection.destroy()
  await until(() => bob.closed.length === 1)
})

test('a peer that cannot spawn answers notsup', async (t) => {
  const self = { ...ALICE, flags: OUR_FLAGS & ~DFLAG_SPAWN }
  const [alice, bob] = await pair({ initiate: { self } })
  const mfa = { module: atom('m'), function: atom('f'), arity: 0 }
  alice.connection.spawnRequest(REF, A, A, mfa, [], [])
  t.equal(alice.signals.length, 0, 'never from inside the call')
  await until(() => alice.signals.length === 1)
  t.ok(termEquals(alice.signals[0] as Term[], ['spawnReply', REF, A, 0, atom('notsup')]))
  alice.connection.destroy()
  await until(() => bob.closed.length === 1)
})

test('options that make no sense are refused', async (t) => {
  const [ours, theirs] = await connectedPair()
  const bad: Partial<ConnectionOptions>[] = [
    { tickTime: 0 },
    { tickTime: Number.NaN },
    { tickIntensity: 3 },
    { tickIntensity: 4.5 },
    { limits: { frameBytes: 0 } },
    { limits: { pendingBytes: Number.POSITIVE_INFINITY } },
  ]
  for (const options of bad) t.throws(() => connect(ours, options), { code: 'ERR_INVALID_OPTION' })
  ours.transport.destroy()
  theirs.transport.destroy()
})

test('two connections in one process share nothing', async (t) => {
  const [a1, b1] = await pair()
  const [a2, b2] = await pair()
  a1.connection.send(A, B, 1)
  a2.connection.send(A, B, 2)
  await until(() => b1.signals.length === 1 && b2.signals.length === 1)
  a1.connection.destroy()
  await until(() => b1.closed.length === 1)
  a2.connection.send(A, B, 3)
  await until(() => b2.signals.length === 2)
  t.same([b1.signals.length, a2.closed, b2.closed], [1, [], []])
  a2.connection.destroy()
  await until(() => b2.closed.length === 1)
})
