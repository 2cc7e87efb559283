/**
 * What becomes of the children of a node that is gone (design.md, section 6). Decides, and acts through nobody: who
 * holds it reports losses, appearances and the time, and carries out what `due` says.
 *
 * Every surviving node of ours comes to the same answer: the home of a child is the first node along the ring, from
 * the child's name on, that can run it. A home of ours starts it; a home that runs the hex package is asked to, by the
 * first of ours along the ring. The others wait until the name appears again. When that takes longer than the grace
 * time, they ask the home, because it may never have learned of the child; asking twice is harmless, since a name that
 * is taken is not started again.
 *
 * The hex package starts the children of Elixir modules itself, all on one node. Where that node runs it, they are left
 * to it, and a second opinion would start them twice; only when nothing comes back any more for the grace time, ours see
 * to them as to all others.
 *
 * The cost of `due` is that of what it returns: a wait for another node is one entry, however many children it has.
 */
import { type Atom, type Term, TermMap } from '../etf/index.ts'
import { askerFor, type ClusterView, candidates, heirOf } from './placement.ts'

/** How long, in ms, the home of a child may take before others ask it: since it last showed a sign of work. */
export const GRACE_MS = 1_000

/** The same for a node of the hex package that starts what it found itself. */
export const HEIR_GRACE_MS = 2_000

/** How often a child is tried before it is given up. */
const ATTEMPTS = 10

export interface LostChild<S> {
  readonly name: Term
  readonly module: Atom
  /** The node that is gone. */
  readonly owner: Atom
  /** How to start it again. */
  readonly spec: S
}

export type FailoverAction<S> =
  /** This node is the home. */
  | { readonly type: 'start'; readonly child: LostChild<S> }
  /** The home does not know of the child, or runs the hex package, which has to be asked. */
  | { readonly type: 'ask'; readonly node: Atom; readonly child: LostChild<S> }
  /** No node can run it, or it was tried often enough. */
  | {
      readonly type: 'forget'
      readonly child: LostChild<S>
      readonly why: 'no node can run its module' | 'it does not start'
    }

interface Pending<S> {
  readonly child: LostChild<S>
  attempts: number
  home: Atom | undefined
  /** Whom it waits for; undefined while an action is under way, or a repetition is due. */
  wait: Wait<S> | undefined
  /** What an action ends with is for it. */
  isBusy: boolean
  /** The hex package was waited for in vain. */
  hasNoHeir: boolean
  /** Nodes that said they cannot run it. */
  readonly without: Set<Atom>
}

/** Children that one other node is to start. */
interface Wait<S> {
  /** When it was last seen to do so. */
  since: number
  readonly grace: number
  readonly children: Set<Pending<S>>
}

export class Failover<S> {
  readonly #self: Atom
  readonly #supervisor: Atom
  readonly #pending = new TermMap<Term, Pending<S>>()
  /** To be looked at. */
  #fresh = new Set<Pending<S>>()
  readonly #waits = new Map<string, Wait<S>>()
  /** Failed, and when they are tried again. */
  readonly #retries = new Map<Pending<S>, number>()

  /** @param supervisor its name, which is what the hex package looks up in the ring */
  constructor(self: Atom, supervisor: Atom) {
    this.#self = self
    this.#supervisor = supervisor
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
    return pending && homeOf(view, pending)
  }

  lost(child: LostChild<S>): void {
    this.#drop(child.name)
    const pending = {
      child,
      attempts: 0,
      home: undefined,
      wait: undefined,
      isBusy: false,
      hasNoHeir: false,
      without: new Set<Atom>(),
    }
    this.#pending.set(child.name, pending)
    this.#fresh.add(pending)
  }

  /** The name lives again, or nobody wants it to. */
  settled(name: Term, now: number): void {
    const pending = this.#drop(name)
    if (pending?.wait !== undefined) pending.wait.since = now
  }

  /** What `due` asked for did not work. `cannot`: the node that was asked has no such module, or no supervisor. */
  failed(name: Term, now: number, cannot: Atom | undefined = undefined): void {
    const pending = this.#pending.get(name)
    if (pending === undefined) return
    pending.isBusy = false
    if (cannot === undefined) this.#retries.set(pending, now + GRACE_MS)
    else {
      pending.without.add(cannot)
      this.#fresh.add(pending)
    }
  }

  /** The ring or the claims have changed: homes may have. */
  reconsider(): void {
    for (const pending of this.#pending.values()) if (!pending.isBusy) this.#fresh.add(pending)
  }

  /** A node can be asked (again). */
  appeared(node: Atom): void {
    for (const pending of this.#pending.values()) pending.without.delete(node)
  }

  /** When `due` has something to say again, unless the cluster changes before; undefined while nothing is lost. */
  nextAt(): number | undefined {
    if (this.#fresh.size > 0) return Number.NEGATIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    for (const { since, grace } of this.#waits.values()) next = Math.min(next, since + grace)
    for (const at of this.#retries.values()) next = Math.min(next, at)
    return next === Number.POSITIVE_INFINITY ? undefined : next
  }

  /** What is to be done now. Call it after losses and changes, and at `nextAt`. Actions end with `settled` or `failed`. */
  due(view: ClusterView, now: number): FailoverAction<S>[] {
    const actions: FailoverAction<S>[] = []
    const fresh = this.#fresh
    this.#fresh = new Set()
    for (const pending of fresh) this.#look(pending, view, now, actions)
    for (const [pending, at] of this.#retries) if (at <= now) this.#act(pending, view, actions)
    for (const [key, { since, grace, children }] of this.#waits) {
      if (since + grace > now) continue
      this.#waits.delete(key)
      for (const pending of children) {
        pending.hasNoHeir ||= grace === HEIR_GRACE_MS
        this.#act(pending, view, actions)
      }
    }
    return actions
  }

  /** Finds out whose a child is. */
  #look(pending: Pending<S>, view: ClusterView, now: number, actions: FailoverAction<S>[]): void {
    const { child } = pending
    if (this.#pending.get(child.name) !== pending || pending.isBusy) return
    const heir = pending.hasNoHeir ? undefined : this.#heirOf(child, view)
    if (heir !== undefined) {
      pending.home = heir
      this.#wait(pending, `heir ${heir.name} of ${child.owner.name}`, HEIR_GRACE_MS, now)
      return
    }
    const home = homeOf(view, pending)
    // A failure is tried again later, unless somebody else is to try by now.
    if (home !== undefined && home === pending.home && this.#retries.has(pending)) return
    pending.home = home
    const actor = home === undefined || view.declared.has(home) ? home : askerFor(view, child.name)
    if (actor === undefined || actor === this.#self) this.#act(pending, view, actions)
    else this.#wait(pending, `${actor.name} for ${home?.name}`, GRACE_MS, now)
  }

  #act(pending: Pending<S>, view: ClusterView, actions: FailoverAction<S>[]): void {
    const { child } = pending
    this.#unwait(pending)
    this.#retries.delete(pending)
    const home = homeOf(view, pending)
    pending.home = home
    pending.attempts++
    if (home === undefined || pending.attempts > ATTEMPTS) {
      this.#pending.delete(child.name)
      const why = home === undefined ? 'no node can run its module' : 'it does not start'
      actions.push({ type: 'forget', child, why })
      return
    }
    pending.isBusy = true
    actions.push(home === this.#self ? { type: 'start', child } : { type: 'ask', node: home, child })
  }

  /** The node of the hex package that starts this child by itself. */
  #heirOf({ owner, module }: LostChild<S>, view: ClusterView): Atom | undefined {
    if (view.claims(module).size > 0) return undefined
    const heir = heirOf(view, owner, this.#supervisor)
    return heir !== undefined && !view.declared.has(heir) && view.isReachable(heir) ? heir : undefined
  }

  #wait(pending: Pending<S>, key: string, grace: number, now: number): void {
    const wait = this.#waits.get(key) ?? { since: now, grace, children: new Set<Pending<S>>() }
    if (pending.wait === wait) return
    this.#unwait(pending)
    this.#retries.delete(pending)
    this.#waits.set(key, wait)
    wait.children.add(pending)
    pending.wait = wait
  }

  #unwait(pending: Pending<S>): void {
    const { wait } = pending
    if (wait === undefined) return
    wait.children.delete(pending)
    pending.wait = undefined
    if (wait.children.size > 0) return
    for (const [key, other] of this.#waits) if (other === wait) this.#waits.delete(key)
  }

  #drop(name: Term): Pending<S> | undefined {
    const pending = this.#pending.get(name)
    if (pending === undefined) return undefined
    this.#pending.delete(name)
    this.#fresh.delete(pending)
    this.#retries.delete(pending)
    const { wait } = pending
    this.#unwait(pending)
    pending.wait = wait
    return pending
  }
}

function homeOf(view: ClusterView, { child: { name, module }, without }: Pending<unknown>): Atom | undefined {
  return candidates(view, name, module).find((node) => view.isReachable(node) && !without.has(node))
}
