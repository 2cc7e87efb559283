/**
 * An Elixir node that runs the hex package `distributed_supervisor`, as far as others can tell: what its registry does
 * with joins, leaves and nodes, for better or worse, on a node in memory.
 *
 * - A start goes to the node that the ring names, whatever that can run, and is never passed on.
 * - Of two owners of a name that is an atom, the one that the ring does not name is terminated. When the ring names
 *   neither, or there are more than two, the registry crashes: it forgets how to start children again, and what it was
 *   told and had not seen to. When that happens four times within five seconds, the scope of `:pg` is started again, too,
 *   without the children of this node, which run on. Other names are left alone.
 * - A child that leaves together with its node is started again on the node that the ring without that node names for
 *   the supervisor itself, by every peer that knows it.
 *   One that cannot be reached does not start it; the package finds that out after seconds, here it is known at once.
 * - Its registry answers nobody while it asks another node; a cast that it does not know would crash it.
 */
import type { BeamNode } from '../../../src/beam-node.ts'
import { Atom, atom, inspect, Pid, type Term, TermMap, Tuple, tuple } from '../../../src/etf/index.ts'
import {
  ExitError,
  type From,
  GenServer,
  noreply,
  reply,
  type ServerClass,
} from '../../../src/runtime/index.ts'
import { childNameOf, initArgument } from '../../../src/supervisor/child-args.ts'
import type { ChildPlan } from '../../../src/supervisor/child-plan.ts'
import { type ChildSpec, childSpecToMap, parseChildSpec } from '../../../src/supervisor/child-spec.ts'
import { ChildSupervisor, type ChildSupervisorSettings } from '../../../src/supervisor/child-supervisor.ts'
import { Children } from '../../../src/supervisor/children.ts'
import type { GroupScope } from '../../../src/supervisor/host.ts'
import { exposeSupervisorFunctions, HashRing } from '../../../src/supervisor/index.ts'
import { supervisorNames } from '../../../src/supervisor/names.ts'
import { remoteSpecs } from '../../../src/supervisor/remote-specs.ts'

const NAMES = supervisorNames(atom('Elixir.DS'))
const DYNAMIC_SUPERVISOR = atom('Elixir.DynamicSupervisor')
const ALREADY_STARTED = atom('already_started')
/** How often the registry may crash within so many milliseconds: what a supervisor allows by default. */
const MOST_CRASHES = 3
const CRASHES_MS = 5_000
const INFINITY = { timeout: 'infinity' } as const

interface Known {
  readonly pid: Pid
  readonly spec: ChildSpec | undefined
}

/** What it does at its own expense. */
export interface HexPeerEvents {
  /** The supervisor of its children restarted too many times and ended, and these with it. */
  onGaveUp(names: readonly Term[]): void
  /** The scope of its names started again without these, which run on. */
  onForgot(names: readonly Term[]): void
  /** It starts a child whose node is gone, also one that ended for good before that, when it was slow to hear of it. */
  onTakesUp(name: Term): void
  /** It ends one of two owners of a name before it has seen to the nodes that came or went. */
  onEndedLate(name: Term): void
}

const NOBODY_LISTENS: HexPeerEvents = {
  onGaveUp: () => {},
  onForgot: () => {},
  onTakesUp: () => {},
  onEndedLate: () => {},
}

export class HexPeer {
  readonly node: BeamNode
  /** What the registry got and does not understand: the package would have crashed. */
  readonly strangeMessages: string[] = []
  readonly #events: HexPeerEvents
  #scope: GroupScope
  #unsubscribe = (): void => {}
  readonly #classes: ReadonlyMap<Atom, ServerClass>
  #supervised = new Children()
  #ring = new HashRing()
  #known = new TermMap<Term, Known>()
  #isStopped = false
  readonly #nameless = new Set<string>()
  /** Children that ended for good, and when. */
  #ended: (readonly [at: number, name: Term])[] = []
  /** Of now: it crashes at times. */
  #registry: Pid | undefined
  #crashes: number[] = []

  private constructor(node: BeamNode, modules: Readonly<Record<string, ServerClass>>, events: HexPeerEvents) {
    this.node = node
    this.#events = events
    this.#scope = node.pg(NAMES.scope)
    this.#classes = new Map(Object.entries(modules).map(([name, server]) => [atom(`Elixir.${name}`), server]))
  }

  static async start(
    node: BeamNode,
    modules: Readonly<Record<string, ServerClass>>,
    events: HexPeerEvents = NOBODY_LISTENS,
  ): Promise<HexPeer> {
    const peer = new HexPeer(node, modules, events)
    await peer.#superviseRegistry()
    peer.#followScope()
    node.onNodeUp((name) => peer.#tellRegistry(tuple(atom('nodeup'), name) as Term))
    node.onNodeDown((name) => peer.#tellRegistry(tuple(atom('nodedown'), name) as Term))
    await peer.#superviseChildren()
    exposeSupervisorFunctions(node.rpc, node.runtime)
    node.rpc.expose('pg', { get_members: (_scope, name) => peer.#scope.members(name as Term) })
    return peer
  }

  /** `DistributedSupervisor.start_child/2,3`; what it returns. */
  start(name: Term, spec: ChildSpec, node?: Atom): Promise<Term> {
    return this.#startOn(node ?? this.nodeFor(name), spec)
  }

  /** `DistributedSupervisor.terminate_child/2` */
  terminate(pid: Pid): Promise<Term> {
    return this.#call(pid.node, 'terminate_child', pid)
  }

  /** `DistributedSupervisor.whereis/2`, without asking whether it lives. */
  whereis(name: Term): Pid | undefined {
    const [pid, ...others] = this.#scope.members(name)
    return others.length === 0 ? pid : undefined
  }

  /** Name and member of every group with one member. */
  children(): TermMap<Term, Pid> {
    const children = new TermMap<Term, Pid>()
    for (const name of this.#scope.groups()) {
      const pid = this.whereis(name)
      if (pid !== undefined) children.set(name, pid)
    }
    return children
  }

  localChildren(): Pid[] {
    return [...this.#supervised].filter(({ isRestarting }) => !isRestarting).map(({ pid }) => pid)
  }

  /** Whether a child runs that no registry knows any more. */
  isNameless(pid: Pid): boolean {
    return this.#nameless.has(pid.key)
  }

  nodeFor(key: Term): Atom {
    return this.#ring.nodeFor(key) as Atom
  }

  /** The application ends: its children first, then the rest. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.node.runtime.stopServer(NAMES.dynamicSupervisor, atom('shutdown'))
  }

  // What the registry does.

  get nodes(): readonly Atom[] {
    return this.#ring.nodes
  }

  addNode(node: Atom): void {
    this.#ring.add(node)
  }

  removeNode(node: Atom): void {
    this.#ring.remove(node)
  }

  async joined(name: Term): Promise<void> {
    // As `:pg` has them, the newest first.
    const members = this.#scope.members(name).reverse()
    let winner = members[0]
    if (name instanceof Atom && members.length > 1) {
      const owner = this.#ring.nodeFor(name)
      winner = members.find(({ node }) => node === owner)
      if (winner === undefined || members.length > 2)
        throw new Error('no function clause matching in fix_group/4')
      const loser = members.find((pid) => pid !== winner)!
      if (this.#isLate) this.#events.onEndedLate(name)
      await this.terminate(loser).catch(() => {})
    }
    if (winner !== undefined) this.#known.set(name, { pid: winner, spec: await this.#specOf(winner) })
  }

  async left(name: Term, pid: Pid): Promise<void> {
    const known = this.#known.get(name)
    if (known === undefined || !known.pid.equals(pid)) return
    this.#known.delete(name)
    if (this.#isStopped || this.#isConnected(pid.node) || known.spec === undefined) return
    const heir = this.#ring.nodesFor(NAMES.name).find((node) => node !== pid.node)
    if (heir === undefined || !this.#isConnected(heir)) return
    this.#events.onTakesUp(name)
    await this.#startOn(heir, known.spec).catch(() => {})
  }

  #followScope(): void {
    this.#unsubscribe = this.#scope.onChange(({ type, group, pids }) =>
      this.#tellRegistry(tuple(atom(type), group, [...pids]) as Term),
    )
  }

  #tellRegistry(message: Term): void {
    if (this.#registry !== undefined) this.node.runtime.send(this.#registry, message)
  }

  /** The supervisor of the registry gives up as well, and takes the scope along: the children run on without a name. */
  #restartScope(): void {
    this.#crashes = []
    this.#unsubscribe()
    this.#scope.stop()
    for (const { pid } of this.#supervised) this.#nameless.add(pid.key)
    const named = [...this.#supervised].map(({ spec }) => childNameOf(spec, NAMES.name))
    this.#events.onForgot(named.flatMap((child) => (child === undefined ? [] : [child.name])))
    this.#scope = this.node.pg(NAMES.scope)
    this.#followScope()
  }

  stateTerm(): Term {
    const rows = new TermMap<Term, Term>()
    for (const [name, { pid, spec }] of this.#known) {
      rows.set(name, tuple(pid, spec === undefined ? null : childSpecToMap(spec)) as Term)
    }
    return new Map<Term, Term>([[atom('children'), rows]])
  }

  /** The ring is made of who is there, and of the children nothing is known, also after a crash. */
  reset(): void {
    this.#known = new TermMap()
    this.#ring = new HashRing([this.node.name, ...this.node.nodes()])
  }

  /** Started again after a crash; what had come for the one before is lost. */
  async #superviseRegistry(): Promise<void> {
    const { runtime } = this.node
    const pid = await runtime.start(PeerRegistry, this, { name: NAMES.registry })
    this.#registry = pid
    this.node.monitor(pid, () => {
      this.#registry = undefined
      if (this.#isStopped || runtime.isStopping) return
      const now = this.node.clock.now()
      this.#crashes = [...this.#crashes, now].filter((at) => now - at < CRASHES_MS)
      if (this.#crashes.length > MOST_CRASHES) this.#restartScope()
      void this.#superviseRegistry().catch(() => {})
    })
  }

  /** Whether messages about nodes wait behind others: each child that joins is asked for at its node, one after the other. */
  get #isLate(): boolean {
    const there = [this.node.name, ...this.node.nodes('all')]
    return there.length !== this.#ring.nodes.length || there.some((node) => !this.#ring.has(node))
  }

  #isConnected(node: Atom): boolean {
    return node === this.node.name || this.node.nodes('all').includes(node)
  }

  async #specOf(pid: Pid): Promise<ChildSpec | undefined> {
    if (pid.node !== this.node.name) return (await remoteSpecs(this.node.rpc, pid.node, NAMES.name)).get(pid)
    const spec = this.#supervised.get(pid)?.spec
    // Of these the arguments are not kept.
    return spec?.restart === 'temporary' ? undefined : spec
  }

  #startOn(node: Atom, spec: ChildSpec): Promise<Term> {
    return this.#call(node, 'start_child', childSpecToMap(spec))
  }

  #call(node: Atom, fun: string, argument: Term): Promise<Term> {
    const args = [NAMES.dynamicSupervisor, argument]
    return this.node.rpc.blockCall(node, DYNAMIC_SUPERVISOR, fun, args, INFINITY)
  }

  /** As a child of a supervisor would be, started again when it ends. */
  async #superviseChildren(): Promise<void> {
    this.#supervised = new Children()
    const { runtime } = this.node
    const pid = await runtime.start(ChildSupervisor, this.#settings(), { name: NAMES.dynamicSupervisor })
    this.node.monitor(pid, () => {
      if (this.#isStopped || runtime.isStopping) return
      const now = this.node.clock.now()
      this.#events.onGaveUp(this.#ended.filter(([at]) => at === now).map(([, name]) => name))
      void this.#superviseChildren().catch(() => {})
    })
  }

  #settings(): ChildSupervisorSettings {
    return {
      maxRestarts: 100,
      maxSeconds: 1,
      name: NAMES.dynamicSupervisor,
      maxChildren: Number.POSITIVE_INFINITY,
      children: this.#supervised,
      modules: (module) => this.#classes.get(module),
      plan: (spec) => this.#plan(spec),
      passOn: () => undefined,
      isTaken: () => false,
      isPrivate: () => false,
      onChildStarted: undefined,
      onChildExited: (_pid, spec, _reason, restarts) => {
        const now = this.node.clock.now()
        this.#ended = this.#ended.filter(([at]) => at === now)
        const named = childNameOf(spec, NAMES.name)
        if (!restarts && named !== undefined) this.#ended.push([now, named.name])
      },
    }
  }

  #plan(spec: ChildSpec): ChildPlan {
    const args = initArgument(spec)
    const named = childNameOf(spec, NAMES.name)
    if (named === undefined) return { args }
    const members = this.#scope.members(named.name)
    const [pid] = members
    // What `whereis_name` answers in these cases is taken for the owner.
    if (members.length > 1) throw new ExitError(tuple(ALREADY_STARTED, atom('unsupported')) as Term)
    if (pid?.node === this.node.name && !this.node.runtime.isAlive(pid))
      throw new ExitError(tuple(ALREADY_STARTED, atom('restarting')) as Term)
    return { args, name: this.#viaName(named.name) }
  }

  #viaName(name: Term) {
    return {
      whereis: () => this.#scope.members(name)[0],
      register: (pid: Pid) => {
        if (this.#scope.members(name).length > 0) return false
        this.#scope.join(name, pid)
        return true
      },
      unregister: (pid: Pid) => void this.#scope.leave(name, pid),
    }
  }
}

/** `{name, {:ok, pid} | ...}` */
export function specFor(name: Term, module: string, options: Readonly<Record<string, Term>>): ChildSpec {
  const via = tuple(atom('via'), atom('Elixir.DistributedSupervisor.Registry'), tuple(NAMES.name, name))
  const { restart = 'permanent', ...rest } = options
  const keyword = [
    tuple(atom('name'), via),
    ...Object.entries(rest).map(([key, value]) => tuple(atom(key), value)),
  ]
  return parseChildSpec(
    new Map<Term, Term>([
      [atom('id'), name],
      [atom('start'), tuple(atom(`Elixir.${module}`), atom('start_link'), [keyword as Term]) as Term],
      [atom('restart'), atom(String(restart))],
    ]),
  )
}

class PeerRegistry extends GenServer<HexPeer> {
  override init(peer: HexPeer): HexPeer {
    peer.reset()
    return peer
  }

  override handleCall(request: Term, _from: From, peer: HexPeer) {
    if (request === atom('state')) return reply(peer.stateTerm(), peer)
    if (request === atom('nodes')) return reply([...peer.nodes], peer)
    if (request instanceof Tuple && request[0] === atom('node_for')) {
      return reply(peer.nodeFor(request[1] as Term), peer)
    }
    peer.strangeMessages.push(`call ${inspect(request)}`)
    return noreply(peer)
  }

  override handleCast(request: Term, peer: HexPeer) {
    const isKnown = request instanceof Tuple && request[0] === atom('add_nodes')
    if (!isKnown) peer.strangeMessages.push(`cast ${inspect(request)}`)
    return noreply(peer)
  }

  override async handleInfo(message: Term, peer: HexPeer) {
    const [tag, subject, pids] = message instanceof Tuple ? [...(message as Tuple<Term[]>)] : []
    if (tag === atom('nodeup')) peer.addNode(subject as Atom)
    else if (tag === atom('nodedown')) peer.removeNode(subject as Atom)
    else if (tag === atom('join') || tag === atom('leave')) {
      const [pid, ...more] = pids as Pid[]
      // The package looks at one at a time only.
      if (pid instanceof Pid && more.length === 0) {
        if (tag === atom('join')) await peer.joined(subject as Term)
        else await peer.left(subject as Term, pid)
      }
    } else if (tag !== atom('node_terminate')) peer.strangeMessages.push(`message ${inspect(message)}`)
    return noreply(peer)
  }
}
