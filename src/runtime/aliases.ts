/**
 * Aliases: references that stand for a process until they are deactivated (protocol.md 3.10). A message to an inactive
 * alias is dropped, which is how a late reply vanishes.
 */
import type { Reference, Term } from '../etf/index.ts'
import type { Cell } from './cell.ts'
import { RefMap } from './ref-map.ts'

interface ActiveAlias {
  readonly ref: Reference
  readonly cell: Cell
  /** It belongs to the monitor of the same reference and ends with it. */
  readonly bound: boolean
  /** Called with the first message; the alias is inactive then. Undefined: it stays active. */
  readonly onReply: (() => void) | undefined
}

export class Aliases {
  readonly #active = new RefMap<ActiveAlias>()

  get size(): number {
    return this.#active.size
  }

  /** Makes `ref` an alias of the process; with `onReply` for one message only. */
  activate(ref: Reference, cell: Cell, onReply?: () => void, bound = false): void {
    const alias = { ref, cell, bound, onReply }
    this.#active.add(alias)
    cell.aliases ??= new RefMap()
    cell.aliases.add(alias)
  }

  /** The process that an active alias stands for. */
  find(ref: Reference): Cell | undefined {
    return this.#active.get(ref)?.cell
  }

  isActive(ref: Reference): boolean {
    return this.#active.get(ref) !== undefined
  }

  /** @returns whether `ref` was an active alias of this process. */
  deactivate(ref: Reference, cell: Cell): boolean {
    const alias = this.#active.get(ref)
    if (alias === undefined || alias.cell !== cell) return false
    this.#active.take(ref)
    cell.aliases?.take(ref)
    return true
  }

  /** The monitor of this reference fired or was removed. */
  monitorEnded(ref: Reference, cell: Cell): void {
    if (this.#active.get(ref)?.bound === true) this.deactivate(ref, cell)
  }

  /** @returns whether the alias was active. */
  deliver(ref: Reference, message: Term): boolean {
    const alias = this.#active.get(ref)
    if (alias === undefined) return false
    alias.cell.deliver(message)
    if (alias.onReply !== undefined) {
      this.deactivate(ref, alias.cell)
      alias.onReply()
    }
    return true
  }

  dropAll(cell: Cell): void {
    if (cell.aliases === undefined) return
    for (const { ref } of cell.aliases.values()) this.#active.take(ref)
    cell.aliases = undefined
  }
}
