/** Two connections over a transport in memory, or one and a peer of raw bytes. */

import type { HandshakeResult } from '../../src/dist/handshake/run.ts'
import { Connection, type ConnectionOptions, type DistError } from '../../src/dist/index.ts'
import { atom, type Encodable, encode, Pid, Reference } from '../../src/etf/index.ts'
import { ALICE, BOB, connectedPair, RawPeer, type ShakeOptions } from './pair.ts'
import { recorder, type Signal } from './recorder.ts'

/** A process of Alice. */
export const A = new Pid(atom(ALICE.name), 1, 0, 11)
/** A process of Bob. */
export const B = new Pid(atom(BOB.name), 2, 0, 22)
export const REF = new Reference(atom(ALICE.name), 11, [1, 2, 3])

/** Everything that is due on the event loop happens once. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

export interface End {
  readonly connection: Connection
  readonly signals: Signal[]
  /** What `onClose` was called with; one entry a call. */
  readonly closed: (DistError | undefined)[]
}

export function connect(handshake: HandshakeResult, options: Partial<ConnectionOptions> = {}): End {
  const { handler, signals } = recorder()
  const closed: (DistError | undefined)[] = []
  const onClose = (reason: DistError | undefined): void => void closed.push(reason)
  const connection = new Connection({ handshake, handler, onClose, ...options })
  return { connection, signals, closed }
}

export interface PairOptions extends ShakeOptions {
  readonly alice?: Partial<ConnectionOptions>
  readonly bob?: Partial<ConnectionOptions>
}

/** Two nodes, connected and started. */
export async function pair(options: PairOptions = {}): Promise<[End, End]> {
  const [ours, theirs] = await connectedPair(options)
  const clock = options.clock === undefined ? {} : { clock: options.clock }
  const alice = connect(ours, { ...clock, ...options.alice })
  const bob = connect(theirs, { ...clock, ...options.bob })
  alice.connection.start()
  bob.connection.start()
  return [alice, bob]
}

/** One node, and a peer that writes raw frames to it. */
export async function withRawPeer(options: PairOptions = {}): Promise<{ end: End; peer: RawPeer }> {
  const [ours, theirs] = await connectedPair(options)
  const clock = options.clock === undefined ? {} : { clock: options.clock }
  const end = connect(ours, { ...clock, ...options.alice })
  end.connection.start()
  const peer = new RawPeer(theirs.transport)
  theirs.transport.resume()
  return { end, peer }
}

export function framed(control: Encodable, ...payload: Encodable[]): Buffer {
  const terms = [control, ...payload].map((term) => encode(term).subarray(1))
  const body = Buffer.concat([Buffer.from([131, 68, 0]), ...terms])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}
