/** How often children may be restarted before their supervisor gives up: `max_restarts` in `max_seconds`. Pure. */
import { OptionError } from '../core/index.ts'

export interface IntensityLimits {
  /** 0 means that no child is ever restarted. */
  readonly maxRestarts: number
  readonly maxSeconds: number
}

const DEFAULTS: IntensityLimits = { maxRestarts: 3, maxSeconds: 5 }

/** The limits that the options ask for. @throws OptionError */
export function restartLimits(options: Partial<IntensityLimits>): IntensityLimits {
  const { maxRestarts = DEFAULTS.maxRestarts, maxSeconds = DEFAULTS.maxSeconds } = options
  if (!Number.isInteger(maxRestarts) || maxRestarts < 0)
    throw new OptionError(`maxRestarts must be a whole number from 0, got ${maxRestarts}`)
  if (!(Number.isFinite(maxSeconds) && maxSeconds > 0))
    throw new OptionError(`maxSeconds must be more than 0, got ${maxSeconds}`)
  return { maxRestarts, maxSeconds }
}

export class RestartIntensity {
  readonly #limits: IntensityLimits
  /** Times of the restarts within the period, oldest first; in milliseconds. */
  #restarts: number[] = []

  constructor(limits: IntensityLimits) {
    this.#limits = limits
  }

  /** Counts a restart at the time `now`. @returns whether it is still within the limits. */
  add(now: number): boolean {
    const since = now - this.#limits.maxSeconds * 1000
    this.#restarts.push(now)
    this.#restarts = this.#restarts.filter((time) => time >= since)
    return this.#restarts.length <= this.#limits.maxRestarts
  }
}
