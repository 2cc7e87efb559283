/** Every control message, as real BEAM nodes of each release sent it and as they took it from us. */
import { type Test, test } from 'tap'
import { capabilitiesOf } from '../../src/dist/capabilities.ts'
import { FrameReader } from '../../src/dist/frame-reader.ts'
import { DEFAULT_CONNECTION_LIMITS } from '../../src/dist/limits.ts'
import * as OP from '../../src/dist/op.ts'
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

/** That the frame is read as the one signal that it is said to hold, if it says so. */
function expectSignal(t: Test, reader: FrameReader, vector: SignalVector): void {
  const { control_etf, message_etf, name, raw, seq } = vector
  const { handler, signals } = recorder()
  reader.readFrame(Buffer.from(raw, 'hex'), handler)
  if (control_etf === undefined) return
  const wanted = expectedSignal(term(control_etf) as Tuple, message_etf ? term(message_etf) : undefined)
  const found = signalTerm(signals[0]!)
  const isSame = found.every((each, i) => wanted[i] === ANY || termEquals(each, wanted[i] as Term))
  t.ok(isSame && signals.length === 1, `${seq}: ${name}`, { found: inspect(found) })
}

for (const [conn, vectors] of byConnection) {
  const negotiated = BigInt(`0x${vectors[0]!.flags}`)

  test(`what the BEAM sent is what it says it sent: OTP ${conn}`, (t) => {
    const peer = atom(`n${conn.slice(0, 2)}@127.0.0.1`)
    const reader = new FrameReader(peer, capabilitiesOf(negotiated), EXACT, DEFAULT_CONNECTION_LIMITS)
    for (const vector of vectors) if (vector.dir === 'in') expectSignal(t, reader, vector)
    t.end()
  })

  test(`what no node sends is read as the BEAM has understood it: OTP ${conn}`, (t) => {
    const reader = new FrameReader(
      atom('cap@127.0.0.1'),
      capabilitiesOf(negotiated),
      EXACT,
      DEFAULT_CONNECTION_LIMITS,
    )
    for (const vector of vectors) if (vector.dir === 'taken') expectSignal(t, reader, vector)
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

function operations(...dirs: SignalVector['dir'][]): Set<number> {
  const vectors = signalVectors().filter(({ control_etf, dir }) => control_etf && dirs.includes(dir))
  return new Set(vectors.map(({ control_etf }) => (term(control_etf!) as Tuple)[0] as number))
}

function missing(seen: Set<number>): string[] {
  return Object.entries(OP)
    .filter(([, op]) => !seen.has(op))
    .map(([name]) => name)
}

test('every operation was captured from a BEAM, but for those that no release sends', (t) => {
  // `exit/2` leaves the token of its sender behind: see the README of the vectors.
  t.same(missing(operations('in')), ['EXIT2_TT', 'NODE_LINK', 'PAYLOAD_EXIT2_TT'])
  t.end()
})

test('and those are read as BEAM nodes read them, but for the one on which they close the connection', (t) => {
  t.same(missing(operations('in', 'taken')), ['NODE_LINK'])
  t.end()
})
