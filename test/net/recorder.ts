/** A transport handler that keeps what it is told and lets a test wait for it. */
import { EventEmitter, once } from 'node:events'
import type { Endpoint, Listener, Network, Transport, TransportHandler } from '../../src/net/index.ts'

export class Recorder implements TransportHandler {
  readonly transport: Transport
  readonly chunks: Uint8Array[] = []
  /** Every `onClose`, with its error. */
  readonly closes: (Error | undefined)[] = []
  drains = 0
  readonly #changed = new EventEmitter()

  constructor(transport: Transport) {
    this.transport = transport
    transport.handler = this
  }

  onData(bytes: Uint8Array): void {
    this.chunks.push(bytes)
    this.#changed.emit('change')
  }

  onDrain(): void {
    this.drains++
    this.#changed.emit('change')
  }

  onClose(error?: Error): void {
    this.closes.push(error)
    this.#changed.emit('change')
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  /** Waits until `condition` holds after something happened here. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#changed, 'change')
  }

  /** Waits for `length` bytes in all. */
  async received(length: number): Promise<Buffer> {
    await this.until(() => this.bytes.length >= length)
    return this.bytes
  }

  /** Waits for the end of the transport and gives its error. */
  async closed(): Promise<Error | undefined> {
    await this.until(() => this.closes.length > 0)
    return this.closes[0]
  }
}

/** Listens and records the first connection that comes. */
export async function recordFirst(
  network: Network,
  at: Endpoint,
): Promise<{ listener: Listener; accepted: Promise<Recorder> }> {
  let listening: Promise<Listener> | undefined
  const accepted = new Promise<Recorder>((resolve) => {
    listening = network.listen(at, (transport) => resolve(new Recorder(transport)))
  })
  return { listener: await listening!, accepted }
}
