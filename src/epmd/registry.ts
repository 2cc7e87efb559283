/**
 * The table of names and their creation numbers. Pure: time comes in as an argument.
 * Spec: protocol 1.2 to 1.4.
 *
 *   (unknown) --register--> active --unregister--> old --register, creation + 1--> active
 *                                                   |
 *                                                   +--too many old names, the oldest goes--> (unknown)
 */
import type { EpmdEntry } from './protocol.ts'

/** Creations below are those of nodes older than OTP 23; a real one is never among them. */
const FIRST_CREATION = 4
const CREATIONS = 2 ** 32

export interface Registration {
  readonly entry: EpmdEntry
  readonly creation: number
  /** Tells registrations apart: the same name registered again has another one. */
  readonly id: number
}

export class NameRegistry {
  readonly #maxOldNames: number
  /** In order of registration, oldest first. */
  readonly #active = new Map<string, Registration>()
  /** In order of their end, oldest first. */
  readonly #old = new Map<string, Registration>()
  #lastId = 0

  /** Remembers the creation of at most `maxOldNames` names that are not registered any more. */
  constructor(maxOldNames = 1000) {
    this.#maxOldNames = maxOldNames
  }

  /** Undefined when the name is taken. `unixSeconds` starts the creations of a name that is not remembered. */
  register(entry: EpmdEntry, unixSeconds: number): Registration | undefined {
    const { name } = entry
    if (this.#active.has(name)) return undefined
    const last = this.#old.get(name)?.creation ?? Math.floor(unixSeconds)
    const creation = Math.max(FIRST_CREATION, (last + 1) % CREATIONS)
    const registration = { entry, creation, id: ++this.#lastId }
    this.#old.delete(name)
    this.#active.set(name, registration)
    return registration
  }

  /** Ends a registration; nothing happens when it has ended already. */
  unregister(registration: Registration): void {
    const { name } = registration.entry
    if (this.#active.get(name) !== registration) return
    this.#active.delete(name)
    this.#old.set(name, registration)
    if (this.#old.size > this.#maxOldNames) {
      for (const oldest of this.#old.keys()) {
        this.#old.delete(oldest)
        break
      }
    }
  }

  lookup(name: string): Registration | undefined {
    return this.#active.get(name)
  }

  /** The registered nodes, most recent first, as epmd lists them. */
  active(): readonly Registration[] {
    return [...this.#active.values()].reverse()
  }

  /** The remembered ones, oldest first. */
  old(): readonly Registration[] {
    return [...this.#old.values()]
  }
}
