/**
 * The decisions of a `global_name_server`: what it does with every message, and when nodes come and go. Two nodes that
 * meet each take the lock of their part of the cluster, exchange names, settle conflicts, and tell their own part; see
 * protocol.md 8.3. Effects go through `NameServerEffects`; time, randomness and messages come in.
 *
 * Not supported: `global_group`.
 */
import type { Atom, Encodable, Pid, Term } from '../../etf/index.ts'
import { LockTable } from './locks.ts'
import { NameChanges } from './name-changes.ts'
import { NameTable } from './names.ts'
import { Partitions } from './partitions.ts'
import { type Meeting, Peers } from './peers.ts'
import {
  type ExternalName,
  encodeCancelConnect,
  encodeExchange,
  encodeInitConnect,
  encodeInitConnectAck,
  encodeInSync,
  encodeNewNodes,
  encodeResolved,
  type GlobalMessage,
  type KnownNode,
  type NameChange,
  type NameRecord,
  type Tag,
  VERSION,
} from './protocol.ts'
import { Syncers } from './syncers.ts'
import { type Monitoring, Watches } from './watches.ts'

/** A node that waits to be locked together with us. */
export interface LockerPeer {
  readonly node: Atom
  readonly locker: Pid
  readonly ours: Tag
  readonly theirs: Tag
}

/** What the name server tells the locker. */
export interface LockerDoor {
  readonly pid: Pid
  add(peer: LockerPeer): void
  /** The attempt is over: give the lock back, and do not wait for that peer any more. */
  cancel(node: Atom, ours: Tag): void
  lockSet(locker: Pid, isSet: boolean, ours: Tag): void
  addKnown(nodes: readonly Atom[]): void
  removeKnown(node: Atom): void
}

export interface NameServerEffects extends Monitoring {
  /** A cast to the name server of a node; connects when needed. */
  cast(node: Atom, message: Encodable): void
  /** A plain message to the name server of a node; never connects. */
  send(node: Atom, message: Encodable): void
  /** Settles the conflicts between our names and the peer's; `exchanged` is called with the outcome. */
  settle(node: Atom, ours: Tag, names: readonly NameRecord[]): void
  /** Connects to a node; then `introduced` is called, or `notIntroduced`. */
  introduce(node: Atom): void
  /** Ends the connection to a node of another part of the cluster; it may come back. */
  disconnect(node: Atom): void
  /** Ends the connection to a node for good. */
  leave(node: Atom): void
  /** Nobody has the name any more, or another process has it. */
  nameGone(name: Term): void
  now(): number
  warn(fields: object, message: string): void
}

export interface NameServerOptions {
  readonly self: Atom
  /** Tells this incarnation of the node from others. */
  readonly creation: Tag
  /** False: no part in synchronizing at all. */
  readonly connectAll: boolean
  readonly preventOverlappingPartitions: boolean
}

export class NameServer {
  readonly locks: LockTable
  readonly names: NameTable
  readonly peers = new Peers()
  readonly #watches: Watches
  readonly #options: NameServerOptions
  readonly #effects: NameServerEffects
  readonly #locker: LockerDoor
  readonly #changes: NameChanges
  readonly #partitions: Partitions
  readonly #syncers = new Syncers()
  #meetsAll: boolean
  #tags = 0

  constructor(options: NameServerOptions, effects: NameServerEffects, locker: LockerDoor) {
    this.#options = options
    this.#effects = effects
    this.#locker = locker
    this.#watches = new Watches(effects)
    this.locks = new LockTable(this.#watches)
    this.names = new NameTable(this.#watches, (name) => effects.nameGone(name))
    this.#changes = new NameChanges(this.names, this.locks)
    const { connectAll, creation, preventOverlappingPartitions, self } = options
    const isOn = connectAll && preventOverlappingPartitions
    this.#meetsAll = connectAll
    this.#partitions = new Partitions({ self, creation, isOn }, this.peers, {
      send: (node, message) => effects.send(node, message),
      forget: (node) => this.#forget(node, 'removed'),
      now: () => effects.now(),
      warn: (fields, message) => effects.warn(fields, message),
    })
  }

  handle(message: Exclude<GlobalMessage, { type: 'whereis' }>): void {
    switch (message.type) {
      case 'init_connect':
        this.#initConnect(message.node, message)
        break
      case 'init_connect_ack':
        this.#initConnectAck(message.node, message.ours, message.theirs)
        break
      case 'lock_set':
        if (this.peers.findMeeting(message.locker.node)?.ours === message.tag) {
          this.#locker.lockSet(message.locker, message.isSet, message.tag)
        }
        break
      case 'exchange':
        this.#exchange(message.node, message.names, message.tag)
        break
      case 'resolved':
        this.#resolved(message.node, message, message.external, message.tag)
        break
      case 'new_nodes':
        this.#newNodes(message)
        break
      case 'in_sync':
        this.#inSync(message.node)
        break
      case 'cancel_connect':
        if (this.peers.findMeeting(message.node)?.ours === message.tag) this.#restart(message.node)
        break
      case 'lost_connection':
        this.#partitions.handleLoss(message)
        break
      case 'remove_connection':
        if (this.#partitions.handleRemoval(message.node)) this.#effects.disconnect(message.node)
        break
      default:
        message satisfies never
    }
  }

  nodeUp(node: Atom): void {
    this.peers.setConnected(node)
    if (this.#meetsAll) this.#meet(node)
  }

  /** The node stops: from now on it meets nobody, and what is lost is lost in order. As `prepare_shutdown` of the BEAM. */
  prepareStop(): void {
    this.#meetsAll = false
    this.#partitions.turnOff()
  }

  nodeDown(node: Atom): void {
    this.#syncers.settle(node)
    this.#forget(node, 'lost')
    this.peers.clearConnected(node)
  }

  /** A process that holds a name or a lock ended, or its node is gone. */
  processDown(ref: Parameters<Watches['down']>[0]): void {
    this.#watches.down(ref)
  }

  /** The name is the process's, if the caller holds the lock under which names are changed. */
  register(record: NameRecord, by: Pid, registrar?: Atom): void {
    this.#changes.insert(record, by, registrar)
  }

  /** Both lockers hold the lock of their part of the cluster. */
  lockIsSet(node: Atom, ours: Tag, requester: Term): void {
    const meeting = this.peers.findMeeting(node)
    if (meeting?.ours !== ours || meeting.theirs === undefined) {
      this.#cancel(node, ours)
      return
    }
    this.#effects.cast(node, encodeExchange(this.#options.self, this.names.records(), meeting.theirs))
    meeting.lock = requester
    meeting.lockIsSet = true
    if (meeting.names !== undefined) this.#settle(node, meeting, meeting.names)
  }

  /** The outcome of `NameServerEffects.settle`: what changes here, and what changes there. */
  exchanged(node: Atom, ours: Tag, here: readonly NameChange[], there: readonly NameChange[]): void {
    const meeting = this.peers.findMeeting(node)
    if (meeting?.ours !== ours || meeting.theirs === undefined) {
      this.#cancel(node, ours)
      return
    }
    const known = this.peers.knownWithVersions()
    const external = this.names.external()
    const { self } = this.#options
    this.#effects.cast(node, encodeResolved(self, there, known, external, meeting.theirs))
    meeting.changes = here
    if (meeting.resolved !== undefined) this.#finish(node, meeting, meeting.resolved)
  }

  /** We are connected to a node that somebody introduced. */
  introduced(node: Atom): void {
    this.#effects.cast(node, encodeInSync(this.#options.self))
  }

  /** There is no way to a node that somebody introduced. */
  notIntroduced(node: Atom): void {
    this.#syncers.settle(node)
    this.#forget(node, 'lost')
    this.peers.clearConnected(node)
  }

  /** Calls `done` when the names of these nodes are ours, or the nodes are gone. */
  sync(nodes: readonly Atom[], done: () => void): void {
    const { self } = this.#options
    const left = nodes.filter((node) => node !== self && !this.peers.synced.has(node))
    this.#syncers.add(left, done)
  }

  /** A node that somebody wants to be in sync with cannot be reached. */
  notReached(node: Atom): void {
    this.#syncers.settle(node)
  }

  /** Leaves everybody. @returns who was left. */
  disconnect(): Atom[] {
    const nodes = [...this.peers.connected]
    for (const node of nodes) {
      this.#forget(node, 'removed')
      this.#effects.leave(node)
    }
    return nodes
  }

  #meet(node: Atom): void {
    const meeting = this.peers.meeting(node)
    if (this.peers.isKnown(node) || meeting.isOpen) return
    meeting.ours = ++this.#tags
    meeting.isOpen = true
    const { self } = this.#options
    this.#effects.cast(node, encodeInitConnect(self, meeting.ours, this.#locker.pid))
    const early = this.peers.takeEarly(node)
    if (early !== undefined) this.#initConnect(node, early)
  }

  #initConnect(
    node: Atom,
    { locker, tag, version }: { readonly locker: Pid; readonly tag: Tag; readonly version: number },
  ): void {
    const { self } = this.#options
    if (version < VERSION) {
      const fields = { peer: node.name, version }
      this.#effects.warn(fields, `global does not speak with a node of a version below ${VERSION}`)
      return
    }
    if (this.peers.pending.has(node)) {
      // The peer began anew, and so do we: what was under way belongs to an attempt that it forgot.
      this.#effects.send(node, encodeCancelConnect(self, tag))
      this.#restart(node)
      return
    }
    const meeting = this.peers.meeting(node)
    if (!meeting.isOpen || meeting.ours === undefined) {
      this.peers.keepEarly(node, { version, tag, locker })
      return
    }
    meeting.theirs = tag
    this.#locker.add({ node, locker, ours: meeting.ours, theirs: tag })
    this.#effects.send(node, encodeInitConnectAck(self, tag, meeting.ours))
    this.peers.setPending(node, version)
  }

  #initConnectAck(node: Atom, ours: Tag, theirs: Tag): void {
    const meeting = this.peers.findMeeting(node)
    if (meeting !== undefined && meeting.ours === ours && meeting.theirs === theirs) return
    this.#effects.send(node, encodeCancelConnect(this.#options.self, theirs))
    this.#restart(node)
  }

  #exchange(node: Atom, names: readonly NameRecord[], tag: Tag): void {
    const meeting = this.peers.findMeeting(node)
    if (meeting?.ours !== tag) {
      this.#cancel(node, tag)
    } else if (meeting.lockIsSet) {
      this.#settle(node, meeting, names)
    } else {
      meeting.names = names
    }
  }

  #settle(node: Atom, meeting: Meeting, names: readonly NameRecord[]): void {
    meeting.names = undefined
    if (meeting.ours !== undefined) this.#effects.settle(node, meeting.ours, names)
  }

  #resolved(
    node: Atom,
    resolved: { readonly changes: readonly NameChange[]; readonly known: readonly KnownNode[] },
    external: readonly ExternalName[],
    tag: Tag,
  ): void {
    const meeting = this.peers.findMeeting(node)
    if (meeting?.ours !== tag) {
      this.#cancel(node, tag)
      return
    }
    meeting.resolved = { changes: resolved.changes, known: resolved.known, external }
    if (meeting.changes !== undefined) this.#finish(node, meeting, meeting.resolved)
  }

  /** Both sides know what changes: do it, tell our part of the cluster, and count the peer's part as known. */
  #finish(node: Atom, meeting: Meeting, resolved: NonNullable<Meeting['resolved']>): void {
    const { self } = this.#options
    const changes = [...(meeting.changes ?? []), ...resolved.changes]
    const { lock } = meeting
    const nodes = [{ node, version: this.peers.versionOf(node) }, ...resolved.known]
    for (const { node: other } of resolved.known) this.#introduce(other)
    this.#changes.apply(changes, resolved.external, { requester: lock })
    this.#syncers.settle(node)
    for (const { node: other } of resolved.known) this.#endMeeting(other)
    // Before the lock is given back, so that nobody changes names in between.
    const news = encodeNewNodes(self, changes, resolved.external, nodes, lock)
    for (const known of this.peers.known()) this.#effects.cast(known, news)
    this.#endMeeting(node)
    this.#locker.addKnown(this.peers.addKnown(nodes, self))
    this.peers.setSynced(node)
  }

  #newNodes({ changes, external, lock, nodes }: Extract<GlobalMessage, { type: 'new_nodes' }>): void {
    const added = this.peers.addKnown(nodes, this.#options.self)
    for (const node of added) this.#introduce(node)
    this.#changes.apply(changes, external, { requester: lock })
    this.#locker.addKnown(added)
  }

  #introduce(node: Atom): void {
    if (node !== this.#options.self) this.#effects.introduce(node)
  }

  /** The names of a node came with those of another that we met. */
  #inSync(node: Atom): void {
    this.#syncers.settle(node)
    this.peers.setSynced(node)
    this.#endMeeting(node)
  }

  /** @param how `lost`: others must hear of it; `removed`: the connection is still there and ends because we want it */
  #forget(node: Atom, how: 'lost' | 'removed'): void {
    this.#cancel(node, this.peers.findMeeting(node)?.ours)
    this.#locker.removeKnown(node)
    this.peers.resetMeeting(node)
    if (how === 'removed') this.peers.startRemoving(node)
    else if (!this.peers.endRemoving(node)) this.#partitions.tellLoss(node)
    this.peers.removeKnown(node)
  }

  /** The attempt came to its end, one way or another; unlike `#cancel` the peer need not hear of it. */
  #endMeeting(node: Atom): void {
    this.peers.clearPending(node)
    this.#cancel(node, this.peers.findMeeting(node)?.ours)
    this.peers.resetMeeting(node)
  }

  /** Ends the attempt and begins a new one, if ours had begun. */
  #restart(node: Atom): void {
    const ours = this.peers.findMeeting(node)?.ours
    this.#cancel(node, ours)
    this.peers.resetMeeting(node)
    this.peers.clearPending(node)
    if (ours !== undefined) this.#meet(node)
  }

  #cancel(node: Atom, ours: Tag | undefined): void {
    if (ours === undefined) return
    this.#locker.cancel(node, ours)
    const meeting = this.peers.findMeeting(node)
    if (meeting === undefined || meeting.ours !== ours) return
    meeting.isOpen = false
    if (this.peers.pending.has(node) && meeting.theirs !== undefined) {
      this.#effects.send(node, encodeCancelConnect(this.#options.self, meeting.theirs))
    }
  }
}
