/**
 * When to tick and when to give a silent peer up. Protocol: section 2.8. Pure: it sees counters, and is called once per
 * interval (tick time / intensity) and for each tick that arrives.
 *
 * Intervals are counted, not measured: after this process was frozen, one late call is one interval, and what the peer
 * sent meanwhile is read before the next one.
 */

/** What the ticker looks at; both only grow. */
export interface TrafficCounters {
  /** Bytes received, ticks included. */
  readonly bytesIn: number
  /** Bytes given to the transport, ticks included. */
  readonly bytesOut: number
  /** Bytes that wait for the peer to read: while there are any, a tick would only queue behind them. */
  readonly pendingBytes: number
}

export type TickDecision =
  /** Nothing to do. */
  | 'none'
  /** Send a tick. */
  | 'tick'
  /** The peer was silent for too long: drop the connection. */
  | 'drop'

export interface TickerOptions {
  /** How many silent intervals in a row mean that the peer is gone. */
  readonly intensity: number
  /** The connection is hidden: such peers may only answer ticks, so they are asked when they are silent. */
  readonly hidden: boolean
}

export class Ticker {
  readonly #intensity: number
  readonly #hidden: boolean
  #lastIn = 0
  #lastOut = 0
  #lastOutAtTick = 0
  #silentIntervals = 0

  constructor(options: TickerOptions) {
    this.#intensity = options.intensity
    this.#hidden = options.hidden
  }

  /** Once per interval. */
  handleInterval({ bytesIn, bytesOut, pendingBytes }: TrafficCounters): TickDecision {
    const heard = bytesIn !== this.#lastIn
    const spoke = bytesOut !== this.#lastOut
    this.#lastIn = bytesIn
    this.#lastOut = bytesOut
    this.#silentIntervals = heard ? 0 : this.#silentIntervals + 1
    if (this.#silentIntervals >= this.#intensity) return 'drop'
    if (pendingBytes > 0) return 'none'
    return !spoke || (this.#hidden && !heard) ? 'tick' : 'none'
  }

  /**
   * A tick arrived. It is answered when nothing was written since the one before: a peer with a shorter tick time
   * than ours hears from us in time, and two nodes that both answer do not keep each other busy.
   */
  handleTick({ bytesOut, pendingBytes }: TrafficCounters): TickDecision {
    const spoke = bytesOut !== this.#lastOutAtTick
    this.#lastOutAtTick = bytesOut
    return spoke || pendingBytes > 0 ? 'none' : 'tick'
  }
}
