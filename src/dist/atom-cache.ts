/**
 * The atoms that a peer has told us, by cache slot: one cache per connection for the incoming direction.
 * Protocol: section 4.3.
 */
import type { Atom } from '../etf/index.ts'
import { DistError } from './errors.ts'

/** Eight segments of 256. */
const SLOTS = 2048

export class AtomCache {
  readonly #slots: (Atom | undefined)[] = new Array(SLOTS).fill(undefined)

  /** Fills a slot, for good or until it is filled again. */
  set(slot: number, atom: Atom): void {
    this.#slots[slot] = atom
  }

  /** @throws DistError `ERR_DIST_BAD_ATOM_REF` when the slot was never filled. */
  get(slot: number): Atom {
    return this.#slots[slot] ?? refuse(slot)
  }
}

function refuse(slot: number): never {
  const what = `atom cache slot 0x${slot.toString(16)} was never filled`
  throw new DistError('ERR_DIST_BAD_ATOM_REF', what, { actual: slot })
}
