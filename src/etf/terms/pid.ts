/** Process identifiers (protocol.md 5.1 NEW_PID_EXT and PID_EXT, identity in 5.3). */
import type { Atom } from './atom.ts'
import { INSPECT } from './custom-inspect.ts'

/**
 * A process on some node. Compare with `equals`, or by `key` in a map; two decoded pids are two objects.
 *
 * @example
 * const same = decode(encode(pid))
 * pid.equals(same) // true
 * pid.node.name // 'ts@127.0.0.1'
 */
export class Pid {
  readonly node: Atom
  /** 32 bits. */
  readonly id: number
  /** 32 bits. */
  readonly serial: number
  /** 32 bits: which incarnation of the node. */
  readonly creation: number
  #key: string | undefined

  constructor(node: Atom, id: number, serial: number, creation: number) {
    this.node = node
    this.id = id
    this.serial = serial
    this.creation = creation
  }

  equals(other: unknown): boolean {
    return (
      this === other ||
      (other instanceof Pid &&
        this.id === other.id &&
        this.serial === other.serial &&
        this.creation === other.creation &&
        this.node === other.node)
    )
  }

  /** The same string for equal pids only; made at the first use. */
  get key(): string {
    this.#key ??= `p${this.id}.${this.serial}.${this.creation}@${this.node.name}`
    return this.#key
  }

  /** As Elixir prints a pid of its own node: `#PID<0.110.0>`. Which node it is, `node` says. */
  toString(): string {
    return `#PID<0.${this.id}.${this.serial}>`
  }

  toJSON(): string {
    return this.toString()
  }

  [INSPECT](): string {
    return this.toString()
  }
}
