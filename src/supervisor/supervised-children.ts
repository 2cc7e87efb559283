/** The children of a supervisor in the order in which they are started, and who is concerned when one ends. Pure. */
import { atom, type Encodable, type Pid, type Term, termEquals, tuple } from '../etf/index.ts'
import { RESTARTING, UNDEFINED } from './atoms.ts'
import type { ChildSpec } from './child-spec.ts'
import type { ChildCounts } from './children.ts'

/** What a supervisor does when a child is to be restarted: that child, all, or it and those started after it. */
export type Strategy = 'oneForOne' | 'oneForAll' | 'restForOne'

export interface SupervisedChild {
  readonly spec: ChildSpec
  /** Undefined: it does not run. */
  pid: Pid | undefined
  /** Its restart failed, the next attempt is on its way. */
  isRestarting: boolean
}

export class SupervisedChildren {
  #inOrder: SupervisedChild[] = []

  get inOrder(): readonly SupervisedChild[] {
    return this.#inOrder
  }

  find(id: Term): SupervisedChild | undefined {
    return this.#inOrder.find(({ spec }) => termEquals(spec.id, id))
  }

  findPid(pid: Pid): SupervisedChild | undefined {
    return this.#inOrder.find((child) => child.pid?.equals(pid))
  }

  add(spec: ChildSpec, pid: Pid | undefined): void {
    this.#inOrder.push({ spec, pid, isRestarting: false })
  }

  remove(child: SupervisedChild): void {
    this.#inOrder = this.#inOrder.filter((other) => other !== child)
  }

  /** It does not run any more. The specification of a temporary child goes with it. */
  ended(child: SupervisedChild): void {
    child.pid = undefined
    child.isRestarting = false
    if (child.spec.restart === 'temporary') this.remove(child)
  }

  /** Those that are ended and started again with `child`, in the order of their start. */
  concerned(child: SupervisedChild, strategy: Strategy): readonly SupervisedChild[] {
    if (strategy === 'oneForOne') return [child]
    return strategy === 'oneForAll' ? this.#inOrder : this.#inOrder.slice(this.#inOrder.indexOf(child))
  }

  /** Whether a significant child still runs, or waits to. */
  hasSignificant(): boolean {
    return this.#inOrder.some((child) => child.spec.significant && (child.pid ?? child.isRestarting))
  }

  /** The reply to `which_children`, the youngest first, as OTP keeps them. */
  which(): Encodable {
    return this.#inOrder.map(row).reverse()
  }

  row(child: SupervisedChild): Encodable {
    return row(child)
  }

  count(): ChildCounts {
    const counts = { specs: 0, active: 0, supervisors: 0, workers: 0 }
    for (const { spec, pid } of this.#inOrder) {
      counts.specs++
      if (pid !== undefined) counts.active++
      if (spec.type === 'supervisor') counts.supervisors++
      else counts.workers++
    }
    return counts
  }
}

/** `{Id, Pid | undefined | restarting, Type, Modules}` */
function row({ spec, pid, isRestarting }: SupervisedChild): Encodable {
  const where = isRestarting ? RESTARTING : (pid ?? UNDEFINED)
  return tuple(spec.id, where, atom(spec.type), spec.modules)
}
