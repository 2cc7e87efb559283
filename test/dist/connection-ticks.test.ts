import { test } from 'tap'
import { FakeClock } from '../../src/testing/index.ts'
import { A, B, pair, withRawPeer } from './connected.ts'
import { BOB } from './pair.ts'

test('an idle connection ticks every quarter of the tick time and stays up', async (t) => {
  const clock = new FakeClock()
  const [alice, bob] = await pair({
    clock,
    network: { clock },
    alice: { tickTime: 4000 },
    bob: { tickTime: 4000 },
  })
  await clock.elapse(60_000)
  t.same([alice.closed, bob.closed], [[], []])
  const { bytes, frames } = alice.connection.stats.out
  t.equal(frames, 0)
  t.ok(bytes >= 60 * 2 && bytes <= 61 * 8, `${bytes} bytes of ticks`)
  alice.connection.close()
  await clock.elapse(1)
  t.same([alice.closed.length, bob.closed.length], [1, 1])
  t.equal(clock.pending, 0, 'no timer is left')
})

test('a link that is busy in one direction only still ticks in the other', async (t) => {
  const clock = new FakeClock()
  const [alice, bob] = await pair({
    clock,
    network: { clock },
    alice: { tickTime: 4000 },
    bob: { tickTime: 4000 },
  })
  for (let i = 0; i < 100; i++) {
    alice.connection.send(A, B, i)
    await clock.elapse(500)
  }
  t.same([alice.closed, bob.closed], [[], []])
  t.equal(bob.signals.length, 100)
  alice.connection.destroy()
  bob.connection.destroy()
})

test('a silent peer is dropped after the tick time, give or take a quarter', async (t) => {
  const clock = new FakeClock()
  const { end } = await withRawPeer({ clock, network: { clock }, alice: { tickTime: 4000 } })
  await clock.elapse(2999)
  t.same(end.closed, [])
  await clock.elapse(2001)
  t.match(end.closed, [{ code: 'ERR_DIST_TICK_TIMEOUT', peer: BOB.name }])
  t.equal(clock.pending, 0)
})

for (const [tickTime, tickIntensity] of [
  [40, 4],
  [40, 1000],
  [60_000, 60],
  [2 ** 31 * 1000, 4],
] as const) {
  const interval = tickTime / tickIntensity
  const name = `a tick time of ${tickTime} ms at intensity ${tickIntensity}`
  test(`${name}: idle stays, silence ends between one interval less and one more`, async (t) => {
    const clock = new FakeClock()
    const options = { clock, network: { clock } }
    const ticks = { tickTime, tickIntensity }
    const [alice, bob] = await pair({ ...options, alice: ticks, bob: ticks })
    await clock.elapse(2.5 * tickTime)
    t.same([alice.closed, bob.closed], [[], []])
    alice.connection.destroy()
    bob.connection.destroy()

    const { end } = await withRawPeer({ ...options, alice: ticks })
    await clock.elapse(tickTime - interval - 0.001)
    t.same(end.closed, [])
    await clock.elapse(2 * interval + 0.002)
    t.match(end.closed, [{ code: 'ERR_DIST_TICK_TIMEOUT' }])
  })
}

test('ticks alone keep a peer up, and when they stop it is dropped', async (t) => {
  const clock = new FakeClock()
  const { end, peer } = await withRawPeer({ clock, network: { clock }, alice: { tickTime: 4000 } })
  for (let i = 0; i < 10; i++) {
    peer.transport.write(new Uint8Array(4))
    await clock.elapse(1000)
  }
  t.same(end.closed, [], 'ticks alone keep it up')
  await clock.elapse(5000)
  t.equal(end.closed.length, 1)
})

test('a frozen process does not drop its peers when it wakes', async (t) => {
  const clock = new FakeClock()
  const { end, peer } = await withRawPeer({ clock, network: { clock }, alice: { tickTime: 4000 } })
  await clock.elapse(1000)
  // The peer went on ticking; its bytes wait in the kernel while one late timer fires.
  for (let i = 0; i < 10; i++) peer.transport.write(new Uint8Array(4))
  await clock.elapse(900)
  await clock.elapse(3000)
  t.same(end.closed, [])
  end.connection.destroy()
})

test('a tick is answered at once by a side that has nothing to say', async (t) => {
  const clock = new FakeClock()
  const { end, peer } = await withRawPeer({ clock, network: { clock } })
  peer.transport.write(new Uint8Array(4))
  t.equal((await peer.nextFrame()).length, 0)
  t.equal(end.connection.stats.in.frames, 0, 'a tick is no frame of anybody')
  end.connection.destroy()
})
