/**
 * Signals to a node that is not connected yet wait here, in order, while the connection is set up; then they are sent,
 * or answered as the BEAM answers for an unreachable node.
 *
 * Bounded. What does not fit overturns its box: everything in it and everything that follows is refused until the
 * attempt to connect has ended, so that of what was sent to a node never something in the middle is missing.
 */
import type { ControlHandler } from '../dist/index.ts'
import type { Encodable } from '../etf/index.ts'

/** The sending side of a connection. */
export interface Sender extends ControlHandler<Encodable> {
  /** So much waits for the peer that senders should. */
  readonly isBusy: boolean
}

export interface WaitingSignal {
  deliver(connection: Sender): void
  /** The node could not be reached: answer links, monitors and spawn requests with `noconnection`. */
  fail(): void
}

/** For each node. */
export interface OutboxLimits {
  readonly signals: number
  /** Bytes of the messages that wait. The first one is taken whatever its size. */
  readonly bytes: number
  /** Bytes above which who sends should wait. */
  readonly highWaterMark: number
}

/** What waits for one node. */
export interface Box {
  readonly signals: WaitingSignal[]
  bytes: number
  /** Something did not fit: nothing is taken any more. */
  isOverturned: boolean
}

export class Outbox {
  readonly #limits: OutboxLimits
  readonly #boxes = new Map<string, Box>()

  constructor(limits: OutboxLimits) {
    this.#limits = limits
  }

  /**
   * @param bytes size of the message, if it carries one
   * @returns `opened` for the first signal that waits for a peer; `overturned` for the first that did not fit: what is in
   *   the box then is to be emptied out; `refused` for all that follow
   */
  add(peer: string, signal: WaitingSignal, bytes = 0): 'opened' | 'queued' | 'overturned' | 'refused' {
    const box = this.#boxes.get(peer)
    if (box === undefined) {
      this.#boxes.set(peer, { signals: [signal], bytes, isOverturned: false })
      return 'opened'
    }
    if (box.isOverturned) return 'refused'
    const { signals, bytes: most } = this.#limits
    if (box.signals.length >= signals || (bytes > 0 && box.bytes + bytes > most)) {
      box.isOverturned = true
      return 'overturned'
    }
    box.signals.push(signal)
    box.bytes += bytes
    return 'queued'
  }

  /** Adds to a box that is open, full or not: for what takes back a signal that waits. False when nothing waits. */
  append(peer: string, signal: WaitingSignal): boolean {
    const box = this.#boxes.get(peer)
    if (box === undefined || box.isOverturned) return false
    box.signals.push(signal)
    return true
  }

  current(peer: string): Box | undefined {
    return this.#boxes.get(peer)
  }

  /** Whether so much waits that who sends should wait. */
  isBusy(peer: string): boolean {
    const box = this.#boxes.get(peer)
    return box !== undefined && (box.isOverturned || box.bytes > this.#limits.highWaterMark)
  }

  /** Takes what is in the box and leaves it open. */
  empty(peer: string): readonly WaitingSignal[] {
    const box = this.#boxes.get(peer)
    if (box === undefined) return []
    box.bytes = 0
    return box.signals.splice(0)
  }

  /** Takes what waits; with `box`, only if that is still the one in use. */
  take(peer: string, box = this.#boxes.get(peer)): readonly WaitingSignal[] {
    if (box === undefined || this.#boxes.get(peer) !== box) return []
    this.#boxes.delete(peer)
    return box.signals
  }
}
