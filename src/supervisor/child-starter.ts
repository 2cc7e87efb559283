/**
 * Where a child is started (design.md, section 5): on the node that was asked for, else on the first node along the ring
 * that can run its module. A node that cannot, or that runs no such supervisor, is passed over.
 */
import { type Atom, atom, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { exitReason } from '../runtime/index.ts'
import { childNameOf, type NamedChild } from './child-args.ts'
import type { ChildRegistry } from './child-registry.ts'
import type { ChildSpec } from './child-spec.ts'
import type { Cluster } from './cluster.ts'
import { candidates } from './placement.ts'
import { type RemoteSupervisors, readAnswer, type StartAnswer } from './remote-supervisors.ts'

/** A start that was passed on so often is run or refused. */
const MOST_HOPS = 3

const ALREADY_STARTED = atom('already_started')
const ERROR = atom('error')
const OK = atom('ok')
const UNDEF = atom('undef')

export interface ChildStarterParts {
  readonly supervisor: Atom
  readonly cluster: Cluster
  readonly registry: ChildRegistry
  readonly remote: RemoteSupervisors
  /** Whether this node has a class for a module. */
  runsHere(module: Atom): boolean
  /** Has the supervisor of this node start a child; resolves with what `DynamicSupervisor.start_child/2` returns. */
  startHere(spec: ChildSpec): Promise<Term>
}

export class ChildStarter {
  readonly #parts: ChildStarterParts

  constructor(parts: ChildStarterParts) {
    this.#parts = parts
  }

  /**
   * What `DynamicSupervisor.start_child/2` returns; `{:error, {:undef, module}}` when no node can run it.
   *
   * @throws EncodeError when the child belongs on another node and its options are no terms.
   */
  async start({ name, spec }: NamedChild, node?: Atom): Promise<Term> {
    const { cluster } = this.#parts
    if (node !== undefined) return this.#answerOf(await this.#startOn(node, spec), spec)
    // As the hex package: without a ring everything is here.
    if (cluster.ring.nodes.length === 0) return this.#parts.startHere(spec)
    return this.#firstOf(candidates(cluster, name, spec.start.module), spec, (next) =>
      this.#startOn(next, spec),
    )
  }

  /**
   * For a start that another node asked of this one: what the node that is to have it answers, or undefined when it is
   * ours to start. The promise never rejects: somebody far away waits for the answer.
   *
   * @param hops how often it was passed on already
   */
  passOn(spec: ChildSpec, hops = 0): Promise<Term> | undefined {
    const { cluster, registry, remote, supervisor } = this.#parts
    const { module } = spec.start
    const named = childNameOf(spec, supervisor)
    let nodes: Atom[]
    if (hops >= MOST_HOPS) {
      if (this.#parts.runsHere(module)) return undefined
      nodes = []
    } else if (this.#parts.runsHere(module)) {
      // The hex package sends all children of a dead node to one node; each has a home of its own.
      const home = named && registry.homeOfLost(named.name)
      if (home === undefined) return undefined
      nodes = [home]
    } else {
      nodes = candidates(cluster, named === undefined ? spec.id : named.name, module)
    }
    const others = nodes.filter((node) => node !== cluster.self)
    const ask = async (next: Atom): Promise<StartAnswer> =>
      cluster.declared.has(next)
        ? remote.passOnToPeer(next, spec, hops + 1)
        : this.#noted(await remote.passOn(next, spec), spec)
    return this.#firstOf(others, spec, ask).catch((error: unknown) => tuple(ERROR, exitReason(error)) as Term)
  }

  /** Starts on this node or on another, whichever it is. @throws EncodeError */
  async #startOn(node: Atom, spec: ChildSpec): Promise<StartAnswer> {
    const { cluster, remote } = this.#parts
    if (node === cluster.self) return readAnswer(await this.#parts.startHere(spec), spec.start.module)
    const isDeclared = cluster.declared.has(node)
    // Between nodes of ours by a message that keeps every term as it is.
    const started = await (isDeclared ? remote.passOnToPeer(node, spec, 1) : remote.start(node, spec))
    await this.#arrived(started, spec)
    return isDeclared ? started : this.#noted(started, spec)
  }

  async #arrived(started: StartAnswer, spec: ChildSpec): Promise<void> {
    const { registry, supervisor } = this.#parts
    const named = childNameOf(spec, supervisor)
    const answer = started.type === 'answer' ? started.answer : undefined
    if (named === undefined || !(answer instanceof Tuple) || answer[0] !== OK) return
    if (answer[1] instanceof Pid) await registry.arrival(named.name, answer[1])
  }

  /** The node that has started it will not say how; and of a name with two owners, or one that restarts, not who has it. */
  #noted(started: StartAnswer, spec: ChildSpec): StartAnswer {
    const { registry, supervisor } = this.#parts
    const answer = started.type === 'answer' ? started.answer : undefined
    const named = childNameOf(spec, supervisor)
    if (named === undefined || !(answer instanceof Tuple)) return started
    const content = answer[1] as Term
    if (answer[0] === OK && content instanceof Pid) registry.startedElsewhere(named.name, content, spec)
    if (!(content instanceof Tuple) || content[0] !== ALREADY_STARTED || content[1] instanceof Pid)
      return started
    const owner = registry.whereis(named.name)
    if (owner === undefined) return started
    return { type: 'answer', answer: tuple(ERROR, tuple(ALREADY_STARTED, owner)) as Term }
  }

  async #firstOf(
    nodes: readonly Atom[],
    spec: ChildSpec,
    start: (node: Atom) => Promise<StartAnswer>,
  ): Promise<Term> {
    for (const node of nodes) {
      const answer = await start(node)
      if (answer.type === 'answer') return answer.answer
    }
    return tuple(ERROR, tuple(UNDEF, spec.start.module)) as Term
  }

  /** Who asked for a node hears what that node said. */
  #answerOf(answer: StartAnswer, spec: ChildSpec): Term {
    if (answer.type === 'answer') return answer.answer
    const { module } = spec.start
    const isUndef = readAnswer(tuple(ERROR, answer.why) as Term, module).type === 'cannot'
    return tuple(ERROR, isUndef ? tuple(UNDEF, module) : answer.why) as Term
  }
}
