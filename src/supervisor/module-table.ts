/** Which Elixir module names this node can run, and with which classes. */
import { OptionError } from '../core/index.ts'
import { type Atom, alias } from '../etf/index.ts'
import type { ServerClass } from '../runtime/index.ts'
import { toModuleName } from './names.ts'

export class ModuleTable {
  readonly #classes = new Map<Atom, ServerClass>()
  readonly #modules = new Map<ServerClass, Atom>()

  /** @param modules Elixir module name -> what runs it here */
  constructor(modules: Readonly<Record<string, ServerClass>>) {
    for (const [name, server] of Object.entries(modules)) {
      const module = toModuleName(name)
      this.#classes.set(module, server)
      // A class under two names is shown under the first.
      if (!this.#modules.has(server)) this.#modules.set(server, module)
    }
  }

  names(): Atom[] {
    return [...this.#classes.keys()]
  }

  classOf(module: Atom): ServerClass | undefined {
    return this.#classes.get(module)
  }

  /**
   * The module name of a class; one that was not in the options gets the alias of its own name from now on.
   *
   * @returns `isNew`: nobody knows of this module yet
   * @throws OptionError when that name belongs to another class.
   */
  moduleOf(server: ServerClass): { readonly module: Atom; readonly isNew: boolean } {
    const known = this.#modules.get(server)
    if (known !== undefined) return { module: known, isNew: false }
    const module = alias(server.name)
    if (server.name === '' || this.#classes.has(module)) {
      const what = server.name === '' ? 'a class without a name' : `a second class named ${server.name}`
      throw new OptionError(`${what} cannot run as a child: give it a module name in the option 'modules'`)
    }
    this.#classes.set(module, server)
    this.#modules.set(server, module)
    return { module, isNew: true }
  }
}
