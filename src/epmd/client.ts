/**
 * Talks to an epmd, OTP's or ours: registers a node, looks nodes up, lists them.
 * Spec: protocol 1.1 to 1.6. Not supported: DUMP, KILL and STOP, which are the business of the `epmd` program.
 */
import { type Clock, OptionError, systemClock } from '../core/index.ts'
import { formatEndpoint, type Network, TcpNetwork, type Transport } from '../net/index.ts'
import { EpmdError } from './errors.ts'
import { type Answered, exchange } from './exchange.ts'
import {
  DEFAULT_EPMD_PORT,
  DIST_VERSION,
  type EpmdEntry,
  MAX_FIELD_BYTES,
  NODE_TYPE_HIDDEN,
  NODE_TYPE_VISIBLE,
  nameFault,
  PROTOCOL_TCP,
} from './protocol.ts'
import { encodeRequest } from './requests.ts'
import { decodeAliveResponse, decodeNamesResponse, decodePort2Response } from './responses.ts'

export interface EpmdClientOptions {
  /** Default: TCP. */
  readonly network?: Network
  /** Where the epmd is that `register` uses, and the others unless told otherwise. Default `127.0.0.1`. */
  readonly host?: string
  /** The port of every epmd, here and on other hosts. Default 4369. */
  readonly port?: number
  /** Milliseconds for a request, connecting included. Default 5000. */
  readonly timeout?: number
  /** Longest answer that is taken. Default 1 MiB, enough for thousands of names. */
  readonly maxResponseBytes?: number
  readonly clock?: Clock
}

export interface RegisterOptions {
  /** The part of the node name before `@`: 1 to 255 characters. */
  readonly name: string
  /** Where the node listens for distribution. */
  readonly port: number
  /** Registers as a hidden node; informational only. Default false. */
  readonly hidden?: boolean
  /** Opaque bytes, at most 1020, that a lookup gives back. Default none. */
  readonly extra?: Uint8Array
  readonly signal?: AbortSignal
}

export interface EpmdName {
  readonly name: string
  readonly port: number
}

/**
 * A client of epmd. Every request has a connection of its own, and fails with an `EpmdError`:
 * `ERR_EPMD_UNREACHABLE`, `ERR_EPMD_TIMEOUT`, `ERR_EPMD_CLOSED`, `ERR_EPMD_BAD_RESPONSE`, `ERR_EPMD_ABORTED`.
 * Mirrors `erl_epmd` of OTP.
 *
 * @example
 * const client = new EpmdClient({ host: '127.0.0.1', port: epmd.port })
 * const registration = await client.register({ name: 'ts', port: 50123 })
 * const entry = await client.lookup('ts')
 * entry?.port // 50123
 * await client.lookup('nobody') // undefined
 * registration.close()
 */
export class EpmdClient {
  readonly #options: Required<EpmdClientOptions>

  constructor(options: EpmdClientOptions = {}) {
    this.#options = {
      network: options.network ?? new TcpNetwork(),
      host: options.host ?? '127.0.0.1',
      port: options.port ?? DEFAULT_EPMD_PORT,
      timeout: options.timeout ?? 5000,
      maxResponseBytes: options.maxResponseBytes ?? 1024 * 1024,
      clock: options.clock ?? systemClock,
    }
  }

  /**
   * Registers a node for as long as the registration is open. Rejects with `ERR_EPMD_NAME_TAKEN` too, and with an
   * `OptionError` for a name, a port or extra bytes that no epmd takes.
   */
  async register(options: RegisterOptions): Promise<EpmdRegistration> {
    const { name, port, hidden = false, extra = new Uint8Array(0), signal } = options
    checkName(name)
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new OptionError(`the port of a node must be an integer from 0 to 65535, got ${port}`)
    }
    if (extra.length > MAX_FIELD_BYTES) {
      throw new OptionError(
        `the extra bytes of a node are ${extra.length}, at most ${MAX_FIELD_BYTES} are allowed`,
      )
    }
    const entry: EpmdEntry = {
      name,
      port,
      nodeType: hidden ? NODE_TYPE_HIDDEN : NODE_TYPE_VISIBLE,
      protocol: PROTOCOL_TCP,
      highestVersion: DIST_VERSION,
      lowestVersion: DIST_VERSION,
      extra,
    }
    const request = encodeRequest({ type: 'alive2', entry })
    const { answer, transport } = await this.#ask(this.#options.host, request, decodeAliveResponse, signal)
    if (answer.ok) return new EpmdRegistration(transport, answer.creation)
    transport.destroy()
    throw new EpmdError(
      'ERR_EPMD_NAME_TAKEN',
      `the node name '${name}' is taken: the epmd at ${formatEndpoint(this.#options)} has a node of that name. ` +
        'Choose another name, or stop that node first (`epmd -names` lists them)',
    )
  }

  /**
   * Where the node `name`@`host` listens; undefined when it is not registered there. `host` is by default the
   * client's own.
   */
  async lookup(
    name: string,
    options: { readonly host?: string; readonly signal?: AbortSignal } = {},
  ): Promise<EpmdEntry | undefined> {
    checkName(name)
    const { host = this.#options.host, signal } = options
    const request = encodeRequest({ type: 'port2', name })
    const { answer, transport } = await this.#ask(host, request, decodePort2Response, signal)
    transport.destroy()
    return answer.entry
  }

  /** The nodes registered on `host`, by default the client's own; most recent first when it is OTP's epmd or ours. */
  async names(
    host: string = this.#options.host,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<readonly EpmdName[]> {
    const request = encodeRequest({ type: 'names' })
    // Erlang insists that the port in the answer is the one it dialed. That fails behind a port forwarding and
    // protects nobody, so it is not looked at.
    const decode = (received: Uint8Array, ended: boolean) =>
      ended ? decodeNamesResponse(received) : undefined
    const { answer, transport } = await this.#ask(host, request, decode, options.signal)
    transport.destroy()
    return answer.names
  }

  #ask<T>(
    host: string,
    request: Uint8Array,
    decode: (received: Uint8Array, ended: boolean) => T | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Answered<T>> {
    const { port, ...options } = this.#options
    return exchange({ ...options, epmd: { host, port }, request, decode, signal })
  }
}

/** A node's place in epmd, which lasts as long as its connection. */
export class EpmdRegistration {
  /** What tells this incarnation of the node from earlier ones: 1 to 2^32 - 1. */
  readonly creation: number
  readonly #transport: Transport
  #state: 'open' | 'lost' | 'closed' = 'open'
  #onLost: (() => void) | undefined

  /** @internal */
  constructor(transport: Transport, creation: number) {
    this.creation = creation
    this.#transport = transport
    transport.handler = {
      // epmd says nothing more on this connection. Should it, there is nobody to care.
      onData() {},
      onDrain() {},
      onClose: () => this.#handleClose(),
    }
  }

  /** False once epmd is gone or the registration was closed. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /**
   * Called once when epmd goes away, and with it the registration; not after `close`. Set late, it is called all the
   * same. The node keeps its creation and registers again, as a BEAM node does every 2 seconds until it succeeds.
   */
  get onLost(): (() => void) | undefined {
    return this.#onLost
  }

  set onLost(callback: (() => void) | undefined) {
    this.#onLost = callback
    if (this.#state === 'lost') queueMicrotask(() => this.#tellLost())
  }

  /** Unregisters the node. Safe to call twice. */
  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closed'
    this.#transport.destroy()
  }

  #handleClose(): void {
    if (this.#state !== 'open') return
    this.#state = 'lost'
    this.#tellLost()
  }

  #tellLost(): void {
    const callback = this.#onLost
    this.#onLost = undefined
    callback?.()
  }
}

function checkName(name: string): void {
  const fault = nameFault(name)
  if (fault !== undefined)
    throw new OptionError(`the node name '${name}' cannot be used with epmd: it ${fault}`)
}
