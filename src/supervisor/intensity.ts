/** How often children may be restarted before their supervisor gives up: `max_restarts` in `max_seconds`. Pure. */

export interface IntensityLimits {
  /** 0 means that no child is ever restarted. */
  readonly maxRestarts: number
  readonly maxSeconds: number
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
