/** The processes of this node, found by the number of their pid. */
import { type EntryKeys, EntryTable } from '../core/index.ts'
import type { Atom, Pid } from '../etf/index.ts'
import type { Cell } from './cell.ts'
import { ProcessError } from './errors.ts'
import { PidAllocator, type PidStart, pidNumber } from './pids.ts'

const KEYS: EntryKeys<number, Cell> = {
  of: (cell) => pidNumber(cell.pid),
  hash: (number) => number,
  equal: (a, b) => a === b,
}

/** Processes by the number of their pid. */
export class CellTable extends EntryTable<number, Cell> {
  constructor() {
    super(KEYS)
  }
}

export class ProcessTable {
  readonly #node: Atom
  readonly #creation: number
  /** Most processes at a time. */
  readonly limit: number
  readonly #pids: PidAllocator
  readonly #cells = new CellTable()
  /** Numbers of the processes that want messages of other nodes without loss: few, and asked for with every message. */
  readonly #exact = new Set<number>()
  readonly #isTaken = (number: number): boolean => this.#cells.get(number) !== undefined

  constructor(node: Atom, creation: number, limit: number, start?: PidStart) {
    this.#node = node
    this.#creation = creation
    this.limit = limit
    this.#pids = new PidAllocator(node, creation, start)
  }

  get size(): number {
    return this.#cells.size
  }

  get isFull(): boolean {
    return this.#cells.size >= this.limit
  }

  /** @throws ProcessError `ERR_RUNTIME_PROCESS_LIMIT`, where the BEAM raises `system_limit`. */
  allocate(): Pid {
    if (this.isFull) {
      throw new ProcessError(
        'ERR_RUNTIME_PROCESS_LIMIT',
        `${this.#cells.size} processes are running, which is the limit; raise limits.processes`,
      )
    }
    return this.#pids.next(this.#isTaken)
  }

  add(cell: Cell): void {
    this.#cells.add(cell)
  }

  remove(cell: Cell): void {
    this.#cells.take(pidNumber(cell.pid))
    this.#exact.delete(pidNumber(cell.pid))
  }

  setExact(cell: Cell, exact: boolean): void {
    cell.exactTerms = exact
    if (exact) this.#exact.add(pidNumber(cell.pid))
    else this.#exact.delete(pidNumber(cell.pid))
  }

  wantsExact(pid: Pid): boolean {
    return this.#exact.size > 0 && pid.node === this.#node && this.#exact.has(pidNumber(pid))
  }

  /** Whether the pid names a process of this node, alive or not, of this or an earlier incarnation. */
  isOurs(pid: Pid): boolean {
    return pid.node === this.#node
  }

  /** The live process of this pid; undefined also for pids of other nodes and earlier incarnations. */
  find(pid: Pid): Cell | undefined {
    if (pid.node !== this.#node || pid.creation !== this.#creation) return undefined
    const cell = this.#cells.get(pidNumber(pid))
    return cell !== undefined && cell.pid.id === pid.id ? cell : undefined
  }

  /** Those that live now, in no particular order. */
  cells(): Cell[] {
    return this.#cells.entries()
  }

  /** Those that live now, the oldest first, as far as the numbers have not wrapped. */
  cellsByAge(): Cell[] {
    return this.cells().sort((a, b) => pidNumber(a.pid) - pidNumber(b.pid))
  }
}
