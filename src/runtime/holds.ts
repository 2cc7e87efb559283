/**
 * Processes that are held back because they sent to a node that takes its messages too slowly, as the BEAM suspends them:
 * they handle no message until the connection has drained. Code that runs is not stopped, so what a process sends in one
 * go leaves in one go.
 */
import type { Atom, Pid } from '../etf/index.ts'
import type { Cell } from './cell.ts'
import type { ProcessTable } from './process-table.ts'

export class Holds {
  readonly #table: ProcessTable
  readonly #byNode = new Map<Atom, Set<Cell>>()

  constructor(table: ProcessTable) {
    this.#table = table
  }

  /** `from` has sent to a node that is busy. The process that stands for plain code is never held: see `drain`. */
  hold(from: Pid, node: Atom): void {
    const cell = this.#table.find(from)
    if (cell === undefined || cell.permanent) return
    let cells = this.#byNode.get(node)
    if (cells === undefined) {
      cells = new Set()
      this.#byNode.set(node, cells)
    }
    if (cells.has(cell)) return
    cells.add(cell)
    cell.hold()
  }

  /** The process has ended. */
  forget(cell: Cell): void {
    for (const cells of this.#byNode.values()) cells.delete(cell)
  }

  /** The node is not busy any more, or gone. */
  release(node: Atom): void {
    const cells = this.#byNode.get(node)
    if (cells === undefined) return
    this.#byNode.delete(node)
    for (const cell of cells) cell.release()
  }
}
