/** Who is told what happens in a DistributedSupervisor, as `DistributedSupervisor.Listener` of the hex package. */
import type { Logger } from '../core/index.ts'
import { type Atom, type Encodable, inspect, type Pid, type Term } from '../etf/index.ts'
import type { NodeInfo } from './host.ts'

/**
 * All methods are optional. A method that throws is logged and keeps nobody else from being told.
 *
 * @example
 * const listener: SupervisorListener = {
 *   onProcessStart: (_supervisor, name, pid) => console.log(`${inspect(name)} runs as ${pid}`),
 * }
 * await DistributedSupervisor.startLink(node, { name: 'DS', listeners: listener })
 */
export interface SupervisorListener {
  /** A child started on this node, also after a crash. */
  onProcessStart?(supervisor: Atom, name: Term, pid: Pid): void
  /** A child of this node ended. */
  onProcessStop?(supervisor: Atom, name: Term, pid: Pid): void
  /** A node came; told on the one node that the ring names for the name of that node. */
  onNodeUp?(supervisor: Atom, node: Atom, info: NodeInfo): void
  /** A node went; told on the one node that the ring names for the name of that node. */
  onNodeDown?(supervisor: Atom, node: Atom, info: NodeInfo): void
  /** The supervisor of another node ends politely; `statuses` are those of its children. */
  onNodeTerminate?(supervisor: Atom, node: Atom, reason: Term, statuses: Term): void
}

/** With a prefix only the children are told whose name, as Elixir prints it, begins like the prefix printed so. */
export type ListenerEntry = SupervisorListener | readonly [listener: SupervisorListener, prefix: Encodable]

export class Listeners {
  readonly #supervisor: Atom
  readonly #entries: readonly { readonly listener: SupervisorListener; readonly prefix: string }[]
  readonly #logger: Logger

  constructor(supervisor: Atom, entries: readonly ListenerEntry[], logger: Logger) {
    this.#supervisor = supervisor
    this.#logger = logger
    this.#entries = entries.map((entry) => {
      if (!Array.isArray(entry)) return { listener: entry as SupervisorListener, prefix: '' }
      const [listener, prefix] = entry as readonly [SupervisorListener, Encodable]
      return { listener, prefix: inspect(prefix) }
    })
  }

  processStarted(name: Term, pid: Pid): void {
    this.#tellOfChild(name, (listener) => listener.onProcessStart?.(this.#supervisor, name, pid))
  }

  processStopped(name: Term, pid: Pid): void {
    this.#tellOfChild(name, (listener) => listener.onProcessStop?.(this.#supervisor, name, pid))
  }

  nodeUp(node: Atom, info: NodeInfo): void {
    this.#tell((listener) => listener.onNodeUp?.(this.#supervisor, node, info))
  }

  nodeDown(node: Atom, info: NodeInfo): void {
    this.#tell((listener) => listener.onNodeDown?.(this.#supervisor, node, info))
  }

  nodeTerminated(node: Atom, reason: Term, statuses: Term): void {
    this.#tell((listener) => listener.onNodeTerminate?.(this.#supervisor, node, reason, statuses))
  }

  #tellOfChild(name: Term, call: (listener: SupervisorListener) => void): void {
    if (this.#entries.length === 0) return
    const printed = inspect(name)
    this.#tell(call, (prefix) => printed.startsWith(prefix))
  }

  #tell(call: (listener: SupervisorListener) => void, wants: (prefix: string) => boolean = () => true): void {
    for (const { listener, prefix } of this.#entries) {
      if (!wants(prefix)) continue
      try {
        call(listener)
      } catch (error) {
        this.#logger.error(
          { supervisor: this.#supervisor.name, error },
          'a listener of a DistributedSupervisor threw',
        )
      }
    }
  }
}
