/**
 * The process at the top of a DistributedSupervisor, registered as `n`: parent of the registry server and of the
 * supervisor of the children, linked to the scope. A part that ends is started again, as under a `Supervisor` with the
 * strategy `one_for_one`; with more than three in five seconds the whole ends.
 */
import { type Atom, alias, atom, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { type From, GenServer, noreply, type Process, reply, stop } from '../runtime/index.ts'
import { RestartIntensity } from './intensity.ts'

/** The parts, as the process sees them; what they are made of is decided elsewhere. */
export interface TreeParts {
  /** The whole node ends, and so does this. */
  readonly isStopping: boolean
  /** Called first, and once: `n` is registered, so nobody else starts the same parts. */
  open(): Promise<void>
  /** Starts the registry server under `self`. */
  startRegistry(self: Process): Promise<Pid>
  /** Starts the supervisor of the children under `self`; an earlier one and all its children are gone. */
  startSupervisor(self: Process): Promise<Pid>
  /** Gets the scope process; an earlier one is gone. */
  attachScope(): Pid
  /** Says goodbye to the other nodes, before the children end. */
  leave(reason: Term): void
  /** The children have ended; the other nodes still know this one. */
  childrenEnded(): void
  /** Lets go of everything, after the children have ended. */
  close(): void
}

export interface Tree {
  readonly parts: TreeParts
  registry: Pid
  supervisor: Pid
  scope: Pid
}

const EXIT = atom('EXIT')
const SHUTDOWN = atom('shutdown')
const SUPERVISOR = atom('supervisor')
const WORKER = atom('worker')
const WHICH_CHILDREN = atom('which_children')
const COUNT_CHILDREN = atom('count_children')
const DYNAMIC_SUPERVISOR = alias('DynamicSupervisor')
const REGISTRY = alias('DistributedSupervisor.Registry')

/** As `Supervisor` has them by default. */
const LIMITS = { maxRestarts: 3, maxSeconds: 5 }

export class SupervisionTree extends GenServer<Tree> {
  readonly #intensity = new RestartIntensity(LIMITS)

  /** @param given `TreeParts` */
  override async init(given: unknown): Promise<Tree> {
    const parts = given as TreeParts
    this.self.trapExit = true
    try {
      await parts.open()
      const scope = parts.attachScope()
      this.self.link(scope)
      const registry = await parts.startRegistry(this.self)
      return { parts, scope, registry, supervisor: await parts.startSupervisor(this.self) }
    } catch (error) {
      parts.close()
      throw error
    }
  }

  override handleCall(request: Term, _from: From, tree: Tree) {
    const row = (id: Atom, pid: Pid, type: Atom): Tuple => tuple(id, pid, type, [id]) as unknown as Tuple
    if (request === WHICH_CHILDREN) {
      const rows = [
        row(DYNAMIC_SUPERVISOR, tree.supervisor, SUPERVISOR),
        row(REGISTRY, tree.registry, WORKER),
      ]
      return reply(rows, tree)
    }
    if (request === COUNT_CHILDREN) {
      const counts = { specs: 2, active: 2, supervisors: 1, workers: 1 }
      return reply(
        Object.entries(counts).map(([key, value]) => tuple(atom(key), value)),
        tree,
      )
    }
    this.self.logger.debug({ request: String(request) }, 'a DistributedSupervisor ignores an unknown request')
    return noreply(tree)
  }

  override async handleInfo(info: Term, tree: Tree) {
    if (!(info instanceof Tuple) || info[0] !== EXIT || !(info[1] instanceof Pid)) return noreply(tree)
    const part = this.#partOf(info[1], tree)
    if (part === undefined) return noreply(tree)
    // The whole node ends, and this process next: there is nothing to start again.
    if (tree.parts.isStopping) return stop(SHUTDOWN, tree)
    this.self.logger.error({ supervisor: String(this.pid), part }, 'a part of a DistributedSupervisor ended')
    if (!this.#intensity.add(this.self.clock.now())) return stop(SHUTDOWN, tree)
    if (part === 'registry') tree.registry = await tree.parts.startRegistry(this.self)
    else if (part === 'supervisor') tree.supervisor = await tree.parts.startSupervisor(this.self)
    else {
      tree.scope = tree.parts.attachScope()
      this.self.link(tree.scope)
    }
    return noreply(tree)
  }

  override async terminate(reason: Term, tree: Tree): Promise<void> {
    tree.parts.leave(reason)
    await this.#end(tree.supervisor)
    tree.parts.childrenEnded()
    this.self.unlink(tree.scope)
    await this.#end(tree.registry)
    tree.parts.close()
  }

  #partOf(pid: Pid, tree: Tree): 'registry' | 'supervisor' | 'scope' | undefined {
    return (['registry', 'supervisor', 'scope'] as const).find((part) => tree[part].equals(pid))
  }

  /** Children take the time that their specifications give them. */
  async #end(pid: Pid): Promise<void> {
    const down = this.self.whenDown(pid)
    this.self.exit(pid, SHUTDOWN)
    await down
  }
}
