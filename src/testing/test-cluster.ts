/** Whole nodes in one process, over a network in memory, on a clock that is turned by hand or on the real one. */
import {
  type BeamNode,
  type Logger,
  MemoryNetwork,
  OptionError,
  type StartNodeOptions,
  startNode,
} from '../index.ts'
import { FakeClock } from './fake-clock.ts'
import { Probe } from './probe.ts'

export interface TestClusterOptions {
  /** `fake` (default): time passes only while the test waits in a method of the cluster. `system`: as everywhere. */
  readonly clock?: 'fake' | 'system'
  /** Milliseconds that a message takes one way. Default 0: the next turn of the event loop. */
  readonly delay?: number
  /**
   * Options of every node. Unlike elsewhere `preventOverlappingPartitions` is false, so that a cut between two nodes stays one
   * between two.
   */
  readonly node?: Partial<StartNodeOptions>
}

export interface AddOptions extends Partial<StartNodeOptions> {
  /** Connects to none of the nodes that run. Default false. */
  readonly alone?: boolean
}

export interface LoggedLine {
  readonly node: string
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

/** A node of the cluster, or the host it runs on. */
type NodeOrHost = BeamNode | string

const PORT = 4370
/** Milliseconds that `until` waits for at most. */
const PATIENCE_MS = 60_000
const STEP_MS = 20
const REAL_STEP_MS = 5

/**
 * A cluster for tests, without sockets and without epmd: nodes that connect, lose each other and find each other again,
 * in the order that the test says. Independent of the test framework; `await using` or `stop` cleans up.
 *
 * @example
 * await using cluster = new TestCluster()
 * const [a, b] = await cluster.start('a', 'b')
 * const pid = b.spawn(Counter)
 * await a.call(pid, atom('get')) // 0
 * const probe = cluster.probe(a)
 * await cluster.settle()
 * probe.monitor(pid)
 * await cluster.cut(a, b)
 * await assertReceive(probe, tuple(atom('DOWN'), any, any, pid, atom('noconnection')))
 * await cluster.heal(a, b)
 * a.nodes().map(String) // ['b@b']
 */
export class TestCluster {
  /** To turn by hand; undefined when the cluster runs on the system's clock. */
  readonly clock: FakeClock | undefined
  readonly network: MemoryNetwork
  /** What all nodes logged. */
  readonly log: LoggedLine[] = []
  readonly #options: TestClusterOptions
  readonly #nodes = new Map<string, BeamNode>()
  /** Hosts that are or were up, for cutting all links of one. */
  readonly #hosts = new Set<string>()
  /** Timers do not keep a program alive, and there is no socket that would. */
  #alive: ReturnType<typeof setInterval> | undefined

  constructor(options: TestClusterOptions = {}) {
    this.#options = options
    this.clock = options.clock === 'system' ? undefined : new FakeClock()
    this.network = new MemoryNetwork({ ...this.#timing(), delay: options.delay ?? 0 })
  }

  /** The nodes that run. */
  get nodes(): BeamNode[] {
    return [...this.#nodes.values()]
  }

  /** Starts a node on each host, `a@a` on `a`, connected to all nodes that run already. */
  async start<N extends readonly string[]>(...hosts: N): Promise<{ [K in keyof N]: BeamNode }> {
    const started: BeamNode[] = []
    for (const host of hosts) started.push(await this.add(host))
    return started as { [K in keyof N]: BeamNode }
  }

  /** As `start`, for one node with options of its own. A host that was killed can be used again. */
  async add(host: string, options: AddOptions = {}): Promise<BeamNode> {
    const { alone = false, ...rest } = options
    this.#alive ??= setInterval(() => {}, PATIENCE_MS)
    for (const other of this.#hosts) this.network.heal(host, other)
    const node = await this.during(
      startNode({
        name: `${host}@${host}`,
        cookie: 'secret',
        epmd: 'none',
        resolver: { resolve: async (name) => ({ host: name.host, port: PORT }) },
        listen: { host: '0.0.0.0', port: PORT },
        network: this.network.host(host),
        ...this.#timing(),
        logger: this.#logger(`${host}@${host}`),
        io: { write: (text) => void this.#write(host, text) },
        preventOverlappingPartitions: false,
        ...this.#options.node,
        ...rest,
      }),
    )
    if (!alone) for (const other of this.#nodes.values()) await this.connect(node, other)
    this.#nodes.set(host, node)
    this.#hosts.add(host)
    return node
  }

  /** The node on a host. @throws OptionError when there is none. */
  node(host: string): BeamNode {
    const found = this.#nodes.get(host)
    if (found !== undefined) return found
    throw new OptionError(
      `no node runs on '${host}': start it, or name one of ${[...this.#nodes.keys()].join(', ')}`,
    )
  }

  /** `one` dials; resolves when both have the connection. */
  async connect(one: NodeOrHost, other: NodeOrHost): Promise<void> {
    const [a, b] = [this.#nodeOf(one), this.#nodeOf(other)]
    await this.during(a.connect(b.name))
    await this.until(() => b.nodes('all').includes(a.name), 'both have the connection')
  }

  /** Cuts the link between two nodes; both notice at once. For a cut that only the net tick notices: `network.cut`. */
  async cut(one: NodeOrHost, other: NodeOrHost): Promise<void> {
    const [a, b] = [this.#nodeOf(one), this.#nodeOf(other)]
    this.network.cut(hostOf(a), hostOf(b))
    this.network.reset(hostOf(a), hostOf(b))
    await this.until(
      () => !a.nodes('all').includes(b.name) && !b.nodes('all').includes(a.name),
      'both have noticed the cut',
    )
  }

  /** Cuts every link between nodes of different groups. */
  async split(...groups: readonly (readonly NodeOrHost[])[]): Promise<void> {
    for (const [index, group] of groups.entries()) {
      for (const others of groups.slice(index + 1)) {
        for (const one of group) for (const other of others) await this.cut(one, other)
      }
    }
  }

  /** Restores the link between two nodes and connects them; without arguments, all links and all nodes. */
  async heal(one?: NodeOrHost, other?: NodeOrHost): Promise<void> {
    if (one !== undefined && other !== undefined) {
      this.network.heal(hostOf(this.#nodeOf(one)), hostOf(this.#nodeOf(other)))
      await this.connect(one, other)
      return
    }
    this.network.heal()
    const nodes = this.nodes
    for (const [index, node] of nodes.entries()) {
      for (const next of nodes.slice(index + 1)) await this.connect(node, next)
    }
  }

  /** The node ends without a word, as with kill -9. */
  async kill(node: NodeOrHost): Promise<void> {
    const killed = this.#nodeOf(node)
    const host = hostOf(killed)
    this.#nodes.delete(host)
    for (const other of this.#hosts) {
      if (other === host) continue
      this.network.cut(host, other)
      this.network.reset(host, other)
    }
    await this.during(killed.stop())
    await this.until(
      () => this.nodes.every((other) => !other.nodes('all').includes(killed.name)),
      'the others have noticed the end of the node',
    )
  }

  /** The node leaves in order. */
  async leave(node: NodeOrHost): Promise<void> {
    const left = this.#nodeOf(node)
    this.#nodes.delete(hostOf(left))
    await this.during(left.stop())
  }

  /** A process of the node that keeps its messages for `assertReceive`, which lets the cluster's time pass. */
  probe(node: NodeOrHost): Probe {
    return new Probe(this.#nodeOf(node), async (isSo, ms) => {
      for (let waited = 0; !isSo() && waited < ms; waited += STEP_MS)
        await this.elapse(Math.min(STEP_MS, ms - waited))
      return isSo()
    })
  }

  /** Lets `ms` milliseconds pass, and what comes due in them happen. */
  async elapse(ms: number): Promise<void> {
    if (this.clock !== undefined) await this.clock.elapse(ms)
    else await new Promise((resolve) => setTimeout(resolve, ms))
  }

  /** Lets time pass until `isSo`. @throws Error after a minute of the cluster's time. */
  async until(isSo: () => boolean, what = String(isSo)): Promise<void> {
    const step = this.clock === undefined ? REAL_STEP_MS : STEP_MS
    for (let waited = 0; !isSo(); waited += step) {
      if (waited > PATIENCE_MS) throw new Error(`this did not come true within ${PATIENCE_MS} ms: ${what}`)
      await this.elapse(step)
    }
  }

  /** Lets time pass until the promise is settled, and gives what it gives. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    promise.then(done, done)
    await this.until(() => settled, 'a promise settles')
    return promise
  }

  /** Lets everything that is under way arrive, unless the network has a delay: then give it time with `elapse`. */
  settle(): Promise<void> {
    return this.elapse(STEP_MS)
  }

  /** Stops all nodes. Safe to call twice. */
  async stop(): Promise<void> {
    const stopping = this.nodes.map((node) => node.stop())
    this.#nodes.clear()
    try {
      await this.during(Promise.all(stopping))
    } finally {
      clearInterval(this.#alive)
      this.#alive = undefined
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #timing(): { readonly clock?: FakeClock } {
    return this.clock === undefined ? {} : { clock: this.clock }
  }

  #nodeOf(node: NodeOrHost): BeamNode {
    return typeof node === 'string' ? this.node(node) : node
  }

  #logger(node: string): Logger {
    const at = (level: LoggedLine['level']) => (fields: object, message: string) => {
      this.log.push({ node, level, fields, message })
    }
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }

  /** What is printed on a node is in its log too, as a test wants to read it and nobody else. */
  #write(host: string, text: string): void {
    this.log.push({ node: `${host}@${host}`, level: 'info', fields: { io: true }, message: text })
  }
}

function hostOf({ name }: BeamNode): string {
  return name.name.slice(name.name.indexOf('@') + 1)
}
