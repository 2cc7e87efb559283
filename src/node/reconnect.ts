/**
 * Keeps the node connected to the nodes it was told to join: tries at once, again after a loss, and with growing
 * pauses while a node cannot be reached. The pauses carry jitter, so that a cluster that restarts does not knock at the
 * same instant.
 */
import { type Clock, describeError, type Logger, type Timer } from '../core/index.ts'

export interface ReconnectOptions {
  readonly targets: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
  connect(target: string): Promise<void>
  /** 0 up to but not including 1. */
  random(): number
}

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 15_000

/** Pause before attempt `attempt` (from 1): doubles up to the longest, of which a random half is kept. Pure. */
export function pauseBefore(attempt: number, random: number): number {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), LONGEST_PAUSE_MS)
  return full / 2 + (full / 2) * random
}

export class Reconnect {
  readonly #options: ReconnectOptions
  readonly #targets: ReadonlySet<string>
  readonly #timers = new Map<string, Timer>()
  /** When each target was joined last, and by which attempt. */
  readonly #joined = new Map<string, { readonly at: number; readonly attempt: number }>()
  #stopped = false

  constructor(options: ReconnectOptions) {
    this.#options = options
    this.#targets = new Set(options.targets)
  }

  /** Resolves when every target was tried once; what failed goes on being tried. */
  async start(): Promise<void> {
    await Promise.all([...this.#targets].map((target) => this.#try(target, 1)))
  }

  /** The node is lost; a target is joined again. One that is lost right after it was joined is as good as unreachable. */
  lost(target: string): void {
    if (!this.#targets.has(target)) return
    const joined = this.#joined.get(target)
    const lasted = joined === undefined || this.#options.clock.now() - joined.at >= LONGEST_PAUSE_MS
    this.#schedule(target, lasted ? 1 : joined.attempt + 1)
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  async #try(target: string, attempt: number): Promise<void> {
    try {
      await this.#options.connect(target)
      this.#joined.set(target, { at: this.#options.clock.now(), attempt })
    } catch (error) {
      if (this.#stopped) return
      const level = attempt === 1 ? 'warn' : 'debug'
      this.#options.logger[level]({ target, attempt }, `cannot join yet: ${describeError(error)}`)
      this.#schedule(target, attempt + 1)
    }
  }

  #schedule(target: string, attempt: number): void {
    if (this.#stopped) return
    this.#timers.get(target)?.cancel()
    const pause = pauseBefore(attempt, this.#options.random())
    const timer = this.#options.clock.after(pause, () => {
      this.#timers.delete(target)
      void this.#try(target, attempt)
    })
    this.#timers.set(target, timer)
  }
}
