/** Whole nodes in one process, over a network in memory and a clock turned by hand. */
import type { BeamNode } from '../../src/beam-node.ts'
import { silentLogger } from '../../src/core/index.ts'
import { type Atom, atom } from '../../src/etf/index.ts'
import { MemoryNetwork } from '../../src/net/index.ts'
import type { NodeOptions } from '../../src/node/index.ts'
import { startNode } from '../../src/start.ts'
import { FakeClock } from './fake-clock.ts'

const PORT = 4370

/** Milliseconds of fake time that `until` waits for at most. */
const PATIENCE_MS = 60_000
const STEP_MS = 20

interface Teardown {
  teardown(end: () => unknown): unknown
}

/**
 * @example
 * const cluster = new MemoryCluster(t)
 * const [a, b] = await cluster.start('a', 'b')   // a@a and b@b, connected
 */
export class MemoryCluster {
  readonly clock = new FakeClock()
  readonly network = new MemoryNetwork({ clock: this.clock })
  readonly #nodes = new Map<string, BeamNode>()
  /** Hosts that are or were up, for cutting all links of one. */
  readonly #hosts = new Set<string>()

  /** Stops the nodes at the end of the test. */
  constructor(t: Teardown) {
    t.teardown(() => this.stop())
  }

  /** Starts a node on each host, connected to all nodes that run already. */
  async start<N extends readonly string[]>(...hosts: N): Promise<{ [K in keyof N]: BeamNode }> {
    const started: BeamNode[] = []
    for (const host of hosts) started.push(await this.add(host))
    return started as { [K in keyof N]: BeamNode }
  }

  async add(
    host: string,
    options: Partial<NodeOptions> & { readonly alone?: boolean } = {},
  ): Promise<BeamNode> {
    const { alone = false, ...rest } = options
    for (const other of this.#hosts) this.network.heal(host, other)
    const node = await startNode({
      name: `${host}@${host}`,
      cookie: 'secret',
      epmd: 'none',
      resolver: { resolve: async (name) => ({ host: name.host, port: PORT }) },
      listen: { host: '0.0.0.0', port: PORT },
      network: this.network.host(host),
      clock: this.clock,
      logger: silentLogger,
      // Tests cut single links here, and look at what the two sides of each do.
      preventOverlappingPartitions: false,
      ...rest,
    })
    if (!alone) for (const other of this.#nodes.values()) await this.connect(node, other)
    this.#nodes.set(host, node)
    this.#hosts.add(host)
    return node
  }

  async connect(one: BeamNode, other: BeamNode): Promise<void> {
    await this.during(one.connect(other.name))
    await this.until(() => other.nodes('all').includes(one.name))
  }

  /** Cuts the link between two nodes; both notice at once. */
  async cut(one: BeamNode, other: BeamNode): Promise<void> {
    this.network.cut(hostOf(one), hostOf(other))
    this.network.reset(hostOf(one), hostOf(other))
    await this.until(() => !one.nodes('all').includes(other.name) && !other.nodes('all').includes(one.name))
  }

  async heal(one: BeamNode, other: BeamNode): Promise<void> {
    this.network.heal(hostOf(one), hostOf(other))
    await this.connect(one, other)
  }

  /** The node ends without a word, as with kill -9. */
  async kill(node: BeamNode): Promise<void> {
    const host = hostOf(node)
    this.#nodes.delete(host)
    for (const other of this.#hosts) {
      if (other === host) continue
      this.network.cut(host, other)
      this.network.reset(host, other)
    }
    await this.during(node.stop())
    await this.until(() =>
      [...this.#nodes.values()].every((other) => !other.nodes('all').includes(node.name)),
    )
  }

  /** The node leaves in order. */
  async leave(node: BeamNode): Promise<void> {
    this.#nodes.delete(hostOf(node))
    await this.during(node.stop())
  }

  async stop(): Promise<void> {
    const stopping = [...this.#nodes.values()].map((node) => node.stop())
    this.#nodes.clear()
    await this.during(Promise.all(stopping))
  }

  /** Lets time pass until `isSo`. */
  async until(isSo: () => boolean, what = String(isSo)): Promise<void> {
    for (let waited = 0; !isSo(); waited += STEP_MS) {
      if (waited > PATIENCE_MS) throw new Error(`this did not come true within ${PATIENCE_MS} ms: ${what}`)
      await this.clock.elapse(STEP_MS)
    }
  }

  /** Lets time pass until the promise is settled. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    promise.then(done, done)
    await this.until(() => settled, 'a promise settles')
    return promise
  }

  /** Lets everything that is under way arrive. */
  settle(): Promise<void> {
    return this.clock.elapse(STEP_MS)
  }
}

export function hostOf(node: BeamNode): string {
  const [, host = ''] = node.name.name.split('@')
  return host
}

/** The name of the node on a host. */
export function nodeOn(host: string): Atom {
  return atom(`${host}@${host}`)
}
