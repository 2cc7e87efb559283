/**
 * What every process of this node has, whatever runs in it: identity, mailbox, relations to other processes, and its
 * place in the scheduler. Functions, servers and the client of plain code are the three kinds.
 */
import type { Timer } from '../core/index.ts'
import type { Atom, Encodable, Pid, Reference, Term } from '../etf/index.ts'
import { ProcessError } from './errors.ts'
import { LinkTable } from './link-table.ts'
import { Mailbox } from './mailbox.ts'
import type { Receive } from './receive.ts'
import { RefMap } from './ref-map.ts'
import type { Runnable } from './scheduler.ts'
import type { MonitorTarget } from './signals.ts'

/** Somebody who wants to know when a process ends. */
export interface Watcher {
  readonly ref: Reference
  /** Whose monitor it is. */
  readonly by: Pid
  /** The process ended, or the way to it did. Called once at most, after the watcher has been removed. */
  fire(reason: Term): void
}

/** A monitor that a process holds. */
export interface HeldMonitor {
  readonly ref: Reference
  readonly target: MonitorTarget
  /** The watched process, when it is one of this node. */
  readonly watched: Cell | undefined
  fire(reason: Term): void
  /** The owner ended: takes the monitor from the target. */
  cancel(): void
}

/** A call whose reply is awaited. */
export interface AwaitedCall {
  readonly ref: Reference
  /** The caller ended: forget the call. */
  abandon(): void
}

/** What a cell needs of the rest. */
export interface CellHost {
  readonly mailboxLimit: number
  enqueue(cell: Cell): void
  mailboxFull(cell: Cell): void
}

/** What is known of a process before it runs. */
export interface Origin {
  readonly pid: Pid
  /** Who spawned it. */
  readonly parent: Pid
  readonly ancestors: readonly (Pid | Atom)[]
  readonly groupLeader: Pid
  /** Class or function name, for logs and `processInfo`. */
  readonly label: string
}

export abstract class Cell implements Runnable {
  readonly pid: Pid
  readonly parent: Pid
  readonly ancestors: readonly (Pid | Atom)[]
  readonly label: string
  groupLeader: Pid
  alive = true
  trapExit = false
  /** Messages from other nodes arrive as they were sent, whatever the codec of the node makes of them elsewhere. */
  exactTerms = false
  /** Survives even `kill`: the client of plain code, which is told about it instead. */
  readonly permanent: boolean = false
  /** The registered name. */
  name: Atom | undefined
  /** What the process says it is, for those who look at it: `Process.set_label/1`. */
  processLabel: Encodable | undefined
  readonly mailbox = new Mailbox()
  readonly links = new LinkTable()
  /** What this process watches. */
  readonly monitors = new RefMap<HeldMonitor>()
  /** Who watches this process. */
  readonly watchers = new RefMap<Watcher>()
  /** The rest is rare, so it is made when it is needed. */
  aliases: RefMap<{ readonly ref: Reference }> | undefined
  calls: RefMap<AwaitedCall> | undefined
  timers: Set<Timer> | undefined
  abort: AbortController | undefined
  receiving: Receive | undefined
  /** Messages and turns of its code so far, the nearest to what the BEAM calls so. */
  reductions = 0
  /** The callback that ran last, for reports. */
  doing: string | undefined

  readonly #host: CellHost
  #queued = false
  /** How many busy nodes this process waits for. */
  #holds = 0
  #onReleased: (() => void)[] = []
  /** Whether a new message should wake it although it waits in no receive: a server between two messages. */
  protected idle = false

  constructor(host: CellHost, origin: Origin) {
    this.#host = host
    this.pid = origin.pid
    this.parent = origin.parent
    this.ancestors = origin.ancestors
    this.groupLeader = origin.groupLeader
    this.label = origin.label
  }

  /** Puts a message into the mailbox. */
  deliver(message: Term): void {
    if (!this.alive) return
    this.mailbox.push(message)
    if (!this.#queued && (this.idle || this.receiving !== undefined)) this.wake()
    if (this.mailbox.length > this.#host.mailboxLimit) this.#host.mailboxFull(this)
  }

  /** It has sent to a node that is busy, and handles nothing until that changes. */
  get isHeld(): boolean {
    return this.#holds > 0
  }

  hold(): void {
    this.#holds++
  }

  release(): void {
    if (!this.alive || --this.#holds > 0) return
    this.#tellReleased()
    this.wake()
  }

  /** Resolves when the process is not held any more, or has ended. */
  whenReleased(): Promise<void> {
    return new Promise((resolve) => this.#onReleased.push(resolve))
  }

  /** Asks the scheduler to run it. */
  wake(): void {
    if (this.#queued || !this.alive || this.#holds > 0) return
    this.#queued = true
    this.#host.enqueue(this)
  }

  run(limit: number): number {
    this.#queued = false
    if (!this.alive || this.#holds > 0) return 0
    const handled = this.receiving === undefined ? this.work(limit) : this.#receive(this.receiving)
    this.reductions += handled
    return handled
  }

  /** Whether it waits for a message. */
  get isWaiting(): boolean {
    return this.receiving !== undefined || (this.idle && this.mailbox.length === 0)
  }

  /** Handles at most `limit` messages and returns how many; never throws. */
  protected abstract work(limit: number): number

  /** Code of it has begun and waits for something else than a message. */
  get isUnderWay(): boolean {
    return false
  }

  /** The process has ended: lets go of what its code waits for. */
  ended(_reason: Term): void {
    const { receiving } = this
    this.receiving = undefined
    receiving?.abandon(new ProcessError('ERR_RUNTIME_EXITED', `${this.pid} has exited`))
    this.#tellReleased()
  }

  #tellReleased(): void {
    const waiting = this.#onReleased
    if (waiting.length === 0) return
    this.#onReleased = []
    for (const tell of waiting) tell()
  }

  #receive(receiving: Receive): number {
    let index: number
    try {
      index = this.mailbox.scan(receiving.match)
    } catch (error) {
      this.receiving = undefined
      receiving.reject(error)
      return 1
    }
    if (index === -1) return 1
    this.receiving = undefined
    receiving.resolve(this.mailbox.removeAt(index) as Term)
    return 1
  }
}
