/**
 * Signals to a node that is not connected yet wait here, in order, while the connection is set up; then they are sent,
 * or answered as the BEAM answers for an unreachable node. Bounded: a full box takes nothing more, and what it refuses
 * is answered as unreachable at once.
 */
import type { ControlHandler } from '../dist/index.ts'
import type { Encodable } from '../etf/index.ts'

/** The sending side of a connection. */
export type Sender = ControlHandler<Encodable>

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
}

/** What waits for one node. */
export interface Box {
  readonly signals: WaitingSignal[]
  bytes: number
  /** True once something did not fit; for telling so once. */
  hasRefused: boolean
}

export class Outbox {
  readonly #limits: OutboxLimits
  readonly #boxes = new Map<string, Box>()

  constructor(limits: OutboxLimits) {
    this.#limits = limits
  }

  /**
   * @param bytes size of the message, if it carries one
   * @returns `opened` for the first signal that waits for a peer
   */
  add(peer: string, signal: WaitingSignal, bytes = 0): 'opened' | 'queued' | 'full' {
    const box = this.#boxes.get(peer)
    if (box === undefined) {
      this.#boxes.set(peer, { signals: [signal], bytes, hasRefused: false })
      return 'opened'
    }
    if (box.signals.length >= this.#limits.signals) return 'full'
    if (bytes > 0 && box.bytes + bytes > this.#limits.bytes) return 'full'
    box.signals.push(signal)
    box.bytes += bytes
    return 'queued'
  }

  /** Adds to a box that is open, full or not: for what takes back a signal that waits. False when there is no box. */
  append(peer: string, signal: WaitingSignal): boolean {
    const box = this.#boxes.get(peer)
    box?.signals.push(signal)
    return box !== undefined
  }

  current(peer: string): Box | undefined {
    return this.#boxes.get(peer)
  }

  /** Takes what waits; with `box`, only if that is still the one in use. */
  take(peer: string, box = this.#boxes.get(peer)): readonly WaitingSignal[] {
    if (box === undefined || this.#boxes.get(peer) !== box) return []
    this.#boxes.delete(peer)
    return box.signals
  }
}
