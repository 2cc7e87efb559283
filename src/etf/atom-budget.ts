/** Bounds how many atoms others can make us keep (design.md 2). */

/**
 * How many atoms that this process had not seen before decoding may introduce. Share one over all connections of a
 * node: atoms are never given back, so each one that a peer invents stays.
 */
export class AtomBudget {
  readonly limit: number
  /** How many were introduced. */
  used = 0

  constructor(limit: number) {
    this.limit = limit
  }
}
