/**
 * Names with more than one owner, after a split or a race: every node comes to the same winner, and the losers are ended
 * (design.md, section 5). Their exit reason is `{:shutdown, {:name_conflict, name, winner}}`.
 *
 * Shortly after a heal two nodes may place a name differently, until both have learned how the Elixir nodes hash atoms (see
 * peer-releases.ts); each would end its own for the other's. So a child is ended only for one that its own node keeps. Where
 * nodes stay of two minds, as Elixir nodes of different releases may, term order decides in the end.
 */
import type { Timer } from '../core/index.ts'
import { type Atom, atom, compareTerms, inspect, type Pid, type Term, TermMap, tuple } from '../etf/index.ts'
import type { ChildActions } from './child-actions.ts'
import type { SupervisorHost } from './host.ts'
import { type ClusterView, losersToEnd, winner } from './placement.ts'

/** Long enough for a leave that is under way to arrive, short enough to settle a conflict within a second. */
const DELAY_MS = 200

/** Looks at a name until the ring has no say any more. */
const MAX_LOOKS = 25

const SHUTDOWN = atom('shutdown')
const NAME_CONFLICT = atom('name_conflict')

/** Why a second owner of a name ends. */
export function nameConflict(name: Term, kept: Pid): Term {
  return tuple(SHUTDOWN, tuple(NAME_CONFLICT, name, kept)) as Term
}

function byNode(one: Pid, other: Pid): number {
  return compareTerms(one.node, other.node) || compareTerms(one, other)
}

export class NameConflicts {
  readonly #host: SupervisorHost
  readonly #supervisor: Atom
  readonly #view: ClusterView
  readonly #actions: ChildActions
  readonly #owners: (name: Term) => Pid[]
  /** Names that are looked at again, and when. */
  readonly #timers = new TermMap<Term, Timer>()
  /** How often a name was looked at that still has more than one owner. */
  readonly #looks = new TermMap<Term, number>()
  #stopped = false

  constructor(
    host: SupervisorHost,
    supervisor: Atom,
    view: ClusterView,
    actions: ChildActions,
    owners: (name: Term) => Pid[],
  ) {
    this.#host = host
    this.#supervisor = supervisor
    this.#view = view
    this.#actions = actions
    this.#owners = owners
  }

  /** A name has more than one owner, or so it seems. */
  found(name: Term): void {
    if (this.#stopped || this.#timers.has(name)) return
    const timer = this.#host.clock.after(DELAY_MS, () => {
      this.#timers.delete(name)
      void this.#settle(name)
    })
    this.#timers.set(name, timer)
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  async #settle(name: Term): Promise<void> {
    const owners = this.#owners(name)
    const looks = this.#looks.get(name) ?? 0
    const isUndecided = looks >= MAX_LOOKS
    const kept = isUndecided ? [...owners].sort(byNode)[0] : winner(this.#view, name, owners)
    this.#looks.delete(name)
    if (owners.length < 2 || kept === undefined) return
    const losers = losersToEnd(this.#view, this.#host.name, owners, kept, looks)
    // The leave of a winner that has just died may be under way: ending the loser as well would leave nobody.
    const isKept = (): Promise<boolean> =>
      isUndecided || kept.node === this.#host.name || !this.#view.declared.has(kept.node)
        ? this.#actions.isAlive(kept)
        : this.#actions.isKept({ name, kept, others: owners.filter((pid) => !pid.equals(kept)) })
    if (losers.length > 0 && (await isKept())) {
      const fields = {
        supervisor: this.#supervisor.name,
        child: inspect(name),
        kept: `${kept} of ${kept.node}`,
      }
      this.#host.logger.warn(fields, 'a name had more than one child: all but one are ended')
      const reason = nameConflict(name, kept)
      await Promise.all(losers.map((pid) => this.#actions.end(pid, reason)))
    }
    // Others may be slower, or see less, or somebody may have died meanwhile.
    if (this.#stopped || this.#owners(name).length < 2) return
    this.#looks.set(name, looks + 1)
    this.found(name)
  }
}
