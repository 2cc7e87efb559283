/** The names of the cluster as one node knows them. A name ends with its process. */
import { type Atom, type Pid, type Term, TermMap, termEquals } from '../../etf/index.ts'
import type { ExternalName, NameRecord } from './protocol.ts'
import type { Watch, Watches } from './watches.ts'

interface Entry extends NameRecord {
  readonly watch: Watch
  /** The node that registered it for a process that runs on none. */
  readonly registrar: Atom | undefined
}

export class NameTable {
  readonly #watches: Watches
  readonly #onGone: (name: Term) => void
  readonly #names = new TermMap<Term, Entry>()
  readonly #byPid = new Map<string, Set<Entry>>()

  /** @param onGone the name is not any more what it was: nobody has it, another process, or with another resolver */
  constructor(watches: Watches, onGone: (name: Term) => void = () => {}) {
    this.#watches = watches
    this.#onGone = onGone
  }

  get(name: Term): NameRecord | undefined {
    return this.#names.get(name)
  }

  /** Puts the name in, in place of whoever had it. */
  insert({ name, pid, method }: NameRecord, registrar?: Atom): void {
    const before = this.#take(name)
    if (before !== undefined && !(before.pid.equals(pid) && termEquals(before.method, method)))
      this.#onGone(name)
    const watch = this.#watches.watch(pid, () => this.remove(name))
    const entry = { name, pid, method, watch, registrar }
    this.#names.set(name, entry)
    const entries = this.#byPid.get(pid.key) ?? new Set()
    this.#byPid.set(pid.key, entries.add(entry))
  }

  /** @returns whether it was there. */
  remove(name: Term): boolean {
    const wasThere = this.#take(name) !== undefined
    if (wasThere) this.#onGone(name)
    return wasThere
  }

  /** The names of one process. */
  namesOf(pid: Pid): Term[] {
    return [...(this.#byPid.get(pid.key) ?? [])].map(({ name }) => name)
  }

  names(): Term[] {
    return [...this.#names.keys()]
  }

  records(): NameRecord[] {
    return [...this.#names.values()].map(({ name, pid, method }) => ({ name, pid, method }))
  }

  external(): ExternalName[] {
    const external: ExternalName[] = []
    for (const { name, pid, registrar } of this.#names.values()) {
      if (registrar !== undefined) external.push({ name, pid, node: registrar })
    }
    return external
  }

  #take(name: Term): Entry | undefined {
    const entry = this.#names.get(name)
    if (entry === undefined) return undefined
    this.#names.delete(name)
    this.#watches.end(entry.watch)
    const entries = this.#byPid.get(entry.pid.key)
    entries?.delete(entry)
    if (entries?.size === 0) this.#byPid.delete(entry.pid.key)
    return entry
  }
}
