/**
 * A network in memory: named hosts, a delay, and links that can be cut, healed, split and reset. Two whole nodes run
 * in one test over it.
 *
 * A cut link behaves as a partition does under TCP: nothing arrives and neither end is told. What was written waits
 * in the sender's buffer and arrives after the link is healed, unless a connection was reset meanwhile.
 * Not supported: loss or reordering inside a stream, which TCP hides from everybody.
 */
import { type Clock, OptionError, systemClock } from '../core/index.ts'
import { isLoopbackAddress } from './address.ts'
import { NetError, type NetErrorCode } from './errors.ts'
import { type MemoryLink, MemoryTransport } from './memory-transport.ts'
import type { ConnectOptions, Endpoint, Listener, Network, Transport } from './transport.ts'

export interface MemoryOptions {
  /** Measures the delays. Default: the system's. */
  readonly clock?: Clock
  /** Milliseconds one way, between hosts and within one. Default 0: the next turn of the event loop. */
  readonly delay?: number
  /** Buffered bytes from which on `write` answers false. Default 65 536. */
  readonly highWaterMark?: number
  /** Bytes that arrive in one piece at most; 1 shows who relies on whole messages. Default: as written. */
  readonly chunkBytes?: number
}

interface Connection {
  readonly from: string
  readonly to: string
  readonly ends: readonly [MemoryTransport, MemoryTransport]
}

/** Every host that was named so far, and the links between them. */
interface Wiring {
  findHost(name: string): MemoryHost | undefined
  link(from: string, to: string): MemoryLink
  add(connection: Connection): void
}

/**
 * Hosts in memory. Each host is a `Network` of its own: it listens on itself and connects to the others by name.
 *
 * @example
 * const network = new MemoryNetwork({ delay: 5 })
 * await network.host('b').listen({ host: '', port: 4369 }, (transport) => transport.end())
 * const transport = await network.host('a').connect({ host: 'b', port: 4369 })
 * network.cut('a', 'b')
 */
export class MemoryNetwork {
  readonly #clock: Clock
  readonly #delays = new Map<string, number>()
  readonly #cuts = new Set<string>()
  readonly #hosts = new Map<string, MemoryHost>()
  readonly #connections = new Set<Connection>()
  readonly #wiring: Wiring
  #delay: number

  constructor(options: MemoryOptions = {}) {
    const { clock = systemClock, delay = 0, highWaterMark = 64 * 1024, chunkBytes = Infinity } = options
    this.#clock = clock
    this.#delay = delay
    this.#wiring = {
      findHost: (name) => this.#hosts.get(name),
      link: (from, to) => ({
        clock: this.#clock,
        delay: () => this.#delays.get(direction(from, to)) ?? this.#delay,
        isCut: () => this.#cuts.has(direction(from, to)),
        highWaterMark,
        chunkBytes,
      }),
      add: (connection) => this.#add(connection),
    }
  }

  /** The host of that name, made when it is new. */
  host(name: string): Network {
    if (name === '' || isLoopback(name) || isAny(name)) {
      throw new OptionError(`'${name}' cannot name a host in memory: choose a name that is not an address`)
    }
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = new MemoryHost(name, this.#wiring)
      this.#hosts.set(name, host)
    }
    return host
  }

  /** Sets the delay of every link that has none of its own, or that of the link between `a` and `b`. */
  setDelay(ms: number, a?: string, b?: string): void {
    if (a === undefined || b === undefined) {
      this.#delay = ms
      return
    }
    this.#delays.set(direction(a, b), ms)
    this.#delays.set(direction(b, a), ms)
  }

  /** Cuts the link in both directions; with `oneWay`, only from `a` to `b`. */
  cut(a: string, b: string, options: { readonly oneWay?: boolean } = {}): void {
    this.#cuts.add(direction(a, b))
    if (options.oneWay !== true) this.#cuts.add(direction(b, a))
  }

  /** Restores the link between `a` and `b`, or every link; what waited arrives. */
  heal(a?: string, b?: string): void {
    if (a === undefined || b === undefined) {
      this.#cuts.clear()
    } else {
      this.#cuts.delete(direction(a, b))
      this.#cuts.delete(direction(b, a))
    }
    for (const { ends } of this.#connections) for (const end of ends) end.wake()
  }

  /** Cuts every link between hosts of different groups. */
  split(...groups: readonly (readonly string[])[]): void {
    groups.forEach((group, index) => {
      for (const others of groups.slice(index + 1)) {
        for (const a of group) for (const b of others) this.cut(a, b)
      }
    })
  }

  /** Breaks every connection between `a` and `b` at both ends with `ERR_NET_RESET`; the link itself stays as it is. */
  reset(a: string, b: string): void {
    for (const { from, to, ends } of this.#connections) {
      if ((from === a && to === b) || (from === b && to === a)) for (const end of ends) end.reset()
    }
  }

  #add(connection: Connection): void {
    for (const old of this.#connections) if (isOver(old)) this.#connections.delete(old)
    this.#connections.add(connection)
  }
}

/** One host: its listeners and its way to the others. */
class MemoryHost implements Network {
  readonly #name: string
  readonly #wiring: Wiring
  readonly #listeners = new Set<MemoryListener>()
  #lastPort = 49_151

  constructor(name: string, wiring: Wiring) {
    this.#name = name
    this.#wiring = wiring
  }

  connect({ host, port, signal }: ConnectOptions): Promise<Transport> {
    return new Promise((resolve, reject) => {
      const fail = (code: NetErrorCode): void =>
        reject(new NetError(code, 'connect', { host, port }, signal?.reason))
      if (signal?.aborted) return fail('ERR_NET_ABORTED')
      const there = isLoopback(host) ? this : this.#wiring.findHost(host)
      if (there === undefined) return fail('ERR_NET_UNREACHABLE')

      const far = { host: localhostAddress(host), port }
      const near = { host: isLoopback(host) ? far.host : this.#name, port: this.#freePort() }
      const client = new MemoryTransport(near, far, this.#wiring.link(this.#name, there.#name))
      const server = new MemoryTransport(far, near, this.#wiring.link(there.#name, this.#name))
      MemoryTransport.join(client, server)
      this.#wiring.add({ from: this.#name, to: there.#name, ends: [client, server] })

      const onAbort = (): void => {
        client.destroy()
        fail('ERR_NET_ABORTED')
      }
      const answer = (act: () => void): void => {
        const settle = (): void => {
          signal?.removeEventListener('abort', onAbort)
          act()
        }
        server.signal(settle, true)
      }
      signal?.addEventListener('abort', onAbort)
      // The steps of a TCP connect: a request, which a cut link or the delay may hold up, and its answer.
      const handleRequest = (): void => {
        const listener = there.#findListener(far)
        if (client.isClosed || listener === undefined) {
          answer(() => fail(client.isBroken ? 'ERR_NET_RESET' : 'ERR_NET_REFUSED'))
          client.destroy()
          server.destroy()
        } else {
          answer(() => resolve(client))
          listener.accept(server)
        }
      }
      client.signal(handleRequest, true)
    })
  }

  async listen(at: Endpoint, accept: (transport: Transport) => void): Promise<Listener> {
    const host = localhostAddress(at.host)
    if (!isAny(host) && !isLoopback(host) && host !== this.#name) {
      throw new NetError('ERR_NET_ADDRESS_UNAVAILABLE', 'listen', at)
    }
    const port = at.port === 0 ? this.#freePort() : at.port
    for (const other of this.#listeners) {
      if (other.port === port && (other.host === host || isAny(host) || isAny(other.host))) {
        throw new NetError('ERR_NET_ADDRESS_IN_USE', 'listen', at)
      }
    }
    const listener = new MemoryListener(host, port, accept, () => this.#listeners.delete(listener))
    this.#listeners.add(listener)
    return listener
  }

  #findListener({ host, port }: Endpoint): MemoryListener | undefined {
    for (const listener of this.#listeners) {
      if (listener.port === port && (isAny(listener.host) || listener.host === host)) return listener
    }
    return undefined
  }

  #freePort(): number {
    this.#lastPort = this.#lastPort === 65_535 ? 49_152 : this.#lastPort + 1
    for (const { port } of this.#listeners) if (port === this.#lastPort) return this.#freePort()
    return this.#lastPort
  }
}

class MemoryListener implements Listener {
  readonly host: string
  readonly port: number
  readonly accept: (transport: Transport) => void
  readonly #remove: () => void

  constructor(host: string, port: number, accept: (transport: Transport) => void, remove: () => void) {
    this.host = host
    this.port = port
    this.accept = accept
    this.#remove = remove
  }

  async close(): Promise<void> {
    this.#remove()
  }
}

function direction(from: string, to: string): string {
  return `${from} ${to}`
}

function isOver({ ends }: Connection): boolean {
  return ends.every((end) => end.isClosed && end.bufferedBytes === 0)
}

function localhostAddress(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(host)
}

function isAny(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}
