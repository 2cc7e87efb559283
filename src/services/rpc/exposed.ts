/**
 * The functions that other nodes may call. Nothing else runs: a name that was not exposed is `undef`, and no term
 * that arrives is ever evaluated.
 *
 * Who answers a call, first match wins: what was exposed by name, the latest first; the resolvers, the latest first; the
 * functions that every node answers. In each of the first and last a name with an arity (`add/2`) counts before one
 * without.
 */
import { OptionError } from '../../core/index.ts'
import type { Atom, Term } from '../../etf/index.ts'
import { type Process, silently } from '../../runtime/index.ts'

/**
 * Gets the arguments as decoded terms; may be async. What it returns must be encodable. `this` is the process that it
 * runs in: `this.signal` is aborted when somebody ends that process, `this.groupLeader` is the caller's,
 * and `this.caller` the caller.
 */
export type ExposedFunction = (this: Process, ...args: Term[]) => unknown

/** Functions by name; `add` takes any number of arguments, `add/2` two. */
export type ExposedFunctions = Readonly<Record<string, ExposedFunction>>

/** Finds functions when they are called, by module, name and number of arguments; undefined is `undef`. */
export type FunctionResolver = (
  module: string,
  fun: string,
  arity: number,
) => ExposedFunction | undefined | Promise<ExposedFunction | undefined>

/** A name that means one arity only: no caller can ask for it as it stands. */
const WITH_ARITY = /\/\d+$/

/** What one call of `expose` added. */
type Layer = ReadonlyMap<string, ExposedFunction>

export class FunctionTable {
  /** For each module the layers in the order in which they were added. */
  readonly #modules = new Map<string, Layer[]>()
  readonly #resolvers: FunctionResolver[] = []
  readonly #defaults = new Map<string, Layer[]>()

  /** As `Rpc.expose`. @throws OptionError for what is no function. */
  expose(module: string, functions: ExposedFunctions): () => void {
    return addLayer(this.#modules, module, functions)
  }

  /** Counts when nothing else answers. */
  exposeByDefault(module: string, functions: ExposedFunctions): () => void {
    return addLayer(this.#defaults, module, silently(functions))
  }

  /** @returns takes the resolver away again */
  resolve(resolver: FunctionResolver): () => void {
    // Each addition is one of its own, also of the same function.
    const added: FunctionResolver = (module, fun, arity) => resolver(module, fun, arity)
    this.#resolvers.push(added)
    return () => {
      const index = this.#resolvers.indexOf(added)
      if (index !== -1) this.#resolvers.splice(index, 1)
    }
  }

  /** A promise only when a resolver answers with one. */
  find(
    module: Atom,
    name: Atom,
    arity: number,
  ): ExposedFunction | undefined | Promise<ExposedFunction | undefined> {
    const exposed = findIn(this.#modules, module.name, name.name, arity)
    if (exposed !== undefined) return exposed
    if (this.#resolvers.length > 0) return this.#ask([...this.#resolvers], module, name, arity)
    return findIn(this.#defaults, module.name, name.name, arity)
  }

  /** Whether the module has functions; what resolvers know they tell by name only. */
  hasModule(module: Atom): boolean {
    return this.#modules.has(module.name) || this.#defaults.has(module.name)
  }

  #ask(
    resolvers: FunctionResolver[],
    module: Atom,
    name: Atom,
    arity: number,
  ): ExposedFunction | undefined | Promise<ExposedFunction | undefined> {
    for (let next = resolvers.pop(); next !== undefined; next = resolvers.pop()) {
      const found = next(module.name, name.name, arity)
      if (found instanceof Promise) {
        return found.then((late) => late ?? this.#ask(resolvers, module, name, arity))
      }
      if (found !== undefined) return found
    }
    return findIn(this.#defaults, module.name, name.name, arity)
  }
}

function addLayer(modules: Map<string, Layer[]>, module: string, functions: ExposedFunctions): () => void {
  for (const [name, run] of Object.entries(functions)) {
    if (typeof run !== 'function') {
      throw new OptionError(`${module} can expose functions only, but its ${name} is a ${typeof run}`)
    }
  }
  const layer: Layer = new Map(Object.entries(functions))
  modules.set(module, [...(modules.get(module) ?? []), layer])
  return () => {
    const left = (modules.get(module) ?? []).filter((other) => other !== layer)
    if (left.length > 0) modules.set(module, left)
    else modules.delete(module)
  }
}

function findIn(
  modules: ReadonlyMap<string, Layer[]>,
  module: string,
  name: string,
  arity: number,
): ExposedFunction | undefined {
  const layers = modules.get(module)
  if (layers === undefined) return undefined
  const exact = `${name}/${arity}`
  for (let index = layers.length - 1; index >= 0; index--) {
    const found = layers[index]?.get(exact)
    if (found !== undefined) return found
    const ofAnyArity = layers[index]?.get(name)
    if (ofAnyArity !== undefined && !WITH_ARITY.test(name)) return ofAnyArity
  }
  return undefined
}
