/** The children that leave this node for another, and those that come: by a drain, by rebalancing, or handed over. */
import { type Atom, atom, type Encodable, type Term, Tuple } from '../etf/index.ts'
import type { ChildRegistry } from './child-registry.ts'
import type { ChildSpec } from './child-spec.ts'
import { Released, releaseChildRequest, takeChildRequest } from './child-supervisor.ts'
import type { Cluster } from './cluster.ts'
import { type DrainResult, drainChildren, type ResolvedDrainOptions } from './drain.ts'
import { HandOver, type Movable } from './hand-over.ts'
import type { SupervisorHost } from './host.ts'
import type { Handoff } from './peer-messages.ts'
import { Rebalancer, type ResolvedRebalance } from './rebalance.ts'
import type { RemoteSupervisors } from './remote-supervisors.ts'

const OK = atom('ok')

export interface ChildMovesParts {
  readonly host: SupervisorHost
  readonly cluster: Cluster
  readonly registry: ChildRegistry
  readonly remote: RemoteSupervisors
  /** The children of this node. */
  children(): Movable[]
  /** Asks the supervisor of this node. */
  ask(request: Encodable): Promise<Term>
  /** This node is no home any more. */
  undeclare(): void
  /** Another node has it: nobody is to start it again because of this one. */
  forget(spec: ChildSpec): void
}

export class ChildMoves {
  readonly #parts: ChildMovesParts
  readonly #handOver: HandOver
  readonly #rebalancer: Rebalancer | undefined
  /** What children that are starting got from the instance before, which ran on another node. */
  readonly #handoffs = new Map<ChildSpec, Handoff>()
  readonly #arriving = new Set<ChildSpec>()
  #isDraining = false
  #isDrained = false

  constructor(parts: ChildMovesParts, supervisor: Atom, rebalance: ResolvedRebalance | undefined) {
    this.#parts = parts
    const { cluster, host, registry, remote } = parts
    this.#handOver = new HandOver({
      ...{ host, supervisor, cluster, registry, remote },
      release: async (pid) => {
        // No supervisor any more, no child to move.
        const released: unknown = await parts.ask(releaseChildRequest(pid)).catch(() => undefined)
        return released instanceof Released ? released : undefined
      },
      forget: (spec) => parts.forget(spec),
    })
    if (rebalance !== undefined) this.#rebalancer = this.#makeRebalancer(supervisor, rebalance)
  }

  /** Whether this node hands over its children, or has: it starts none then. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Whether it is through with that, and goes. */
  get isDrained(): boolean {
    return this.#isDrained
  }

  /** Whether a child that starts comes from another node, which tells of the move. */
  isArriving(spec: ChildSpec): boolean {
    return this.#arriving.has(spec)
  }

  /** Another node hands a child over. */
  async arrive(spec: ChildSpec, handoff: Handoff): Promise<Term> {
    this.#arriving.add(spec)
    try {
      return await this.takeOver(spec, handoff)
    } finally {
      this.#arriving.delete(spec)
    }
  }

  /** What the instance before left for a child that starts. */
  handoffOf(spec: ChildSpec): Handoff {
    return this.#handoffs.get(spec)
  }

  /** Starts a child here, on this node and no other, with what the instance before it left. */
  async takeOver(spec: ChildSpec, handoff: Handoff): Promise<Term> {
    if (handoff !== undefined) this.#handoffs.set(spec, handoff)
    try {
      return await this.#parts.ask(takeChildRequest(spec))
    } finally {
      this.#handoffs.delete(spec)
    }
  }

  /** Hands the children over to other nodes. From now on this node is no home, and starts none. */
  async drain(options: ResolvedDrainOptions): Promise<DrainResult> {
    this.#isDraining = true
    this.#rebalancer?.stop()
    this.#parts.undeclare()
    const { clock, logger } = this.#parts.host
    const parts = {
      clock,
      logger,
      children: () => this.#parts.children(),
      move: (child: Movable) => this.#handOver.moveAway(child),
    }
    try {
      return await drainChildren(parts, options)
    } finally {
      this.#isDrained = true
    }
  }

  handleClusterChange(): void {
    this.#rebalancer?.handleChange()
  }

  stop(): void {
    this.#rebalancer?.stop()
  }

  #makeRebalancer(supervisor: Atom, options: ResolvedRebalance): Rebalancer {
    const { cluster, host, registry, remote } = this.#parts
    const parts = {
      clock: host.clock,
      logger: host.logger,
      supervisor,
      children: () =>
        this.#parts.children().filter(({ name }) => name !== undefined && !registry.isPrivate(name)),
      betterHomes: (child: Movable) => this.#handOver.betterHomes(child),
      agrees: async (node: Atom, name: Term) => (await remote.nodeFor(node, name)) === cluster.nodeFor(name),
      move: (child: Movable) => this.#handOver.moveHome(child),
      takeBack: async ({ name }: Movable, spec: ChildSpec, handoff: Handoff) => {
        const answer = await this.takeOver(spec, handoff).catch(() => null)
        const runs = answer instanceof Tuple && answer[0] === OK
        if (!runs && name !== undefined) registry.handleLost(name)
      },
    }
    return new Rebalancer(parts, options)
  }
}
