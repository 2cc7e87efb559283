/**
 * What this node knows of the cluster of one DistributedSupervisor, kept up to date: the ring, and what the nodes say
 * they can run (design.md, section 5).
 *
 * The latter is in a `:pg` scope of our own, `n.Modules`: every node with this supervisor that does not run the hex
 * package is a member of the group `"members"`; a TypeScript node, of the group of every module it can run; an Elixir
 * node, of the group `"elixir"`, which stands for every module that no TypeScript node claims.
 */
import type { Logger } from '../core/index.ts'
import { Atom, type Encodable, type Pid, type Term } from '../etf/index.ts'
import { type AtomKeys, HashRing } from './hash-ring.ts'
import type { GroupScope, NodeInfo, SupervisorHost } from './host.ts'
import { PeerReleases } from './peer-releases.ts'
import type { ClusterView } from './placement.ts'

/** No module has these names: modules are atoms, these are binaries. */
const MEMBERS = 'members'
const ELIXIR = 'elixir'

const NOBODY: ReadonlySet<Atom> = new Set()

export interface ClusterOptions {
  /** The members at the start; none: this node and the visible nodes it is connected to. */
  readonly nodes: readonly Atom[]
  /** Which nodes join and leave the ring as they come and go; `all`: hidden ones too. */
  readonly monitorNodes: 'all' | 'visible' | 'hidden' | undefined
  /** Undefined: found out from the members. */
  readonly atomKeys: AtomKeys | undefined
}

export interface ClusterEvents {
  /** `isOurs`: the ring, as it was before the node came, names this one for the name of that node. */
  onNodeUp(node: Atom, info: NodeInfo, isOurs: boolean): void
  /** `isOurs`: what is left of the ring names this node for the name of the one that went. */
  onNodeDown(node: Atom, info: NodeInfo, isOurs: boolean): void
  /** A node with this supervisor that does not run the hex package came into sight. */
  onDeclared(node: Atom): void
  /** Places may have changed. */
  onChange(): void
}

export class Cluster implements ClusterView {
  readonly ring = new HashRing()
  readonly declared = new Set<Atom>()
  elixir: ReadonlySet<Atom> = NOBODY
  readonly self: Atom
  readonly #host: SupervisorHost
  readonly #options: ClusterOptions
  readonly #events: ClusterEvents
  /** Where the TypeScript nodes say what they can run. */
  readonly scope: GroupScope
  readonly #logger: Logger
  readonly #claims = new Map<Atom, Set<Atom>>()
  readonly #releases: PeerReleases
  readonly #unsubscribe: (() => void)[] = []

  constructor(host: SupervisorHost, modulesScope: Atom, options: ClusterOptions, events: ClusterEvents) {
    this.#host = host
    this.self = host.name
    this.#options = options
    this.#events = events
    this.scope = host.pg(modulesScope)
    this.#logger = host.logger
    this.#releases = new PeerReleases(host.rpc)
  }

  get atomKeys(): AtomKeys {
    return this.#options.atomKeys ?? this.#releases.atomKeys
  }

  claims(module: Atom): ReadonlySet<Atom> {
    return this.#claims.get(module) ?? NOBODY
  }

  isReachable(node: Atom): boolean {
    return node === this.self || this.#host.nodes('all').includes(node)
  }

  /** The owner of a key, or undefined when the ring has no nodes. */
  nodeFor(key: Encodable): Atom | undefined {
    return this.ring.nodeFor(key, this.atomKeys)
  }

  /** Builds the ring. Resolves when the members that are connected have said how they hash atoms. */
  async start(): Promise<void> {
    this.#unsubscribe.push(
      this.#host.onNodeUp((node, info) => this.#handleNodeUp(node, info)),
      this.#host.onNodeDown((node, info) => this.#handleNodeDown(node, info)),
      this.scope.onChange(({ group }) => this.#handleClaim(group)),
    )
    for (const group of this.scope.groups()) this.#handleClaim(group)
    for (const node of await this.#initialMembers()) this.ring.add(node)
    await Promise.all(this.ring.nodes.map((node) => this.#learnRelease(node)))
  }

  /**
   * Says what this node can run, and then that it has the supervisor: whoever knows the one knows the other, and takes it
   * for no node that can run nothing. `pid` stands for it in the groups.
   */
  declare(pid: Pid, modules: readonly Atom[]): void {
    for (const module of modules) this.scope.join(module, pid)
    this.scope.join(MEMBERS, pid)
  }

  /** This node is no home any more. It stays a member, or the others would take it for a node of the hex package. */
  undeclare(pid: Pid): void {
    for (const group of this.scope.groups()) {
      if (group !== MEMBERS && this.scope.members(group).some((member) => member.equals(pid))) {
        this.scope.leave(group, pid)
      }
    }
  }

  addNodes(nodes: readonly Atom[]): void {
    for (const node of nodes) if (this.ring.add(node)) void this.#learnRelease(node)
    this.#events.onChange()
  }

  /** Nothing that happens from now on is followed. */
  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
  }

  /** As the hex package: of the given nodes, those that can be connected to. */
  async #initialMembers(): Promise<readonly Atom[]> {
    const { nodes } = this.#options
    if (nodes.length === 0) return [this.self, ...this.#host.nodes()]
    const reached = await Promise.all(nodes.map((node) => this.#connect(node)))
    return nodes.filter((_, index) => reached[index])
  }

  async #connect(node: Atom): Promise<boolean> {
    if (node === this.self) return true
    try {
      await this.#host.connect(node)
      return true
    } catch (error) {
      this.#logger.warn({ node: node.name, error }, 'a node of the ring cannot be reached and is left out')
      return false
    }
  }

  #follows(type: NodeInfo['type']): boolean {
    const { monitorNodes } = this.#options
    return monitorNodes === 'all' || monitorNodes === type
  }

  #handleNodeUp(node: Atom, info: NodeInfo): void {
    if (!this.#follows(info.type)) return
    this.#events.onNodeUp(node, info, this.nodeFor(node) === this.self)
    if (this.ring.add(node)) void this.#learnRelease(node)
    this.#events.onChange()
  }

  #handleNodeDown(node: Atom, info: NodeInfo): void {
    if (this.#follows(info.type)) this.ring.remove(node)
    const isOurs = this.nodeFor(node) === this.self
    this.#releases.forget(node)
    this.#events.onNodeDown(node, info, isOurs)
    this.#events.onChange()
  }

  async #learnRelease(node: Atom): Promise<void> {
    if (node === this.self || this.#options.atomKeys !== undefined || !this.isReachable(node)) return
    const before = this.atomKeys
    await this.#releases.learn(node)
    if (this.atomKeys !== before) this.#events.onChange()
  }

  #handleClaim(group: Term): void {
    const nodes = new Set(this.scope.members(group).map((pid) => pid.node))
    if (group === MEMBERS) {
      const came = [...nodes].filter((node) => !this.declared.has(node))
      this.declared.clear()
      for (const node of nodes) this.declared.add(node)
      for (const node of came) this.#events.onDeclared(node)
    } else if (group === ELIXIR) {
      this.elixir = nodes
    } else if (group instanceof Atom) {
      if (nodes.size > 0) this.#claims.set(group, nodes)
      else this.#claims.delete(group)
    }
    this.#events.onChange()
  }
}
