/**
 * Which processes hear of nodes that come and go: `net_kernel:monitor_nodes/2` and `erlang:monitor_node/2`. Nothing of it
 * is on the wire. A node's `nodeup` is in the mailbox before its first message, its `nodedown` behind the last.
 */
import type { Logger } from '../core/index.ts'
import { type Atom, atom, type Pid, type Term, TermMap, type Tuple, tuple } from '../etf/index.ts'
import type { NodeDownInfo, NodeType, NodeUpInfo } from '../node/index.ts'
import { ProcessError, type Runtime } from '../runtime/index.ts'

/** Which nodes, and what the messages say about them. */
export interface MonitorNodesOptions {
  /** Default `visible`. Given, each message says which of the two the node is. */
  readonly nodeType?: NodeType | 'all'
  /** Whether `nodedown` messages say why. Default false. */
  readonly nodedownReason?: boolean
  /** Whether messages hold the number of the connection, which is another one each time. Default false. */
  readonly connectionId?: boolean
}

/** What the monitors need of the node. */
export interface MonitoredNode {
  readonly name: Atom
  readonly runtime: Runtime
  readonly logger: Logger
  /** All of them, hidden ones included. */
  isConnected(node: Atom): boolean
  connect(node: Atom): Promise<void>
  onNodeUp(listener: (node: Atom, info: NodeUpInfo) => void): () => void
  onNodeDown(listener: (node: Atom, info: NodeDownInfo) => void): () => void
}

interface Subscriber {
  readonly pid: Pid
  /** Undefined: the short messages, of visible nodes. */
  readonly options: MonitorNodesOptions | undefined
}

const NODEUP = atom('nodeup')
const NODEDOWN = atom('nodedown')
const NODE_TYPE = atom('node_type')
const NODEDOWN_REASON = atom('nodedown_reason')
const CONNECTION_ID = atom('connection_id')

export class NodeMonitors {
  readonly #node: MonitoredNode
  readonly #subscribers = new Set<Subscriber>()
  /** Who waits for the end of the connection to a node. */
  readonly #waiting = new Map<Atom, Set<() => void>>()

  constructor(node: MonitoredNode) {
    this.#node = node
    node.onNodeUp((name, info) => this.#tell(NODEUP, name, info))
    node.onNodeDown((name, info) => {
      this.#fire(name)
      this.#tell(NODEDOWN, name, info)
    })
  }

  /** @returns ends the subscription, which the end of the process does as well. */
  subscribe(pid: Pid, options?: MonitorNodesOptions): () => void {
    const subscriber = { pid, options }
    const end = this.#whileAlive(pid, () => void this.#subscribers.delete(subscriber))
    this.#subscribers.add(subscriber)
    return end
  }

  /** @returns ends the monitor; without effect when it fired. */
  watch(node: Atom, onDown: () => void): () => void {
    if (node === this.#node.name) return () => {}
    const watch = (): void => onDown()
    const watches = this.#waiting.get(node) ?? new Set()
    this.#waiting.set(node, watches.add(watch))
    if (!this.#node.isConnected(node)) {
      this.#node.connect(node).catch(() => {
        if (this.#forget(node, watch)) this.#call(node, [watch])
      })
    }
    return () => void this.#forget(node, watch)
  }

  /** As `watch`; the process gets `{nodedown, Node}`. */
  watchFor(pid: Pid, node: Atom): () => void {
    let stop = (): void => {}
    const end = this.#whileAlive(pid, () => stop())
    stop = this.watch(node, () => {
      this.#node.runtime.send(pid, tuple(NODEDOWN, node))
      end()
    })
    return end
  }

  #forget(node: Atom, watch: () => void): boolean {
    const watches = this.#waiting.get(node)
    const wasThere = watches?.delete(watch) === true
    if (watches?.size === 0) this.#waiting.delete(node)
    return wasThere
  }

  #fire(node: Atom): void {
    const watches = this.#waiting.get(node)
    this.#waiting.delete(node)
    this.#call(node, watches ?? [])
  }

  #call(node: Atom, watches: Iterable<() => void>): void {
    for (const watch of watches) {
      try {
        watch()
      } catch (error) {
        // The others must hear of it as well.
        this.#node.logger.error({ node: node.name, error }, 'what monitorNode was to call threw')
      }
    }
  }

  #tell(event: Atom, node: Atom, info: NodeUpInfo | NodeDownInfo): void {
    for (const { pid, options } of [...this.#subscribers]) {
      const wanted = options?.nodeType ?? 'visible'
      if (wanted !== 'all' && wanted !== info.type) continue
      this.#node.runtime.send(pid, messageOf(event, node, info, options))
    }
  }

  /** @throws ProcessError `ERR_RUNTIME_NO_PROCESS` unless the process lives on this node. */
  #whileAlive(pid: Pid, end: () => void): () => void {
    const { runtime } = this.#node
    if (!runtime.isAlive(pid)) {
      throw new ProcessError(
        'ERR_RUNTIME_NO_PROCESS',
        `${pid} cannot watch nodes: it is no live process of this node`,
      )
    }
    const ref = runtime.monitor(pid, end)
    return () => {
      runtime.demonitor(ref)
      end()
    }
  }
}

/** `{nodeup, Node}`, and with options `{nodeup, Node, #{...}}`. */
function messageOf(
  event: Atom,
  node: Atom,
  info: NodeUpInfo | NodeDownInfo,
  options: MonitorNodesOptions | undefined,
): Tuple {
  if (options === undefined) return tuple(event, node)
  const items = new TermMap<Term, Term>()
  if (options.nodeType !== undefined) items.set(NODE_TYPE, atom(info.type))
  if (options.connectionId === true) items.set(CONNECTION_ID, info.connectionId)
  if (options.nodedownReason === true && 'reason' in info) items.set(NODEDOWN_REASON, info.reason)
  return tuple(event, node, items)
}
