/**
 * The links of one process, after protocol.md 3.6: the link protocol with ids. Pure: it says what to do, the caller
 * sends.
 *
 * An entry is active, or inactive while an unlink has not been acknowledged: then it holds the id of that unlink,
 * and exit signals that were under way over the old link are ignored. Links between processes of one node are active
 * entries only: they are made and removed on both sides at once.
 */
import type { Pid } from '../etf/index.ts'

/** A link of the chain that the entries form, in the order in which they were made. */
interface LinkEntry {
  readonly pid: Pid
  active: boolean
  /** Means something only while the entry is inactive. */
  unlinkId: bigint
  previous: LinkEntry | undefined
  next: LinkEntry | undefined
}

const MAX_UNLINK_ID = 2n ** 64n - 1n

/** Most processes have a link or two, which are looked through: an index takes more memory than all of them. */
const MOST_WITHOUT_INDEX = 8

export class LinkTable {
  #first: LinkEntry | undefined
  #last: LinkEntry | undefined
  #size = 0
  #index: Map<string, LinkEntry> | undefined
  #nextUnlinkId = 1n

  /** How many entries there are, the inactive ones included. */
  get size(): number {
    return this.#size
  }

  /** The pids of the active links. */
  *pids(): Generator<Pid> {
    for (let entry = this.#first; entry !== undefined; entry = entry.next) if (entry.active) yield entry.pid
  }

  isLinked(pid: Pid): boolean {
    return this.#find(pid)?.active === true
  }

  /** Local `link`. @returns whether LINK has to be sent. */
  link(pid: Pid): boolean {
    const entry = this.#find(pid)
    if (entry === undefined) {
      this.#add(pid)
      return true
    }
    if (entry.active) return false
    entry.active = true
    entry.unlinkId = 0n
    return true
  }

  /** LINK received: an entry that exists stays as it is, active or not. */
  handleLink(pid: Pid): void {
    if (this.#find(pid) === undefined) this.#add(pid)
  }

  /** Local `unlink` of a remote pid. @returns the id to send with UNLINK_ID, or undefined: nothing to send. */
  unlink(pid: Pid): bigint | undefined {
    const entry = this.#find(pid)
    if (entry === undefined || !entry.active) return undefined
    entry.active = false
    entry.unlinkId = this.#nextUnlinkId
    this.#nextUnlinkId = this.#nextUnlinkId === MAX_UNLINK_ID ? 1n : this.#nextUnlinkId + 1n
    return entry.unlinkId
  }

  /** UNLINK_ID received; the caller acknowledges it in every case. */
  handleUnlink(pid: Pid): void {
    const entry = this.#find(pid)
    if (entry?.active) this.#remove(entry)
  }

  handleUnlinkAck(pid: Pid, id: bigint): void {
    const entry = this.#find(pid)
    if (entry !== undefined && !entry.active && entry.unlinkId === id) this.#remove(entry)
  }

  /** A link exit received. @returns whether it counts. */
  handleExit(pid: Pid): boolean {
    const entry = this.#find(pid)
    if (entry === undefined || !entry.active) return false
    this.#remove(entry)
    return true
  }

  /** Drops the entry, active or not: a link within this node, or one that breaks from our side. */
  drop(pid: Pid): void {
    const entry = this.#find(pid)
    if (entry !== undefined) this.#remove(entry)
  }

  /** Drops the entries of a lost node. @returns the pids whose links were active. */
  dropNode(isLost: (pid: Pid) => boolean): Pid[] {
    const broken: Pid[] = []
    for (let entry = this.#first; entry !== undefined; entry = entry.next) {
      if (!isLost(entry.pid)) continue
      this.#remove(entry)
      if (entry.active) broken.push(entry.pid)
    }
    return broken
  }

  #find(pid: Pid): LinkEntry | undefined {
    if (this.#index !== undefined) return this.#index.get(pid.key)
    let entry = this.#first
    while (entry !== undefined && !entry.pid.equals(pid)) entry = entry.next
    return entry
  }

  #add(pid: Pid): void {
    const entry: LinkEntry = { pid, active: true, unlinkId: 0n, previous: this.#last, next: undefined }
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
    this.#size++
    if (this.#index !== undefined) this.#index.set(pid.key, entry)
    else if (this.#size > MOST_WITHOUT_INDEX) this.#makeIndex()
  }

  /** The entry keeps its `next`, for whoever stands at it. */
  #remove(entry: LinkEntry): void {
    const { previous, next } = entry
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    this.#size--
    this.#index?.delete(entry.pid.key)
  }

  #makeIndex(): void {
    this.#index = new Map()
    for (let entry = this.#first; entry !== undefined; entry = entry.next)
      this.#index.set(entry.pid.key, entry)
  }
}
