/** The processes that a name server watches: holders of names and of locks. */
import type { Pid, Reference } from '../../etf/index.ts'

/** How processes are watched, by the process of the name server. */
export interface Monitoring {
  monitor(pid: Pid): Reference
  demonitor(ref: Reference): void
}

export interface Watch {
  readonly pid: Pid
  readonly ref: Reference
  readonly onDown: () => void
}

export class Watches {
  readonly #monitoring: Monitoring
  readonly #watches = new Map<string, Watch>()

  constructor(monitoring: Monitoring) {
    this.#monitoring = monitoring
  }

  get size(): number {
    return this.#watches.size
  }

  /** @param onDown called once, unless `end` comes first */
  watch(pid: Pid, onDown: () => void): Watch {
    const watch = { pid, ref: this.#monitoring.monitor(pid), onDown }
    this.#watches.set(watch.ref.key, watch)
    return watch
  }

  end({ ref }: Watch): void {
    if (this.#watches.delete(ref.key)) this.#monitoring.demonitor(ref)
  }

  /** A monitor fired. */
  down(ref: Reference): void {
    const watch = this.#watches.get(ref.key)
    this.#watches.delete(ref.key)
    watch?.onDown()
  }
}
