/** The children of a dynamic supervisor, by pid. */
import { atom, type Pid, type Term, tuple } from '../etf/index.ts'
import { RESTARTING, UNDEFINED } from './atoms.ts'
import type { ChildSpec } from './child-spec.ts'

export interface Child {
  readonly pid: Pid
  readonly spec: ChildSpec
  /** The last restart failed, another one is on its way; `pid` is the one that ended. */
  readonly isRestarting: boolean
}

/** What `count_children` tells. */
export interface ChildCounts {
  readonly specs: number
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}

const SPECS = atom('specs')
const ACTIVE = atom('active')
const SUPERVISORS = atom('supervisors')
const WORKERS = atom('workers')

export class Children implements Iterable<Child> {
  readonly #children = new Map<string, Child>()

  get size(): number {
    return this.#children.size
  }

  get(pid: Pid): Child | undefined {
    return this.#children.get(pid.key)
  }

  add(pid: Pid, spec: ChildSpec): void {
    this.#children.set(pid.key, { pid, spec, isRestarting: false })
  }

  /** It stays under its old pid until it runs again. */
  setRestarting(pid: Pid, spec: ChildSpec): void {
    this.#children.set(pid.key, { pid, spec, isRestarting: true })
  }

  delete(pid: Pid): boolean {
    return this.#children.delete(pid.key)
  }

  clear(): void {
    this.#children.clear()
  }

  [Symbol.iterator](): IterableIterator<Child> {
    return this.#children.values()
  }

  count(): ChildCounts {
    const counts = { specs: 0, active: 0, supervisors: 0, workers: 0 }
    for (const { spec, isRestarting } of this) {
      counts.specs++
      if (!isRestarting) counts.active++
      if (spec.type === 'supervisor') counts.supervisors++
      else counts.workers++
    }
    return counts
  }

  /** The reply to `which_children`: `[{undefined, Pid | restarting, Type, Modules}]`. */
  which(): Term {
    const rows: Term[] = []
    for (const { pid, spec, isRestarting } of this) {
      const { type, modules } = spec
      rows.push(tuple(UNDEFINED, isRestarting ? RESTARTING : pid, atom(type), modules) as Term)
    }
    return rows
  }
}

/** The reply to `count_children`, a keyword list. */
export function countsTerm({ specs, active, supervisors, workers }: ChildCounts): Term {
  return [
    tuple(SPECS, specs),
    tuple(ACTIVE, active),
    tuple(SUPERVISORS, supervisors),
    tuple(WORKERS, workers),
  ] as Term
}
