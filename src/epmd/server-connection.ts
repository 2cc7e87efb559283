/**
 * One connection to our epmd: collects the request, answers it, and holds the registration.
 *
 *   waiting --request--> answered        the answer is on its way, then the connection ends
 *   waiting --ALIVE2--> registered       until the connection ends; any further byte ends it
 *   waiting --ALIVE2 in vain--> refused  stays open as with OTP's epmd, but not for ever
 *
 * Whoever is not registered has `packetTimeout` for everything, and partial requests win no time.
 * Spec: protocol 1.1, 1.4, 1.6.
 */
import { ChunkQueue, type Clock, describeError, type Logger, type Timer } from '../core/index.ts'
import { isLoopbackAddress, type Transport, type TransportHandler } from '../net/index.ts'
import type { NameRegistry, Registration } from './registry.ts'
import { decodeRequest, type EpmdRequest, type RefusedAlive2 } from './requests.ts'
import {
  encodeAliveResponse,
  encodeDumpResponse,
  encodeKillResponse,
  encodeNamesResponse,
  encodePort2Response,
  encodeStopResponse,
} from './responses.ts'

/** What a connection needs of the server that accepted it. */
export interface ConnectionContext {
  readonly registry: NameRegistry
  readonly port: number
  readonly clock: Clock
  readonly logger: Logger
  readonly unixSeconds: () => number
  readonly packetTimeout: number
  readonly maxRequestBytes: number
  /** Takes KILL and STOP. */
  readonly relaxed: boolean
  /** Closes the connection of the node of that name; false when there is none. */
  readonly stopNode: (name: string) => boolean
  readonly onKill: (by: EpmdConnection) => void
  /** The connection needs its place no more. */
  readonly onGone: (connection: EpmdConnection) => void
}

export class EpmdConnection implements TransportHandler {
  readonly #transport: Transport
  readonly #context: ConnectionContext
  readonly #received = new ChunkQueue()
  readonly #timer: Timer
  #state: 'waiting' | 'answered' | 'registered' | 'refused' | 'closed' = 'waiting'
  #registration: Registration | undefined

  constructor(transport: Transport, context: ConnectionContext) {
    this.#transport = transport
    this.#context = context
    this.#timer = context.clock.after(context.packetTimeout, () => this.#handleTimeout())
    transport.handler = this
  }

  get registration(): Registration | undefined {
    return this.#registration
  }

  onData(bytes: Uint8Array): void {
    switch (this.#state) {
      case 'waiting':
        this.#received.append(bytes)
        this.#handleReceived()
        return
      case 'registered':
      case 'refused':
        this.#violation('it sent bytes after its registration')
        return
      case 'answered':
      case 'closed':
        return
      default:
        this.#state satisfies never
    }
  }

  onDrain(): void {}

  onClose(): void {
    this.close()
  }

  /** Ends the connection and the registration it holds. Safe to call twice. */
  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#timer.cancel()
    this.#transport.destroy()
    if (this.#registration !== undefined) {
      const { name } = this.#registration.entry
      this.#context.registry.unregister(this.#registration)
      this.#registration = undefined
      this.#context.logger.debug({ name }, 'epmd: unregistered a node')
    }
    this.#context.onGone(this)
  }

  #handleReceived(): void {
    const length = this.#received.peekU16()
    if (length === undefined) return
    const fault = this.#packetFault(length)
    if (fault !== undefined) {
      this.#violation(fault)
      return
    }
    if (this.#received.length < 2 + length) return
    this.#received.skip(2)
    let request: EpmdRequest | RefusedAlive2
    try {
      request = decodeRequest(this.#received.take(length))
    } catch (error) {
      this.#violation(describeError(error))
      return
    }
    this.#handleRequest(request)
  }

  #packetFault(length: number): string | undefined {
    const { maxRequestBytes } = this.#context
    if (length === 0) return 'its request is empty'
    if (length > maxRequestBytes)
      return `its request has ${length} bytes, at most ${maxRequestBytes} are taken`
    if (this.#received.length > 2 + length) return 'it sent bytes beyond its request'
    return undefined
  }

  #handleRequest(request: EpmdRequest | RefusedAlive2): void {
    const { registry, port } = this.#context
    if (request.type !== 'port2' && request.type !== 'names' && !this.#isLocal) {
      this.#violation(`it sent ${request.type}, which only programs on this machine may send`)
      return
    }
    switch (request.type) {
      case 'alive2':
        this.#handleAlive2(request)
        return
      case 'refused_alive2':
        this.#refuse(request.highestVersion, request.reason)
        return
      case 'port2':
        this.#answer(encodePort2Response(registry.lookup(request.name)?.entry))
        return
      case 'names': {
        const names = registry.active().map(({ entry }) => entry)
        this.#answer(encodeNamesResponse({ epmdPort: port, names }))
        return
      }
      case 'dump': {
        const lines = (list: readonly Registration[]) => list.map(({ entry, id }) => ({ ...entry, fd: id }))
        const [active, old] = [lines(registry.active()), lines(registry.old())]
        this.#answer(encodeDumpResponse({ epmdPort: port, active, old }))
        return
      }
      case 'kill':
        this.#handleKill()
        return
      case 'stop':
        this.#handleStop(request.name)
        return
      default:
        request satisfies never
    }
  }

  #handleAlive2({ entry }: Extract<EpmdRequest, { type: 'alive2' }>): void {
    const { registry, logger, unixSeconds } = this.#context
    const { name, port, highestVersion } = entry
    const registration = registry.register(entry, unixSeconds())
    if (registration === undefined) {
      this.#refuse(highestVersion, `the name '${name}' is taken`)
      return
    }
    const { creation } = registration
    this.#registration = registration
    this.#state = 'registered'
    this.#timer.cancel()
    this.#transport.write(encodeAliveResponse({ ok: true, creation }, highestVersion))
    logger.debug({ name, port, creation }, 'epmd: registered a node')
  }

  #refuse(highestVersion: number, reason: string): void {
    this.#state = 'refused'
    this.#transport.write(encodeAliveResponse({ ok: false }, highestVersion))
    this.#context.logger.warn({ peer: this.#transport.remote, reason }, 'epmd: refused to register a node')
  }

  /**
   * OTP's epmd also ends when no node is registered. Ours is part of a program that has more to do, so only the
   * option decides.
   */
  #handleKill(): void {
    const { relaxed, onKill } = this.#context
    this.#answer(encodeKillResponse(relaxed ? 'OK' : 'NO'))
    if (relaxed) onKill(this)
  }

  #handleStop(name: string): void {
    const { relaxed, stopNode } = this.#context
    if (!relaxed) {
      this.#violation('it sent stop, which this epmd takes in relaxed mode only')
      return
    }
    this.#answer(encodeStopResponse(stopNode(name) ? 'STOPPED' : 'NOEXIST'))
  }

  /** The timer goes on: a requester that never reads its answer must not stay. */
  #answer(response: Uint8Array): void {
    this.#state = 'answered'
    this.#transport.write(response)
    this.#transport.end()
  }

  #handleTimeout(): void {
    if (this.#state === 'waiting') {
      this.#violation(`its request was not complete within ${this.#context.packetTimeout} ms`)
    } else {
      this.close()
    }
  }

  #violation(reason: string): void {
    this.#context.logger.warn({ peer: this.#transport.remote, reason }, 'epmd: closed a connection')
    this.close()
  }

  get #isLocal(): boolean {
    const { remoteAddress, localAddress } = this.#transport
    // Both are empty when the peer was gone before its connection was accepted.
    return isLoopbackAddress(remoteAddress) || (remoteAddress !== '' && remoteAddress === localAddress)
  }
}
