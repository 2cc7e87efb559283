/** Two joined transports in memory, and both ends of a handshake over them. */
import type { Clock } from '../../src/core/index.ts'
import { ourFlags } from '../../src/dist/flags.ts'
import {
  type AcceptOptions,
  acceptHandshake,
  type HandshakeResult,
  type InitiateOptions,
  initiate,
} from '../../src/dist/handshake/run.ts'
import { MemoryNetwork, type MemoryOptions, type Transport } from '../../src/net/index.ts'

export const ALICE = { name: 'alice@a', flags: ourFlags(), creation: 11 }
export const BOB = { name: 'bob@b', flags: ourFlags(), creation: 22 }

/** What the dialling end and the accepting end get. */
export async function transportPair(options: MemoryOptions = {}): Promise<[Transport, Transport]> {
  const network = new MemoryNetwork(options)
  let accepted: Transport | undefined
  const there = network.host('b')
  const listener = await there.listen({ host: 'b', port: 4000 }, (transport) => {
    accepted = transport
  })
  const dialled = await network.host('a').connect({ host: 'b', port: 4000 })
  await listener.close()
  return [dialled, accepted!]
}

export interface ShakeOptions {
  readonly network?: MemoryOptions
  readonly clock?: Clock
  readonly initiate?: Partial<InitiateOptions>
  readonly accept?: Partial<AcceptOptions>
}

/** Alice dials Bob. */
export async function shakeHands(
  options: ShakeOptions = {},
): Promise<[PromiseSettledResult<HandshakeResult>, PromiseSettledResult<HandshakeResult>]> {
  const [dialled, accepted] = await transportPair(options.network)
  const clock = options.clock === undefined ? {} : { clock: options.clock }
  return Promise.allSettled([
    initiate(dialled, {
      self: ALICE,
      peerName: BOB.name,
      cookie: 'secret',
      onAlive: () => false,
      ...clock,
      ...options.initiate,
    }),
    acceptHandshake(accepted, {
      self: BOB,
      cookieFor: () => 'secret',
      decide: () => 'ok',
      ...clock,
      ...options.accept,
    }),
  ])
}

/** Both ends of a handshake that must succeed. */
export async function connectedPair(options: ShakeOptions = {}): Promise<[HandshakeResult, HandshakeResult]> {
  const [ours, theirs] = await shakeHands(options)
  if (ours.status === 'rejected') throw ours.reason
  if (theirs.status === 'rejected') throw theirs.reason
  return [ours.value, theirs.value]
}

/** A peer that says what the test makes it say, byte by byte. */
export class RawPeer {
  readonly transport: Transport
  /** Everything that arrived. */
  received: Buffer = Buffer.alloc(0)
  closed: { readonly error: Error | undefined } | undefined
  #waiters: (() => void)[] = []

  constructor(transport: Transport) {
    this.transport = transport
    transport.handler = {
      onData: (bytes) => {
        this.received = Buffer.concat([this.received, bytes])
        this.#wake()
      },
      onDrain: () => {},
      onClose: (error) => {
        this.closed = { error }
        this.#wake()
      },
    }
  }

  /** Writes a handshake message with its length. */
  message(hexOrBytes: string | Uint8Array): void {
    const bytes = Buffer.from(hexOrBytes as string, 'hex')
    const length = Buffer.alloc(2)
    length.writeUInt16BE(bytes.length)
    this.transport.write(Buffer.concat([length, bytes]))
  }

  /** The next handshake message. */
  async nextMessage(): Promise<Buffer> {
    await this.until(
      () => this.received.length >= 2 && this.received.length >= 2 + this.received.readUInt16BE(0),
    )
    const length = this.received.readUInt16BE(0)
    const message = this.received.subarray(2, 2 + length)
    this.received = this.received.subarray(2 + length)
    return message
  }

  /** The next frame after the handshake; empty for a tick. */
  async nextFrame(): Promise<Buffer> {
    await this.until(
      () => this.received.length >= 4 && this.received.length >= 4 + this.received.readUInt32BE(0),
    )
    const length = this.received.readUInt32BE(0)
    const frame = this.received.subarray(4, 4 + length)
    this.received = this.received.subarray(4 + length)
    return frame
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.closed !== undefined) throw new Error('the stream has ended')
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }

  async untilClosed(): Promise<void> {
    while (this.closed === undefined) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
