/** Link signals, within this node and with others (protocol.md 3.6). What they decide is in `link-table.ts`. */
import type { Atom, Pid, Term } from '../etf/index.ts'
import { NOCONNECTION, NOPROC } from './atoms.ts'
import type { Cell } from './cell.ts'
import type { Exits } from './exits.ts'
import type { ProcessTable } from './process-table.ts'
import type { RemoteRouter } from './signals.ts'

export class Links {
  readonly #table: ProcessTable
  readonly #exits: Exits
  readonly #router: RemoteRouter

  constructor(table: ProcessTable, exits: Exits, router: RemoteRouter) {
    this.#table = table
    this.#exits = exits
    this.#router = router
  }

  /** Links the process to `pid`; a process that does not exist answers with an exit signal `noproc`. */
  link(cell: Cell, pid: Pid): void {
    if (pid.equals(cell.pid)) return
    if (!this.#table.isOurs(pid)) {
      if (cell.links.link(pid)) this.#router.link(cell.pid, pid)
      return
    }
    const other = this.#table.find(pid)
    if (other === undefined) {
      this.#exits.linkBroke(cell, pid, NOPROC)
      return
    }
    cell.links.link(pid)
    other.links.link(cell.pid)
  }

  unlink(cell: Cell, pid: Pid): void {
    if (!this.#table.isOurs(pid)) {
      const id = cell.links.unlink(pid)
      if (id !== undefined) this.#router.unlink(id, cell.pid, pid)
      return
    }
    cell.links.drop(pid)
    this.#table.find(pid)?.links.drop(cell.pid)
  }

  handleLink(from: Pid, to: Pid): void {
    const cell = this.#table.find(to)
    if (cell === undefined) this.#router.exit(to, from, NOPROC)
    else cell.links.handleLink(from)
  }

  handleUnlink(id: bigint, from: Pid, to: Pid): void {
    // The acknowledgement has to be the next signal from `to` to `from`, whether there is a link or not.
    this.#router.unlinkAck(id, to, from)
    this.#table.find(to)?.links.handleUnlink(from)
  }

  handleUnlinkAck(id: bigint, from: Pid, to: Pid): void {
    this.#table.find(to)?.links.handleUnlinkAck(from, id)
  }

  /** The link from a process of another node broke; without an active link the signal is an old one. */
  handleExit(from: Pid, to: Pid, reason: Term): void {
    const cell = this.#table.find(to)
    if (cell?.links.handleExit(from)) this.#exits.linkBroke(cell, from, reason)
  }

  connectionLost(node: Atom): void {
    for (const cell of this.#table.cells()) {
      if (!cell.alive || cell.links.size === 0) continue
      for (const pid of cell.links.dropNode((linked) => linked.node === node)) {
        this.#exits.linkBroke(cell, pid, NOCONNECTION)
      }
    }
  }
}
