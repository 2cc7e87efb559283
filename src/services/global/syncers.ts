/** Who waits for nodes to be in sync: `global:sync/0,1`. */
import type { Atom } from '../../etf/index.ts'

interface Syncer {
  readonly left: Set<Atom>
  readonly done: () => void
}

export class Syncers {
  readonly #syncers = new Set<Syncer>()

  /** Calls `done` when each of these nodes is settled, at once when there is none. */
  add(nodes: readonly Atom[], done: () => void): void {
    if (nodes.length === 0) done()
    else this.#syncers.add({ left: new Set(nodes), done })
  }

  /** A node is in sync, or will not come to it: nobody waits for it any more. */
  settle(node: Atom): void {
    for (const syncer of [...this.#syncers]) {
      if (!syncer.left.delete(node) || syncer.left.size > 0) continue
      this.#syncers.delete(syncer)
      syncer.done()
    }
  }
}
