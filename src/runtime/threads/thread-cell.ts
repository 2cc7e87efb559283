/**
 * A process that runs in a thread, as the rest of the node sees it. Links, monitors, names and aliases are kept here;
 * mailbox and code are in the thread. So the process can be ended whatever its thread is doing.
 */
import type { Pid, Term } from '../../etf/index.ts'
import { Cell, type CellHost, type Origin } from '../cell.ts'

/** The thread of a cell. */
export interface CellThread {
  deliver(cell: ThreadCell, message: Term): void
  /** The process was ended, by whomever. */
  ended(cell: ThreadCell, reason: Term): void
  leaderChanged(cell: ThreadCell, leader: Pid): void
  /** Runs once, for the first process of the thread. */
  begin(): void
}

export class ThreadCell extends Cell {
  readonly #thread: CellThread
  #leader: Pid

  constructor(host: CellHost, origin: Origin, thread: CellThread) {
    super(host, origin)
    this.#thread = thread
    this.#leader = origin.groupLeader
    // A field of the base class that anybody may set, also by a signal of another node; the thread has to know.
    Object.defineProperty(this, 'groupLeader', {
      get: () => this.#leader,
      set: (leader: Pid) => {
        this.#leader = leader
        this.#thread.leaderChanged(this, leader)
      },
    })
  }

  /**
   * Nothing waits here, for what stands in line for the thread does so in order with the signals to it; unless the process
   * is held: then it gets to handle what its thread has, and nothing more.
   */
  override deliver(message: Term): void {
    if (this.isHeld || this.mailbox.length > 0) super.deliver(message)
    else if (this.alive) this.#thread.deliver(this, message)
  }

  override ended(reason: Term): void {
    super.ended(reason)
    this.#thread.ended(this, reason)
  }

  protected work(_limit: number): number {
    this.#thread.begin()
    while (this.mailbox.length > 0 && this.alive && !this.isHeld) {
      this.#thread.deliver(this, this.mailbox.shift() as Term)
    }
    return 1
  }
}
