import { test } from 'tap'
import { AtomBudget, encode, tuple } from '../../src/etf/index.ts'
import { A, B, connect, framed, pair, turn, until, withRawPeer } from './connected.ts'
import { BOB, connectedPair } from './pair.ts'
import { recorder } from './recorder.ts'

test('an error in the handler closes the connection as a fault of this node', async (t) => {
  const cause = new Error('bug')
  const [ours, theirs] = await connectedPair()
  const handler = {
    ...recorder().handler,
    link: () => {
      throw cause
    },
  }
  const alice = connect(ours, { handler })
  alice.connection.start()
  theirs.transport.write(framed(tuple(1, B, A)))
  await until(() => alice.closed.length === 1)
  t.match(alice.closed[0], { code: 'ERR_DIST_INTERNAL', cause, peer: BOB.name })
})

/** Bytes of a peer that breaks the rules, and the code of the error. */
const VIOLATIONS: readonly [string, Buffer, string][] = [
  ['a frame announced as longer than allowed', Buffer.from('ffffffff', 'hex'), 'ERR_DIST_FRAME_LIMIT'],
  ['a pass-through frame', Buffer.from('00000004 70836a6a'.replace(' ', ''), 'hex'), 'ERR_DIST_BAD_FRAME'],
  ['a header that is cut', Buffer.from('00000003 834405'.replace(' ', ''), 'hex'), 'ERR_DIST_BAD_FRAME'],
  [
    'a slot never filled',
    Buffer.from('00000005 8344010001'.replace(' ', ''), 'hex'),
    'ERR_DIST_BAD_ATOM_REF',
  ],
  ['an unknown operation', framed(tuple(99, A, B)), 'ERR_DIST_UNKNOWN_OP'],
  ['the dead operation', framed(tuple(5)), 'ERR_DIST_UNKNOWN_OP'],
  ['a control with an element too many', framed(tuple(22, B, A, 1), 1), 'ERR_DIST_BAD_CONTROL'],
  ['a missing payload', framed(tuple(22, B, A)), 'ERR_DIST_BAD_TERM'],
  ['an unknown tag', Buffer.from('00000005 83440068ff'.replace(' ', ''), 'hex'), 'ERR_DIST_BAD_TERM'],
  [
    'a lonely fragment',
    Buffer.from('00000012 8346 0000000000000001 0000000000000001'.replaceAll(' ', ''), 'hex'),
    'ERR_DIST_BAD_FRAGMENT',
  ],
]

for (const [what, bytes, code] of VIOLATIONS) {
  test(`${what} costs the peer its connection`, async (t) => {
    const { end, peer } = await withRawPeer()
    peer.transport.write(bytes)
    await until(() => end.closed.length === 1)
    t.match(end.closed[0], { code, peer: BOB.name, name: 'DistError' })
    t.match(end.closed[0]!.message, BOB.name)
    await peer.untilClosed()
    t.equal(end.signals.length, 0)
  })
}

test('a frame above the limit is refused before it arrives, one at the limit is taken', async (t) => {
  const message = framed(tuple(22, B, A), 'x'.repeat(100))
  const frameBytes = message.length - 4
  const fits = await withRawPeer({ alice: { limits: { frameBytes } } })
  fits.peer.transport.write(message)
  await until(() => fits.end.signals.length === 1)
  fits.end.connection.destroy()
  const large = await withRawPeer({ alice: { limits: { frameBytes: frameBytes - 1 } } })
  large.peer.transport.write(message.subarray(0, 4))
  await until(() => large.end.closed.length === 1)
  t.match(large.end.closed[0], { code: 'ERR_DIST_FRAME_LIMIT', actual: frameBytes, expected: frameBytes - 1 })
})

test('a peer introduces so many atoms and no more', async (t) => {
  const atomsOf = (from: number, to: number): Buffer[] => {
    const frames = []
    for (let i = from; i < to; i++) {
      const name = Buffer.from(`budget test ${i}`)
      const header = Buffer.from([131, 68, 1, 8, i & 0xff, name.length])
      const control = encode(tuple(22, B, A)).subarray(1)
      const body = Buffer.concat([header, name, control, Buffer.from([82, 0])])
      const length = Buffer.alloc(4)
      length.writeUInt32BE(body.length)
      frames.push(length, body)
    }
    return frames
  }
  const atomBudget = new AtomBudget(10)
  const { end, peer } = await withRawPeer({ alice: { codec: { atomBudget } } })
  peer.transport.write(Buffer.concat(atomsOf(0, 10)))
  await until(() => end.signals.length === 10)
  peer.transport.write(Buffer.concat(atomsOf(0, 10)))
  await until(() => end.signals.length === 20)
  peer.transport.write(Buffer.concat(atomsOf(10, 11)))
  await until(() => end.closed.length === 1)
  t.match(end.closed[0], { code: 'ERR_DIST_BAD_TERM', cause: { code: 'ERR_ETF_ATOM_LIMIT' } })
  t.equal(atomBudget.used, 10)
})

test('a peer that does not read makes the connection busy, drains, and it is so no more', async (t) => {
  const drained: boolean[] = []
  const { end, peer } = await withRawPeer({
    alice: { limits: { highWaterMark: 100_000 }, onWritable: () => drained.push(true) },
  })
  peer.transport.pause()
  t.equal(end.connection.isBusy, false)
  for (let i = 0; i < 4; i++) end.connection.send(A, B, 'x'.repeat(50_000))
  await turn()
  t.equal(end.connection.isBusy, true)
  t.ok(end.connection.pendingBytes > 200_000)
  peer.transport.resume()
  await until(() => drained.length > 0)
  t.equal(end.connection.isBusy, false)
  t.equal(end.connection.pendingBytes, 0)
  end.connection.destroy()
  await until(() => end.closed.length === 1)
})

test('a peer that reads nothing for too long loses its connection, not the node its memory', async (t) => {
  const { end, peer } = await withRawPeer({ alice: { limits: { pendingBytes: 500_000 } } })
  peer.transport.pause()
  for (let i = 0; i < 50; i++) end.connection.send(A, B, 'x'.repeat(50_000))
  await until(() => end.closed.length === 1)
  t.match(end.closed[0], { code: 'ERR_DIST_OUTPUT_LIMIT', expected: 500_000, peer: BOB.name })
  end.connection.send(A, B, 'dropped')
  t.equal(end.connection.stats.out.frames < 50, true)
})

test('one message above the limit may wait, for nothing else does', async (t) => {
  const [alice, bob] = await pair({ alice: { limits: { pendingBytes: 1000 } } })
  alice.connection.send(A, B, 'x'.repeat(200_000))
  await until(() => bob.signals.length === 1)
  t.same(alice.closed, [])
  alice.connection.destroy()
  await until(() => bob.closed.length === 1)
})
