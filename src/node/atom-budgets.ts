/**
 * How many atoms each peer may still introduce. Kept over its connections: a peer that used up its atoms does not get
 * new ones by connecting again. Visitors come under a new name each time, so only so many of those that are gone are
 * remembered.
 */
import { AtomBudget } from '../etf/index.ts'

export interface AtomBudgetsOptions {
  /** Atoms for each peer. */
  readonly limit: number
  /** Most peers that are remembered; who is connected always is. Default 1000. */
  readonly remembered?: number
  isConnected(peer: string): boolean
}

const DEFAULT_REMEMBERED = 1000

export class AtomBudgets {
  readonly #options: AtomBudgetsOptions
  /** Who came last is last. */
  readonly #budgets = new Map<string, AtomBudget>()

  constructor(options: AtomBudgetsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#budgets.size
  }

  /** The budget of a peer that connects. */
  of(peer: string): AtomBudget {
    const { limit, remembered = DEFAULT_REMEMBERED } = this.#options
    const budget = this.#budgets.get(peer) ?? new AtomBudget(limit)
    this.#budgets.delete(peer)
    if (this.#budgets.size >= remembered) this.#forgetOldest()
    this.#budgets.set(peer, budget)
    return budget
  }

  #forgetOldest(): void {
    for (const peer of this.#budgets.keys()) {
      if (this.#options.isConnected(peer)) continue
      this.#budgets.delete(peer)
      return
    }
  }
}
