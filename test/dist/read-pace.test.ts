import { test } from 'tap'
import { ReadPace } from '../../src/dist/read-pace.ts'
import { atom } from '../../src/etf/index.ts'
import { FakeClock } from '../../src/testing/index.ts'
import { A, B, connect, type End, REF, until } from './connected.ts'
import { connectedPair } from './pair.ts'

/** Reads of that kind, one after another, and after which of them it rests. */
function rests(
  count: number,
  read: { ms: number; messages: number; bytes?: number; exchanges?: (i: number) => number },
): number[] {
  const clock = new FakeClock()
  const pace = new ReadPace(clock)
  const found: number[] = []
  for (let i = 1; i <= count; i++) {
    clock.advance(read.ms)
    const bytes = read.bytes ?? read.messages * 100
    if (pace.shouldRest(read.messages, bytes, read.exchanges?.(i) ?? 0)) found.push(i)
  }
  return found
}

test('a stream of messages: it rests after 64 of them, and then after every read that had as many', (t) => {
  t.same(rests(20, { ms: 0.03, messages: 8 }), [9, 17])
  t.same(rests(5, { ms: 1.1, messages: 300 }), [2, 3, 4, 5])
  t.end()
})

test('one burst of any size is none', (t) => {
  t.same(rests(1, { ms: 0, messages: 10_000 }), [])
  t.end()
})

test('slower messages are none, however many come in a read', (t) => {
  t.same(rests(50, { ms: 0.3, messages: 8 }), [])
  t.same(rests(50, { ms: 10, messages: 300 }), [])
  t.end()
})

test('after a pause it has to begin anew', (t) => {
  const clock = new FakeClock()
  const pace = new ReadPace(clock)
  const read = (ms: number, messages: number): boolean => {
    clock.advance(ms)
    return pace.shouldRest(messages, messages * 100, 0)
  }
  t.notOk(read(0, 300))
  t.ok(read(1, 300))
  t.notOk(read(1000, 300))
  t.ok(read(1, 300))
  t.end()
})

test('many bytes are none: a rest would fill the window of TCP', (t) => {
  t.same(rests(50, { ms: 0.5, messages: 40, bytes: 40 * 1024 }), [])
  t.end()
})

test('where something is sent or asked for between two reads there is none', (t) => {
  t.same(rests(50, { ms: 0.03, messages: 8, exchanges: (i) => i }), [])
  t.same(rests(18, { ms: 0.03, messages: 8, exchanges: (i) => Math.floor(i / 8) }), [])
  t.end()
})

test('a time that stands still is none', (t) => {
  t.same(rests(50, { ms: 0, messages: 64 }), [])
  t.end()
})

/** How often Bob rests while Alice sends him ten bursts in two milliseconds. */
async function restsOf(burst: (alice: End, bob: End) => number): Promise<number> {
  const clock = new FakeClock()
  const [ours, theirs] = await connectedPair()
  let rests = 0
  theirs.transport.rest = () => void rests++
  const alice = connect(ours, { clock })
  const bob = connect(theirs, { clock })
  alice.connection.start()
  bob.connection.start()
  let expected = 0
  for (let i = 0; i < 10; i++) {
    expected += burst(alice, bob)
    await until(() => bob.signals.length === expected)
    clock.advance(0.2)
  }
  alice.connection.destroy()
  await until(() => bob.closed.length === 1)
  return rests
}

function sendMany({ connection }: End): number {
  for (let i = 0; i < 20; i++) connection.send(A, B, i)
  return 20
}

test('a connection rests while messages stream in, and not while it answers or the peer waits', async (t) => {
  // The first read begins, the fifth has the 64th message, the ninth those of the next four.
  t.equal(await restsOf(sendMany), 2)
  const answered = await restsOf((alice, bob) => {
    bob.connection.send(B, A, 'answer')
    return sendMany(alice)
  })
  t.equal(answered, 0, 'answers')
  const called = await restsOf((alice) => {
    alice.connection.monitor(A, B, REF)
    return 1 + sendMany(alice)
  })
  t.equal(called, 0, 'calls')
  const spawned = await restsOf((alice) => {
    const mfa = { module: atom('m'), function: atom('f'), arity: 0 }
    alice.connection.spawnRequest(REF, A, A, mfa, [], [])
    return 1 + sendMany(alice)
  })
  t.equal(spawned, 0, 'spawn requests, as of erpc')
})
