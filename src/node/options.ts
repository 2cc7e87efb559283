/** The options of a node: what they mean, their defaults, and the checks that name what is wrong. */
import { hostname } from 'node:os'
import { type Clock, type Logger, lineLogger, OptionError, systemClock } from '../core/index.ts'
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS, type LengthPrefix } from '../dist/index.ts'
import { DEFAULT_EPMD_PORT, EpmdClient } from '../epmd/index.ts'
import type { CodecOptions } from '../etf/index.ts'
import { type Network, TcpNetwork, TlsNetwork, type TlsOptions } from '../net/index.ts'
import type { RuntimeLimits } from '../runtime/index.ts'
import type { ClusterStrategy } from './cluster/strategy.ts'
import { resolveCookie } from './cookie.ts'
import { Cookies } from './cookies.ts'
import { completeNodeName, isLoopbackHost, type NodeName, parseNodeName } from './node-name.ts'
import type { OutboxLimits } from './outbox.ts'
import type { EmbeddedAddress, EpmdMode } from './registration.ts'
import { epmdResolver, type Resolver } from './resolver.ts'

/** All finite; see the fields of the parts. */
export interface NodeLimits extends ConnectionLimits, RuntimeLimits {
  /** Signals that may wait for one node while it is being connected. Default 100 000. */
  readonly outbox: number
  /** Bytes of the messages that may wait so. Default 64 MiB. */
  readonly outboxBytes: number
  /** Incoming connections that may shake hands at a time; more are closed at once. Default 1000. */
  readonly handshakes: number
}

export interface ListenOptions {
  /** Address to listen on. Default: the node's host when that is loopback, else every interface, IPv4 or IPv6 by its name. */
  readonly host?: string
  /** A fixed port, or the first free one of a range. Default: any. */
  readonly port?: number | readonly [min: number, max: number]
  /**
   * Connections to and from other nodes are TLS, as with `-proto_dist inet_tls`: all of them, since a node speaks TLS or
   * does not. Both sides prove themselves with certificates of `ca` unless said otherwise; the cookie is still asked for.
   */
  readonly tls?: TlsOptions
}

export interface NodeOptions {
  /**
   * `name@host`; a name alone is a short name on this machine, as `erl -sname`. `undefined` or `undefined@host`: the first
   * node of `connect` that answers gives a name. Such a node is hidden, does not listen and is not registered, and its
   * name is gone with that connection, as with `erl -sname undefined`.
   */
  readonly name: string
  /** Default: that of the user's `.erlang.cookie`, which is made when it is missing. */
  readonly cookie?: string
  /** Cookies for single nodes that have another one, as `erlang:set_cookie(Node, Cookie)`. */
  readonly cookies?: Readonly<Record<string, string>>
  /** Nodes to join at start, and again after a loss, with growing pauses. */
  readonly connect?: readonly string[]
  /** Ways to find nodes to join while this one runs: `dnsCluster`, `gossipCluster`, or your own. */
  readonly cluster?: readonly ClusterStrategy[]
  /** True: not in `Node.list()` of others, and no part of `:pg` and the like. Default false. */
  readonly hidden?: boolean
  /**
   * False: this node and the others do not introduce each other, and `:global` shares no names; as `-connect_all false`,
   * it should be the same on all nodes of a cluster. Default true.
   */
  readonly connectAll?: boolean
  /**
   * Whether `:global` disconnects nodes that see only a part of a cluster, so that every two nodes that are connected
   * see the same others; as the kernel parameter `prevent_overlapping_partitions`, the same on all nodes. Default true.
   */
  readonly preventOverlappingPartitions?: boolean
  /** `auto` (default): the epmd that listens, else an embedded one. */
  readonly epmd?: EpmdMode
  /** Port of every epmd. Default: `ERL_EPMD_PORT`, else 4369. */
  readonly epmdPort?: number
  readonly listen?: ListenOptions
  /** Seconds of silence after which a peer counts as gone, give or take a quarter. Default 60. */
  readonly netTicktime?: number
  /**
   * Seconds for which a thread of its own sends ticks while the event loop stands still, so that code that takes long does
   * not cost the node its connections. Default 300; 0 for never. Not over TLS, and not on Windows.
   */
  readonly frozenTicktime?: number
  /** How often within that time a quiet side says that it lives, 4 to 1000. Default 4, as `net_tickintensity`. */
  readonly netTickIntensity?: number
  /** Milliseconds for a connection to be set up. Default 7000. */
  readonly netSetuptime?: number
  /** How terms arrive: see `CodecOptions`. */
  readonly codec?: CodecOptions
  readonly limits?: Partial<NodeLimits>
  /** Gives up starting: `startNode` rejects with its reason, and nothing is left behind. Without effect afterwards. */
  readonly signal?: AbortSignal
  /** pino's shape. Default: all but debugging, a line each on standard error. */
  readonly logger?: Logger
  /** How to find nodes. Default: the epmd on the node's host. */
  readonly resolver?: Resolver
  /** Default: TCP. */
  readonly network?: Network
  /** Default: the system's. */
  readonly clock?: Clock
}

export interface ResolvedNodeOptions {
  readonly name: NodeName
  readonly cookies: Cookies
  readonly connect: readonly string[]
  readonly cluster: readonly ClusterStrategy[]
  readonly hidden: boolean
  readonly epmd: EpmdMode
  readonly epmdClient: EpmdClient
  /** Where an embedded epmd would listen. */
  readonly embeddedAt: EmbeddedAddress
  readonly listenHost: string
  readonly listenPorts: readonly [min: number, max: number]
  /** ms */
  readonly tickTime: number
  readonly tickIntensity: number
  /** ms */
  readonly frozenTime: number
  /** ms */
  readonly setupTime: number
  readonly codec: CodecOptions
  readonly limits: Partial<NodeLimits>
  readonly outbox: OutboxLimits
  readonly logger: Logger
  readonly resolver: Resolver
  /** For epmd. */
  readonly network: Network
  /** For other nodes. */
  readonly nodeNetwork: Network
  /** Bytes of the length of a handshake message: TLS has its own. */
  readonly lengthPrefix: LengthPrefix
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
}

const EPMD_MODES: readonly EpmdMode[] = ['auto', 'external', 'embedded', 'none']
const DEFAULT_TICKTIME_S = 60
const DEFAULT_FROZEN_TICKTIME_S = 300
const DEFAULT_TICK_INTENSITY = 4
const DEFAULT_SETUPTIME_MS = 7000
const LONGEST_SETUPTIME_MS = 120_000
const DEFAULT_OUTBOX: OutboxLimits = {
  signals: 100_000,
  bytes: 64 * 1024 * 1024,
  highWaterMark: DEFAULT_CONNECTION_LIMITS.highWaterMark,
}

/** @throws OptionError that names the option and what it takes. */
export async function resolveNodeOptions(options: NodeOptions): Promise<ResolvedNodeOptions> {
  const name = completeNodeName(options.name, hostname())
  const logger = options.logger ?? lineLogger((line) => process.stderr.write(line))
  const network = options.network ?? new TcpNetwork({ logger })
  const clock = options.clock ?? systemClock
  const epmdPort = options.epmdPort ?? portFromEnvironment() ?? DEFAULT_EPMD_PORT
  checkRange('epmdPort', epmdPort, 1, 65_535)
  // Others dial the very address in the name, which need not be 127.0.0.1.
  const loopback = !isLoopbackHost(name.host)
    ? undefined
    : name.host === 'localhost'
      ? '127.0.0.1'
      : name.host
  const epmd = options.epmd ?? 'auto'
  if (!EPMD_MODES.includes(epmd)) {
    throw new OptionError(`epmd must be one of ${EPMD_MODES.join(', ')}, got '${epmd}'`)
  }
  const netTicktime = options.netTicktime ?? DEFAULT_TICKTIME_S
  if (!(netTicktime > 0 && netTicktime <= 2 ** 31)) {
    throw new OptionError(`netTicktime must be a number of seconds above 0, got ${netTicktime}`)
  }
  const frozenTicktime = options.frozenTicktime ?? DEFAULT_FROZEN_TICKTIME_S
  if (!(frozenTicktime >= 0 && frozenTicktime <= 2 ** 31)) {
    throw new OptionError(`frozenTicktime must be a number of seconds from 0, got ${frozenTicktime}`)
  }
  const tickIntensity = options.netTickIntensity ?? DEFAULT_TICK_INTENSITY
  checkRange('netTickIntensity', tickIntensity, 4, 1000)
  const setupTime = options.netSetuptime ?? DEFAULT_SETUPTIME_MS
  checkRange('netSetuptime', setupTime, 1, LONGEST_SETUPTIME_MS)
  const limits = resolveLimits(options.limits)
  const outbox = {
    signals: limits.outbox ?? DEFAULT_OUTBOX.signals,
    bytes: limits.outboxBytes ?? DEFAULT_OUTBOX.bytes,
    highWaterMark: limits.highWaterMark ?? DEFAULT_OUTBOX.highWaterMark,
  }
  const epmdClient = new EpmdClient({ network, port: epmdPort, clock })
  return {
    name,
    cookies: new Cookies(await resolveCookie(options.cookie), options.cookies),
    connect: (options.connect ?? []).map((target) => parseNodeName(target).full),
    cluster: checkStrategies(options.cluster ?? []),
    hidden: options.hidden ?? false,
    epmd,
    epmdClient,
    embeddedAt: { host: epmdAddresses() ?? loopback ?? '', port: epmdPort },
    listenHost: options.listen?.host ?? loopback ?? (name.host.includes(':') ? '::' : '0.0.0.0'),
    listenPorts: portRange(options.listen?.port),
    tickTime: netTicktime * 1000,
    frozenTime: frozenTicktime * 1000,
    tickIntensity,
    setupTime,
    codec: options.codec ?? {},
    limits,
    outbox,
    logger,
    resolver: options.resolver ?? epmdResolver(epmdClient),
    network,
    ...nodeNetwork(options, network, { setupTime, logger, handshakes: limits.handshakes }),
    clock,
    signal: options.signal,
  }
}

function nodeNetwork(
  options: NodeOptions,
  network: Network,
  { setupTime, logger, handshakes }: { setupTime: number; logger: Logger; handshakes: number | undefined },
): Pick<ResolvedNodeOptions, 'nodeNetwork' | 'lengthPrefix'> {
  const tls = options.listen?.tls
  if (tls === undefined) return { nodeNetwork: network, lengthPrefix: 2 }
  if (options.network !== undefined) {
    throw new OptionError('listen.tls makes its own network: leave out the option network, or listen.tls')
  }
  const maxHandshakes = handshakes === undefined ? {} : { maxHandshakes: handshakes }
  const secured = new TlsNetwork({ tls, handshakeTimeout: setupTime, logger, ...maxHandshakes })
  return { nodeNetwork: secured, lengthPrefix: 4 }
}

function checkStrategies(strategies: readonly ClusterStrategy[]): readonly ClusterStrategy[] {
  if (Array.isArray(strategies) && strategies.every((each) => typeof each?.start === 'function'))
    return strategies
  throw new OptionError('cluster must be a list of strategies, such as [dnsCluster({ query })]')
}

function portRange(port: number | readonly [number, number] | undefined): readonly [number, number] {
  const [min, max] = typeof port === 'object' ? port : [port ?? 0, port ?? 0]
  checkRange('listen.port', min, 0, 65_535)
  checkRange('listen.port', max, min, 65_535)
  return [min, max]
}

/** Those that are given, checked; the parts they concern fill in the defaults. */
function resolveLimits(given: Partial<NodeLimits> = {}): Partial<NodeLimits> {
  const limits = Object.entries(given).filter(([, value]) => value !== undefined)
  for (const [limit, value] of limits) checkRange(`limits.${limit}`, value, 1, Number.MAX_SAFE_INTEGER)
  return Object.fromEntries(limits)
}

/** As OTP's epmd: addresses with commas or blanks between them. */
function epmdAddresses(): string[] | undefined {
  const addresses = (process.env['ERL_EPMD_ADDRESS'] ?? '').split(/[, ]+/).filter((address) => address !== '')
  return addresses.length === 0 ? undefined : addresses
}

function portFromEnvironment(): number | undefined {
  const text = process.env['ERL_EPMD_PORT']
  if (text === undefined || text === '') return undefined
  const port = Number(text)
  checkRange('the environment variable ERL_EPMD_PORT', port, 1, 65_535)
  return port
}

function checkRange(option: string, value: number, lowest: number, highest: number): void {
  if (!Number.isInteger(value) || value < lowest || value > highest) {
    throw new OptionError(`${option} must be a whole number from ${lowest} to ${highest}, got ${value}`)
  }
}
