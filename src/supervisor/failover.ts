/**
 * What becomes of the children of a node that is gone (design.md, section 6). Decides, and acts through nobody: who
 * holds it reports losses, appearances and the time, and carries out what `due` says.
 *
 * Every surviving TypeScript node comes to the same answer: the home of a child is the first node along the ring, from
 * the child's name on, that can run it. The home starts it, the others wait until the name appears again. When that
 * takes longer than the grace time, they ask the home, because it may never have learned of the child; asking twice is
 * harmless, since a name that is taken is not started again.
 *
 * Children of Elixir modules are left to the Elixir nodes: the hex package starts them itself, all on one node, and a
 * second opinion about that node would start them twice.
 */
import { type Atom, type Term, TermMap } from '../etf/index.ts'
import { type ClusterView, candidates } from './placement.ts'

/** How long, in ms, the home of a child may take before others ask it. */
export const GRACE_MS = 1_000

/** How often a child is tried before it is given up. */
const ATTEMPTS = 10

export interface LostChild<S> {
  readonly name: Term
  readonly module: Atom
  /** How to start it again. */
  readonly spec: S
}

export type FailoverAction<S> =
  /** This node is the home. */
  | { readonly type: 'start'; readonly child: LostChild<S> }
  /** The home does not seem to know of the child. */
  | { readonly type: 'ask'; readonly node: Atom; readonly child: LostChild<S> }
  /** No node of ours can run it, or it was tried often enough. */
  | {
      readonly type: 'forget'
      readonly child: LostChild<S>
      readonly why: 'no TypeScript node runs its module' | 'it does not start'
    }

interface Pending<S> {
  readonly child: LostChild<S>
  /** When the next action is due; infinity while one is under way. */
  at: number
  attempts: number
  home: Atom | undefined
}

export class Failover<S> {
  readonly #self: Atom
  readonly #pending = new TermMap<Term, Pending<S>>()

  constructor(self: Atom) {
    this.#self = self
  }

  get size(): number {
    return this.#pending.size
  }

  has(name: Term): boolean {
    return this.#pending.has(name)
  }

  /** The node that is to start this lost child; undefined when the name is not lost, or nobody can. */
  home(view: ClusterView, name: Term): Atom | undefined {
    const pending = this.#pending.get(name)
    return pending && homeOf(view, pending.child)
  }

  lost(child: LostChild<S>, now: number): void {
    this.#pending.set(child.name, { child, at: now, attempts: 0, home: undefined })
  }

  /** The name lives again, or nobody wants it to. */
  settled(name: Term): void {
    this.#pending.delete(name)
  }

  /** What `due` asked for did not work. */
  failed(name: Term, now: number): void {
    const pending = this.#pending.get(name)
    if (pending !== undefined) pending.at = now + GRACE_MS
  }

  /** When `due` has something to say again, unless the cluster changes before; undefined while nothing is lost. */
  nextAt(): number | undefined {
    let next = Number.POSITIVE_INFINITY
    for (const { at } of this.#pending.values()) next = Math.min(next, at)
    return next === Number.POSITIVE_INFINITY ? undefined : next
  }

  /**
   * What is to be done now. Call it after losses, after every change of the ring or the claims, and at `nextAt`. Each
   * action ends with `settled` or `failed`.
   */
  due(view: ClusterView, now: number): FailoverAction<S>[] {
    const actions: FailoverAction<S>[] = []
    for (const pending of [...this.#pending.values()]) {
      const { child } = pending
      const claimed = view.claims(child.module).size > 0
      const home = claimed ? homeOf(view, child) : undefined
      if (home === undefined) {
        this.#pending.delete(child.name)
        actions.push({ type: 'forget', child, why: 'no TypeScript node runs its module' })
        continue
      }
      if (home !== pending.home) {
        pending.home = home
        // A new home starts at once; the others give it time, also when it is theirs to ask.
        pending.at = home === this.#self ? now : now + GRACE_MS
      }
      if (now < pending.at) continue
      pending.at = Number.POSITIVE_INFINITY
      pending.attempts++
      if (pending.attempts > ATTEMPTS) {
        this.#pending.delete(child.name)
        actions.push({ type: 'forget', child, why: 'it does not start' })
      } else if (home === this.#self) actions.push({ type: 'start', child })
      else actions.push({ type: 'ask', node: home, child })
    }
    return actions
  }
}

function homeOf(view: ClusterView, { name, module }: LostChild<unknown>): Atom | undefined {
  return candidates(view, name, module).find((node) => view.isReachable(node))
}
