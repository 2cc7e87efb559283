/**
 * One end of a connection in memory, behaving as a TCP socket does: an end of stream after the bytes before it, a
 * reset for bytes that reach a closed end, back-pressure while the peer does not read, silence over a cut link.
 */
import type { Clock } from '../core/index.ts'
import { formatEndpoint } from './address.ts'
import { NetError } from './errors.ts'
import { MemoryPipe } from './memory-pipe.ts'
import type { Endpoint, Transport, TransportHandler } from './transport.ts'

/** What a kernel takes over from a process that closes: more keeps `end` from closing at once, and `destroy` drops it. */
const KERNEL_BUFFER_BYTES = 64 * 1024

/** What lent bytes become. */
const SPOILT = 0xdb

export interface MemoryLink {
  readonly clock: Clock
  /** Milliseconds one way. */
  readonly delay: () => number
  readonly isCut: () => boolean
  /** Buffered bytes from which on `write` answers false. */
  readonly highWaterMark: number
  /** Bytes that arrive in one piece at most. */
  readonly chunkBytes: number
}

export class MemoryTransport implements Transport {
  readonly remote: string
  readonly localAddress: string
  readonly remoteAddress: string
  readonly #far: Endpoint
  readonly #link: MemoryLink
  readonly #outgoing: MemoryPipe
  #peer: MemoryTransport | undefined
  #handler: TransportHandler | undefined
  #state: 'open' | 'ending' | 'closed' = 'open'
  #paused = false
  #needsDrain = false
  #error: NetError | undefined
  #closeTold = false

  constructor(near: Endpoint, far: Endpoint, link: MemoryLink) {
    this.localAddress = near.host
    this.remoteAddress = far.host
    this.remote = formatEndpoint(far)
    this.#far = far
    this.#link = link
    this.#outgoing = new MemoryPipe({
      clock: link.clock,
      delay: link.delay,
      isCut: link.isCut,
      isReading: () => this.#peer?.isReading === true,
      onDelivered: () => this.#handleDelivered(),
    })
  }

  /** Joins two ends; each then sends to the other. */
  static join(one: MemoryTransport, other: MemoryTransport): void {
    one.#peer = other
    other.#peer = one
  }

  get bufferedBytes(): number {
    return this.#outgoing.queuedBytes
  }

  get progress(): number {
    return this.#outgoing.queuedBytes
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** True after a reset. */
  get isBroken(): boolean {
    return this.#error !== undefined
  }

  /** A closed end takes everything, to answer it with a reset. */
  get isReading(): boolean {
    return this.#state === 'closed' || (this.#handler !== undefined && !this.#paused)
  }

  get handler(): TransportHandler | undefined {
    return this.#handler
  }

  set handler(handler: TransportHandler | undefined) {
    this.#handler = handler
    if (this.#state === 'closed') setImmediate(() => this.#tellClose())
    else this.#peer?.wake()
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state !== 'open') return false
    const { chunkBytes, highWaterMark } = this.#link
    for (let start = 0; start < bytes.length; start += chunkBytes) {
      const chunk = bytes.length <= chunkBytes ? bytes : bytes.subarray(start, start + chunkBytes)
      this.#outgoing.push(chunk.length, () => this.#peer?.handleBytes(chunk))
    }
    if (this.bufferedBytes < highWaterMark) return true
    this.#needsDrain = true
    return false
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#peer?.wake()
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.signal(() => this.#peer?.handleEnd())
    setImmediate(() => this.#closeWhenFlushed())
  }

  destroy(): void {
    if (this.#state === 'closed') return
    // What the kernel has taken arrives, with nobody behind it any more.
    this.#outgoing.dropBytes(KERNEL_BUFFER_BYTES)
    this.signal(() => this.#peer?.handleEnd())
    this.#close()
  }

  /** Breaks this end as a reset from the network does. */
  reset(): void {
    if (this.#state === 'closed') return
    this.#outgoing.dropBytes(0)
    this.#error = new NetError('ERR_NET_RESET', 'transfer', this.#far)
    this.#close()
  }

  /** Sends something other than bytes: in order with them, or `urgent`, even to a peer that is not reading. */
  signal(arrive: () => void, urgent = false): void {
    this.#outgoing.push(0, arrive, urgent)
  }

  /** Looks again at what may leave, after the link was healed or the peer reads again. */
  wake(): void {
    this.#outgoing.wake()
  }

  handleBytes(bytes: Uint8Array): void {
    if (this.#state !== 'closed') {
      this.#hand(bytes)
      return
    }
    // Nobody is here any more to read this, and the sender must learn it.
    this.signal(() => this.#peer?.reset(), true)
  }

  /** Whoever keeps what was only lent shall see it here, too. */
  #hand(bytes: Uint8Array): void {
    const handler = this.#handler
    if (handler === undefined) return
    if (handler.onLent === undefined) {
      handler.onData(Uint8Array.from(bytes))
      return
    }
    const memory = new Uint8Array(bytes.length + 1).fill(SPOILT)
    memory.set(bytes)
    handler.onLent(memory, bytes.length)
    memory.fill(SPOILT)
  }

  handleEnd(): void {
    if (this.#state === 'open') this.end()
  }

  #handleDelivered(): void {
    this.#closeWhenFlushed()
    if (this.#needsDrain && this.#state === 'open' && this.bufferedBytes === 0) {
      this.#needsDrain = false
      this.#handler?.onDrain()
    }
  }

  #closeWhenFlushed(): void {
    if (this.#state === 'ending' && this.bufferedBytes <= KERNEL_BUFFER_BYTES) this.#close()
  }

  #close(): void {
    this.#state = 'closed'
    this.#peer?.wake()
    setImmediate(() => this.#tellClose())
  }

  #tellClose(): void {
    if (this.#closeTold || this.#handler === undefined) return
    this.#closeTold = true
    this.#handler.onClose(this.#error)
  }
}
