/**
 * Carries out what `Failover` decides about the children of nodes that are gone: keeps its time, starts them and asks
 * other nodes to, so many at once and no more.
 */
import { Queue, type Timer } from '../core/index.ts'
import { type Atom, inspect, type Term, TermMap } from '../etf/index.ts'
import type { ChildActions } from './child-actions.ts'
import { publishChild } from './child-events.ts'
import type { ChildSpec } from './child-spec.ts'
import type { Cluster } from './cluster.ts'
import { Failover, type FailoverAction, GRACE_MS } from './failover.ts'
import type { SupervisorHost } from './host.ts'

/** Losses and changes that come close after each other are looked at together. */
const MIN_PAUSE_MS = 100

/** Starts and requests under way at the same time. */
const AT_ONCE = 128

type Action = Exclude<FailoverAction<ChildSpec>, { type: 'forget' }>

/** Whom the children belong to. */
export interface LostChildrenOwner {
  /** Whether a process of another node has the name. */
  livesElsewhere(name: Term): boolean
  /** What was announced of attempts here is taken back. */
  withdraw(name: Term): void
}

export class LostChildren {
  readonly #host: SupervisorHost
  readonly #supervisor: Atom
  readonly #cluster: Cluster
  readonly #actions: ChildActions
  readonly #owner: LostChildrenOwner
  readonly #failover: Failover<ChildSpec>
  /** Children that are being started again, and by which action; the last one decides. */
  readonly #restoring = new TermMap<Term, Action>()
  /** Actions whose turn has not come. */
  readonly #waiting = new Queue<Action>()
  #underWay = 0
  #timer: Timer | undefined
  /** When the timer fires. */
  #evaluatesAt = 0
  #evaluatedAt = Number.NEGATIVE_INFINITY
  #stopped = false

  constructor(
    host: SupervisorHost,
    supervisor: Atom,
    cluster: Cluster,
    actions: ChildActions,
    owner: LostChildrenOwner,
  ) {
    this.#host = host
    this.#supervisor = supervisor
    this.#cluster = cluster
    this.#actions = actions
    this.#owner = owner
    this.#failover = new Failover(host.name, supervisor)
  }

  has(name: Term): boolean {
    return this.#failover.has(name)
  }

  /** Whether a start of it is under way, here or by request. */
  isRestoring(name: Term): boolean {
    return this.#restoring.has(name)
  }

  /** The node that is to start it; undefined when it is not lost, or nobody can. */
  home(name: Term): Atom | undefined {
    return this.#failover.home(this.#cluster, name)
  }

  /** A child lost its node. */
  add(name: Term, owner: Atom, spec: ChildSpec): void {
    if (this.#stopped) return
    this.#failover.lost({ name, owner, module: spec.start.module, spec })
    this.#plan(0)
  }

  settled(name: Term): void {
    this.#failover.settled(name, this.#host.clock.now())
  }

  /** The ring or the claims have changed. */
  reconsider(): void {
    if (this.#failover.size === 0) return
    this.#failover.reconsider()
    this.#plan(0)
  }

  /** A node has this supervisor now, so what it said before counts for nothing. */
  appeared(node: Atom): void {
    this.#failover.appeared(node)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#waiting.clear()
  }

  #plan(ms: number): void {
    if (this.#stopped) return
    const now = this.#host.clock.now()
    const at = Math.max(now + ms, this.#evaluatedAt + MIN_PAUSE_MS)
    if (this.#timer !== undefined && this.#evaluatesAt <= at) return
    this.#timer?.cancel()
    this.#evaluatesAt = at
    this.#timer = this.#host.clock.after(at - now, () => this.#evaluate())
  }

  #evaluate(): void {
    this.#timer = undefined
    const now = this.#host.clock.now()
    this.#evaluatedAt = now
    let starts = 0
    for (const action of this.#failover.due(this.#cluster, now)) {
      if (action.type === 'forget') this.#forget(action)
      else this.#waiting.push(action)
      if (action.type === 'start') starts++
    }
    if (starts > 0) {
      const fields = { supervisor: this.#supervisor.name, children: starts }
      this.#host.logger.info(fields, 'children of a node that is gone start again here')
    }
    this.#next()
    const next = this.#failover.nextAt()
    if (next !== undefined) this.#plan(Math.max(0, next - now))
  }

  #next(): void {
    while (this.#underWay < AT_ONCE) {
      const action = this.#waiting.shift()
      if (action === undefined) return
      // Somebody else had it back before its turn came.
      if (!this.#failover.has(action.child.name)) continue
      this.#underWay++
      void this.#run(action).finally(() => {
        this.#underWay--
        this.#next()
      })
    }
  }

  #forget({ child, why }: Extract<FailoverAction<ChildSpec>, { type: 'forget' }>): void {
    this.#host.logger.warn({ ...this.#fields(child.name), why }, 'a child of a node that is gone is given up')
    publishChild('failed', this.#supervisor, child.name, undefined, why)
    this.#owner.withdraw(child.name)
  }

  async #run(action: Action): Promise<void> {
    const { name, spec } = action.child
    this.#restoring.set(name, action)
    const outcome =
      action.type === 'start'
        ? await this.#actions.startHere(spec)
        : await this.#actions.startOn(action.node, spec)
    if (this.#restoring.get(name) !== action) return
    this.#restoring.delete(name)
    const isElsewhere = this.#owner.livesElsewhere(name)
    if (isElsewhere || outcome === 'started' || outcome === 'ignored') {
      if (!this.#failover.has(name)) return
      this.settled(name)
      if (isElsewhere || outcome === 'ignored' || action.type === 'ask') this.#owner.withdraw(name)
      return
    }
    const asked = action.type === 'ask' ? action.node : this.#host.name
    const cannot = outcome === 'cannot' ? asked : undefined
    this.#failover.failed(name, this.#host.clock.now(), cannot)
    this.#plan(cannot === undefined ? GRACE_MS : 0)
  }

  #fields(name: Term): object {
    return { supervisor: this.#supervisor.name, child: inspect(name) }
  }
}
