/**
 * How a child moves from this node to another: the old instance ends first and its name is free, then the new one starts,
 * with what the old one left for it. Between declared nodes the start is `$beamjoin_hand_over`; a node that runs the hex
 * package starts the child as any other, without state.
 */
import type { Clock } from '../core/index.ts'
import {
  type Atom,
  atom,
  EncodeError,
  encode,
  type Pid,
  Pid as PidClass,
  type Term,
  Tuple,
  tuple,
} from '../etf/index.ts'
import { exitReason } from '../runtime/index.ts'
import { publishChild } from './child-events.ts'
import type { ChildRegistry } from './child-registry.ts'
import type { ChildSpec } from './child-spec.ts'
import type { Released } from './child-supervisor.ts'
import type { Cluster } from './cluster.ts'
import type { SupervisorHost } from './host.ts'
import type { Handoff } from './peer-messages.ts'
import { candidates } from './placement.ts'
import type { RemoteSupervisors, StartAnswer } from './remote-supervisors.ts'

/** A child of this node that is to move. */
export interface Movable {
  readonly pid: Pid
  readonly spec: ChildSpec
  /** Undefined when it has none in this supervisor; then its id says where it belongs. */
  readonly name: Term | undefined
}

/** What became of it. */
export type MoveResult =
  | { readonly type: 'moved'; readonly node: Atom; readonly pid: Pid }
  /** It ended by itself, or somebody ended it. */
  | { readonly type: 'ended' }
  /** It runs on as it did: nobody was there to take it. */
  | { readonly type: 'stayed' }
  /** It has ended here, and no other node started it. */
  | { readonly type: 'failed'; readonly reason: Term; readonly handoff: Handoff }

export interface HandOverParts {
  readonly host: SupervisorHost
  readonly supervisor: Atom
  readonly cluster: Cluster
  readonly registry: ChildRegistry
  readonly remote: RemoteSupervisors
  /** Ends a child of this node and keeps what it left; undefined when it is none. */
  release(pid: Pid): Promise<Released | undefined>
  /** Another node has it: nobody is to start it again because of this one. */
  forget(spec: ChildSpec): void
}

/** How long, in ms, the end of an instance may take to be known on another node, and between two questions. */
const FORGOTTEN_MS = 1_000
const ASK_AGAIN_MS = 20

const ALREADY_STARTED = atom('already_started')
const ERROR = atom('error')
const NODEDOWN = atom('nodedown')
const OK = atom('ok')

export class HandOver {
  readonly #parts: HandOverParts

  constructor(parts: HandOverParts) {
    this.#parts = parts
  }

  /** To any other node that can run it. */
  moveAway(child: Movable): Promise<MoveResult> {
    return this.#move(child, () => this.#homesOf(child).filter((node) => node !== this.#parts.host.name))
  }

  /** To a node that the ring names before this one. */
  moveHome(child: Movable): Promise<MoveResult> {
    return this.#move(child, () => this.betterHomes(child))
  }

  /** The nodes that can run a child and come before this one, best first. */
  betterHomes(child: Movable): Atom[] {
    const homes = this.#homesOf(child)
    const here = homes.indexOf(this.#parts.host.name)
    return here < 0 ? homes : homes.slice(0, here)
  }

  /** Where a child belongs, best first, as far as those can be reached. */
  #homesOf({ name, spec }: Movable): Atom[] {
    const { cluster } = this.#parts
    return candidates(cluster, name ?? spec.id, spec.start.module).filter((node) => cluster.isReachable(node))
  }

  /** Moves a child to the first of the nodes that takes it. Never rejects. */
  async #move(child: Movable, others: () => Atom[]): Promise<MoveResult> {
    const { registry } = this.#parts
    const { spec, pid, name } = child
    if (others().length === 0) return { type: 'stayed' }
    const released = await this.#parts.release(pid)
    if (released === undefined) return { type: 'ended' }
    if (name !== undefined) {
      registry.leave(name, pid)
      await this.#untilForgotten(name, pid)
    }
    const handoff = this.#sendable(child, released.handoff)
    let reason: Term = NODEDOWN
    // The homes of now: ending the child may have taken a while.
    for (const node of others()) {
      const answer = await this.#startInstead(pid, node, spec, handoff)
      const started = answer.type === 'answer' ? startedPid(answer.answer) : undefined
      if (started !== undefined && !started.equals(pid)) {
        this.#parts.forget(spec)
        publishChild('moved', this.#parts.supervisor, name, started)
        return { type: 'moved', node: started.node, pid: started }
      }
      reason = answer.type === 'answer' ? answer.answer : (tuple(ERROR, answer.why) as Term)
    }
    return { type: 'failed', reason, handoff: released.handoff }
  }

  /**
   * Waits until no node of the hex package takes the old instance for an owner of the name. One that hears of the new
   * instance before it hears of the end of the old one, which come over different links, terminates the new one where it
   * settles names with two owners, and starts none where it is the new home.
   */
  async #untilForgotten(name: Term, pid: Pid): Promise<void> {
    const { cluster, host, remote } = this.#parts
    const until = host.clock.now() + FORGOTTEN_MS
    const others = cluster.ring.nodes.filter((node) => node !== host.name && !cluster.declared.has(node))
    await Promise.all(
      others
        .filter((node) => cluster.isReachable(node))
        .map(async (node) => {
          for (let left = FORGOTTEN_MS; left > 0; left = until - host.clock.now()) {
            if (!(await remote.isMemberAt(node, name, pid, left))) return
            await pause(host.clock)
          }
        }),
    )
  }

  /** The end of the old instance may be news that the node has yet to read: processes of their own read it and this. */
  async #startInstead(old: Pid, node: Atom, spec: ChildSpec, handoff: Handoff): Promise<StartAnswer> {
    const { clock } = this.#parts.host
    const until = clock.now() + FORGOTTEN_MS
    for (;;) {
      const answer = await this.#start(node, spec, handoff)
      const namesOld = answer.type === 'answer' && startedPid(answer.answer)?.equals(old) === true
      if (!namesOld || clock.now() >= until) return answer
      await pause(clock)
    }
  }

  async #start(node: Atom, spec: ChildSpec, handoff: Handoff): Promise<StartAnswer> {
    const { cluster, remote } = this.#parts
    try {
      const isOurs = cluster.declared.has(node)
      return await (isOurs ? remote.handOver(node, spec, handoff) : remote.passOn(node, spec))
    } catch (error) {
      return { type: 'cannot', why: exitReason(error) }
    }
  }

  #sendable({ spec }: Movable, handoff: Handoff): Handoff {
    if (handoff === undefined) return undefined
    try {
      encode(handoff.state as Term)
      return handoff
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error
      const fields = { module: spec.start.module.name, error }
      this.#parts.host.logger.error(fields, 'what a child hands over is no term: it moves without its state')
      return undefined
    }
  }
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(ASK_AGAIN_MS, resolve))
}

/** The child as it runs now, also where the name was taken: somebody may have started it meanwhile. */
function startedPid(answer: Term): Pid | undefined {
  if (!(answer instanceof Tuple)) return undefined
  const [tag, content] = answer as Tuple<[Term, Term]>
  if (tag === OK) return content as Pid
  if (tag !== ERROR || !(content instanceof Tuple) || content[0] !== ALREADY_STARTED) return undefined
  const there = (content as Tuple<[Term, Term]>)[1]
  return there instanceof PidClass ? there : undefined
}
