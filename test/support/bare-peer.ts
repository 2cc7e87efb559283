/**
 * A peer without a runtime: shakes hands as a node does, then writes down every signal that arrives and sends what the
 * test tells it to.
 */
import type { Clock } from '../../src/core/index.ts'
import {
  type AcceptDecision,
  acceptHandshake,
  Connection,
  type ControlHandler,
  type DistError,
  initiate,
  type LocalNode,
  ourFlags,
} from '../../src/dist/index.ts'
import { EpmdClient, type EpmdRegistration } from '../../src/epmd/index.ts'
import { type Atom, atom, encode, Pid, Reference, tuple } from '../../src/etf/index.ts'
import type { Network, Transport } from '../../src/net/index.ts'
import { recorder, type Signal } from '../dist/recorder.ts'

const OP_SEND_SENDER = 22

export interface BarePeerOptions {
  /** Full name; its host is the one that `network` stands for. */
  readonly name: string
  readonly network: Network
  readonly clock: Clock
  readonly cookie?: string
  readonly flags?: bigint
}

export class BarePeer {
  readonly name: Atom
  /** Every signal that arrived, over all connections. */
  readonly signals: Signal[]
  /** One entry for each connection that ended. */
  readonly closed: (DistError | undefined)[] = []
  /** The last connection that was made. */
  connection: Connection | undefined
  readonly #options: BarePeerOptions
  readonly #self: LocalNode
  readonly #handler: ControlHandler
  #words = 0
  #transport: Transport | undefined
  #registration: EpmdRegistration | undefined

  constructor(options: BarePeerOptions) {
    this.#options = options
    this.name = atom(options.name)
    const { handler, signals } = recorder()
    this.#handler = handler
    this.signals = signals
    this.#self = { name: options.name, flags: options.flags ?? ourFlags(), creation: 77 }
  }

  /** Connects to a node by the epmd on its host. */
  async dial(peerName: string, onAlive: () => boolean = () => true): Promise<Connection> {
    const { network, clock, cookie = 'secret' } = this.#options
    const [alive = '', host = ''] = peerName.split('@')
    const entry = await new EpmdClient({ network, clock }).lookup(alive, { host })
    if (entry === undefined) throw new Error(`epmd does not know ${peerName}`)
    const transport = await network.connect({ host, port: entry.port })
    return this.#up(await initiate(transport, { self: this.#self, peerName, cookie, clock, onAlive }))
  }

  /** Registers with the epmd at its own host, and hands every transport that comes to `accept`. */
  async listen(accept: (transport: Transport) => void): Promise<void> {
    const { network, clock, name } = this.#options
    const listener = await network.listen({ host: '', port: 0 }, accept)
    const client = new EpmdClient({ network, clock })
    this.#registration = await client.register({
      name: name.slice(0, name.indexOf('@')),
      port: listener.port,
    })
  }

  /** The accepting side of a handshake; by default everybody may connect. */
  async accept(transport: Transport, decision: AcceptDecision = 'ok'): Promise<Connection> {
    const { clock, cookie = 'secret' } = this.#options
    return this.#up(
      await acceptHandshake(transport, {
        self: this.#self,
        cookieFor: () => cookie,
        decide: () => decision,
        clock,
      }),
    )
  }

  pid(id = 1): Pid {
    return new Pid(this.name, id, 0, this.#self.creation)
  }

  ref(): Reference {
    return new Reference(this.name, this.#self.creation, [++this.#words, 0, 0])
  }

  /** Writes bytes into the stream as they are. */
  write(bytes: Uint8Array): void {
    this.#transport?.write(bytes)
  }

  /** Sends a message whose bytes, without 131, are given: for what our own encoder would not write. */
  sendRaw(to: Pid, message: Uint8Array): void {
    const control = encode(tuple(OP_SEND_SENDER, this.pid(), to)).subarray(1)
    const body = Buffer.concat([Buffer.from([131, 68, 0]), control, message])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    this.write(Buffer.concat([length, body]))
  }

  /** The arguments of the signals of one kind, in order of arrival. */
  received(method: Signal[0]): unknown[][] {
    return this.signals.filter(([name]) => name === method).map(([, ...args]) => args)
  }

  close(): void {
    this.connection?.destroy()
    this.#registration?.close()
  }

  #up(handshake: Awaited<ReturnType<typeof initiate>>): Connection {
    const connection = new Connection({
      handshake,
      handler: this.#handler,
      clock: this.#options.clock,
      onClose: (reason) => void this.closed.push(reason),
    })
    connection.start()
    this.connection = connection
    this.#transport = handshake.transport
    return connection
  }
}
