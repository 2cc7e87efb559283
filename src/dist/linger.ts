/**
 * How long a connection that closes waits for the peer to take what is queued: as long as it takes something, up to a limit.
 * Counts its own turns instead of looking at a clock, so that a frozen event loop is not held against the peer.
 */
import type { ConnectionLimits } from './limits.ts'

/** Looks in the time in which nothing may happen. */
const LOOKS = 5

export class Linger {
  /** Milliseconds between two looks. */
  readonly interval: number
  readonly #limits: ConnectionLimits
  #progress: number
  #idle = 0
  #total = 0

  /** @param progress see `Transport.progress` */
  constructor(limits: ConnectionLimits, progress: number) {
    this.#limits = limits
    this.#progress = progress
    this.interval = Math.min(limits.closeStall, limits.closeTime) / LOOKS
  }

  /** Called every `interval`. @returns why to wait no longer: the limit that is reached */
  look(progress: number): 'closeStall' | 'closeTime' | undefined {
    this.#idle = progress === this.#progress ? this.#idle + this.interval : 0
    this.#total += this.interval
    this.#progress = progress
    if (reached(this.#idle, this.#limits.closeStall)) return 'closeStall'
    return reached(this.#total, this.#limits.closeTime) ? 'closeTime' : undefined
  }
}

/** A sum of fractions may fall short by a hair. */
function reached(sum: number, limit: number): boolean {
  return sum > limit - 0.5
}
