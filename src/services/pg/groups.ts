/**
 * The tables of one `pg` scope and what changes them; no process, no messages. Every method that changes something
 * returns what happened, in order, for those who watch the scope.
 *
 * A group exists while it has a member. A pid that joined twice is a member twice and leaves once at a time. What a
 * peer's node has is kept apart, so that all of it goes when the peer does.
 */
import { type Atom, type Pid, type Term, TermMap } from '../../etf/index.ts'
import type { GroupChange, PgVersion } from './protocol.ts'

/** Pids that joined or left a group, as one step. */
export interface PgEvent {
  readonly type: 'join' | 'leave'
  readonly group: Term
  readonly pids: readonly Pid[]
  /** They left because the connection to their node is gone; whether they live is not known. */
  readonly nodeDown?: boolean
}

interface Group {
  /** All members, of this node and of others. */
  all: Pid[]
  local: Pid[]
}

interface LocalMember {
  readonly pid: Pid
  /** How often it joined which group. */
  readonly joins: TermMap<Term, number>
}

interface Peer {
  /** The scope process of the peer's node. */
  readonly pid: Pid
  readonly version: PgVersion
  groups: TermMap<Term, Pid[]>
  /** It was told all that this node has. */
  isTold: boolean
}

export class Groups {
  readonly #groups = new TermMap<Term, Group>()
  readonly #localMembers = new Map<string, LocalMember>()
  readonly #peers = new Map<string, Peer>()

  members(group: Term): Pid[] {
    return this.#groups.get(group)?.all.slice() ?? []
  }

  localMembers(group: Term): Pid[] {
    return this.#groups.get(group)?.local.slice() ?? []
  }

  names(): Term[] {
    return [...this.#groups.keys()]
  }

  /** Every group with all its members. */
  snapshot(): TermMap<Term, Pid[]> {
    const copy = new TermMap<Term, Pid[]>()
    for (const [name, { all }] of this.#groups) copy.set(name, all.slice())
    return copy
  }

  /** The groups of this node, which a peer asks for. */
  *local(): Generator<readonly [Term, readonly Pid[]]> {
    for (const [name, { local }] of this.#groups) if (local.length > 0) yield [name, local]
  }

  /** Whether this local pid is a member of any group. */
  hasLocal(pid: Pid): boolean {
    return this.#localMembers.has(pid.key)
  }

  join(group: Term, pids: readonly Pid[]): PgEvent[] {
    const entry = this.#open(group)
    for (const pid of pids) {
      entry.all.push(pid)
      entry.local.push(pid)
      let member = this.#localMembers.get(pid.key)
      if (member === undefined) {
        member = { pid, joins: new TermMap() }
        this.#localMembers.set(pid.key, member)
      }
      member.joins.set(group, (member.joins.get(group) ?? 0) + 1)
    }
    return [{ type: 'join', group, pids }]
  }

  /** Takes each pid out once; the event holds those that were members, and there is none when none was. */
  leave(group: Term, pids: readonly Pid[]): PgEvent[] {
    const left = pids.filter((pid) => this.#leaveOne(group, pid))
    return left.length === 0 ? [] : [{ type: 'leave', group, pids: left }]
  }

  /** A local member is dead: it leaves every group as often as it joined. */
  leaveAll(pid: Pid): PgEvent[] {
    const events: PgEvent[] = []
    for (const [group, times] of [...(this.#localMembers.get(pid.key)?.joins ?? [])]) {
      events.push(...this.leave(group, new Array<Pid>(times).fill(pid)))
    }
    return events
  }

  knowsPeer(peer: Pid): boolean {
    return this.#peers.has(peer.key)
  }

  /**
   * The scope processes of the others that know our groups, and what each speaks. Changes are for them alone: one that is
   * told of a group's end and never heard of the group crashes, or with OTP 29 keeps it, empty, for good.
   */
  *told(): Generator<{ readonly pid: Pid; readonly version: PgVersion }> {
    for (const peer of this.#peers.values()) if (peer.isTold) yield peer
  }

  /** There is a new connection to the node: whoever was there has forgotten us with the old one. */
  setUntold(node: Atom): void {
    for (const peer of this.#peers.values()) if (peer.pid.node === node) peer.isTold = false
  }

  /** The peer was sent everything that this node has. */
  setTold(peer: Pid): void {
    const known = this.#peers.get(peer.key)
    if (known !== undefined) known.isTold = true
  }

  /** One that is known may turn out to speak more. */
  addPeer(pid: Pid, version: PgVersion): void {
    const peer = this.#peers.get(pid.key)
    if (peer !== undefined && peer.version >= version) return
    this.#peers.set(pid.key, {
      pid,
      version,
      groups: peer?.groups ?? new TermMap(),
      isTold: peer?.isTold ?? false,
    })
  }

  /** The peer told everything it has: joins what is new, leaves what is no longer there. */
  setPeer(peer: Pid, groups: readonly (readonly [Term, readonly Pid[]])[]): PgEvent[] {
    const known = this.#peers.get(peer.key)
    const had = known?.groups ?? new TermMap<Term, Pid[]>()
    const has = new TermMap<Term, Pid[]>()
    for (const [group, pids] of groups) if (pids.length > 0) has.set(group, [...pids])
    if (known === undefined) this.#peers.set(peer.key, { pid: peer, version: 0, groups: has, isTold: false })
    else known.groups = has
    const events: PgEvent[] = []
    for (const [group, pids] of has) {
      const before = had.get(group) ?? []
      this.#apply(group, without(pids, before), without(before, pids), events)
    }
    for (const [group, pids] of had) if (!has.has(group)) this.#apply(group, [], pids, events)
    return events
  }

  /** Changes of a peer that is not known are ignored: its whole state is still to come, and has them. */
  changePeer(peer: Pid, changes: readonly GroupChange[]): PgEvent[] {
    const has = this.#peers.get(peer.key)?.groups
    const events: PgEvent[] = []
    if (has === undefined) return events
    for (const { group, joined, left } of changes) {
      const pids = has.get(group) ?? []
      const gone = left.filter((pid) => removeOne(pids, pid))
      append(pids, joined)
      if (pids.length === 0) has.delete(group)
      else has.set(group, pids)
      this.#apply(group, joined, gone, events)
    }
    return events
  }

  /** The peer's scope process or its node is gone, and all its members with it. */
  dropPeer(peer: Pid, nodeDown = false): PgEvent[] {
    const events: PgEvent[] = []
    for (const [group, pids] of this.#peers.get(peer.key)?.groups ?? []) this.#apply(group, [], pids, events)
    this.#peers.delete(peer.key)
    return nodeDown ? events.map((event) => ({ ...event, nodeDown })) : events
  }

  /** Everything is gone: the scope itself ended. */
  clear(): void {
    this.#groups.clear()
    this.#localMembers.clear()
    this.#peers.clear()
  }

  /** Every local pid that is a member of some group. */
  localPids(): Pid[] {
    return [...this.#localMembers.values()].map(({ pid }) => pid)
  }

  #open(group: Term): Group {
    let entry = this.#groups.get(group)
    if (entry === undefined) {
      entry = { all: [], local: [] }
      this.#groups.set(group, entry)
    }
    return entry
  }

  #leaveOne(group: Term, pid: Pid): boolean {
    const member = this.#localMembers.get(pid.key)
    const times = member?.joins.get(group)
    const entry = this.#groups.get(group)
    if (member === undefined || times === undefined || entry === undefined) return false
    if (times > 1) member.joins.set(group, times - 1)
    else member.joins.delete(group)
    if (member.joins.size === 0) this.#localMembers.delete(pid.key)
    removeOne(entry.all, pid)
    removeOne(entry.local, pid)
    if (entry.all.length === 0) this.#groups.delete(group)
    return true
  }

  #apply(group: Term, joined: readonly Pid[], left: readonly Pid[], events: PgEvent[]): void {
    if (joined.length > 0) {
      append(this.#open(group).all, joined)
      events.push({ type: 'join', group, pids: joined })
    }
    if (left.length === 0) return
    const entry = this.#groups.get(group)
    if (entry === undefined) return
    // One at a time is how members of a large group end.
    if (left.length === 1) removeOne(entry.all, left[0]!)
    else entry.all = without(entry.all, left)
    if (entry.all.length === 0) this.#groups.delete(group)
    events.push({ type: 'leave', group, pids: left })
  }
}

/** As `push(...pids)`, for lists of any length: how long they are is up to the peer. */
function append(target: Pid[], pids: readonly Pid[]): void {
  for (const pid of pids) target.push(pid)
}

function removeOne(pids: Pid[], pid: Pid): boolean {
  const index = pids.findIndex((member) => member.equals(pid))
  if (index >= 0) pids.splice(index, 1)
  return index >= 0
}

/** `pids` less `others`, each of those taking away one. */
function without(pids: readonly Pid[], others: readonly Pid[]): Pid[] {
  if (others.length === 0) return [...pids]
  const taken = count(others)
  return pids.filter((pid) => !take(taken, pid))
}

function count(pids: readonly Pid[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const pid of pids) times.set(pid.key, (times.get(pid.key) ?? 0) + 1)
  return times
}

function take(times: Map<string, number>, pid: Pid): boolean {
  const left = times.get(pid.key) ?? 0
  if (left > 0) times.set(pid.key, left - 1)
  return left > 0
}
