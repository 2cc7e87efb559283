/**
 * Monitors, in both directions and by pid or by name (protocol.md 3.7).
 *
 * A monitor by name watches whoever holds the name at that moment; it does not move when the name does. Every monitor
 * that arrives is answered: one for nobody at once, with `noproc`.
 */
import { type Atom, type Pid, type Reference, type Term, Tuple, tuple } from '../etf/index.ts'
import type { Aliases } from './aliases.ts'
import { DOWN, NOCONNECTION, NOPROC, PROCESS } from './atoms.ts'
import type { Cell, HeldMonitor, Watcher } from './cell.ts'
import type { Names } from './names.ts'
import type { ProcessTable } from './process-table.ts'
import { RefMap } from './ref-map.ts'
import type { MonitorTarget, RemoteRouter } from './signals.ts'

/** What becomes of an alias that was made together with a monitor; the words of `erlang:monitor/3`. */
export type MonitorAlias = 'explicit_unalias' | 'demonitor' | 'reply_demonitor'

export interface MonitorOptions {
  /** Makes the monitor's reference an alias of the process as well. */
  readonly alias?: MonitorAlias
  /** Stands in for the atom `DOWN` in the message. */
  readonly tag?: Term
}

export interface DemonitorOptions {
  /** Takes a `DOWN` message that came already out of the mailbox. */
  readonly flush?: boolean
}

class OwnMonitor implements HeldMonitor, Watcher {
  readonly ref: Reference
  readonly target: MonitorTarget
  watched: Cell | undefined
  readonly #owner: Cell
  readonly #monitors: Monitors
  readonly #notify: (reason: Term) => void
  readonly #abandoned: (() => void) | undefined

  constructor(
    monitors: Monitors,
    owner: Cell,
    target: MonitorTarget,
    ref: Reference,
    notify: (reason: Term) => void,
    abandoned?: () => void,
  ) {
    this.#monitors = monitors
    this.#owner = owner
    this.target = target
    this.ref = ref
    this.#notify = notify
    this.#abandoned = abandoned
  }

  get by(): Pid {
    return this.#owner.pid
  }

  fire(reason: Term): void {
    this.#owner.monitors.take(this.ref)
    this.#monitors.forget(this.ref)
    this.#notify(reason)
  }

  cancel(): void {
    this.#monitors.cancel(this, this.#owner)
    this.#abandoned?.()
  }
}

/** A process of another node that watches one of ours. */
class RemoteWatcher implements Watcher {
  readonly ref: Reference
  readonly from: Pid
  readonly cell: Cell
  readonly #target: Pid | Atom
  readonly #monitors: Monitors

  constructor(monitors: Monitors, from: Pid, target: Pid | Atom, cell: Cell, ref: Reference) {
    this.#monitors = monitors
    this.from = from
    this.#target = target
    this.cell = cell
    this.ref = ref
  }

  get by(): Pid {
    return this.from
  }

  fire(reason: Term): void {
    this.#monitors.answer(this.#target, this.from, this.ref, reason)
  }
}

export class Monitors {
  readonly #node: Atom
  readonly #table: ProcessTable
  readonly #names: Names
  readonly #aliases: Aliases
  readonly #router: RemoteRouter
  /** Monitors of ours on processes of other nodes. */
  readonly #outgoing = new RefMap<OwnMonitor>()
  /** Monitors that other nodes hold on processes of ours. */
  readonly #incoming = new RefMap<RemoteWatcher>()

  constructor(node: Atom, table: ProcessTable, names: Names, aliases: Aliases, router: RemoteRouter) {
    this.#node = node
    this.#table = table
    this.#names = names
    this.#aliases = aliases
    this.#router = router
  }

  /** How many monitors cross to other nodes, in both directions; 0 when nothing was left behind. */
  get remoteCount(): number {
    return this.#outgoing.size + this.#incoming.size
  }

  /** The owner gets `{DOWN, Ref, process, Target, Reason}` when the target ends, at once when there is none. */
  monitor(owner: Cell, target: MonitorTarget, ref: Reference, options: MonitorOptions = {}): void {
    const object = 'name' in target ? tuple(target.name, target.node) : target
    const tag = options.tag ?? DOWN
    const { alias } = options
    if (alias !== undefined) {
      const onReply = alias === 'reply_demonitor' ? () => void this.demonitor(owner, ref) : undefined
      this.#aliases.activate(ref, owner, onReply, alias !== 'explicit_unalias')
    }
    this.watch(owner, target, ref, (reason) => {
      if (alias !== undefined) this.#aliases.monitorEnded(ref, owner)
      owner.deliver(tuple(tag, ref, PROCESS, object, reason))
    })
  }

  /**
   * As `monitor`, with a function in place of the message.
   *
   * @param abandoned called when the owner ends first
   */
  watch(
    owner: Cell,
    target: MonitorTarget,
    ref: Reference,
    notify: (reason: Term) => void,
    abandoned?: () => void,
  ): void {
    const monitor = new OwnMonitor(this, owner, target, ref, notify, abandoned)
    owner.monitors.add(monitor)
    if (target.node !== this.#node) {
      this.#outgoing.add(monitor)
      this.#router.monitor(owner.pid, target, ref)
      return
    }
    const watched = 'name' in target ? this.#names.find(target.name) : this.#table.find(target)
    if (watched === undefined) {
      monitor.fire(NOPROC)
      return
    }
    monitor.watched = watched
    watched.watchers.add(monitor)
  }

  /** A monitor that the other node has set up already, with the process it started for us. */
  adopt(
    owner: Cell,
    target: Pid,
    ref: Reference,
    notify: (reason: Term) => void,
    abandoned?: () => void,
  ): void {
    const monitor = new OwnMonitor(this, owner, target, ref, notify, abandoned)
    owner.monitors.add(monitor)
    this.#outgoing.add(monitor)
  }

  /** @returns whether the monitor was still there; an unknown reference is no error, it may just have fired. */
  demonitor(owner: Cell, ref: Reference): boolean {
    const monitor = owner.monitors.take(ref)
    if (monitor === undefined) return false
    this.#aliases.monitorEnded(ref, owner)
    this.cancel(monitor, owner)
    return true
  }

  /** Takes a monitor, which is not its owner's any more, from the target. */
  cancel(monitor: HeldMonitor, owner: Cell): void {
    if (monitor.watched !== undefined) {
      monitor.watched.watchers.take(monitor.ref)
    } else if (this.#outgoing.take(monitor.ref) !== undefined) {
      this.#router.demonitor(owner.pid, monitor.target, monitor.ref)
    }
  }

  forget(ref: Reference): void {
    this.#outgoing.take(ref)
  }

  handleMonitor(from: Pid, target: Pid | Atom, ref: Reference): void {
    const cell = 'name' in target ? this.#names.find(target) : this.#table.find(target)
    if (cell === undefined) {
      this.#router.monitorExit(target, from, ref, NOPROC)
      return
    }
    const watcher = new RemoteWatcher(this, from, target, cell, ref)
    this.#incoming.add(watcher)
    cell.watchers.add(watcher)
  }

  /** Unknown references are no error: the exit and the demonitor may have crossed. */
  handleDemonitor(ref: Reference): void {
    this.#incoming.take(ref)?.cell.watchers.take(ref)
  }

  /** @returns whether `ref` was a monitor of this process. */
  handleMonitorExit(owner: Cell, ref: Reference, reason: Term): boolean {
    const monitor = owner.monitors.get(ref)
    monitor?.fire(reason)
    return monitor !== undefined
  }

  answer(target: Pid | Atom, to: Pid, ref: Reference, reason: Term): void {
    this.#incoming.take(ref)
    this.#router.monitorExit(target, to, ref, reason)
  }

  connectionLost(node: Atom): void {
    for (const watcher of this.#incoming.values()) {
      if (watcher.from.node === node) this.handleDemonitor(watcher.ref)
    }
    for (const monitor of this.#outgoing.values()) {
      if (monitor.target.node === node) monitor.fire(NOCONNECTION)
    }
  }
}

/** The first element is `DOWN` or the tag that the monitor was made with. */
export function isDownOf(message: Term, ref: Reference): boolean {
  return message instanceof Tuple && message.length === 5 && ref.equals(message[1])
}
