/** Control messages as frames that nobody sends, and the terms that the tests send. */
import { AtomCache } from '../../src/dist/atom-cache.ts'
import { capabilitiesOf } from '../../src/dist/capabilities.ts'
import { ControlWriter } from '../../src/dist/control-write.ts'
import * as flags from '../../src/dist/flags.ts'
import { FrameReader } from '../../src/dist/frame-reader.ts'
import { FrameWriter } from '../../src/dist/frame-writer.ts'
import { readAtomRefs } from '../../src/dist/header.ts'
import type { Receiver, Sender } from '../../src/dist/lanes.ts'
import { DEFAULT_CONNECTION_LIMITS } from '../../src/dist/limits.ts'
import { Output, type OutputOptions } from '../../src/dist/output.ts'
import {
  type Atom,
  atom,
  type Encodable,
  type EncodeOptions,
  encode,
  Pid,
  Reference,
  type Term,
  termEquals,
  tuple,
} from '../../src/etf/index.ts'
import type { Transport, TransportHandler } from '../../src/net/index.ts'
import { recorder, type Signal } from './recorder.ts'

export const HERE = atom('us@here')
export const THERE = atom('them@there')
export const US = new Pid(HERE, 1, 0, 7)
export const THEM = new Pid(THERE, 0xffffffff, 0xffffffff, 9)
export const REF = new Reference(THERE, 9, [1, 2, 3, 4, 5])
export const NAME = atom('printer')
export const TOKEN = tuple(1, tuple(atom('my'), atom('label')), 1, THEM, 0)
export const MESSAGE = tuple(atom('hello'), ['x', 1.5], new Map([[atom('k'), null]]))

export const ALL = flags.OUR_FLAGS
export const NO_HEADER = ALL & ~flags.DFLAG_DIST_HDR_ATOM_CACHE & ~flags.DFLAG_FRAGMENTS

/** A transport that only keeps what is written, and is as full as the test says. */
export class Sink implements Transport {
  readonly remote = ''
  readonly localAddress = ''
  readonly remoteAddress = ''
  bufferedBytes = 0
  progress = 0
  handler: TransportHandler | undefined
  written: Uint8Array[] = []

  write(bytes: Uint8Array): boolean {
    this.written.push(Uint8Array.from(bytes))
    return this.bufferedBytes === 0
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

/** Writes frames to nobody. */
export class TestWriter extends ControlWriter {
  readonly sink = new Sink()
  readonly output: Output
  unsupported: [Reference, Pid][] = []
  overflows: number[] = []
  drained = 0

  constructor(negotiated: bigint, options: Partial<OutputOptions> = {}, codec: EncodeOptions = {}) {
    const can = capabilitiesOf(negotiated)
    const frames = new FrameWriter(can, codec)
    super(frames, can)
    this.output = new Output({
      frames,
      transport: this.sink,
      limits: DEFAULT_CONNECTION_LIMITS,
      sharedSender: undefined,
      onWritable: () => void this.drained++,
      onOverflow: (bytes) => void this.overflows.push(bytes),
      ...options,
    })
  }

  /** Everything that was sent since the last call. */
  take(): Buffer {
    this.output.flush()
    for (let left = 1000; this.output.pendingBytes > this.sink.bufferedBytes; left--) {
      if (left === 0) throw new Error(`${this.output.pendingBytes} bytes do not leave`)
      this.output.handleDrain()
    }
    return Buffer.concat(this.sink.written.splice(0))
  }

  protected override beginFrame(op: number, from: Sender, to: Receiver): boolean {
    this.output.begin(op, from, to)
    return true
  }

  protected override endFrame(): void {
    this.output.end()
  }

  protected override spawnUnsupported(id: Reference, parent: Pid): void {
    this.unsupported.push([id, parent])
  }
}

/** The frames without their lengths. */
export function split(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at)
    frames.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return frames
}

export function receive(negotiated: bigint, frames: readonly Uint8Array[], peer: Atom = THERE): Signal[] {
  const { handler, signals } = recorder()
  const reader = new FrameReader(peer, capabilitiesOf(negotiated), {}, DEFAULT_CONNECTION_LIMITS)
  for (const frame of frames) reader.readFrame(frame, handler)
  return signals
}

/** A frame with this control message, as a peer may send it. */
export function frame(control: Encodable, payload?: Encodable, passThrough = false): Uint8Array {
  const parts = [encode(control), ...(payload === undefined ? [] : [encode(payload)])]
  return passThrough
    ? Buffer.concat([Buffer.from([112]), ...parts])
    : Buffer.concat([Buffer.from([131, 68, 0]), ...parts.map((part) => part.subarray(1))])
}

/** The operation that the first frame of a connection carries. */
export function opOf(bytes: Uint8Array): number {
  const readAtom = (text: Uint8Array, start: number, end: number): Atom =>
    atom(Buffer.from(text.subarray(start, end)).toString())
  const control =
    bytes[0] === 112 ? 2 : readAtomRefs(bytes, bytes[1] === 68 ? 2 : 18, new AtomCache(), [], readAtom)
  return bytes[control + 3]!
}

export function sameSignal(found: Signal | undefined, wanted: Signal): boolean {
  return found !== undefined && termEquals(found as Term[], wanted as Term[])
}

export const MFA = { module: atom('m'), function: atom('f'), arity: 1 }
