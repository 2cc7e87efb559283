/** External functions (protocol.md 5.1, EXPORT_EXT). They cannot be called here, only sent back. */
import type { Atom } from './atom.ts'

/**
 * An external function, `&String.upcase/1`.
 *
 * @example
 * encode(new ExportFun(alias('String'), atom('upcase'), 1)) // &String.upcase/1
 */
export class ExportFun {
  readonly module: Atom
  readonly function: Atom
  /** 0 to 255. */
  readonly arity: number

  constructor(module: Atom, name: Atom, arity: number) {
    this.module = module
    this.function = name
    this.arity = arity
  }

  equals(other: unknown): boolean {
    return (
      this === other ||
      (other instanceof ExportFun &&
        this.module === other.module &&
        this.function === other.function &&
        this.arity === other.arity)
    )
  }
}
