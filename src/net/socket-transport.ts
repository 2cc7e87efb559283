/**
 * A Node socket as a `Transport`. `tls.TLSSocket` is a `net.Socket`, so TLS needs nothing else once it is secured.
 *
 * Nothing is read before `handler` is set: whoever obtains a transport late loses no bytes.
 * Not supported: half-open streams. The peer's FIN ends ours too, after what is queued was sent.
 */
import type { Socket } from 'node:net'
import { formatEndpoint, plainAddress } from './address.ts'
import { descriptorOf, writePiecesToDescriptor, writeToDescriptor } from './descriptor.ts'
import { type NetError, toNetError } from './errors.ts'
import { WriteGuard } from './frozen-writes.ts'
import type { SharedRead } from './shared-read.ts'
import type { Transport, TransportHandler } from './transport.ts'

/** The shortest time that a timer of Node takes. */
const REST_MS = 1

/** What Node itself looks at to tell a slow socket from an idle one; that of TLS is wrapped around that of TCP. */
interface StreamHandle {
  readonly writeQueueSize?: number
  readonly _parent?: StreamHandle | null
}

export class SocketTransport implements Transport {
  readonly remote: string
  readonly localAddress: string
  readonly remoteAddress: string
  readonly #socket: Socket
  readonly #read: SharedRead | undefined
  readonly #descriptor: number | undefined
  #handler: TransportHandler | undefined
  #error: NetError | undefined
  #closed = false
  #closeTold = false
  #paused = false
  #isResting = false
  /** Bytes that arrive have somewhere to go. */
  #isHeard = false
  #isCorked = false
  #guard: WriteGuard | undefined
  readonly tryWrite?: (pieces: readonly Uint8Array[]) => number
  readonly #endRest = (): void => {
    this.#isResting = false
    if (!this.#paused && !this.#socket.destroyed) this.resume()
  }

  /** @param read how the socket reads, unless it does so by its `data` events */
  constructor(socket: Socket, read?: SharedRead) {
    const port = socket.remotePort ?? 0
    this.#socket = socket
    this.#read = read
    this.#descriptor = descriptorOf(socket)
    if (this.#descriptor !== undefined) this.tryWrite = (pieces) => this.#tryWrite(this.#descriptor!, pieces)
    // It would read as soon as it is connected.
    if (read !== undefined) socket.pause()
    // The peer may be gone already; a socket knows no addresses then.
    this.localAddress = plainAddress(socket.localAddress ?? '')
    this.remoteAddress = plainAddress(socket.remoteAddress ?? '')
    this.remote = formatEndpoint({ host: this.remoteAddress, port })
    socket.on('error', (error) => {
      this.#error = toNetError(error, 'transfer', { host: this.remoteAddress, port })
    })
    socket.on('drain', () => this.#handler?.onDrain())
    socket.on('close', () => {
      this.#closed = true
      this.#tellClose()
    })
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength
  }

  get progress(): number {
    let left = this.#socket.writableLength
    // A socket joins what is queued into one write, and counts it until all of that has been taken.
    let { _handle: handle } = this.#socket as { readonly _handle?: StreamHandle | null }
    for (; handle; handle = handle._parent) left += handle.writeQueueSize ?? 0
    return left
  }

  get handler(): TransportHandler | undefined {
    return this.#handler
  }

  set handler(handler: TransportHandler | undefined) {
    const first = this.#handler === undefined
    this.#handler = handler
    if (!first || handler === undefined) return
    if (this.#closed) {
      setImmediate(() => this.#tellClose())
    } else {
      this.#listen()
      if (!this.#paused) this.#socket.resume()
    }
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#socket.writable) return false
    const guard = this.#guard
    const first = guard?.acquire()
    if (first !== undefined) this.#socket.write(first)
    const taken = this.#writeNow(bytes)
    if (taken === bytes.length) {
      guard?.onTaken()
      return true
    }
    return this.#socket.write(taken === 0 ? bytes : bytes.subarray(taken), guard?.onTaken)
  }

  cork(): void {
    this.#isCorked = true
    this.#socket.cork()
  }

  uncork(): void {
    this.#isCorked = false
    this.#socket.uncork()
  }

  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#paused = false
    // Without a handler the bytes would flow to nobody.
    if (this.#isHeard && !this.#isResting) this.#socket.resume()
  }

  rest(): void {
    // Those that read by their `data` events, as TLS does, hold bytes of their own.
    if (this.#isResting || this.#read === undefined) return
    this.#isResting = true
    this.#socket.pause()
    setTimeout(this.#endRest, REST_MS)
  }

  writeWhenFrozen(bytes: Uint8Array, every: number, limit: number): void {
    const descriptor = this.#descriptor
    if (descriptor === undefined || this.#closed || this.#socket.destroyed) return
    this.#guard ??= WriteGuard.create(this.#socket, descriptor, { bytes, every, limit })
  }

  end(): void {
    this.#guard?.free()
    // `socket.end` alone would wait for the peer's FIN, which a peer may withhold for ever.
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #tryWrite(descriptor: number, pieces: readonly Uint8Array[]): number {
    if (this.#isCorked || !this.#socket.writable || this.#socket.writableLength > 0) return 0
    const guard = this.#guard
    const first = guard?.acquire()
    if (first !== undefined) {
      this.#socket.write(first)
      return 0
    }
    const taken = writePiecesToDescriptor(descriptor, pieces)
    // Otherwise the rest is written next, and nobody else may write in between.
    if (taken === lengthOf(pieces)) guard?.onTaken()
    return taken
  }

  /** @returns how many of the bytes have left already: none when something waits in the stream that has to go first */
  #writeNow(bytes: Uint8Array): number {
    const descriptor = this.#descriptor
    if (descriptor === undefined || this.#isCorked || this.#socket.writableLength > 0) return 0
    return writeToDescriptor(descriptor, bytes)
  }

  #listen(): void {
    if (this.#isHeard) return
    this.#isHeard = true
    const read = this.#read
    if (read === undefined) {
      this.#socket.on('data', (bytes: Uint8Array) => this.#handler?.onData(bytes))
      return
    }
    read.receive = (memory, length) => {
      const handler = this.#handler
      if (handler?.onLent !== undefined) handler.onLent(memory, length)
      else handler?.onData(Buffer.from(memory.subarray(0, length)))
    }
  }

  #tellClose(): void {
    if (this.#closeTold || this.#handler === undefined) return
    this.#closeTold = true
    this.#handler.onClose(this.#error)
  }
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  let length = 0
  for (let i = 0; i < pieces.length; i++) length += pieces[i]!.length
  return length
}
