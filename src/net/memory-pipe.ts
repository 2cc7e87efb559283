/**
 * One direction of a connection in memory: what is sent arrives in order, `delay` later, while nothing blocks it.
 *
 *   push -> [ item, due ][ item, due ] -> arrive      blocked: the link is cut, or the receiver is not reading
 *
 * Deliveries happen on the event loop, never inside `push`.
 */
import { type Clock, Queue, type Timer } from '../core/index.ts'

interface Item {
  readonly due: number
  /** How many bytes of the sender it carries; 0 for a signal such as the end of the stream. */
  readonly size: number
  /** Arrives even when the receiver is not reading. */
  readonly urgent: boolean
  readonly arrive: () => void
}

export interface PipeOptions {
  readonly clock: Clock
  /** Milliseconds from push to arrival, asked at each push. */
  readonly delay: () => number
  /** True while the link is cut; `wake` must be called when that changes. */
  readonly isCut: () => boolean
  /** True while the receiver reads; `wake` must be called when that changes. */
  readonly isReading: () => boolean
  /** Called after bytes arrived. */
  readonly onDelivered: () => void
}

export class MemoryPipe {
  readonly #options: PipeOptions
  readonly #items = new Queue<Item>()
  #queuedBytes = 0
  #wakeScheduled = false
  #timer: Timer | undefined

  constructor(options: PipeOptions) {
    this.#options = options
  }

  /** Bytes that were pushed and have not arrived. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  push(size: number, arrive: () => void, urgent = false): void {
    const { clock, delay } = this.#options
    this.#items.push({ due: clock.now() + delay(), size, urgent, arrive })
    this.#queuedBytes += size
    this.wake()
  }

  /**
   * Forgets the bytes that have not arrived, but for the first pieces that together are no more than `kept`. Signals
   * stay, as a kernel sends them without the process.
   */
  dropBytes(kept: number): void {
    let bytes = 0
    let room = true
    for (let left = this.#items.length; left > 0; left--) {
      const item = this.#items.shift()!
      room &&= bytes + item.size <= kept
      if (item.size > 0 && !room) continue
      bytes += item.size
      this.#items.push(item)
    }
    this.#queuedBytes = bytes
  }

  /** Looks again at what may arrive. */
  wake(): void {
    const next = this.#items.at(this.#nextIndex())
    if (next === undefined) return
    const wait = next.due - this.#options.clock.now()
    if (wait > 0) {
      this.#timer ??= this.#options.clock.after(wait, () => {
        this.#timer = undefined
        this.#deliver()
      })
    } else if (!this.#wakeScheduled) {
      this.#wakeScheduled = true
      setImmediate(() => {
        this.#wakeScheduled = false
        this.#deliver()
      })
    }
  }

  #deliver(): void {
    let delivered = 0
    // In order, so that nothing overtakes when the delay was made shorter. Only what is there now: two sides that
    // answer each other must leave turns to others.
    for (let left = this.#items.length; left > 0; left--) {
      const index = this.#nextIndex()
      const next = this.#items.at(index)
      if (next === undefined || next.due > this.#options.clock.now()) break
      this.#items.removeAt(index)
      this.#queuedBytes -= next.size
      delivered += next.size
      next.arrive()
    }
    if (delivered > 0) this.#options.onDelivered()
    this.wake()
  }

  /** Which item arrives next; one past the end when none may. */
  #nextIndex(): number {
    if (this.#options.isCut()) return this.#items.length
    if (this.#options.isReading()) return 0
    let index = 0
    while (index < this.#items.length && !this.#items.at(index)!.urgent) index++
    return index
  }
}
