/**
 * Nodes that tell each other their names by UDP, as libcluster's strategy `Gossip` does, so that a TypeScript node finds an
 * Elixir cluster that uses it, and is found by it.
 */
import { describeError, OptionError, type Timer } from '../../core/index.ts'
import { type Datagrams, isIPv4, type OpenDatagrams, openDatagrams } from '../../net/index.ts'
import { Candidates } from './candidates.ts'
import { decodeGossip, encodeGossip, type GossipKey, keyOf } from './gossip-packet.ts'
import type { ClusterHost, ClusterStrategy, RunningStrategy } from './strategy.ts'

/** Names in brackets are those of libcluster's options. */
export interface GossipClusterOptions {
  /** Default 45892 (`port`). */
  readonly port?: number
  /** Where to send to: a multicast group, or with `broadcast` a broadcast address. Default 233.252.1.32 (`multicast_addr`). */
  readonly address?: string
  /** Our address on the network to use for multicast. Default: the system chooses (`multicast_if`). */
  readonly interface?: string
  /** Address to listen on. Default 0.0.0.0 (`if_addr`). */
  readonly host?: string
  /** How many routers a packet may pass, 0 to 255. Default 1: the local network (`multicast_ttl`). */
  readonly ttl?: number
  /** No multicast: `address` is a broadcast address. Default false (`broadcast_only`). */
  readonly broadcast?: boolean
  /** Encrypts packets; nodes with another secret, or without one, are not heard (`secret`). */
  readonly secret?: string
}

interface Gossip {
  readonly port: number
  readonly address: string
  readonly key: GossipKey | undefined
}

const DEFAULT_PORT = 45_892
const DEFAULT_ADDRESS = '233.252.1.32'
const EVERY_ADDRESS = '0.0.0.0'
/** Pauses between two packets are random up to this, as libcluster's. */
const LONGEST_PAUSE_MS = 5000

/**
 * Tells this node's name to the network, and joins those that are heard. The secret separates clusters, and keeps strangers
 * from telling names; joining still takes the cookie.
 *
 * @throws OptionError
 * @example
 * const gossip = gossipCluster({ secret: 'somepassword', address: '127.255.255.255', broadcast: true })
 * const node = await startNode({ name: 'ts2@127.0.0.1', cookie: 'secret', cluster: [gossip] })
 * await node.stop()
 */
export function gossipCluster(options: GossipClusterOptions = {}): ClusterStrategy {
  return gossipOver(openDatagrams, options)
}

/** @internal for tests without a network */
export function gossipOver(open: OpenDatagrams, options: GossipClusterOptions): ClusterStrategy {
  const { port = DEFAULT_PORT, address = DEFAULT_ADDRESS, host = EVERY_ADDRESS, ttl = 1, secret } = options
  const via = options.interface ?? EVERY_ADDRESS
  checkNumber('port', port, 1, 65_535)
  checkNumber('ttl', ttl, 0, 255)
  for (const [name, value] of Object.entries({ address, host, interface: via })) {
    if (!isIPv4(value))
      throw new OptionError(`${name} of gossipCluster must be an IPv4 address, got '${value}'`)
  }
  if (secret !== undefined && (typeof secret !== 'string' || secret === '')) {
    throw new OptionError('secret of gossipCluster must be a text; leave it out for none')
  }
  const gossip = { port, address, key: secret === undefined ? undefined : keyOf(secret) }
  return {
    async start(cluster) {
      const ear = new GossipEar(gossip, cluster)
      const group = options.broadcast === true ? undefined : { address, interface: via, ttl }
      const { onMessage, onError } = ear
      ear.begin(await open({ host, port, group, onMessage, onError }))
      return ear
    },
  }
}

class GossipEar implements RunningStrategy {
  readonly #gossip: Gossip
  readonly #host: ClusterHost
  readonly #candidates: Candidates
  #socket: Datagrams | undefined
  #timer: Timer | undefined
  #isFailing = false

  constructor(gossip: Gossip, host: ClusterHost) {
    this.#gossip = gossip
    this.#host = host
    this.#candidates = new Candidates(host)
  }

  readonly onMessage = (packet: Uint8Array): void => {
    const name = decodeGossip(packet, this.#gossip.key)
    if (name !== undefined) void this.#candidates.offer(name)
  }

  readonly onError = (error: Error): void => {
    const { address, port } = this.#gossip
    const level = this.#isFailing ? 'debug' : 'warn'
    this.#isFailing = true
    this.#host.logger[level](
      { address, port },
      `cannot tell other nodes where we are: ${describeError(error)}`,
    )
  }

  begin(socket: Datagrams): void {
    this.#socket = socket
    this.#tell()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#candidates.stop()
    await this.#socket?.close()
  }

  #tell(): void {
    const { address, port, key } = this.#gossip
    this.#socket?.send(encodeGossip(this.#host.name, key), address, port)
    const pause = 1 + this.#host.random() * (LONGEST_PAUSE_MS - 1)
    this.#timer = this.#host.clock.after(pause, () => this.#tell())
  }
}

function checkNumber(option: string, value: number, lowest: number, highest: number): void {
  if (!Number.isInteger(value) || value < lowest || value > highest) {
    throw new OptionError(
      `${option} of gossipCluster must be a whole number from ${lowest} to ${highest}, got ${value}`,
    )
  }
}
