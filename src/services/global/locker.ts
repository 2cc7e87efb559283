/**
 * The locker: two nodes that want to exchange names each lock their part of the cluster first, so that no name changes
 * meanwhile and no third node joins either part (protocol.md 8.4). One attempt at a time; the lock is held until the name
 * server says that the attempt is over.
 */
import { type Atom, compareTerms, type Pid } from '../../etf/index.ts'
import type { Process } from '../../runtime/index.ts'
import type { Inbox } from './inbox.ts'
import type { LockCalls } from './lock-calls.ts'
import type { LockerDoor, LockerPeer } from './name-server.ts'
import { bossOf } from './peers.ts'
import {
  encodeLockRefusal,
  encodeLockSet,
  GLOBAL,
  GLOBAL_NAME_SERVER,
  refusingLocker,
  type Tag,
} from './protocol.ts'
import type { LockId } from './requests.ts'

type LockerMessage =
  | { readonly type: 'add'; readonly peer: LockerPeer }
  | { readonly type: 'cancel'; readonly node: Atom; readonly ours: Tag }
  /** `ours` is missing when the peer knows of no attempt. */
  | { readonly type: 'lock_set'; readonly locker: Pid; readonly isSet: boolean; readonly ours?: Tag }
  | { readonly type: 'known'; readonly nodes: readonly Atom[] }
  | { readonly type: 'unknown'; readonly node: Atom }

export interface LockerOptions {
  readonly inbox: Inbox<LockerMessage>
  readonly calls: LockCalls
  readonly canSet: (id: LockId) => boolean
  readonly isLocked: () => boolean
  readonly random: () => number
  /** The lock is held, by us and by the peer. */
  readonly lockIsSet: (node: Atom, ours: Tag, requester: readonly Pid[]) => void
}

const ALONE_MS = 200
const LONGEST_MS = 3000

/** How long a locker waits before it takes the lead: longer in large clusters, where more are at it. Pure. */
export function patienceOf(waiting: number, known: number, justSynced: boolean): number | undefined {
  if (waiting === 0) return undefined
  if (justSynced) return 0
  return known === 0 ? ALONE_MS : Math.min(1000 + 100 * known, LONGEST_MS)
}

export class Locker implements LockerDoor {
  readonly #options: LockerOptions
  readonly #inbox: Inbox<LockerMessage>
  #self!: Process
  #peers: LockerPeer[] = []
  #known: Atom[] = []
  #justSynced = false

  constructor(options: LockerOptions) {
    this.#options = options
    this.#inbox = options.inbox
  }

  /** Set as soon as the process is spawned, before it runs. */
  pid!: Pid

  add(peer: LockerPeer): void {
    this.#inbox.push({ type: 'add', peer })
  }

  cancel(node: Atom, ours: Tag): void {
    this.#inbox.push({ type: 'cancel', node, ours })
  }

  lockSet(locker: Pid, isSet: boolean, ours: Tag): void {
    this.#inbox.push({ type: 'lock_set', locker, isSet, ours })
  }

  addKnown(nodes: readonly Atom[]): void {
    this.#inbox.push({ type: 'known', nodes })
  }

  removeKnown(node: Atom): void {
    this.#inbox.push({ type: 'unknown', node })
  }

  /** The life of the process. */
  async run(self: Process): Promise<void> {
    this.#self = self
    await Promise.all([this.#read(), this.#work()])
  }

  /** Lockers that know of no attempt with us say so to our pid; everything else comes through the name server. */
  async #read(): Promise<never> {
    for (;;) {
      const locker = refusingLocker(await this.#self.receive())
      if (locker !== undefined) this.#inbox.push({ type: 'lock_set', locker, isSet: false })
    }
  }

  async #work(): Promise<never> {
    for (;;) {
      let message = this.#inbox.takeNow()
      if (message === undefined) {
        const patience = patienceOf(this.#peers.length, this.#known.length, this.#justSynced)
        this.#justSynced = false
        message = await this.#inbox.take(undefined, patience)
      }
      if (message !== undefined) await this.#handle(message)
      else if (!this.#options.isLocked()) await this.#lead()
    }
  }

  async #handle(message: LockerMessage): Promise<void> {
    switch (message.type) {
      case 'add':
        this.#peers = [...this.#peers.filter(({ node }) => node !== message.peer.node), message.peer]
        break
      case 'cancel':
        this.#remove(message.node, message.ours)
        break
      case 'lock_set':
        if (message.isSet) await this.#follow(message.locker, message.ours)
        break
      case 'known':
      case 'unknown':
        this.#updateKnown(message)
        break
      default:
        message satisfies never
    }
  }

  /** Nobody took the lead so far: picks a peer at random and locks both parts of the cluster. */
  async #lead(): Promise<void> {
    this.#peers = this.#peers.filter(({ node }) => !this.#known.includes(node))
    const peer = this.#peers[Math.floor(this.#options.random() * this.#peers.length)]
    if (peer === undefined) return
    const id = this.#lockWith(peer.locker)
    if (!(await this.#lockSafely(id, [peer.node]))) return
    this.#tell(peer, true)
    const nodes = [this.#self.pid.node, peer.node, ...this.#known]
    const isTheirs = (message: LockerMessage): boolean =>
      (message.type === 'lock_set' &&
        message.locker.node === peer.node &&
        (message.ours === undefined || message.ours === peer.ours)) ||
      (message.type === 'cancel' && message.node === peer.node && message.ours === peer.ours)
    const answer = await this.#inbox.take(isTheirs)
    if (answer?.type === 'lock_set' && answer.isSet) {
      await this.#hold(peer, id, nodes)
      return
    }
    await this.#options.calls.delBossLast(this.#self, id, nodes)
    if (answer?.type === 'cancel') this.#remove(peer.node, peer.ours)
  }

  /** The peer took the lead and holds the lock in its part; we take it in ours. */
  async #follow(locker: Pid, ours: Tag | undefined): Promise<void> {
    const peer = this.#peers.find((one) => one.node === locker.node && one.ours === ours)
    if (peer === undefined) {
      this.#self.send(locker, encodeLockRefusal(this.#self.pid, this.#known))
      return
    }
    const id = this.#lockWith(locker)
    const isSet = await this.#lockSafely(id, [])
    this.#tell(peer, isSet)
    if (isSet) await this.#hold(peer, id, [this.#self.pid.node, ...this.#known])
  }

  async #hold(peer: LockerPeer, id: LockId, nodes: readonly Atom[]): Promise<void> {
    this.#options.lockIsSet(peer.node, peer.ours, id.requester as Pid[])
    await this.#inbox.take(
      (message) => message.type === 'cancel' && message.node === peer.node && message.ours === peer.ours,
    )
    this.#remove(peer.node, peer.ours)
    this.#justSynced = true
    await this.#options.calls.delBossLast(this.#self, id, nodes)
  }

  /** First on the boss, then on us and the peer, then on everybody else; on none if one refuses. */
  async #lockSafely(id: LockId, extra: readonly Atom[]): Promise<boolean> {
    const { calls, canSet } = this.#options
    const self = this.#self
    const own = self.pid.node
    const first = [bossOf([own, ...this.#known]) ?? own]
    if (!canSet(id) || !(await calls.set(self, id, first))) return false
    for (;;) {
      const update = this.#inbox.takeNow(({ type }) => type === 'known' || type === 'unknown')
      if (update === undefined) break
      this.#updateKnown(update)
    }
    const second = without([own, ...extra], first)
    if (!(await calls.set(self, id, second))) {
      await calls.del(self, id, first)
      return false
    }
    if (await calls.set(self, id, without(this.#known, first))) return true
    await calls.del(self, id, [...first, ...second])
    return false
  }

  #lockWith(locker: Pid): LockId {
    return { resource: GLOBAL, requester: [this.#self.pid, locker].sort(compareTerms) }
  }

  #tell(peer: LockerPeer, isSet: boolean): void {
    const message = encodeLockSet(this.#self.pid, isSet, this.#known, peer.theirs)
    this.#self.cast([GLOBAL_NAME_SERVER, peer.node], message)
  }

  #updateKnown(message: LockerMessage): void {
    if (message.type === 'known') this.#known = [...new Set([...this.#known, ...message.nodes])]
    else if (message.type === 'unknown') this.#known = this.#known.filter((node) => node !== message.node)
  }

  #remove(node: Atom, ours: Tag): void {
    this.#peers = this.#peers.filter((peer) => peer.node !== node || peer.ours !== ours)
  }
}

function without(nodes: readonly Atom[], others: readonly Atom[]): Atom[] {
  return nodes.filter((node) => !others.includes(node))
}
