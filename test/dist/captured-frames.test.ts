import { inspect } from 'node:util'
import { test } from 'tap'
import { capabilitiesOf } from '../../src/dist/capabilities.ts'
import { DistError } from '../../src/dist/errors.ts'
import { OUR_FLAGS } from '../../src/dist/flags.ts'
import { FrameReader } from '../../src/dist/frame-reader.ts'
import { DEFAULT_CONNECTION_LIMITS } from '../../src/dist/limits.ts'
import { AtomBudget, atom, decode, type Term, type Tuple, termEquals } from '../../src/etf/index.ts'
import { recorder } from './recorder.ts'
import { expectedSignal } from './signal-vectors.ts'
import { frameVectors } from './vectors.ts'

function reader(otp: string): FrameReader {
  return new FrameReader(atom(`n${otp}@localhost`), capabilitiesOf(OUR_FLAGS), {}, DEFAULT_CONNECTION_LIMITS)
}

function term(hex: string | null | undefined): Term | undefined {
  return hex === null || hex === undefined ? undefined : decode(Buffer.from(hex, 'hex'))
}

for (const otp of ['25', '27', '29']) {
  test(`every captured frame of OTP ${otp} becomes its signal, in order`, (t) => {
    const frames = reader(otp)
    const { handler, signals } = recorder()
    let messages = 0
    for (const { conn, seq, raw, control_etf, message_etf, incomplete_fragment } of frameVectors()) {
      if (conn !== otp) continue
      signals.length = 0
      frames.readFrame(Buffer.from(raw, 'hex'), handler)
      if (incomplete_fragment === true) {
        t.equal(signals.length, 0, `frame ${seq} completes nothing`)
        continue
      }
      messages++
      const control = term(control_etf) as Tuple
      const expected = expectedSignal(control, term(message_etf))
      const found = signals[0]
      const same =
        found !== undefined &&
        found[0] === expected[0] &&
        termEquals(found.slice(1) as Term[], expected.slice(1) as Term[])
      if (!same) t.fail(`frame ${seq}`, { found: inspect(found), wanted: inspect(expected) })
      t.equal(signals.length, 1, `frame ${seq} is one signal`)
    }
    t.equal(messages, 76)
    t.end()
  })
}

test('every captured frame fails with a typed error when it is cut', (t) => {
  let cuts = 0
  for (const { conn, raw, seq } of frameVectors()) {
    // Later frames need the atoms of earlier ones; the first frame of each connection needs nothing.
    if (seq !== 0) continue
    const frame = Buffer.from(raw, 'hex')
    for (let length = 0; length < frame.length; length += 1 + Math.floor(length / 40)) {
      cuts++
      try {
        reader(conn).readFrame(frame.subarray(0, length), recorder().handler)
        t.fail(`${length} of ${frame.length} bytes pass`)
      } catch (error) {
        const typed =
          error instanceof DistError || String((error as { code?: string }).code).startsWith('ERR_ETF_')
        if (!typed) t.fail(`${length} bytes: ${String(error)}`)
      }
    }
  }
  t.ok(cuts > 100)
  t.end()
})

/** What becomes of a frame: its signals, or its error. */
function outcome(read: (handler: ReturnType<typeof recorder>['handler']) => void): string {
  const { handler, signals } = recorder()
  try {
    read(handler)
    return inspect(signals, { depth: 10 })
  } catch (error) {
    return String(error)
  }
}

test('a captured frame among other bytes is read as one alone, and when it is cut nothing is read behind it', (t) => {
  let [different, cuts] = [0, 0]
  const readers = new Map(['25', '27', '29'].map((otp) => [otp, [reader(otp), reader(otp)] as const]))
  for (const { conn, raw } of frameVectors()) {
    const two = readers.get(conn)
    if (two === undefined) continue
    const frame = Buffer.from(raw, 'hex')
    const around = Buffer.concat([Buffer.from([131, 68, 0]), frame, frame])
    const [alone, among] = two
    const step = 1 + Math.floor(frame.length / 60)
    for (let length = 1; length < Math.min(frame.length, 20_000); length += step) {
      // A part of a fragment would be taken for the whole.
      if (frame[1] === 69 || frame[1] === 70) break
      cuts++
      const wanted = outcome((handler) => alone.readFrame(Buffer.from(frame.subarray(0, length)), handler))
      const found = outcome((handler) => among.readFrame(around, handler, true, 3, 3 + length))
      if (wanted !== found) {
        different++
        t.comment(`${length} of ${frame.length} bytes: ${found}, alone ${wanted}`)
      }
    }
    const wanted = outcome((handler) => alone.readFrame(frame, handler))
    const found = outcome((handler) => among.readFrame(around, handler, true, 3, 3 + frame.length))
    if (wanted !== found) different++
  }
  t.equal(different, 0)
  t.ok(cuts > 5000, `${cuts} cuts`)
  t.end()
})

test('captured frames with wrong bytes in them become signals or typed errors, never anything else', (t) => {
  const captured = frameVectors().filter(({ conn, raw }) => conn === '29' && raw.length < 20_000)
  const atomBudget = new AtomBudget(500)
  const seed = Math.trunc(Math.random() * 2 ** 31)
  const random = xorshift(seed)
  const outcomes = { signals: 0, errors: 0 }
  for (let round = 0; round < 60; round++) {
    const { handler, signals } = recorder()
    const frames = new FrameReader(
      atom('n29@localhost'),
      capabilitiesOf(OUR_FLAGS),
      { atomBudget },
      DEFAULT_CONNECTION_LIMITS,
    )
    for (const { raw, seq } of captured) {
      const frame = Buffer.from(raw, 'hex')
      // The first one fills the cache.
      if (seq !== 0 && random() % 2 === 0) frame[random() % frame.length] = random()
      try {
        frames.readFrame(frame, handler)
      } catch (error) {
        outcomes.errors++
        const { code } = error as { code?: string }
        if (!/^ERR_(DIST|ETF)_/.test(String(code))) t.fail(`seed ${seed}: ${inspect(error)}`)
      }
    }
    outcomes.signals += signals.length
  }
  t.ok(outcomes.signals > 100 && outcomes.errors > 100, inspect(outcomes))
  t.end()
})

function xorshift(seed: number): () => number {
  let state = seed || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
