/**
 * One supervisor over many nodes, TypeScript and Elixir: the hex package `distributed_supervisor` for this side
 * (design.md, sections 3 and 5). Children have names of any kind that are the same everywhere; they are placed by a ring
 * and restarted on other nodes when theirs is gone.
 *
 * Registered processes: `n`, `n.Registry`, `n.DynamicSupervisor`; scopes of `:pg`: `n.Scope`, `n.Modules`.
 */
import { distributedCallChannel, distributedLookupChannel } from '../core/diagnostics.ts'
import { type Atom, alias, atom, type Encodable, Pid, type Term, TermMap, Tuple } from '../etf/index.ts'
import { CallError, type CallOptions, InitError, type TypedRequest } from '../runtime/index.ts'
import { type DistributedChild, toNamedChild } from './child-args.ts'
import type { ChildSpec, ChildSpecInput, ChildSpecOptions } from './child-spec.ts'
import type { DistributedNode } from './distributed-node.ts'
import { type DistributedSupervisorOptions, resolveSupervisorOptions } from './distributed-options.ts'
import { DistributedTree, partsOf } from './distributed-tree.ts'
import {
  type DrainOptions,
  type DrainResult,
  type ResolvedDrainOptions,
  resolveDrainOptions,
} from './drain.ts'
import { SupervisorError } from './errors.ts'
import type { SupervisorHost } from './host.ts'
import { type ChildVia, childVia, toModuleName } from './names.ts'
import { remoteSpecs } from './remote-specs.ts'

/** A child that was started, and the name it goes by. */
export interface StartedChild {
  readonly pid: Pid
  readonly name: Term
}

/** A running child and how it was started, as far as that is known here. */
export interface ChildDetails {
  readonly pid: Pid
  readonly spec: ChildSpec | undefined
}

const ALREADY_STARTED = atom('already_started')
const ERROR = atom('error')
const IGNORE = atom('ignore')
const MODULE = alias('DistributedSupervisor')
const OK = atom('ok')
const SHUTDOWN = atom('shutdown')
const UNDEF = atom('undef')

/**
 * The part of a distributed supervisor that runs on this node, and the view from it on the whole. Mirrors the module
 * `DistributedSupervisor` of the hex package.
 *
 * @example
 * const ds = await DistributedSupervisor.startLink(node, { name: 'DS', modules: { MyGenServer: Counter } })
 * const { name } = await ds.startChild([Counter, { name: alias('MGS'), start: 5 }])
 * await ds.call(name, atom('get')) // 5
 * // iex> GenServer.call({:via, DistributedSupervisor.Registry, {DS, MGS}}, :get)
 */
export class DistributedSupervisor {
  /** `:"Elixir.DS"` for the option `'DS'`. */
  readonly name: Atom
  readonly #host: SupervisorHost
  #drained: Promise<DrainResult> | undefined
  #stopped: Promise<void> | undefined

  private constructor(host: SupervisorHost, name: Atom) {
    this.#host = host
    this.name = name
  }

  /** What runs now: its supervisor may have started it again. */
  get #node(): DistributedNode {
    const node = partsOf(this.#host, this.name)
    if (node !== undefined) return node
    throw new SupervisorError('ERR_SUPERVISOR_NOT_RUNNING', 'it was not started on this node', this.name)
  }

  /**
   * Starts the supervisor on this node, in the ring with those of the same name on other nodes. Ends with the node.
   *
   * @param node a `BeamNode`
   * @throws OptionError; SupervisorError `ERR_SUPERVISOR_ALREADY_STARTED` when this node has one of that name.
   */
  static async startLink(
    node: SupervisorHost,
    options: DistributedSupervisorOptions,
  ): Promise<DistributedSupervisor> {
    const resolved = resolveSupervisorOptions(options)
    const { runtime } = node
    const given = { host: node, options: resolved }
    try {
      await runtime.start(DistributedTree, given, { name: resolved.name, link: runtime.client.pid })
    } catch (error) {
      throw startError(error, resolved.name)
    }
    return new DistributedSupervisor(node, resolved.name)
  }

  /**
   * A DistributedSupervisor as a child of a `Supervisor` of the same node; use it through `at`. It ends before what was
   * started before it, with all the time its children need, and is started again after a crash.
   *
   * @param node the `BeamNode` on which the supervisor runs
   * @param spec `id` when there is more than one; `shutdown` is `infinity` unless given
   * @throws OptionError
   * @example
   * await Supervisor.startLink(node, [DistributedSupervisor.childSpec(node, { name: 'DS', modules: { Counter } })])
   * await DistributedSupervisor.at(node, 'DS').startChild([Counter, { name: 'c' }])
   */
  static childSpec(
    node: SupervisorHost,
    options: DistributedSupervisorOptions,
    spec: Omit<ChildSpecOptions, 'name' | 'type'> = {},
  ): ChildSpecInput {
    const resolved = resolveSupervisorOptions(options)
    const start = [DistributedTree, { host: node, options: resolved }] as const
    const more = { type: 'supervisor', name: resolved.name, start } as const
    return { id: MODULE, modules: [MODULE], ...spec, ...more }
  }

  /**
   * The handle of a supervisor that runs on this node, or will: its methods throw SupervisorError
   * `ERR_SUPERVISOR_NOT_RUNNING` until it does. After a restart it means the new one.
   *
   * @param name as in the options
   */
  static at(node: SupervisorHost, name: Atom | string): DistributedSupervisor {
    return new DistributedSupervisor(node, toModuleName(name))
  }

  /**
   * Starts a child: on `node`, or else on the first node along the ring that can run its module, passing over nodes that
   * cannot or have no such supervisor.
   *
   * The options besides `name`, `restart`, `shutdown`, `type` and `modules` are the argument of `init`. Without a name it
   * gets a fresh reference as one.
   *
   * @throws SupervisorError `ERR_SUPERVISOR_ALREADY_STARTED` with the pid as `reason`; `ERR_SUPERVISOR_UNDEF`, no node
   * runs the module; `ERR_SUPERVISOR_START_FAILED` with the reason; `ERR_SUPERVISOR_CHILD_IGNORED`;
   * `ERR_SUPERVISOR_BAD_SPEC`. EncodeError when it is for another node and its options are no terms.
   * @example
   * await ds.startChild([Counter, { name: alias('MGS'), start: 5 }])
   * await ds.startChild(['MyApp.Worker', { name: 'w1', restart: 'transient' }], 'n1@127.0.0.1')
   */
  async startChild(child: DistributedChild, node?: Atom | string): Promise<StartedChild> {
    const named = toNamedChild(child, {
      supervisor: this.name,
      moduleOf: (server) => this.#node.moduleOf(server),
      freshName: () => this.#host.runtime.makeRef(),
    })
    const target = typeof node === 'string' ? atom(node) : node
    const answer = await this.#node.starter.start(named, target)
    return { pid: startedPid(answer), name: named.name }
  }

  /**
   * Ends a child for good, wherever it runs, as its `shutdown` says.
   *
   * @throws SupervisorError `ERR_SUPERVISOR_NOT_FOUND` when it is no child; RpcError when its node cannot be asked.
   */
  async terminateChild(pid: Pid | undefined): Promise<void> {
    const answer = pid === undefined ? ERROR : await this.#node.terminate(pid)
    if (answer !== OK) throw new SupervisorError('ERR_SUPERVISOR_NOT_FOUND', 'no such child', pid ?? null)
  }

  /** Every child of the whole supervisor: name and pid. */
  async children(): Promise<TermMap<Term, Pid>> {
    return this.#node.registry.children()
  }

  /** As `children`, with how each was started; the Elixir nodes are asked for that. */
  async childSpecs(): Promise<TermMap<Term, ChildDetails>> {
    const { registry, cluster } = this.#node
    const children = registry.children()
    const strangers = new Set([...children.values()].map(({ node }) => node))
    for (const node of cluster.declared) strangers.delete(node)
    const answers = await Promise.all(
      [...strangers].map((node) => remoteSpecs(this.#host.rpc, node, this.name)),
    )
    const details = new TermMap<Term, ChildDetails>()
    for (const [name, pid] of children) {
      const told = answers.find((specs) => specs.has(pid))
      details.set(name, { pid, spec: registry.specOf(name) ?? told?.get(pid) })
    }
    return details
  }

  /** The children that run on this node. */
  localChildren(): Pid[] {
    return [...this.#node.localChildren()]
  }

  /** The process of a name, or undefined. */
  async whereis(name: Encodable): Promise<Pid | undefined> {
    return this.#whereis(this.#node, name as Term)
  }

  /** The name of a process, or undefined when it is no child. */
  async whois(pid: Pid): Promise<Term | undefined> {
    return this.#node.registry.whois(pid)
  }

  /**
   * As `GenServer.call/3` to the child of that name.
   *
   * @param options `timeout` in ms (5000) or `'infinity'`, `signal`
   * @throws CallError with code `noproc` when there is no such child, `timeout`, `nodedown` or `exit`.
   */
  call<R>(name: Encodable, request: TypedRequest<R>, options?: CallOptions): Promise<R>
  call(name: Encodable, request: Encodable, options?: CallOptions): Promise<Term>
  call(name: Encodable, request: Encodable, options?: CallOptions): Promise<Term> {
    const { runtime } = this.#host
    const called = runtime.call(this.viaName(name), request, options)
    if (distributedCallChannel.hasSubscribers) this.#follow(name as Term, called)
    return called
  }

  /** As `GenServer.cast/2`: to nobody, it goes nowhere. */
  cast(name: Encodable, request: Encodable): void {
    this.#host.runtime.cast(this.viaName(name), request)
  }

  /** Sends a plain message. @returns whether there is such a child. */
  send(name: Encodable, message: Encodable): boolean {
    const pid = this.#whereis(this.#node, name as Term)
    if (pid === undefined) return false
    this.#host.runtime.send(pid, message)
    return true
  }

  /**
   * The name of a child as a destination for `node.call` and the like, as a name to start a server under, and as the
   * term `{:via, DistributedSupervisor.Registry, {supervisor, name}}`.
   */
  viaName(name: Encodable): ChildVia {
    const node = this.#node
    const { registry } = node
    return childVia(this.name, name as Term, {
      whereis: () => this.#whereis(node, name as Term),
      register: (pid) => registry.join(name as Term, pid),
      unregister: (pid) => registry.leave(name as Term, pid),
    })
  }

  /** The members of the ring. */
  nodes(): Atom[] {
    return [...this.#node.cluster.ring.nodes]
  }

  /** The node that the ring names for a key; undefined when the ring has no nodes. */
  nodeFor(key: Encodable): Atom | undefined {
    return this.#node.cluster.nodeFor(key)
  }

  /** Whether the ring names this node for a key. */
  mine(key: Encodable): boolean {
    return this.nodeFor(key) === this.#host.name
  }

  /**
   * Leaves politely: hands every child of this node over to another, and then stops. Each old instance ends, and its name
   * is free, before the new one starts; a class with a `handoff` gives the new one its state. From the call on this node
   * is no home for children; a start that arrives is passed on.
   *
   * What no other node took when the time is over or the signal is aborted ends here with the supervisor, and the other
   * nodes start it again, from its options, if one of them can run it. Calling it twice gives the same result.
   *
   * @param options `timeout` in ms (30000), `concurrency` (16), `signal`, `onChild` for progress
   * @returns what moved where, and what did not and why
   * @throws OptionError
   * @example
   * const ds = await DistributedSupervisor.startLink(node, { name: 'DS', modules: { Counter } })
   * const { moved, left } = await ds.drain({ timeout: 10_000 })
   * await node.stop()
   */
  async drain(options: DrainOptions = {}): Promise<DrainResult> {
    const resolved = resolveDrainOptions(options)
    this.#drained ??= this.#drain(resolved)
    return this.#drained
  }

  /**
   * Leaves: tells the other nodes, ends the children of this node for good and gives up the names, as the hex package
   * does when its supervisor or its node stops; `node.stop()` does the same to every supervisor. To have the children go
   * on elsewhere, `drain` first. Safe to call twice, after a drain, and after the node has stopped. During a drain it
   * ends the drain.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #whereis(node: DistributedNode, name: Term): Pid | undefined {
    const pid = node.registry.whereis(name)
    if (distributedLookupChannel.hasSubscribers) {
      distributedLookupChannel.publish({ supervisor: this.name, name, found: pid !== undefined })
    }
    return pid
  }

  /** Tells how a call ends. */
  #follow(name: Term, called: Promise<unknown>): void {
    const { clock } = this.#host
    const begun = clock.now()
    const ended = (outcome: string): void =>
      distributedCallChannel.publish({
        supervisor: this.name,
        name,
        outcome,
        duration: clock.now() - begun,
      })
    called.then(
      () => ended('ok'),
      (error: unknown) => ended(error instanceof CallError ? error.code : 'error'),
    )
  }

  async #drain(options: ResolvedDrainOptions): Promise<DrainResult> {
    const result =
      this.#tree() !== undefined && this.#stopped === undefined
        ? await this.#node.moves.drain(options)
        : { moved: [], left: [] }
    await this.stop()
    return result
  }

  /** The process at the top, if it runs. */
  #tree(): Pid | undefined {
    const tree = partsOf(this.#host, this.name)?.tree
    return tree !== undefined && this.#host.runtime.isAlive(tree) ? tree : undefined
  }

  async #stop(): Promise<void> {
    const { runtime } = this.#host
    const tree = this.#tree()
    if (tree !== undefined) await runtime.stopServer(tree, SHUTDOWN)
  }
}

/** @throws SupervisorError for an answer that is no pid. */
function startedPid(answer: Term): Pid {
  if (answer === IGNORE) {
    throw new SupervisorError('ERR_SUPERVISOR_CHILD_IGNORED', 'the child chose not to start', IGNORE)
  }
  const [tag, content] = answer instanceof Tuple ? (answer as Tuple<[Term, Term]>) : [undefined, answer]
  if (tag === OK && content instanceof Pid) return content
  const [why, what] = content instanceof Tuple ? (content as Tuple<[Term, Term]>) : []
  if (tag === ERROR && why === ALREADY_STARTED) {
    throw new SupervisorError(
      'ERR_SUPERVISOR_ALREADY_STARTED',
      'a child of that name runs already',
      what ?? null,
    )
  }
  if (tag === ERROR && why === UNDEF && !Array.isArray(what)) {
    throw new SupervisorError('ERR_SUPERVISOR_UNDEF', 'no node of the ring can run the module', what ?? null)
  }
  throw new SupervisorError('ERR_SUPERVISOR_START_FAILED', 'the child did not start', content)
}

/** The error of a start of the supervisor itself. */
function startError(error: unknown, name: Atom): unknown {
  const reason = error instanceof InitError ? error.reason : undefined
  if (!(reason instanceof Tuple) || reason[0] !== ALREADY_STARTED) return error
  const [, pid] = reason as Tuple<[Term, Term]>
  return new SupervisorError('ERR_SUPERVISOR_ALREADY_STARTED', `${name} runs on this node already`, pid)
}
