/**
 * The tables and signals of one runtime, put together. Processes act through it; what users see of it is in
 * `process.ts` and `runtime.ts`.
 */
import type { Clock, Logger } from '../core/index.ts'
import type { Atom, CodecOptions, Pid } from '../etf/index.ts'
import { Aliases } from './aliases.ts'
import { KILLED } from './atoms.ts'
import { Calls } from './calls.ts'
import type { Cell, CellHost, Origin } from './cell.ts'
import { Delivery } from './delivery.ts'
import { Exits } from './exits.ts'
import { Holds } from './holds.ts'
import { Links } from './links.ts'
import { Monitors } from './monitors.ts'
import { Names } from './names.ts'
import { ReferenceAllocator } from './pids.ts'
import { ProcessTable } from './process-table.ts'
import { RemoteSpawns } from './remote-spawns.ts'
import { Scheduler, type SchedulerLimits } from './scheduler.ts'
import type { RemoteRouter } from './signals.ts'
import type { Spawner } from './spawner.ts'

export interface RuntimeLimits extends SchedulerLimits {
  /** Most processes at a time. Default 262_144, as the BEAM's `+P`. */
  readonly processes: number
  /** Most messages that may wait in one mailbox; a process with more is killed. Default 10_000_000. */
  readonly mailbox: number
}

export interface KernelOptions {
  readonly node: Atom
  readonly creation: number
  readonly clock: Clock
  readonly logger: Logger
  readonly router: RemoteRouter
  readonly limits: RuntimeLimits
  /** How messages from threads become terms; those of other nodes are decoded before they get here. */
  readonly codec: CodecOptions
}

export const DEFAULT_LIMITS: RuntimeLimits = {
  processes: 262_144,
  mailbox: 10_000_000,
  turnMessages: 10_000,
  turnMs: 10,
  sliceMessages: 200,
  longSchedule: 500,
}

/** They are for status reports only, and a process may come from a long line. */
const MAX_ANCESTORS = 8

export class Kernel implements CellHost {
  readonly node: Atom
  readonly clock: Clock
  readonly logger: Logger
  readonly router: RemoteRouter
  readonly mailboxLimit: number
  readonly codec: CodecOptions
  readonly scheduler: Scheduler
  readonly table: ProcessTable
  readonly names = new Names()
  readonly aliases = new Aliases()
  readonly refs: ReferenceAllocator
  readonly exits: Exits
  readonly links: Links
  readonly monitors: Monitors
  readonly calls: Calls
  readonly remoteSpawns: RemoteSpawns
  readonly delivery: Delivery
  readonly holds: Holds
  /** What serves the node: it ends after all others. */
  readonly services = new WeakSet<Cell>()
  /** Set by the runtime, which knows the kinds of processes. */
  spawner!: Spawner
  /** Set by the runtime: the process that stands for plain code, parent of all others. */
  client!: Cell
  #lastParent: Cell | undefined
  #lastAncestors: readonly (Pid | Atom)[] = []

  constructor(options: KernelOptions) {
    const { node, creation, clock, logger, router, limits } = options
    this.node = node
    this.clock = clock
    this.logger = logger
    this.router = router
    this.mailboxLimit = limits.mailbox
    this.codec = options.codec
    this.scheduler = new Scheduler(clock, limits)
    this.table = new ProcessTable(node, creation, limits.processes)
    this.refs = new ReferenceAllocator(node, creation)
    this.holds = new Holds(this.table)
    this.exits = new Exits(this.table, this.names, this.aliases, router, this.holds)
    this.links = new Links(this.table, this.exits, router)
    this.monitors = new Monitors(node, this.table, this.names, this.aliases, router)
    this.calls = new Calls(this.refs, router, clock)
    this.remoteSpawns = new RemoteSpawns(this.refs, this.monitors, router, logger)
    this.delivery = new Delivery(this)
  }

  enqueue(cell: Cell): void {
    this.scheduler.enqueue(cell)
  }

  mailboxFull(cell: Cell): void {
    const fields = { pid: String(cell.pid), process: cell.label, limit: this.mailboxLimit }
    this.logger.error(fields, 'a process is killed because its mailbox is full; see limits.mailbox')
    if (cell.permanent) cell.mailbox.clear()
    else this.exits.terminate(cell, KILLED)
  }

  /** A pid for a new process, and where it comes from. */
  originOf(parent: Cell, label: string, groupLeader: Pid = parent.groupLeader): Origin {
    const ancestors = this.#ancestorsUnder(parent)
    return { pid: this.table.allocate(), parent: parent.pid, ancestors, groupLeader, label }
  }

  /** The children of one parent are often started one after the other: they share the list. */
  #ancestorsUnder(parent: Cell): readonly (Pid | Atom)[] {
    const name = parent.name ?? parent.pid
    if (this.#lastParent !== parent || this.#lastAncestors[0] !== name) {
      this.#lastParent = parent
      this.#lastAncestors = [name, ...parent.ancestors].slice(0, MAX_ANCESTORS)
    }
    return this.#lastAncestors
  }
}
