/** The terms in which a DistributedSupervisor shows itself: the structs of Elixir that its peer and tools look into. */
import { type Atom, alias, atom, type Pid, type Reference, type Term, TermMap, tuple } from '../etf/index.ts'
import { type ChildSpec, childSpecToMap, childSpecToTuple } from './child-spec.ts'
import type { HashRing } from './hash-ring.ts'
import type { IntensityLimits } from './intensity.ts'

const STRUCT = atom('__struct__')
const UNDEFINED = atom('undefined')

/** `%DynamicSupervisor{}`: the hex package finds in `children` how to start our children again. */
export function dynamicSupervisorStruct(
  name: Atom,
  limits: IntensityLimits,
  children: Iterable<{ readonly pid: Pid; readonly spec: ChildSpec }>,
  isPrivate: (spec: ChildSpec) => boolean,
): Term {
  const rows = new TermMap<Term, Term>()
  for (const { pid, spec } of children) rows.set(pid, childRow(spec, isPrivate(spec)))
  return new Map<Term, Term>([
    [STRUCT, alias('DynamicSupervisor')],
    [atom('name'), name],
    [atom('mod'), alias('Supervisor.Default')],
    [atom('args'), null],
    [atom('extra_arguments'), []],
    [atom('strategy'), atom('one_for_one')],
    [atom('max_children'), atom('infinity')],
    [atom('max_restarts'), limits.maxRestarts],
    [atom('max_seconds'), limits.maxSeconds],
    [atom('children'), rows],
    [atom('restarts'), []],
  ])
}

/** Elixir keeps no arguments of a child that is never started again; nor can we show those that are no terms. */
function childRow(spec: ChildSpec, isPrivate: boolean): Term {
  if (spec.restart !== 'temporary' && !isPrivate) return childSpecToTuple(spec)
  const { module, function: name } = spec.start
  const [, ...rest] = childSpecToTuple({ ...spec, start: { module, function: name, args: [] } })
  return tuple(tuple(module, name, UNDEFINED), ...rest) as Term
}

/** What `n.Registry` answers to `:state`. */
export interface RegistryState {
  readonly name: Atom
  readonly scope: Atom
  /** The nodes given at the start. */
  readonly nodes: readonly Atom[]
  readonly ref: Reference
  readonly ring: HashRing
  /** Undefined when specifications are not kept. */
  readonly children: ReadonlyMap<Term, readonly [Pid, ChildSpec | undefined]> | undefined
}

export function registryStateTerm({ name, scope, nodes, ref, ring, children }: RegistryState): Term {
  const rows = new TermMap<Term, Term>()
  for (const [child, [pid, spec]] of children ?? []) {
    rows.set(child, tuple(pid, spec === undefined ? null : childSpecToMap(spec)) as Term)
  }
  return new Map<Term, Term>([
    [atom('name'), name],
    [atom('scope'), scope],
    [atom('listeners'), []],
    [atom('nodes'), [...nodes]],
    [atom('ref'), ref],
    [atom('children'), children === undefined ? null : rows],
    [atom('ring'), ringStruct(ring)],
  ])
}

/** `%HashRing{}` of libring, whose points are a tree of `:gb_trees`, `{Size, {Key, Value, Smaller, Larger}}`. */
function ringStruct(ring: HashRing): Term {
  const points = [...ring.points()]
  return new Map<Term, Term>([
    [STRUCT, alias('HashRing')],
    [atom('nodes'), [...ring.nodes]],
    [atom('ring'), tuple(points.length, balanced(points, 0, points.length)) as Term],
  ])
}

function balanced(points: readonly (readonly [number, Atom])[], from: number, to: number): Term {
  if (from === to) return null
  const middle = (from + to) >>> 1
  const [point, owner] = points[middle]!
  return tuple(point, owner, balanced(points, from, middle), balanced(points, middle + 1, to)) as Term
}
