/** References (protocol.md 5.1 NEWER_REFERENCE_EXT and its predecessors, identity in 5.3). */
import type { Atom } from './atom.ts'
import { INSPECT } from './custom-inspect.ts'

/**
 * A reference made by some node: of monitors, calls, aliases.
 *
 * Trailing zero words say nothing, so they do not count for equality; they are kept and sent back as they came.
 *
 * @example
 * const ref = node.monitor(pid, (reason) => console.log(reason))
 * ref.equals(decode(encode(ref))) // true
 */
export class Reference {
  readonly node: Atom
  /** 32 bits: which incarnation of the node. */
  readonly creation: number
  /** One to five words of 32 bits, the first one on the wire first. */
  readonly words: readonly number[]
  #key: string | undefined

  constructor(node: Atom, creation: number, words: readonly number[]) {
    this.node = node
    this.creation = creation
    this.words = words
  }

  equals(other: unknown): boolean {
    if (this === other) return true
    if (!(other instanceof Reference) || this.node !== other.node || this.creation !== other.creation) {
      return false
    }
    const length = Math.max(this.words.length, other.words.length)
    for (let i = 0; i < length; i++) if ((this.words[i] ?? 0) !== (other.words[i] ?? 0)) return false
    return true
  }

  /** The same string for equal references only; made at the first use. */
  get key(): string {
    if (this.#key === undefined) {
      let length = this.words.length
      while (length > 0 && this.words[length - 1] === 0) length--
      this.#key = `r${this.words.slice(0, length).join('.')}.${this.creation}@${this.node.name}`
    }
    return this.#key
  }

  /** As Elixir prints a reference of its own node: `#Reference<0.1.2.3>`, the last word first. */
  toString(): string {
    return `#Reference<0.${[...this.words].reverse().join('.')}>`
  }

  toJSON(): string {
    return this.toString()
  }

  [INSPECT](): string {
    return this.toString()
  }
}
