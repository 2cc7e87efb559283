/**
 * The locks of one node. A lock has one requester and any number of holders that asked in its name; it is free again
 * when the last of them gave it back or ended.
 */
import { type Pid, type Term, TermMap, termEquals } from '../../etf/index.ts'
import { GLOBAL } from './protocol.ts'
import type { LockId } from './requests.ts'
import type { Watch, Watches } from './watches.ts'

interface Lock {
  readonly requester: Term
  readonly holders: Watch[]
}

export class LockTable {
  readonly #watches: Watches
  readonly #locks = new TermMap<Term, Lock>()
  #lostGlobal = false

  constructor(watches: Watches) {
    this.#watches = watches
  }

  /** Whether the lock that names are changed under was last lost by the end of its holder, instead of given back. */
  get lostGlobal(): boolean {
    return this.#lostGlobal
  }

  canSet({ resource, requester }: LockId): boolean {
    const lock = this.#locks.get(resource)
    return lock === undefined || termEquals(lock.requester, requester)
  }

  isSet(resource: Term): boolean {
    return this.#locks.has(resource)
  }

  /** False when somebody else has it. One process holds a lock once, however often it asks. */
  set(id: LockId, pid: Pid): boolean {
    if (!this.canSet(id)) return false
    const lock = this.#locks.get(id.resource) ?? { requester: id.requester, holders: [] }
    if (lock.holders.some((holder) => holder.pid.equals(pid))) return true
    lock.holders.push(this.#watches.watch(pid, () => this.#release(id.resource, pid, true)))
    this.#locks.set(id.resource, lock)
    return true
  }

  /** Without effect on locks of other requesters. */
  del(id: LockId, pid: Pid): void {
    if (this.#locks.has(id.resource) && this.canSet(id)) this.#release(id.resource, pid, false)
  }

  /** Whether a change of names by this process, or under the lock of this requester, is in order. */
  allowsChange(by: Pid | { readonly requester: Term | undefined }): boolean {
    const lock = this.#locks.get(GLOBAL)
    if (lock === undefined) return !this.#lostGlobal
    if ('requester' in by) return by.requester !== undefined && termEquals(lock.requester, by.requester)
    return lock.holders.some(({ pid }) => pid.equals(by))
  }

  #release(resource: Term, pid: Pid, hasEnded: boolean): void {
    const lock = this.#locks.get(resource)
    const index = lock?.holders.findIndex((holder) => holder.pid.equals(pid)) ?? -1
    if (lock === undefined || index === -1) return
    for (const watch of lock.holders.splice(index, 1)) this.#watches.end(watch)
    if (lock.holders.length > 0) return
    this.#locks.delete(resource)
    if (resource === GLOBAL) this.#lostGlobal = hasEnded
  }
}
