/**
 * Who has which name in the whole cluster, as this node sees it: the scope `n.Scope`, where a child is the one member of
 * the group of its name. Registers the children of this node, tells the other TypeScript nodes how to start them again,
 * settles names with two owners, and restarts the children of nodes that are gone (design.md, sections 5 and 6).
 */
import {
  type Atom,
  EncodeError,
  encode,
  inspect,
  type Pid,
  type Term,
  TermMap,
  TermSet,
} from '../etf/index.ts'
import type { ChildActions } from './child-actions.ts'
import { type ChildSpec, childSpecToMap } from './child-spec.ts'
import type { Cluster } from './cluster.ts'
import type { GroupScope, ScopeEvent, SupervisorHost } from './host.ts'
import type { Listeners } from './listeners.ts'
import { LostChildren } from './lost-children.ts'
import { nameArrival } from './name-arrival.ts'
import { NameConflicts } from './name-conflicts.ts'
import type { SupervisorNames } from './names.ts'
import { encodeChildren, encodeGone, type KeepsQuestion, type PeerMessage } from './peer-messages.ts'
import { winner } from './placement.ts'
import { remoteSpecs } from './remote-specs.ts'
import { SpecStore } from './spec-store.ts'
import { SpecWatch } from './spec-watch.ts'

/** Children told in one message to a node that comes into sight. */
const BATCH = 1_000

export class ChildRegistry {
  readonly #host: SupervisorHost
  readonly #names: SupervisorNames
  readonly #cluster: Cluster
  readonly #listeners: Listeners
  /** Whether children of other nodes are started again here. */
  readonly #caches: boolean
  readonly #specs = new SpecStore()
  readonly #lost: LostChildren
  readonly #watch: SpecWatch
  readonly #conflicts: NameConflicts
  /** Children whose options cannot leave this node. */
  readonly #private = new TermSet<Term>()
  /** Nodes that have handed over their children; what still ran there when they left is lost. */
  readonly #drained = new Set<Atom>()
  /** Names by the key of the pid. */
  readonly #namesOf = new Map<string, Term>()
  #scope: GroupScope
  #unsubscribe: () => void
  #stopped = false

  constructor(
    host: SupervisorHost,
    names: SupervisorNames,
    cluster: Cluster,
    listeners: Listeners,
    actions: ChildActions,
    caches: boolean,
  ) {
    this.#host = host
    this.#names = names
    this.#cluster = cluster
    this.#listeners = listeners
    this.#caches = caches
    this.#lost = new LostChildren(host, names.name, cluster, actions, {
      livesElsewhere: (name) => this.#livesElsewhere(name),
      withdraw: (name) => this.#withdraw(name),
    })
    this.#watch = new SpecWatch({
      clock: host.clock,
      ask: (node) => remoteSpecs(host.rpc, node, names.name),
      learned: (node, pid, spec) => {
        const name = this.#namesOf.get(pid.key)
        if (name !== undefined && pid.node === node) this.#specs.set(node, name, spec)
      },
    })
    this.#conflicts = new NameConflicts(host, names.name, cluster, actions, (name) => this.#owners(name))
    this.#scope = host.pg(names.scope)
    this.#unsubscribe = this.#scope.onChange((event) => this.#handleEvent(event))
  }

  get scope(): GroupScope {
    return this.#scope
  }

  /** The process of a name; of several, the one that will stay. */
  whereis(name: Term): Pid | undefined {
    return winner(this.#cluster, name, this.#owners(name))
  }

  /** The name of a process, if it is a child. */
  whois(pid: Pid): Term | undefined {
    return this.#isRunning(pid) ? this.#namesOf.get(pid.key) : undefined
  }

  /** Name and process of every child. */
  children(): TermMap<Term, Pid> {
    const children = new TermMap<Term, Pid>()
    for (const name of this.#scope.groups()) {
      const pid = this.whereis(name)
      if (pid !== undefined) children.set(name, pid)
    }
    return children
  }

  /** How a child was started; undefined when only its own node knows. */
  specOf(name: Term): ChildSpec | undefined {
    const pid = this.whereis(name)
    return pid && this.#specs.get(pid.node, name)
  }

  /** Whether the options of a child of this node cannot leave it. */
  isPrivate(name: Term): boolean {
    return this.#private.has(name)
  }

  /** The node on which a lost child starts again, if not here. */
  homeOfLost(name: Term): Atom | undefined {
    const home = this.#lost.home(name)
    return home === this.#host.name ? undefined : home
  }

  /** Whether a lost child is being started again. */
  isRestoring(name: Term): boolean {
    return this.#lost.isRestoring(name)
  }

  /** Whether a child of this node stays, of several owners of its name. */
  keeps({ name, kept, others }: KeepsQuestion): boolean {
    const isHere = kept.node === this.#host.name && this.#isRunning(kept)
    return isHere && winner(this.#cluster, name, [kept, ...others]) === kept
  }

  /** Whether somebody else's process has the name. */
  isTaken(name: Term): boolean {
    return this.#owners(name).length > 0
  }

  /** Takes a name for a child of this node; false when another process has it. */
  register(name: Term, spec: ChildSpec, pid: Pid): boolean {
    if (this.#stopped || this.isTaken(name)) return false
    this.#specs.set(this.#host.name, name, spec)
    // Before the name itself, so that whoever sees the child can start it again.
    this.#announce(name, spec)
    return this.join(name, pid)
  }

  /** Takes a name for a process of this node that nobody supervises; false when another process has it. */
  join(name: Term, pid: Pid): boolean {
    if (this.#stopped || !this.#scope.isAlive || this.isTaken(name)) return false
    // Whoever noticed the end of the one before was faster than the scope.
    for (const old of this.#scope.members(name)) this.#scope.leave(name, old)
    this.#scope.join(name, pid)
    return true
  }

  leave(name: Term, pid: Pid): void {
    if (this.#scope.isAlive) this.#scope.leave(name, pid)
  }

  /** Resolves when the child that was just started on another node can be found here. */
  arrival(name: Term, pid: Pid): Promise<void> {
    return nameArrival(this.#scope, this.#host.clock, name, pid)
  }

  /** A node that tells nothing of its children has started this one for us. */
  startedElsewhere(name: Term, pid: Pid, spec: ChildSpec): void {
    // It may have ended already; then nobody is to bring it back.
    const runs = this.#scope.members(name).some((member) => member.equals(pid))
    if (runs && this.#isStranger(pid.node)) this.#specs.set(pid.node, name, spec)
  }

  /** Leaves and joins at once, for nodes that look at who comes and not at who is there. Nobody here is told. */
  rejoin(name: Term, pid: Pid): void {
    if (this.#stopped || !this.#scope.isAlive) return
    this.#unsubscribe()
    this.#scope.leave(name, pid)
    this.#scope.join(name, pid)
    this.#unsubscribe = this.#scope.onChange((event) => this.#handleEvent(event))
  }

  /** The start failed after all; a restart, by its supervisor (`isTriedAgain`) or by us, is not over with that. */
  unregister(name: Term, spec: ChildSpec, pid: Pid, isTriedAgain: boolean): void {
    this.leave(name, pid)
    if (!isTriedAgain && !this.#lost.isRestoring(name)) this.forget(name, spec)
  }

  /** A child of this node ended for good. Another one may have its name by now, with a specification of its own. */
  forget(name: Term, spec: ChildSpec): void {
    if (this.#specs.get(this.#host.name, name) !== spec) return
    this.#lost.settled(name)
    this.#withdraw(name)
  }

  /** The scope process ended and runs again, empty: the children of this node join anew. */
  reattach(children: Iterable<readonly [Term, Pid]>): void {
    this.#unsubscribe()
    this.#namesOf.clear()
    this.#scope = this.#host.pg(this.#names.scope)
    this.#unsubscribe = this.#scope.onChange((event) => this.#handleEvent(event))
    for (const [name, pid] of children) this.#scope.join(name, pid)
  }

  /** A TypeScript node came into sight: it learns what runs here. */
  handleDeclared(node: Atom): void {
    if (node === this.#host.name) return
    this.#drained.delete(node)
    this.#lost.appeared(node)
    const children = this.#specs.ownedBy(this.#host.name).filter(([name]) => !this.#private.has(name))
    for (let i = 0; i < children.length; i += BATCH) {
      this.#tell(node, encodeChildren(this.#host.name, children.slice(i, i + BATCH)))
    }
  }

  handlePeer(message: PeerMessage): void {
    if (!this.#caches) return
    if (message.type === 'gone') {
      this.#specs.delete(message.node, message.name)
      const isWanted = this.#lost.isRestoring(message.name) || this.#hasSpecElsewhere(message.name)
      if (!isWanted) this.#lost.settled(message.name)
    } else {
      for (const [name, spec] of message.children) this.#specs.set(message.node, name, spec)
    }
  }

  /** A node is gone. What it announced and never joined, or was just restarting, is lost with it. */
  handleNodeDown(node: Atom): void {
    this.#watch.forget(node)
    for (const [name] of this.#specs.ownedBy(node)) {
      const owners = this.#owners(name)
      if (owners.length === 0) this.#lose(name, node)
      // Somebody else's by now: a copy that is kept would bring it back some day.
      else if (owners.every((pid) => pid.node !== node)) this.#specs.delete(node, name)
    }
  }

  /** A child of this node could not be moved, nor started again here at once. */
  handleLost(name: Term): void {
    if (this.#owners(name).length === 0) this.#lose(name, this.#host.name)
  }

  /** A node has handed over its children and goes. What nobody has taken is lost, now or when it ends there. */
  handleDrained(node: Atom): void {
    this.#drained.add(node)
    this.handleNodeDown(node)
  }

  /** Places may have changed: lost children may have another home. */
  handleClusterChange(): void {
    this.#lost.reconsider()
  }

  /** The children of this node are gone, and so is whoever would have told so of each. */
  withdrawAll(): void {
    for (const [name] of this.#specs.ownedBy(this.#host.name)) this.#withdraw(name)
  }

  stop(): void {
    this.#stopped = true
    this.#unsubscribe()
    this.#lost.stop()
    this.#watch.stop()
    this.#conflicts.stop()
  }

  #peers(): Atom[] {
    return [...this.#cluster.declared].filter((node) => node !== this.#host.name)
  }

  /**
   * Without the dead of this node, which the scope has yet to notice, and without the same process twice, which happens
   * while a scope process is replaced by a new one.
   */
  #owners(name: Term): Pid[] {
    const members = this.#scope.members(name).filter((pid) => this.#isRunning(pid))
    if (members.length < 2) return members
    return [...new Map(members.map((pid) => [pid.key, pid])).values()]
  }

  /** As far as this node can tell without asking. */
  #isRunning(pid: Pid): boolean {
    return pid.node !== this.#host.name || this.#host.runtime.isAlive(pid)
  }

  #hasSpecElsewhere(name: Term): boolean {
    return this.#peers().some((node) => this.#specs.get(node, name) !== undefined)
  }

  /** Nobody is to start a child of this node again. */
  #withdraw(name: Term): void {
    if (this.#specs.take(this.#host.name, name) === undefined) return
    this.#private.delete(name)
    for (const node of this.#peers()) this.#tell(node, encodeGone(this.#host.name, name))
  }

  #announce(name: Term, spec: ChildSpec): void {
    this.#private.delete(name)
    if (!isSendable(spec)) {
      this.#private.add(name)
      const fields = {
        supervisor: this.#names.name.name,
        child: inspect(name),
        module: spec.start.module.name,
      }
      this.#host.logger.warn(
        fields,
        'a child has options that are no terms: no other node can start it again',
      )
      return
    }
    const message = encodeChildren(this.#host.name, [[name, spec]])
    for (const node of this.#peers()) this.#tell(node, message)
  }

  #tell(node: Atom, message: Term): void {
    this.#host.runtime.cast([this.#names.registry, node], message)
  }

  #handleEvent({ type, group, pids, nodeDown = false }: ScopeEvent): void {
    for (const pid of pids) {
      if (type === 'join') this.#namesOf.set(pid.key, group)
      else if (!this.#scope.members(group).some((left) => left.equals(pid))) this.#namesOf.delete(pid.key)
      if (this.#isStranger(pid.node)) this.#handleStranger(type, group, pid.node, nodeDown)
      if (pid.node === this.#host.name) {
        if (type === 'join') this.#listeners.processStarted(group, pid)
        else this.#listeners.processStopped(group, pid)
      }
      if (type === 'leave' && (nodeDown || this.#drained.has(pid.node)))
        this.#handleLostOwner(group, pid.node)
    }
    if (type === 'leave') return
    if (!this.#lost.isRestoring(group)) this.#settle(group, this.#livesElsewhere(group))
    if (this.#owners(group).length > 1) this.#conflicts.found(group)
  }

  /** A node that does not tell how its children are started. */
  #isStranger(node: Atom): boolean {
    return this.#caches && node !== this.#host.name && !this.#cluster.declared.has(node)
  }

  #handleStranger(type: 'join' | 'leave', name: Term, node: Atom, isDown: boolean): void {
    if (type === 'join') this.#watch.appeared(node)
    // As the hex package: one that is restarted is told of anew.
    else if (!isDown && !this.#drained.has(node)) this.#specs.delete(node, name)
  }

  #handleLostOwner(name: Term, node: Atom): void {
    if (this.#owners(name).length === 0) this.#lose(name, node)
    else this.#specs.delete(node, name)
  }

  #livesElsewhere(name: Term): boolean {
    const owners = this.#owners(name)
    return owners.length > 0 && owners.every((pid) => pid.node !== this.#host.name)
  }

  /** A lost child is lost no more. What was announced of attempts here holds only for a child of this node. */
  #settle(name: Term, isElsewhere: boolean): void {
    if (!this.#lost.has(name)) return
    this.#lost.settled(name)
    if (isElsewhere) this.#withdraw(name)
  }

  #lose(name: Term, node: Atom): void {
    const spec = this.#specs.take(node, name)
    if (this.#stopped || spec === undefined || spec.restart === 'temporary') return
    this.#lost.add(name, node, spec)
  }
}

function isSendable(spec: ChildSpec): boolean {
  try {
    encode(childSpecToMap(spec))
    return true
  } catch (error) {
    if (error instanceof EncodeError) return false
    throw error
  }
}
