/**
 * Who hears of what happens in a scope. Events reach every listener in the order in which they happened, also when a
 * listener changes the scope itself: what that causes waits for its turn.
 */
import { Queue } from '../../core/index.ts'
import { type Encodable, type Pid, type Term, type TermMap, termEquals } from '../../etf/index.ts'
import type { PgEvent } from './groups.ts'

export type PgListener = (event: PgEvent) => void

interface Watcher {
  /** One group, in a tuple of one because any term can be a group; undefined: the whole scope. */
  readonly group: readonly [Encodable] | undefined
  readonly listener: PgListener
}

export class Watchers {
  readonly #watchers = new Set<Watcher>()
  readonly #queue = new Queue<PgEvent>()
  readonly #onFailure: (error: unknown) => void
  #telling = false

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  /** @returns ends it. */
  add(listener: PgListener, group?: readonly [Encodable]): () => void {
    const watcher = { group, listener }
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  tell(events: readonly PgEvent[]): void {
    if (this.#watchers.size === 0) return
    for (const event of events) this.#queue.push(event)
    if (this.#telling) return
    this.#telling = true
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift())
      this.#tellOne(event)
    this.#telling = false
  }

  #tellOne(event: PgEvent): void {
    for (const { group, listener } of [...this.#watchers]) {
      if (group !== undefined && !termEquals(group[0] as Term, event.group)) continue
      try {
        listener(event)
      } catch (error) {
        this.#onFailure(error)
      }
    }
  }
}

/**
 * What happens in a scope or group, from the moment it was made: `initial` is how it was then, and iterating gives what
 * happened since, nothing left out and nothing twice. Events that are not read yet are kept, so read or `stop`.
 *
 * @example
 * scope.join('workers', pid)
 * const monitor = scope.monitor()
 * monitor.initial.get('workers')?.length // 1
 * monitor.stop()
 */
export class PgMonitor implements AsyncIterableIterator<PgEvent> {
  /** Every group that had members, with its members. */
  readonly initial: TermMap<Term, Pid[]>
  readonly #events = new Queue<PgEvent>()
  readonly #waiting = new Queue<(result: IteratorResult<PgEvent, undefined>) => void>()
  #stopped = false
  #onStop: () => void = () => {}

  /** @internal */
  constructor(initial: TermMap<Term, Pid[]>) {
    this.initial = initial
  }

  /** @internal */
  readonly push: PgListener = (event) => {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#events.push(event)
    else waiting({ done: false, value: event })
  }

  /** @internal */
  onStop(run: () => void): void {
    this.#onStop = run
  }

  /** No more events; may be called twice. Those that happened before can still be read. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#onStop()
    for (let end = this.#waiting.shift(); end !== undefined; end = this.#waiting.shift()) {
      end({ done: true, value: undefined })
    }
  }

  next(): Promise<IteratorResult<PgEvent, undefined>> {
    const event = this.#events.shift()
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    if (this.#stopped) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Called when a `for await` loop is left. */
  return(): Promise<IteratorResult<PgEvent, undefined>> {
    this.stop()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
