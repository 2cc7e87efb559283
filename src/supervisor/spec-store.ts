/** How to start the children of every TypeScript node again, by the node that runs them and the child's name. */
import { type Atom, type Term, TermMap } from '../etf/index.ts'
import type { ChildSpec } from './child-spec.ts'

export class SpecStore {
  readonly #byOwner = new Map<Atom, TermMap<Term, ChildSpec>>()

  set(owner: Atom, name: Term, spec: ChildSpec): void {
    let specs = this.#byOwner.get(owner)
    if (specs === undefined) {
      specs = new TermMap()
      this.#byOwner.set(owner, specs)
    }
    specs.set(name, spec)
  }

  get(owner: Atom, name: Term): ChildSpec | undefined {
    return this.#byOwner.get(owner)?.get(name)
  }

  delete(owner: Atom, name: Term): void {
    const specs = this.#byOwner.get(owner)
    specs?.delete(name)
    if (specs?.size === 0) this.#byOwner.delete(owner)
  }

  /** Takes the specification out and returns it. */
  take(owner: Atom, name: Term): ChildSpec | undefined {
    const spec = this.get(owner, name)
    this.delete(owner, name)
    return spec
  }

  ownedBy(owner: Atom): [Term, ChildSpec][] {
    return [...(this.#byOwner.get(owner) ?? [])]
  }
}
