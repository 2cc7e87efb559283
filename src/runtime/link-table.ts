/**
 * The links of one process, after protocol.md 3.6: the link protocol with ids. Pure: it says what to do, the caller
 * sends.
 *
 * An entry is active, or inactive while an unlink has not been acknowledged: then it holds the id of that unlink,
 * and exit signals that were under way over the old link are ignored. Links between processes of one node are active
 * entries only: they are made and removed on both sides at once.
 */
import type { Pid } from '../etf/index.ts'

export interface LinkEntry {
  readonly pid: Pid
  active: boolean
  /** Means something only while the entry is inactive. */
  unlinkId: bigint
}

const MAX_UNLINK_ID = 2n ** 64n - 1n

export class LinkTable {
  readonly #entries = new Map<string, LinkEntry>()
  #nextUnlinkId = 1n

  /** How many entries there are, the inactive ones included. */
  get size(): number {
    return this.#entries.size
  }

  /** The pids of the active links. */
  *pids(): Generator<Pid> {
    for (const entry of this.#entries.values()) if (entry.active) yield entry.pid
  }

  isLinked(pid: Pid): boolean {
    return this.#entries.get(pid.key)?.active === true
  }

  /** Local `link`. @returns whether LINK has to be sent. */
  link(pid: Pid): boolean {
    const entry = this.#entries.get(pid.key)
    if (entry === undefined) {
      this.#entries.set(pid.key, { pid, active: true, unlinkId: 0n })
      return true
    }
    if (entry.active) return false
    entry.active = true
    entry.unlinkId = 0n
    return true
  }

  /** LINK received: an entry that exists stays as it is, active or not. */
  handleLink(pid: Pid): void {
    if (!this.#entries.has(pid.key)) this.#entries.set(pid.key, { pid, active: true, unlinkId: 0n })
  }

  /** Local `unlink` of a remote pid. @returns the id to send with UNLINK_ID, or undefined: nothing to send. */
  unlink(pid: Pid): bigint | undefined {
    const entry = this.#entries.get(pid.key)
    if (entry === undefined || !entry.active) return undefined
    entry.active = false
    entry.unlinkId = this.#nextUnlinkId
    this.#nextUnlinkId = this.#nextUnlinkId === MAX_UNLINK_ID ? 1n : this.#nextUnlinkId + 1n
    return entry.unlinkId
  }

  /** UNLINK_ID received; the caller acknowledges it in every case. */
  handleUnlink(pid: Pid): void {
    if (this.isLinked(pid)) this.#entries.delete(pid.key)
  }

  handleUnlinkAck(pid: Pid, id: bigint): void {
    const entry = this.#entries.get(pid.key)
    if (entry !== undefined && !entry.active && entry.unlinkId === id) this.#entries.delete(pid.key)
  }

  /** A link exit received. @returns whether it counts. */
  handleExit(pid: Pid): boolean {
    if (!this.isLinked(pid)) return false
    this.#entries.delete(pid.key)
    return true
  }

  /** Drops the entry, active or not: a link within this node, or one that breaks from our side. */
  drop(pid: Pid): void {
    this.#entries.delete(pid.key)
  }

  /** Drops the entries of a lost node. @returns the pids whose links were active. */
  dropNode(isLost: (pid: Pid) => boolean): Pid[] {
    const broken: Pid[] = []
    for (const [key, entry] of this.#entries) {
      if (!isLost(entry.pid)) continue
      this.#entries.delete(key)
      if (entry.active) broken.push(entry.pid)
    }
    return broken
  }
}
