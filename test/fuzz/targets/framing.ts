/** Any bytes as a frame of a connection: a signal, or a typed error. */
import { capabilitiesOf } from '../../../src/dist/capabilities.ts'
import { OUR_FLAGS } from '../../../src/dist/flags.ts'
import { FrameReader } from '../../../src/dist/frame-reader.ts'
import { DEFAULT_CONNECTION_LIMITS } from '../../../src/dist/limits.ts'
import { AtomBudget, atom } from '../../../src/etf/index.ts'
import { recorder } from '../../dist/recorder.ts'
import { frameVectors } from '../../dist/vectors.ts'

const atomBudget = new AtomBudget(50_000)
const limits = DEFAULT_CONNECTION_LIMITS

export const tokens: readonly Uint8Array[] = [
  Uint8Array.of(131, 68, 0),
  Uint8Array.of(131, 69),
  Uint8Array.of(131, 70),
  Uint8Array.of(112, 131, 104),
  Uint8Array.of(82, 0),
]

/** Captured frames: each alone, and some after each other, which fills the atom cache. */
export function* seeds(): Generator<Uint8Array> {
  const frames = [...frameVectors()].map(({ raw }) => Buffer.from(raw, 'hex'))
  for (const frame of frames) yield joined([frame])
  for (let i = 0; i + 4 < frames.length; i += 4) yield joined(frames.slice(i, i + 4))
}

/** An input is a row of frames, each behind its length in two bytes. */
function joined(frames: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    frames.flatMap((frame) => [Uint8Array.of(frame.length >> 8, frame.length & 255), frame]),
  )
}

export function run(bytes: Uint8Array): void {
  const reader = new FrameReader(atom('n29@localhost'), capabilitiesOf(OUR_FLAGS), { atomBudget }, limits)
  const { handler } = recorder()
  for (let at = 0; at + 2 <= bytes.length; ) {
    const length = (bytes[at]! << 8) | bytes[at + 1]!
    const frame = bytes.subarray(at + 2, at + 2 + length)
    at += 2 + length
    try {
      reader.readFrame(frame, handler)
    } catch (error) {
      if (!/^ERR_(DIST|ETF)_/.test(String((error as { code?: unknown }).code))) throw error
      return
    }
  }
}
