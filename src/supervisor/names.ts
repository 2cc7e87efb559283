/** The names that belong to a DistributedSupervisor `n` (design.md, section 5), and names of children as `:via` tuples. */
import { type Atom, alias, atom, type Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import type { ViaName } from '../runtime/index.ts'

const ELIXIR = 'Elixir.'
const VIA = atom('via')

/** The registry module of the hex package. */
const REGISTRY = alias('DistributedSupervisor.Registry')

/** Modules whose via tuples mean a child of a DistributedSupervisor: the hex package's, and that of interop/elixir. */
const REGISTRIES: readonly Term[] = [REGISTRY, alias('Beamjoin.Registry')]

export interface SupervisorNames {
  readonly name: Atom
  /** The `:pg` scope in which a child is the one member of the group of its name. */
  readonly scope: Atom
  /** The `:pg` scope in which TypeScript nodes say what they can run. */
  readonly modules: Atom
  /** The server that answers questions about the ring. */
  readonly registry: Atom
  readonly dynamicSupervisor: Atom
}

/** As `Module.concat(name, part)`. */
function concat(name: Atom, part: string): Atom {
  const stem = name.name.startsWith(ELIXIR) ? name.name.slice(ELIXIR.length) : name.name
  return atom(`${ELIXIR}${stem}.${part}`)
}

export function supervisorNames(name: Atom): SupervisorNames {
  return {
    name,
    scope: concat(name, 'Scope'),
    modules: concat(name, 'Modules'),
    registry: concat(name, 'Registry'),
    dynamicSupervisor: concat(name, 'DynamicSupervisor'),
  }
}

/** A capitalised string is an Elixir alias, any other string an atom; an atom is taken as it is. */
export function toModuleName(name: Atom | string): Atom {
  if (typeof name !== 'string') return name
  return /^\p{Lu}/u.test(name) ? alias(name) : atom(name)
}

/**
 * The name of a child: a destination for calls, and on the wire the tuple that `GenServer.call/3` takes.
 *
 *   {:via, DistributedSupervisor.Registry, {supervisor, child}}
 */
export type ChildVia = Tuple<[Atom<'via'>, Atom, Tuple<[Atom, Term]>]> & ViaName

/** The bare tuple. */
export function viaTuple(supervisor: Atom, child: Term): Tuple<[Atom<'via'>, Atom, Tuple<[Atom, Term]>]> {
  return tuple(VIA, REGISTRY, tuple(supervisor, child))
}

/** The tuple with what makes it a name on this node. */
export function childVia(supervisor: Atom, child: Term, name: ViaName): ChildVia {
  const via = viaTuple(supervisor, child)
  // Not enumerable: as a term it is the tuple and nothing else.
  for (const method of ['whereis', 'register', 'unregister'] as const) {
    Object.defineProperty(via, method, { value: (pid: Pid) => name[method](pid) })
  }
  return via as ChildVia
}

/** Which child of which supervisor a term names; undefined when it is no such via tuple. */
export function parseVia(term: unknown): { readonly supervisor: Term; readonly child: Term } | undefined {
  if (!(term instanceof Tuple) || term.length !== 3 || term[0] !== VIA) return undefined
  const [, registry, key] = term as Tuple<[Term, Term, Term]>
  if (!REGISTRIES.includes(registry) || !(key instanceof Tuple) || key.length !== 2) return undefined
  return { supervisor: key[0] as Term, child: key[1] as Term }
}
