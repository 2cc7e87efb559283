/** From a node's name to the address it listens on. EPMD is one way; a fixed port or a table of your own are others. */
import type { EpmdClient } from '../epmd/index.ts'
import type { Endpoint } from '../net/index.ts'
import { NodeError } from './errors.ts'
import type { NodeName } from './node-name.ts'

/**
 * Finds where a node listens. Mirrors `address_please` and `port_please` of an `-epmd_module`.
 *
 * @throws NodeError `ERR_NODE_UNKNOWN` when no such node is registered.
 */
export interface Resolver {
  resolve(name: NodeName, options: { signal: AbortSignal }): Promise<Endpoint>
}

/**
 * Every node listens on the same port of its own host, and no epmd is asked: `-erl_epmd_port` of OTP.
 *
 * @example
 * const listen = { port: 9100 }
 * const node = await startNode({ name: 'ts@127.0.0.1', listen, epmd: 'none', resolver: portResolver(9100) })
 * await node.stop()
 */
export function portResolver(port: number): Resolver {
  return { resolve: async ({ host }) => ({ host, port }) }
}

/** Asks the epmd on the node's own host. */
export function epmdResolver(client: EpmdClient): Resolver {
  return {
    async resolve(name, { signal }) {
      const entry = await client.lookup(name.alive, { host: name.host, signal })
      if (entry === undefined) {
        throw new NodeError(
          'ERR_NODE_UNKNOWN',
          `the epmd on ${name.host} knows no node '${name.alive}': is ${name.full} running?`,
        )
      }
      return { host: name.host, port: entry.port }
    },
  }
}
