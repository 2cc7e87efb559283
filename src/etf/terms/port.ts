/** Port identifiers (protocol.md 5.1 V4_PORT_EXT, NEW_PORT_EXT and PORT_EXT, identity in 5.3). */
import type { Atom } from './atom.ts'
import { INSPECT } from './custom-inspect.ts'

/** A port on some node; opaque to us. */
export class Port {
  readonly node: Atom
  /** 64 bits; a `bigint` only above 2^53-1. */
  readonly id: number | bigint
  /** 32 bits: which incarnation of the node. */
  readonly creation: number

  constructor(node: Atom, id: number | bigint, creation: number) {
    this.node = node
    this.id = typeof id === 'bigint' && id <= Number.MAX_SAFE_INTEGER ? Number(id) : id
    this.creation = creation
  }

  equals(other: unknown): boolean {
    return (
      this === other ||
      (other instanceof Port &&
        this.id === other.id &&
        this.creation === other.creation &&
        this.node === other.node)
    )
  }

  /** The same string for equal ports only. */
  get key(): string {
    return `o${this.id}.${this.creation}@${this.node.name}`
  }

  /** As Elixir prints a port of its own node: `#Port<0.6>`. */
  toString(): string {
    return `#Port<0.${this.id}>`
  }

  toJSON(): string {
    return this.toString()
  }

  [INSPECT](): string {
    return this.toString()
  }
}
