/**
 * Which node a child belongs to, and who keeps a name that two nodes own (design.md, section 5). Arithmetic on what
 * one node knows of the cluster; every node that knows the same answers the same.
 */
import { type Atom, compareTerms, type Pid, type Term } from '../etf/index.ts'
import { type AtomKeys, HashRing } from './hash-ring.ts'

/** What a node knows of the cluster. */
export interface ClusterView {
  readonly ring: HashRing
  readonly atomKeys: AtomKeys
  /** Nodes that said what they can run: those with this supervisor that do not run the hex package. */
  readonly declared: ReadonlySet<Atom>
  /** Of these, the ones that run what no TypeScript node claims: Elixir nodes without the hex package. */
  readonly elixir: ReadonlySet<Atom>
  /** Which of the declared nodes can run a module; empty when none can. */
  claims(module: Atom): ReadonlySet<Atom>
  /** Whether a node is this one or connected; a ring that does not follow the cluster keeps dead nodes. */
  isReachable(node: Atom): boolean
}

/**
 * The nodes of the ring to start a child on, in the order to try them. A module that a TypeScript node claims runs
 * there; one that none claims is taken to be Elixir's, and runs on the nodes that declared nothing or said so.
 */
export function candidates(view: ClusterView, name: Term, module: Atom): Atom[] {
  const { ring, atomKeys, declared, elixir } = view
  const claimed = view.claims(module)
  const runs =
    claimed.size > 0
      ? (node: Atom) => claimed.has(node)
      : (node: Atom) => !declared.has(node) || elixir.has(node)
  return ring.nodesFor(name, atomKeys).filter(runs)
}

/**
 * The node to which the hex package sends all children of a node that is gone: the one that the ring without it names
 * for the supervisor itself.
 */
export function heirOf(view: ClusterView, gone: Atom, supervisor: Atom): Atom | undefined {
  return view.ring.nodesFor(supervisor, view.atomKeys).find((node) => node !== gone)
}

/** Who asks a node that runs the hex package to start a lost child: the first of ours along the ring from its name on. */
export function askerFor(view: ClusterView, name: Term): Atom | undefined {
  const isOurs = (node: Atom): boolean => view.declared.has(node) && view.isReachable(node)
  return (
    view.ring.nodesFor(name, view.atomKeys).find(isOurs) ??
    [...view.declared].filter(isOurs).sort(compareTerms)[0]
  )
}

/**
 * The owner that keeps a name: on the node the ring names, else the one that the walk along the ring meets first.
 *
 * Leaving other members out of a ring does not change the order in which it meets the rest, so two nodes agree even
 * when, shortly after a heal, one of them sees more of the cluster than the other. Owners outside the ring come after
 * those in it, in the order of a ring of their own; two owners on one node, in term order.
 */
export function winner(view: ClusterView, name: Term, owners: readonly Pid[]): Pid | undefined {
  if (owners.length < 2) return owners[0]
  const { ring, atomKeys } = view
  const holds = new Set(owners.map((pid) => pid.node))
  const outside = [...holds].filter((node) => !ring.has(node)).sort(compareTerms)
  const node =
    ring.nodesFor(name, atomKeys).find((member) => holds.has(member)) ??
    new HashRing(outside).nodeFor(name, atomKeys)
  return owners.filter((pid) => pid.node === node).sort(compareTerms)[0]
}

/**
 * Which of the losers this node has to end: its own, and those of nodes that settle nothing by themselves. These are
 * ended by the winner's node if it is one of ours, else by the first of ours in term order. That one may not see all
 * owners, when it is cut off from one of them: so each time that a conflict is found unsettled (`looks`), one more of
 * ours ends them. Ending one twice does no harm.
 */
export function losersToEnd(
  view: ClusterView,
  self: Atom,
  owners: readonly Pid[],
  kept: Pid,
  looks = 0,
): Pid[] {
  const { declared } = view
  const ours = new Set([...declared, self].sort(compareTerms))
  const settlers = declared.has(kept.node) ? [...new Set([kept.node, ...ours])] : [...ours]
  const settles = settlers.indexOf(self) <= looks
  return owners.filter(
    (pid) => !pid.equals(kept) && (pid.node === self || (!declared.has(pid.node) && settles)),
  )
}
