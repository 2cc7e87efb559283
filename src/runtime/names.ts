/**
 * Names of processes on this node, after `erlang:register/2`: a name belongs to one process, a process has one name,
 * and the name is free again when the process ends.
 */
import { type Atom, inspect, type Pid } from '../etf/index.ts'
import type { Cell } from './cell.ts'
import { ProcessError } from './errors.ts'

export class Names {
  readonly #cells = new Map<Atom, Cell>()

  find(name: Atom): Cell | undefined {
    return this.#cells.get(name)
  }

  whereis(name: Atom): Pid | undefined {
    return this.#cells.get(name)?.pid
  }

  /** @throws ProcessError `ERR_RUNTIME_NAME_TAKEN`, `ERR_RUNTIME_BAD_NAME`, where the BEAM raises `badarg`. */
  register(name: Atom, cell: Cell): void {
    if (name.name === 'undefined' || name.term !== name) {
      throw new ProcessError(
        'ERR_RUNTIME_BAD_NAME',
        `${inspect(name)} cannot be a registered name; take another atom`,
      )
    }
    const holder = this.#cells.get(name)
    if (holder !== undefined) {
      const message = `the name ${inspect(name)} belongs to ${holder.pid}; unregister it first`
      throw new ProcessError('ERR_RUNTIME_NAME_TAKEN', message)
    }
    if (cell.name !== undefined) {
      const message = `${cell.pid} is registered as ${inspect(cell.name)} already; a process has one name`
      throw new ProcessError('ERR_RUNTIME_NAME_TAKEN', message)
    }
    cell.name = name
    this.#cells.set(name, cell)
  }

  /** @returns whether the name was registered. */
  unregister(name: Atom): boolean {
    const cell = this.#cells.get(name)
    if (cell === undefined) return false
    cell.name = undefined
    return this.#cells.delete(name)
  }

  names(): Atom[] {
    return [...this.#cells.keys()]
  }
}
