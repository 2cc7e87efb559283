/**
 * Names for nodes that ask for one (`erl -sname undefined`): unique, and free again for the next node of that host once
 * theirs is gone, with the next creation. Protocol: section 2.6. Randomness comes in as an argument.
 */
import type { GivenName } from '../dist/index.ts'

export interface RandomNames {
  /** Letters and digits that no other name has. */
  name(): string
  /** Any creation a node may have. */
  creation(): number
}

const FIRST_CREATION = 4
const CREATIONS_END = 2 ** 32
/** Names kept for reuse; a host that never comes back must not cost memory for ever. */
const MAX_FREE = 1000

export class DynamicNames {
  readonly #random: RandomNames
  /** Names given to nodes that are connected, with their creations. */
  readonly #used = new Map<string, number>()
  /** Names whose nodes are gone, the longest free first. */
  readonly #free = new Map<string, number>()

  constructor(random: RandomNames) {
    this.#random = random
  }

  /** A name on `host`; to be given to `connected` or `dropped`. */
  take(host: string): GivenName {
    for (const [name, last] of this.#free) {
      if (!name.endsWith(`@${host}`)) continue
      this.#free.delete(name)
      return { name, creation: nextCreation(last) }
    }
    return { name: `${this.#random.name()}@${host}`, creation: this.#random.creation() }
  }

  /** The node of that name is connected. */
  connected({ name, creation }: GivenName): void {
    this.#used.set(name, creation)
  }

  /** A node is connected that says this is its name, whoever had it before: nobody else is given it. */
  claimed(name: string): void {
    this.#free.delete(name)
  }

  /** The node is gone; its name is free. Without effect for a name that was not given. */
  lost(name: string): void {
    const creation = this.#used.get(name)
    if (creation === undefined) return
    this.#used.delete(name)
    this.#free.set(name, creation)
    if (this.#free.size > MAX_FREE) {
      for (const longest of this.#free.keys()) {
        this.#free.delete(longest)
        break
      }
    }
  }
}

function nextCreation(creation: number): number {
  return creation + 1 < CREATIONS_END ? creation + 1 : FIRST_CREATION
}
