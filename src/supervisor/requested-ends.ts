/**
 * Ends of children of this node that other nodes ask for. Mostly somebody wants it so. But a node of the hex package also
 * asks when it sees two owners of a name, and with the same words; and it may see an owner that is gone, when it notices
 * the end of a node later than others. Then ending the new one as well would leave nobody, for good.
 *
 * So such a node is asked whom it takes for owners. If there is another, this is a conflict of names and no wish: the
 * winner stays (design.md, section 5), and one that is gone wins nothing.
 */
import type { Timer } from '../core/index.ts'
import { type Atom, atom, inspect, type Pid, type Term, tuple } from '../etf/index.ts'
import type { ChildActions } from './child-actions.ts'
import type { SupervisorHost } from './host.ts'
import { nameConflict } from './name-conflicts.ts'
import type { SupervisorNames } from './names.ts'
import { type ClusterView, winner } from './placement.ts'
import type { RemoteSupervisors } from './remote-supervisors.ts'

/** Between two questions whether a node has noticed by now. */
const AGAIN_MS = 1_000

const ERROR = atom('error')
const NAME_CONFLICT = atom('name_conflict')
const OK = atom('ok')

/** The names of this node's children. */
export interface NameBook {
  whois(pid: Pid): Term | undefined
  rejoin(name: Term, pid: Pid): void
}

export interface RequestedEndsParts {
  readonly host: Pick<SupervisorHost, 'name' | 'clock' | 'logger'>
  readonly names: SupervisorNames
  readonly cluster: ClusterView
  readonly book: NameBook
  readonly remote: Pick<RemoteSupervisors, 'membersAt'>
  readonly actions: Pick<ChildActions, 'end' | 'isAlive'>
}

/** A child that a node has to hear of once more. */
interface Reminder {
  readonly name: Term
  readonly pid: Pid
}

export class RequestedEnds {
  readonly #parts: RequestedEndsParts
  /** By the node that is to hear of them. */
  readonly #reminders = new Map<Atom, Reminder[]>()
  readonly #timers = new Map<Atom, Timer>()
  #stopped = false

  constructor(parts: RequestedEndsParts) {
    this.#parts = parts
  }

  /**
   * Settles a conflict that is taken to be one by the node `asker`, and says what to answer: `{:error, :name_conflict}` when
   * the child stays. Undefined when it is to be ended because somebody wants it so.
   */
  async settle(pid: Pid, asker: Atom): Promise<Term | undefined> {
    const { book, host, cluster, remote, actions } = this.#parts
    const name = book.whois(pid)
    if (name === undefined || pid.node !== host.name || !this.#isStranger(asker)) return undefined
    const rivals = without(await remote.membersAt(asker, name), pid)
    if (rivals.length === 0) return undefined
    const alive: Pid[] = []
    for (const rival of rivals) {
      if (cluster.isReachable(rival.node) && (await actions.isAlive(rival))) alive.push(rival)
    }
    const kept = winner(cluster, name, [pid, ...alive])
    if (kept !== undefined && !kept.equals(pid)) {
      await actions.end(pid, nameConflict(name, kept))
      return OK
    }
    const fields = { supervisor: this.#parts.names.name.name, child: inspect(name), node: asker.name }
    host.logger.info(fields, 'a node takes a child for the second owner of its name; it stays')
    this.#remind(asker, { name, pid })
    return tuple(ERROR, NAME_CONFLICT) as Term
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    this.#reminders.clear()
  }

  /** One that may run the hex package: it declared nothing. */
  #isStranger(node: Atom): boolean {
    const { host, cluster } = this.#parts
    return node !== host.name && !cluster.declared.has(node)
  }

  /** The hex package wrote down the owner that is gone, and learns of one that stays only from its joining. */
  #remind(asker: Atom, reminder: Reminder): void {
    if (this.#stopped) return
    const waiting = this.#reminders.get(asker)
    if (waiting === undefined) this.#reminders.set(asker, [reminder])
    else waiting.push(reminder)
    if (waiting === undefined) this.#askAgain(asker)
  }

  #askAgain(asker: Atom): void {
    const timer = this.#parts.host.clock.after(AGAIN_MS, () => {
      this.#timers.delete(asker)
      void this.#remindAll(asker)
    })
    this.#timers.set(asker, timer)
  }

  /** One question at a time: a node notices the end of another for all its children at once. */
  async #remindAll(asker: Atom): Promise<void> {
    const { book, cluster, remote } = this.#parts
    const waiting = this.#reminders.get(asker) ?? []
    while (waiting.length > 0 && cluster.isReachable(asker)) {
      const { name, pid } = waiting[0]!
      if (book.whois(pid) !== undefined) {
        const rivals = without(await remote.membersAt(asker, name), pid)
        if (this.#stopped) return
        if (rivals.length > 0) {
          this.#askAgain(asker)
          return
        }
        book.rejoin(name, pid)
      }
      waiting.shift()
    }
    this.#reminders.delete(asker)
  }
}

function without(pids: readonly Pid[], one: Pid): Pid[] {
  return pids.filter((pid) => !pid.equals(one))
}
