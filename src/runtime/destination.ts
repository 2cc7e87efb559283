/** Where a message can go (design.md 3). */
import { Atom, atom, type Encodable, Pid, Reference, Tuple, tuple } from '../etf/index.ts'
import type { RemoteName } from './signals.ts'

/** A name that `:global` knows. */
export interface GlobalName {
  readonly global: Encodable
}

/**
 * A name in somebody else's registry, `{:via, module, name}` on the BEAM. The registry drops the name itself when the
 * process ends, as it would there.
 */
export interface ViaName {
  /** Who holds the name. */
  whereis(): Pid | undefined | Promise<Pid | undefined>
  /** Takes the name for `pid`; false when somebody holds it. Called before `init` runs. */
  register(pid: Pid): boolean | Promise<boolean>
  /** Gives the name back; called when `init` fails. */
  unregister(pid: Pid): void | Promise<void>
}

/** A registered name on some node, `[name, node]`; `{Name, Node}` on the BEAM. */
export type NameOnNode = readonly [name: Atom | string, node: Atom | string]

/**
 * Who a message, call or cast is for: a pid; a registered name on this node; a name on some node, `[name, node]`; a
 * name in `:global`; a name in another registry; or an alias, which resolves to the process that made it.
 */
export type Destination = Pid | Reference | Atom | string | NameOnNode | GlobalName | ViaName

/** What a monitor can watch: a pid, whoever holds a name on some node, or who has a name in `:global` now. */
export type Watchable = Pid | Atom | string | NameOnNode | GlobalName

/** What a server can be started under. */
export type ServerName = Atom | string | GlobalName | ViaName

/** Names that the runtime does not keep itself: implemented by `:global`. */
export interface NameResolver {
  /** At once, from this node's own table: so that messages to a name keep their order, and calls their timeout. */
  resolve(name: GlobalName): Pid | undefined
  /** Takes the name for `pid`; false when somebody holds it. */
  registerName(name: GlobalName, pid: Pid): Promise<boolean>
  /** Gives the name back, unless somebody else has it. */
  unregisterName(name: GlobalName, pid: Pid): Promise<void>
}

/** A name of this node, which the runtime resolves itself. */
export function isLocalName(to: Destination): to is Atom | string {
  return typeof to === 'string' || to instanceof Atom
}

export function isNameOnNode(to: Destination): to is NameOnNode {
  return Array.isArray(to)
}

export function isGlobalName(to: Destination): to is GlobalName {
  return typeof to === 'object' && 'global' in to
}

export function toAtom(name: Atom | string): Atom {
  return typeof name === 'string' ? atom(name) : name
}

export function remoteName(to: NameOnNode): RemoteName {
  return { name: toAtom(to[0]), node: toAtom(to[1]) }
}

/** The destination as a term, for error messages and exit reasons. */
export function describeDestination(to: Destination): Encodable {
  if (to instanceof Pid || to instanceof Reference) return to
  if (isLocalName(to)) return toAtom(to)
  if (isNameOnNode(to)) return tuple(toAtom(to[0]), toAtom(to[1]))
  if ('global' in to) return tuple(atom('global'), to.global)
  // A name may be the tuple `{via, Module, Name}` with methods on it.
  return to instanceof Tuple ? to : atom('via')
}
