/** How a node finds others to join, while it runs. The list of the option `connect` is apart from this, and always there. */
import type { Clock, Logger } from '../../core/index.ts'

/** What a strategy needs of its node. */
export interface ClusterHost {
  /** `name@host` of this node. */
  readonly name: string
  readonly clock: Clock
  readonly logger: Logger
  isConnected(node: string): boolean
  connect(node: string): Promise<void>
  /** 0 up to but not including 1. */
  random(): number
}

export interface RunningStrategy {
  /** Looks for no more nodes; connections stay. Called once. */
  stop(): void | Promise<void>
}

/**
 * A way to find nodes: `dnsCluster`, `gossipCluster`, or one of your own.
 *
 * @example
 * const fromFile: ClusterStrategy = {
 *   start: async (host) => {
 *     for (const name of ['n1@127.0.0.1']) await host.connect(name)
 *     return { stop: () => {} }
 *   },
 * }
 * const node = await startNode({ name: 'ts2@127.0.0.1', cookie: 'secret', cluster: [fromFile] })
 * await node.stop()
 */
export interface ClusterStrategy {
  /** Resolves once it looks for nodes, whether it found any or not. Rejects for what will never work. */
  start(host: ClusterHost): Promise<RunningStrategy>
}
