/**
 * What a DistributedSupervisor is on one node: its parts, put together. The processes are started by `SupervisionTree`;
 * the API is in `DistributedSupervisor`.
 */
import {
  type Atom,
  atom,
  brief,
  type Encodable,
  type Pid,
  type Reference,
  type Term,
  TermMap,
  termEquals,
  tuple,
} from '../etf/index.ts'
import { exitReason, type Process, type ServerClass } from '../runtime/index.ts'
import { childNameOf, initArgument, ordinaryName } from './child-args.ts'
import { publishChild } from './child-events.ts'
import { ChildMoves } from './child-moves.ts'
import type { ChildPlan } from './child-plan.ts'
import { ChildRegistry } from './child-registry.ts'
import { type ChildSpec, childSpecToTuple, parseChildSpec } from './child-spec.ts'
import { ChildStarter } from './child-starter.ts'
import { ChildSupervisor, type ChildSupervisorSettings, endChildRequest } from './child-supervisor.ts'
import { Children } from './children.ts'
import { Cluster } from './cluster.ts'
import type { ResolvedSupervisorOptions } from './distributed-options.ts'
import { SupervisorError } from './errors.ts'
import { failoverActions } from './failover-actions.ts'
import { sayGoodbye } from './goodbye.ts'
import type { SupervisorHost } from './host.ts'
import { Listeners } from './listeners.ts'
import { ModuleTable } from './module-table.ts'
import { type SupervisorNames, supervisorNames } from './names.ts'
import type { KeepsQuestion, PeerMessage, PeerRequest } from './peer-messages.ts'
import { asReceived } from './received-options.ts'
import { type RegistryDesk, RegistryServer } from './registry-server.ts'
import { RemoteSupervisors } from './remote-supervisors.ts'
import { RequestedEnds } from './requested-ends.ts'
import type { TreeParts } from './supervision-tree.ts'
import { registryStateTerm } from './wire-terms.ts'

const ERROR = atom('error')
const INVALID_RING = atom('invalid_ring')
const NODEDOWN = atom('nodedown')
const NO_NODES = atom('no_nodes')
const START_CHILD = atom('start_child')
const UNDEF = atom('undef')
const TERMINATE_CHILD = atom('terminate_child')
/** Why a node goes that has handed over its children. */
const DRAINED = tuple(atom('shutdown'), atom('drained')) as Term
const UNTIL_DONE = { timeout: 'infinity' } as const

export class DistributedNode implements TreeParts, RegistryDesk {
  readonly names: SupervisorNames
  readonly cluster: Cluster
  readonly registry: ChildRegistry
  readonly starter: ChildStarter
  readonly moves: ChildMoves
  readonly ends: RequestedEnds
  /** The process at the top, once it runs. */
  tree: Pid | undefined
  readonly #host: SupervisorHost
  readonly #options: ResolvedSupervisorOptions
  readonly #modules: ModuleTable
  readonly #listeners: Listeners
  readonly #remote: RemoteSupervisors
  /** Shown as the monitor reference of the scope. */
  readonly #ref: Reference
  #children = new Children()
  /** Specifications of the children that run or wait for a restart, to tell a restart from a first start. */
  #known = new Set<ChildSpec>()
  #registryServer: Pid | undefined

  constructor(host: SupervisorHost, options: ResolvedSupervisorOptions) {
    const { name, modules, listeners, cacheChildren } = options
    this.#host = host
    this.#options = options
    this.names = supervisorNames(name)
    this.#modules = new ModuleTable(modules)
    this.#listeners = new Listeners(name, listeners, host.logger)
    this.#remote = new RemoteSupervisors(
      host.rpc,
      (to, request, options) => host.runtime.call(to, request, options),
      this.names,
    )
    this.#ref = host.runtime.makeRef()
    this.cluster = new Cluster(host, this.names.modules, options.cluster, {
      onNodeUp: (node, info, isOurs) => {
        if (isOurs) this.#listeners.nodeUp(node, info)
      },
      onNodeDown: (node, info, isOurs) => {
        if (isOurs) this.#listeners.nodeDown(node, info)
        // Behind what the node said before it went.
        if (this.#registryServer !== undefined) host.runtime.send(this.#registryServer, tuple(NODEDOWN, node))
      },
      onDeclared: (node) => this.registry.handleDeclared(node),
      onChange: () => {
        this.registry.handleClusterChange()
        this.moves.handleClusterChange()
      },
    })
    const { names, cluster } = this
    const actions = failoverActions({
      host,
      names,
      remote: this.#remote,
      startHere: (spec) => this.startHere(spec),
      endHere: (pid, reason) => this.#ask(endChildRequest(pid, reason)),
    })
    this.registry = new ChildRegistry(host, names, cluster, this.#listeners, actions, cacheChildren)
    this.ends = new RequestedEnds({
      host,
      names,
      cluster,
      book: this.registry,
      remote: this.#remote,
      actions,
    })
    this.starter = new ChildStarter({
      supervisor: name,
      cluster: this.cluster,
      registry: this.registry,
      remote: this.#remote,
      runsHere: (module) => this.#runsHere(module),
      startHere: (spec) => this.startHere(spec),
    })
    this.moves = new ChildMoves(
      {
        host,
        cluster: this.cluster,
        registry: this.registry,
        remote: this.#remote,
        children: () =>
          [...this.#children].map((child) => ({ ...child, name: childNameOf(child.spec, name)?.name })),
        ask: (request) => this.#ask(request),
        undeclare: () => {
          if (this.#registryServer !== undefined) this.cluster.undeclare(this.#registryServer)
        },
        forget: (spec) => {
          this.#known.delete(spec)
          this.#forget(spec)
        },
      },
      name,
      options.rebalance,
    )
  }

  /** The children of this node that run. */
  *localChildren(): Generator<Pid> {
    for (const { pid, isRestarting } of this.#children) if (!isRestarting) yield pid
  }

  /** Which module a class is; the other nodes learn of a new one. */
  moduleOf(server: ServerClass): Atom {
    const { module, isNew } = this.#modules.moduleOf(server)
    if (isNew && !this.moves.isDraining && this.#registryServer !== undefined)
      this.cluster.declare(this.#registryServer, [module])
    return module
  }

  /** Has the supervisor of this node start a child. */
  startHere(spec: ChildSpec): Promise<Term> {
    return this.#ask(tuple(START_CHILD, childSpecToTuple(spec)))
  }

  /** `:ok` or `{:error, :not_found}`. @throws RpcError when the child's node cannot be asked. */
  terminate(pid: Pid): Promise<Term> {
    if (pid.node !== this.#host.name) return this.#remote.terminate(pid)
    return this.#ask(tuple(TERMINATE_CHILD, pid))
  }

  /** Lets go of what belongs to others: a supervisor of this name runs on this node already. */
  abandon(): void {
    this.registry.stop()
    this.ends.stop()
    this.moves.stop()
    this.cluster.stop()
  }

  /** The process at the top has ended, in order or not. */
  gone(): void {
    if (!this.isStopping && !this.moves.isDrained) this.registry.withdrawAll()
    this.close()
  }

  // The parts of the tree.

  open(): Promise<void> {
    return this.cluster.start()
  }

  async startRegistry(self: Process): Promise<Pid> {
    this.#registryServer = await self.startLink(RegistryServer, this, { name: this.names.registry })
    this.cluster.declare(this.#registryServer, this.moves.isDraining ? [] : this.#modules.names())
    return this.#registryServer
  }

  startSupervisor(self: Process): Promise<Pid> {
    for (const spec of this.#known) this.#forget(spec)
    this.#known = new Set()
    this.#children = new Children()
    return self.startLink(ChildSupervisor, this.#supervisorSettings(), { name: this.names.dynamicSupervisor })
  }

  get isStopping(): boolean {
    return this.#host.runtime.isStopping
  }

  attachScope(): Pid {
    if (!this.registry.scope.isAlive) {
      const running = [...this.#children].filter(({ isRestarting }) => !isRestarting)
      const named = running.map(({ pid, spec }) => [childNameOf(spec, this.names.name), pid] as const)
      this.registry.reattach(
        named.flatMap(([child, pid]) => (child === undefined ? [] : [[child.name, pid] as const])),
      )
    }
    return this.registry.scope.pid
  }

  leave(reason: Term): void {
    // One that has drained says it last.
    if (!this.moves.isDrained) this.#sayGoodbye(reason)
  }

  #sayGoodbye(reason: Term): void {
    sayGoodbye(this.#host, this.names, this.cluster, this.#children, reason)
  }

  childrenEnded(): void {
    if (this.moves.isDrained) this.#sayGoodbye(DRAINED)
  }

  close(): void {
    this.abandon()
    this.registry.scope.stop()
    this.cluster.scope.stop()
  }

  // The desk of the registry server.

  state(): Term {
    const { name, scope } = this.names
    const { cacheChildren, cluster } = this.#options
    const children = new TermMap<Term, readonly [Pid, ChildSpec | undefined]>()
    if (cacheChildren) {
      for (const [child, pid] of this.registry.children()) {
        const isShown = pid.node !== this.#host.name || !this.registry.isPrivate(child)
        children.set(child, [pid, isShown ? this.registry.specOf(child) : undefined])
      }
    }
    return registryStateTerm({
      name,
      scope,
      nodes: cluster.nodes,
      ref: this.#ref,
      ring: this.cluster.ring,
      children: cacheChildren ? children : undefined,
    })
  }

  nodes(): readonly Atom[] {
    return this.cluster.ring.nodes
  }

  nodeFor(key: Term): Term {
    return this.cluster.nodeFor(key) ?? (tuple(ERROR, tuple(INVALID_RING, NO_NODES)) as Term)
  }

  keeps(question: KeepsQuestion): boolean {
    return this.registry.keeps(question)
  }

  addNodes(nodes: readonly Atom[]): void {
    this.cluster.addNodes(nodes)
  }

  handlePeer(message: PeerMessage): void {
    this.registry.handlePeer(message)
  }

  /** A start that was passed on, or a child that moves here. */
  async handleRequest(request: PeerRequest): Promise<Term> {
    try {
      const spec = parseChildSpec(request.spec, 0)
      const { module } = spec.start
      if (request.type === 'startChild') {
        return await (this.starter.passOn(spec, request.hops) ?? this.moves.takeOver(spec, undefined))
      }
      if (!this.#runsHere(module)) return tuple(ERROR, tuple(UNDEF, module)) as Term
      return await this.moves.arrive(spec, request.handoff)
    } catch (error) {
      return tuple(ERROR, error instanceof SupervisorError ? error.reason : exitReason(error)) as Term
    }
  }

  handleNodeDown(node: Atom): void {
    this.registry.handleNodeDown(node)
  }

  handleNodeTerminate(node: Atom, reason: Term, statuses: Term): void {
    this.#host.logger.debug(
      { supervisor: this.names.name.name, node: node.name },
      'a supervisor of another node ends',
    )
    this.#listeners.nodeTerminated(node, reason, statuses)
    // It handed over what it could; what is left is lost as if the node had died.
    if (termEquals(reason, DRAINED) && this.cluster.declared.has(node)) this.registry.handleDrained(node)
  }

  ignore(message: Term): void {
    const fields = { supervisor: this.names.name.name, message: brief(message) }
    this.#host.logger.debug(fields, 'the registry of a DistributedSupervisor ignores an unknown message')
  }

  #runsHere(module: Atom): boolean {
    return !this.moves.isDraining && this.#modules.classOf(module) !== undefined
  }

  #supervisorSettings(): ChildSupervisorSettings {
    const nameOf = (spec: ChildSpec): Term | undefined => childNameOf(spec, this.names.name)?.name
    return {
      ...this.#options.limits,
      name: this.names.dynamicSupervisor,
      maxChildren: Number.POSITIVE_INFINITY,
      children: this.#children,
      modules: (module) => this.#modules.classOf(module),
      plan: (spec) => this.#plan(spec),
      passOn: (spec) => this.starter.passOn(spec),
      isTaken: (spec) => {
        const named = childNameOf(spec, this.names.name)
        return named !== undefined && this.registry.isTaken(named.name)
      },
      isPrivate: (spec) => {
        const name = nameOf(spec)
        return name !== undefined && this.registry.isPrivate(name)
      },
      onChildStarted: (pid, spec) => this.#handleStarted(pid, spec, nameOf(spec)),
      onChildExited: (_pid, spec, _reason, restarts) => {
        if (restarts) return
        this.#known.delete(spec)
        this.#forget(spec)
      },
    }
  }

  #handleStarted(pid: Pid, spec: ChildSpec, name: Term | undefined): void {
    const isAgain = this.#known.has(spec) || (name !== undefined && this.registry.isRestoring(name))
    this.#known.add(spec)
    if (this.moves.isArriving(spec)) return
    publishChild(isAgain ? 'restarted' : 'started', this.names.name, name, pid)
  }

  #plan(spec: ChildSpec): ChildPlan {
    const { codec } = this.#host.runtime
    const args = initArgument(spec, this.moves.handoffOf(spec), (value) => asReceived(value, codec))
    const named = childNameOf(spec, this.names.name)
    if (named === undefined) {
      const name = ordinaryName(spec)
      return name === undefined ? { args } : { args, name }
    }
    const { name } = named
    return {
      args,
      name: {
        whereis: () => this.registry.whereis(name),
        register: (pid) => this.registry.register(name, spec, pid),
        unregister: (pid) => this.registry.unregister(name, spec, pid, this.#known.has(spec)),
      },
    }
  }

  #forget(spec: ChildSpec): void {
    // What did not find a new home is left to the other nodes.
    if (this.moves.isDrained) return
    const named = childNameOf(spec, this.names.name)
    if (named !== undefined) this.registry.forget(named.name, spec)
  }

  #ask(request: Encodable): Promise<Term> {
    return this.#host.runtime.call(this.names.dynamicSupervisor, request, UNTIL_DONE)
  }
}
