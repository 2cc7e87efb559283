/**
 * Which lost connections of others were told already (protocol.md 8.7): every node passes on what is new to it, so what
 * is not must end there.
 */
import type { Atom } from '../../etf/index.ts'
import { keepNewest } from './keep-newest.ts'
import type { Tag } from './protocol.ts'

interface Report {
  readonly creation: Tag
  readonly operation: Tag
  readonly at: number
}

const KEPT_MS = 60 * 60 * 1000
/** Pairs of nodes; more than a cluster loses in an hour, so whoever makes reports up must not fill the memory. */
const MOST_KEPT = 100_000

export class LostConnections {
  readonly #reports = new Map<string, Report>()

  get size(): number {
    return this.#reports.size
  }

  /**
   * @param creation of the node that lost the connection: its numbers begin anew when it restarts
   * @param now milliseconds
   * @returns whether it is news.
   */
  add(node: Atom, lost: Atom, creation: Tag, operation: Tag, now: number): boolean {
    this.#forgetOld(now)
    const key = `${node.name} ${lost.name}`
    const last = this.#reports.get(key)
    if (last !== undefined && last.creation === creation && operation <= last.operation) return false
    keepNewest(this.#reports, key, { creation, operation, at: now }, MOST_KEPT)
    return true
  }

  #forgetOld(now: number): void {
    for (const [key, { at }] of this.#reports) {
      if (now - at < KEPT_MS) return
      this.#reports.delete(key)
    }
  }
}
