/** The end of a connection with much to send, towards peers that are slow to take it. */
import { type Test, test } from 'tap'
import { Authority, whyNoCertificates } from '../../interop/support/certificates.ts'
import { acceptHandshake, initiate } from '../../src/dist/index.ts'
import { DEFAULT_CONNECTION_LIMITS } from '../../src/dist/limits.ts'
import { Linger } from '../../src/dist/linger.ts'
import { type Network, TcpNetwork, TlsNetwork, type Transport } from '../../src/net/index.ts'
import { FakeClock } from '../../src/testing/index.ts'
import { A, B, connect, type End, turn, until, withRawPeer } from './connected.ts'
import { ALICE, BOB } from './pair.ts'

const CHUNK = 1_000_000
const CHUNKS = 24
const { closeStall, closeTime } = DEFAULT_CONNECTION_LIMITS

/** A node of ours, and a peer whose kernel takes what fits, over sockets. */
async function overSockets(t: Test, network: Network, clock: FakeClock) {
  let accepted: ((transport: Transport) => void) | undefined
  const incoming = new Promise<Transport>((resolve) => {
    accepted = resolve
  })
  const listener = await network.listen({ host: '127.0.0.1', port: 0 }, (transport) => accepted?.(transport))
  const handshake = initiate(await network.connect({ host: '127.0.0.1', port: listener.port }), {
    self: ALICE,
    peerName: BOB.name,
    cookie: 'secret',
    onAlive: () => false,
    clock,
  })
  const theirs = await acceptHandshake(await incoming, {
    self: BOB,
    cookieFor: () => 'secret',
    decide: () => 'ok',
    clock,
  })
  const ours = await handshake
  t.teardown(async () => {
    ours.transport.destroy()
    theirs.transport.destroy()
    await listener.close()
  })
  const end = connect(ours, { clock })
  end.connection.start()
  return { end, peer: theirs.transport, ours: ours.transport }
}

function sendMuch(end: End): void {
  const chunk = new Uint8Array(CHUNK)
  for (let i = 0; i < CHUNKS; i++) end.connection.send(A, B, chunk)
}

const CARRIERS: readonly [string, () => Network, string | false][] = [
  ['TCP', () => new TcpNetwork(), false],
  [
    'TLS',
    () => {
      const authority = new Authority({ teardown: (undo) => process.once('exit', () => void undo()) })
      return new TlsNetwork({ tls: { ca: authority.ca, ...authority.issue() } })
    },
    whyNoCertificates(),
  ],
]

for (const [carrier, networkOf, skip] of CARRIERS) {
  test(`a closing connection waits for a peer that reads slowly, over ${carrier}`, { skip }, async (t) => {
    const clock = new FakeClock()
    const { end, ours, peer } = await overSockets(t, networkOf(), clock)
    let bytes = 0
    let isOver = false
    peer.handler = {
      onData: (each) => {
        bytes += each.length
        peer.pause()
      },
      onDrain: () => {},
      onClose: () => {
        isOver = true
      },
    }
    sendMuch(end)
    end.connection.close()
    const sent = end.connection.pendingBytes
    t.ok(sent > CHUNKS * 500_000, 'most of it waits')
    // The peer takes so little at a time that all of it would take longer than it may stand still.
    let passed = 0
    while (!isOver) {
      const before = ours.progress
      while (!isOver && ours.progress === before) {
        peer.resume()
        await turn()
      }
      if (passed < closeTime - 2 * closeStall) {
        clock.advance(closeStall * 0.7)
        passed += closeStall * 0.7
      }
    }
    t.ok(passed > 2 * closeStall, `${passed} ms have passed`)
    t.ok(bytes >= CHUNKS * CHUNK, `${bytes} bytes have arrived`)
    await until(() => end.closed.length === 1)
    t.same(end.closed, [undefined])
    t.equal(clock.pending, 0)
  })

  test(`a peer that takes nothing of the rest is cut off, and what is lost is told, over ${carrier}`, {
    skip,
  }, async (t) => {
    const clock = new FakeClock()
    const { end, ours, peer } = await overSockets(t, networkOf(), clock)
    peer.pause()
    sendMuch(end)
    end.connection.close()
    for (let before = -1; before !== ours.progress; await new Promise((resolve) => setTimeout(resolve, 50))) {
      before = ours.progress
    }
    clock.advance(closeStall * 1.3)
    await until(() => end.closed.length === 1)
    const [reason] = end.closed
    t.match(reason, { code: 'ERR_DIST_UNSENT', peer: BOB.name, message: /limits\.closeStall is 5000 ms/ })
    t.ok(Number(reason?.actual) > CHUNKS * 500_000, `${reason?.actual} bytes`)
  })

  test(`so it is when the peer goes before it has taken the rest, over ${carrier}`, { skip }, async (t) => {
    const { end, peer } = await overSockets(t, networkOf(), new FakeClock())
    peer.pause()
    sendMuch(end)
    end.connection.close()
    await turn()
    peer.destroy()
    await until(() => end.closed.length === 1)
    t.match(end.closed, [{ code: 'ERR_DIST_UNSENT', peer: BOB.name }])
  })
}

test('a peer that takes a little for ever is cut off in the end', async (t) => {
  const clock = new FakeClock()
  const { end, peer } = await withRawPeer({ clock, network: { clock, chunkBytes: 10_000 } })
  let received = 0
  peer.transport.handler = {
    onData: (bytes) => {
      received += bytes.length
      peer.transport.pause()
    },
    onDrain: () => {},
    onClose: () => {},
  }
  peer.transport.pause()
  for (let i = 0; i < 100; i++) end.connection.send(A, B, 'x'.repeat(30_000))
  end.connection.close()
  let passed = 0
  while (end.closed.length === 0) {
    const before = received
    peer.transport.resume()
    await until(() => received > before)
    await clock.elapse(closeStall * 0.7)
    passed += closeStall * 0.7
  }
  t.match(end.closed, [{ code: 'ERR_DIST_UNSENT', message: /limits\.closeTime is 60000 ms/ }])
  t.ok(Math.abs(passed - closeTime) <= closeStall, `${passed} ms`)
  t.equal(clock.pending, 0)
})

test('the time without progress counts anew after every bit that was taken', (t) => {
  const linger = new Linger({ ...DEFAULT_CONNECTION_LIMITS, closeStall: 1000, closeTime: 2000 }, 50)
  t.equal(linger.interval, 200)
  const looks = [50, 50, 50, 50, 40, 40, 40, 40, 40].map((progress) => linger.look(progress))
  t.same(looks, new Array(9).fill(undefined))
  t.equal(linger.look(40), 'closeStall')
  t.equal(new Linger({ ...DEFAULT_CONNECTION_LIMITS, closeTime: 5 }, 1).interval, 1, 'the shorter one')
  t.end()
})
