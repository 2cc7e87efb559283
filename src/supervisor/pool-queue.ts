/** Which member of a pool gets which call, and how many wait. Pure. */
import { Queue } from '../core/index.ts'

export type Routing = 'leastBusy' | 'roundRobin'

export interface PoolQueueOptions {
  readonly routing: Routing
  /** Calls that a member may have at a time. */
  readonly concurrency: number
  /** Calls that may wait for a member. */
  readonly queueLimit: number
}

interface Member<M> {
  readonly key: string
  readonly member: M
  load: number
}

export class PoolQueue<M, C> {
  readonly #options: PoolQueueOptions
  readonly #queue = new Queue<C>()
  #members: Member<M>[] = []
  /** Where the search for a member begins: behind the one that was chosen last. */
  #turn = 0

  constructor(options: PoolQueueOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#queue.length
  }

  members(): M[] {
    return this.#members.map(({ member }) => member)
  }

  /** Calls that the member has to answer. */
  load(key: string): number {
    return this.#members.find((each) => each.key === key)?.load ?? 0
  }

  addMember(member: M, key: string): void {
    this.#members.push({ key, member, load: 0 })
  }

  /** @returns whether there was such a member */
  removeMember(key: string): boolean {
    const before = this.#members.length
    this.#members = this.#members.filter((member) => member.key !== key)
    return this.#members.length < before
  }

  /** @returns false when too many wait already and nobody is free */
  push(call: C): boolean {
    if (this.#queue.length >= this.#options.queueLimit && this.#choose() === undefined) return false
    this.#queue.push(call)
    return true
  }

  /** Takes out the calls that nobody waits for any more. @returns whether there were any */
  drop(isOver: (call: C) => boolean): boolean {
    const before = this.#queue.length
    for (let i = this.#queue.length - 1; i >= 0; i--) {
      if (isOver(this.#queue.at(i) as C)) this.#queue.removeAt(i)
    }
    return this.#queue.length < before
  }

  /** The next call and the member that gets it; undefined when there is none, or everybody is busy. */
  next(): { readonly member: M & { readonly key: string }; readonly call: C } | undefined {
    if (this.#queue.length === 0) return undefined
    const chosen = this.#choose()
    if (chosen === undefined) return undefined
    this.#take(chosen)
    chosen.load++
    return { member: chosen.member as M & { readonly key: string }, call: this.#queue.shift() as C }
  }

  /** A call that did not reach its member: it is the next one again. */
  putBack(call: C): void {
    const rest: C[] = []
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) rest.push(next)
    for (const each of [call, ...rest]) this.#queue.push(each)
  }

  /** The member has ended and gets nothing any more; it is removed soon. */
  retire(key: string): void {
    const member = this.#members.find((each) => each.key === key)
    if (member !== undefined) member.load = Number.POSITIVE_INFINITY
  }

  /** The member has answered, or has ended. */
  done(key: string): void {
    const member = this.#members.find((each) => each.key === key)
    if (member !== undefined) member.load--
  }

  /** Who gets a message that nobody waits for the answer to, busy or not. */
  anyMember(): M | undefined {
    const chosen = this.#best(() => true)
    if (chosen !== undefined) this.#take(chosen)
    return chosen?.member
  }

  #choose(): Member<M> | undefined {
    return this.#best(({ load }) => load < this.#options.concurrency)
  }

  #best(isPossible: (member: Member<M>) => boolean): Member<M> | undefined {
    const { length } = this.#members
    let best: Member<M> | undefined
    for (let i = 0; i < length; i++) {
      const member = this.#members[(this.#turn + i) % length] as Member<M>
      if (!isPossible(member) || (best !== undefined && member.load >= best.load)) continue
      best = member
      if (this.#options.routing === 'roundRobin') break
    }
    return best
  }

  #take(chosen: Member<M>): void {
    this.#turn = (this.#members.indexOf(chosen) + 1) % this.#members.length
  }
}
