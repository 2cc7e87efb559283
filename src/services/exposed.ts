/**
 * The functions that other nodes may call. Nothing else runs: a name that was not exposed is `undef`, and no term
 * that arrives is ever evaluated.
 */
import { OptionError } from '../core/index.ts'
import type { Atom, Term } from '../etf/index.ts'

/** Gets the arguments as decoded terms; may be async. What it returns must be encodable. */
export type ExposedFunction = (...args: Term[]) => unknown

/** What one call of `expose` added. */
type Layer = ReadonlyMap<string, ExposedFunction>

export class FunctionTable {
  /** For each module the layers in the order in which they were added. */
  readonly #modules = new Map<string, Layer[]>()

  /**
   * Adds functions under an Erlang module name (`'Elixir.TsMath'`, `'lists'`). Several objects may be exposed under one
   * module; of functions of one name the latest counts.
   *
   * @returns takes exactly these functions away again
   * @throws OptionError for what is no function.
   */
  expose(module: string, functions: Readonly<Record<string, ExposedFunction>>): () => void {
    for (const [name, run] of Object.entries(functions)) {
      if (typeof run !== 'function') {
        throw new OptionError(`${module} can expose functions only, but its ${name} is a ${typeof run}`)
      }
    }
    const layer: Layer = new Map(Object.entries(functions))
    this.#modules.set(module, [...(this.#modules.get(module) ?? []), layer])
    return () => this.#remove(module, layer)
  }

  find(module: Atom, name: Atom): ExposedFunction | undefined {
    return this.#modules
      .get(module.name)
      ?.findLast((layer) => layer.has(name.name))
      ?.get(name.name)
  }

  #remove(module: string, layer: Layer): void {
    const left = (this.#modules.get(module) ?? []).filter((other) => other !== layer)
    if (left.length > 0) this.#modules.set(module, left)
    else this.#modules.delete(module)
  }
}
