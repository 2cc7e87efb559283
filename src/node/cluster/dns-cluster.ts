/**
 * Nodes found in the DNS: every address of a name is a node, as of a headless service of Kubernetes, or every host that a
 * service record names. Compatible with the strategies `DNSPoll`, `Kubernetes.DNS` and `Kubernetes.DNSSRV` of libcluster.
 *
 *   A, AAAA    basename@ADDRESS
 *   SRV        basename@HOST           the port of the record is not used: epmd knows it
 */
import { describeError, OptionError, type Timer } from '../../core/index.ts'
import { type DnsLookup, systemDns } from '../../net/index.ts'
import { Candidates } from './candidates.ts'
import type { ClusterHost, ClusterStrategy, RunningStrategy } from './strategy.ts'

export type DnsRecordType = 'A' | 'AAAA' | 'SRV'

export interface DnsClusterOptions {
  /** The name to look up: `my-app-headless.default.svc.cluster.local`. */
  readonly query: string
  /** Which records; default A and AAAA. */
  readonly types?: readonly DnsRecordType[]
  /** What stands before the `@` in the names of the nodes. Default: that of this node. */
  readonly basename?: string
  /** Milliseconds between two lookups, give or take a quarter. Default 5000. */
  readonly interval?: number
  /** Addresses of name servers. Default: the system's. */
  readonly servers?: readonly string[]
  /** Looks names up in place of the DNS. */
  readonly lookup?: DnsLookup
}

const TYPES: readonly DnsRecordType[] = ['A', 'AAAA', 'SRV']
const DEFAULT_INTERVAL_MS = 5000
const SHORTEST_INTERVAL_MS = 10
const LONGEST_INTERVAL_MS = 2 ** 31 - 1

/**
 * Joins the nodes that the DNS names, and looks again from time to time. Nodes that leave the DNS stay connected as long
 * as they are there.
 *
 * @throws OptionError
 * @example
 * const found = { ipv4: async () => ['127.0.0.1'], ipv6: async () => [], services: async () => [] }
 * const cluster = [dnsCluster({ query: 'my-app.default.svc.cluster.local', basename: 'n1', lookup: found })]
 * const node = await startNode({ name: 'ts2@127.0.0.1', cookie: 'secret', cluster })
 * node.nodes().map(String) // ['n1@127.0.0.1']
 * await node.stop()
 */
export function dnsCluster(options: DnsClusterOptions): ClusterStrategy {
  const types = options.types ?? ['A', 'AAAA']
  const interval = options.interval ?? DEFAULT_INTERVAL_MS
  if (typeof options.query !== 'string' || options.query === '') {
    throw new OptionError('dnsCluster needs the name to look up: query')
  }
  if (types.length === 0 || !types.every((type) => TYPES.includes(type))) {
    throw new OptionError(`types of dnsCluster must be some of ${TYPES.join(', ')}, got ${types.join(', ')}`)
  }
  if (!(interval >= SHORTEST_INTERVAL_MS && interval <= LONGEST_INTERVAL_MS)) {
    throw new OptionError(
      `interval of dnsCluster must be milliseconds from ${SHORTEST_INTERVAL_MS}, got ${interval}`,
    )
  }
  const lookup = options.lookup ?? makeLookup(options.servers)
  return {
    async start(host) {
      const poll = new DnsPoll({ ...options, types, interval, lookup }, host)
      await poll.look()
      return poll
    },
  }
}

interface PollOptions extends DnsClusterOptions {
  readonly types: readonly DnsRecordType[]
  readonly interval: number
  readonly lookup: DnsLookup
}

class DnsPoll implements RunningStrategy {
  readonly #options: PollOptions
  readonly #host: ClusterHost
  readonly #candidates: Candidates
  readonly #basename: string
  #timer: Timer | undefined
  /** Records whose last lookup failed. */
  readonly #failing = new Set<DnsRecordType>()
  #stopped = false

  constructor(options: PollOptions, host: ClusterHost) {
    this.#options = options
    this.#host = host
    this.#candidates = new Candidates(host)
    this.#basename = options.basename ?? (host.name.split('@')[0] as string)
  }

  /** Looks once, and again later. */
  async look(): Promise<void> {
    const hosts = await Promise.all(this.#options.types.map((type) => this.#resolve(type)))
    const names = new Set(hosts.flat().map((found) => `${this.#basename}@${found}`))
    await Promise.all([...names].map((name) => this.#candidates.offer(name)))
    if (this.#stopped) return
    const pause = this.#options.interval * (0.75 + this.#host.random() / 2)
    this.#timer = this.#host.clock.after(pause, () => void this.look())
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#candidates.stop()
  }

  async #resolve(type: DnsRecordType): Promise<string[]> {
    const { query } = this.#options
    try {
      const hosts = await this.#ask(type)
      this.#failing.delete(type)
      return hosts
    } catch (error) {
      // Once is enough, until it has worked again.
      const level = this.#failing.has(type) || this.#stopped ? 'debug' : 'warn'
      this.#failing.add(type)
      this.#host.logger[level]({ query, type }, `cannot look for nodes in the DNS: ${describeError(error)}`)
      return []
    }
  }

  async #ask(type: DnsRecordType): Promise<string[]> {
    const { lookup, query } = this.#options
    switch (type) {
      case 'A':
        return lookup.ipv4(query)
      case 'AAAA':
        return lookup.ipv6(query)
      case 'SRV':
        return (await lookup.services(query)).map(({ name }) => name)
    }
  }
}

function makeLookup(servers: readonly string[] | undefined): DnsLookup {
  try {
    return systemDns(servers === undefined ? {} : { servers })
  } catch (cause) {
    throw new OptionError(`servers of dnsCluster must be addresses, got ${servers?.join(', ')}`, { cause })
  }
}
