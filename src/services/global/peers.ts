/** What a name server knows of the other nodes, and how far it is in meeting each of them. */
import { type Atom, compareTerms, type Pid, type Term } from '../../etf/index.ts'
import { keepNewest } from './keep-newest.ts'
import type { ExternalName, KnownNode, NameChange, NameRecord, Tag } from './protocol.ts'

/** The peer's own outcome of the exchange, when it came before ours. */
export interface Resolved {
  readonly changes: readonly NameChange[]
  readonly known: readonly KnownNode[]
  readonly external: readonly ExternalName[]
}

/** A peer's first message, when it came before we heard that its node is up. */
export interface EarlyConnect {
  readonly version: number
  readonly tag: Tag
  readonly locker: Pid
}

/** More nodes than a cluster has: whoever makes names up must not fill the memory. */
const MOST_EARLY = 10_000

/** One attempt to synchronize with a node. */
export class Meeting {
  /** The tag that we introduced; undefined until we know that the node is up. */
  ours: number | undefined
  /** The tag that the peer introduced. */
  theirs: Tag | undefined
  /** True from our first message until the names are exchanged or the attempt is cancelled. */
  isOpen = false
  /** Both lockers hold the lock; its requester. */
  lock: Term | undefined
  lockIsSet = false
  /** The names of the peer, when they came before the lock was set. */
  names: readonly NameRecord[] | undefined
  /** What the exchange changes on our side, once that is known. */
  changes: readonly NameChange[] | undefined
  resolved: Resolved | undefined
}

export class Peers {
  /** Nodes whose names are ours, by name; the protocol version of each. */
  readonly #known = new Map<Atom, number>()
  /** Nodes that sent their first message and are not known yet. */
  readonly #pending = new Map<Atom, number>()
  /** Nodes whose connection ends because of a partition: its end is no loss any more. */
  readonly #removing = new Set<Atom>()
  readonly #synced = new Set<Atom>()
  readonly #connected = new Set<Atom>()
  readonly #meetings = new Map<Atom, Meeting>()
  readonly #early = new Map<Atom, EarlyConnect>()

  get synced(): ReadonlySet<Atom> {
    return this.#synced
  }

  get pending(): ReadonlyMap<Atom, number> {
    return this.#pending
  }

  get connected(): ReadonlySet<Atom> {
    return this.#connected
  }

  known(): Atom[] {
    return [...this.#known.keys()]
  }

  knownWithVersions(): KnownNode[] {
    return [...this.#known].map(([node, version]) => ({ node, version }))
  }

  isKnown(node: Atom): boolean {
    return this.#known.has(node)
  }

  /** Known, or about to be. */
  isPotentiallyKnown(node: Atom): boolean {
    return this.#known.has(node) || this.#pending.has(node)
  }

  /** 0 when it is not known. */
  versionOf(node: Atom): number {
    return this.#known.get(node) ?? this.#pending.get(node) ?? 0
  }

  /** Who must hear of a lost connection: everybody known or pending. */
  potentiallyKnown(): Atom[] {
    return [...new Set([...this.#known.keys(), ...this.#pending.keys()])]
  }

  /** @returns the nodes that are new. */
  addKnown(nodes: readonly KnownNode[], self: Atom): Atom[] {
    const added: Atom[] = []
    for (const { node, version } of nodes) {
      if (node === self || this.#known.has(node)) continue
      this.#known.set(node, version)
      added.push(node)
    }
    return added
  }

  removeKnown(node: Atom): void {
    this.#known.delete(node)
    this.#pending.delete(node)
    this.#synced.delete(node)
  }

  setPending(node: Atom, version: number): void {
    this.#pending.set(node, version)
  }

  clearPending(node: Atom): void {
    this.#pending.delete(node)
  }

  setSynced(node: Atom): void {
    this.#synced.add(node)
  }

  /** A new connection: its end is a loss again, also when the peer let the wish to end the one before go unheard. */
  setConnected(node: Atom): void {
    this.#removing.delete(node)
    this.#connected.add(node)
  }

  clearConnected(node: Atom): void {
    this.#connected.delete(node)
  }

  startRemoving(node: Atom): void {
    this.#removing.add(node)
  }

  /** @returns whether the end of the connection was wanted. */
  endRemoving(node: Atom): boolean {
    return this.#removing.delete(node)
  }

  /** The attempt under way with this node, if any. */
  findMeeting(node: Atom): Meeting | undefined {
    return this.#meetings.get(node)
  }

  meeting(node: Atom): Meeting {
    const meeting = this.#meetings.get(node) ?? new Meeting()
    this.#meetings.set(node, meeting)
    return meeting
  }

  resetMeeting(node: Atom): void {
    this.#meetings.delete(node)
    this.#early.delete(node)
  }

  keepEarly(node: Atom, early: EarlyConnect): void {
    keepNewest(this.#early, node, early, MOST_EARLY)
  }

  takeEarly(node: Atom): EarlyConnect | undefined {
    const early = this.#early.get(node)
    this.#early.delete(node)
    return early
  }
}

/** The node that is locked first, so that two who want the same lock do not block each other: the greatest by name. */
export function bossOf(nodes: readonly Atom[]): Atom | undefined {
  return nodes.reduce<Atom | undefined>(
    (boss, node) => (boss === undefined || compareTerms(node, boss) > 0 ? node : boss),
    undefined,
  )
}
