/** Every control message, as real BEAM nodes of each release sent it and as they took it from us. */
import { test } from 'tap'
import { capabilitiesOf } from '../../src/dist/capabilities.ts'
import { OP } from '../../src/dist/control.ts'
import { FrameReader } from '../../src/dist/frame-reader.ts'
import { DEFAULT_CONNECTION_LIMITS } from '../../src/dist/limits.ts'
import { atom, decode, EXACT, inspect, type Term, type Tuple, termEquals } from '../../src/etf/index.ts'
import { TestWriter } from './control-frames.ts'
import { recorder } from './recorder.ts'
import { ANY, decodeSignal, expectedSignal, signalTerm } from './signal-vectors.ts'
import { type SignalVector, signalVectors } from './vectors.ts'

const byConnection = new Map<string, SignalVector[]>()
for (const vector of signalVectors()) {
  byConnection.set(vector.conn, [...(byConnection.get(vector.conn) ?? []), vector])
}

function term(hex: string): Term {
  return decode(Buffer.from(hex, 'hex'), EXACT)
}

for (const [conn, vectors] of byConnection) {
  const negotiated = BigInt(`0x${vectors[0]!.flags}`)

  test(`what the BEAM sent is what it says it sent: OTP ${conn}`, (t) => {
    const peer = atom(`n${conn.slice(0, 2)}@127.0.0.1`)
    const reader = new FrameReader(peer, capabilitiesOf(negotiated), EXACT, DEFAULT_CONNECTION_LIMITS)
    for (const { control_etf, dir, message_etf, name, raw, seq } of vectors) {
      if (dir !== 'in') continue
      const { handler, signals } = recorder()
      reader.readFrame(Buffer.from(raw, 'hex'), handler)
      if (control_etf === undefined) continue
      const wanted = expectedSignal(term(control_etf) as Tuple, message_etf ? term(message_etf) : undefined)
      const found = signalTerm(signals[0]!)
      const isSame = found.every((each, i) => wanted[i] === ANY || termEquals(each, wanted[i] as Term))
      t.ok(isSame && signals.length === 1, `${seq}: ${name}`, { found: inspect(found) })
    }
    t.end()
  })

  if (vectors.some(({ dir }) => dir === 'out')) {
    test(`what we send is, byte by byte, what the BEAM has understood: OTP ${conn}`, (t) => {
      const writer = new TestWriter(negotiated)
      for (const { dir, name, raw, signal_etf } of vectors) {
        if (dir !== 'out') continue
        const [method, ...args] = decodeSignal(signal_etf!)
        ;(writer[method] as (...each: unknown[]) => void).call(writer, ...args)
        t.equal(writer.take().subarray(4).toString('hex'), raw, name)
      }
      t.end()
    })
  }
}

test('every operation was captured from a BEAM, but for those that it does not send', (t) => {
  const seen = new Set(
    signalVectors().flatMap(({ control_etf }) =>
      control_etf === undefined ? [] : [(term(control_etf) as Tuple)[0] as number],
    ),
  )
  const missing = Object.entries(OP).filter(([, op]) => !seen.has(op))
  t.same(
    missing.map(([name]) => name),
    // Of old, and dead; `exit/2` leaves the token of its sender behind.
    ['UNLINK', 'NODE_LINK', 'EXIT2_TT', 'PAYLOAD_EXIT2_TT'],
  )
  t.end()
})
