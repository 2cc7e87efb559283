/**
 * Says who keeps the event loop from its turn: nothing else runs meanwhile, no other process, no tick, no timer.
 *
 * A process that holds it in one slice is known by name; the scheduler looks at the clock after each slice anyway. What
 * holds it outside of slices (plain code, timers, what follows an `await`) shows as a timer of this watch that comes
 * late, and the processes whose callback is under way are named as possible culprits.
 */
import { loopBlockedChannel } from '../core/diagnostics.ts'
import { inspect } from '../etf/index.ts'
import { Cell } from './cell.ts'
import type { Kernel } from './kernel.ts'

const MAX_SUSPECTS = 5

export class EventLoopWatch {
  readonly #kernel: Kernel
  readonly #longMs: number
  /** Milliseconds that were reported since the timer fired last. */
  #explained = 0
  #lastTurn = 0
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(kernel: Kernel, longMs: number) {
    this.#kernel = kernel
    this.#longMs = longMs
    kernel.scheduler.onLongSlice = (runnable, ms) => {
      if (runnable instanceof Cell) this.#report(runnable, ms)
    }
  }

  /** Also looks at what happens outside of processes. Not on a clock that is turned by hand: this is about real time. */
  start(): void {
    const every = Math.max(this.#longMs / 2, 10)
    this.#lastTurn = performance.now()
    this.#timer ??= setInterval(() => this.#handleTurn(every), every).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #report(cell: Cell, ms: number): void {
    this.#explained += ms
    const name = cell.name === undefined ? undefined : inspect(cell.name)
    const fields = {
      pid: String(cell.pid),
      name,
      process: cell.label,
      callback: cell.doing,
      ms: Math.round(ms),
    }
    this.#kernel.logger.warn(
      { node: this.#kernel.node.name, ...fields },
      'a process held the event loop, and nothing else could run; let it await, or run it in a thread',
    )
    if (loopBlockedChannel.hasSubscribers) {
      const { pid, label, doing } = cell
      loopBlockedChannel.publish({ pid, name: cell.name, label, callback: doing, duration: ms, suspects: [] })
    }
  }

  #handleTurn(every: number): void {
    const now = performance.now()
    const late = now - this.#lastTurn - every - this.#explained
    this.#lastTurn = now
    this.#explained = 0
    if (late > this.#longMs) this.#reportUnknown(late)
  }

  #reportUnknown(ms: number): void {
    const suspects = this.#kernel.table
      .cells()
      .filter((cell) => cell.isUnderWay)
      .slice(0, MAX_SUSPECTS)
    const names = suspects.map(
      ({ pid, label, doing }) => `${label}${doing === undefined ? '' : `.${doing}`} ${pid}`,
    )
    this.#kernel.logger.warn(
      { node: this.#kernel.node.name, ms: Math.round(ms), suspects: names.join(', ') || undefined },
      'the event loop stood still, and nothing could run; it was no message to a process',
    )
    if (!loopBlockedChannel.hasSubscribers) return
    loopBlockedChannel.publish({
      pid: undefined,
      name: undefined,
      label: undefined,
      callback: undefined,
      duration: ms,
      suspects: suspects.map(({ pid }) => pid),
    })
  }
}
