/** Name lookups in the DNS, past the machine's hosts file: one seam, so that tests and other resolvers fit in. */
import { promises as dns } from 'node:dns'

export interface ServiceRecord {
  /** The host that serves. */
  readonly name: string
  readonly port: number
}

/** A name that does not exist, or has no such records, has none. @throws whatever else goes wrong */
export interface DnsLookup {
  ipv4(name: string): Promise<string[]>
  ipv6(name: string): Promise<string[]>
  services(name: string): Promise<ServiceRecord[]>
}

export interface DnsOptions {
  /** Addresses of name servers, `10.0.0.10` or `10.0.0.10:53`. Default: the system's. */
  readonly servers?: readonly string[]
  /** Milliseconds to wait for one server. Default 2000. */
  readonly timeout?: number
}

const DEFAULT_TIMEOUT_MS = 2000
const TRIES = 2
const NO_SUCH_NAME: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA'])

/** @throws TypeError of Node for a server that is no address */
export function systemDns(options: DnsOptions = {}): DnsLookup {
  const resolver = new dns.Resolver({ timeout: options.timeout ?? DEFAULT_TIMEOUT_MS, tries: TRIES })
  if (options.servers !== undefined) resolver.setServers([...options.servers])
  return {
    ipv4: (name) => orNone(resolver.resolve4(name)),
    ipv6: (name) => orNone(resolver.resolve6(name)),
    services: async (name) =>
      (await orNone(resolver.resolveSrv(name))).map(({ name, port }) => ({ name, port })),
  }
}

async function orNone<T>(records: Promise<T[]>): Promise<T[]> {
  try {
    return await records
  } catch (error) {
    if (error instanceof Error && 'code' in error && NO_SUCH_NAME.has(error.code)) return []
    throw error
  }
}
