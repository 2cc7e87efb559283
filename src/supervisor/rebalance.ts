/**
 * Moves children of this node to where the ring wants them by now, a few at a time, when nodes have come: an option, for
 * the hex package has none. Each node moves its own. Nothing moves back and forth: it is looked once after every change,
 * when the cluster has been quiet for a while, and only a child whose new home sees the ring alike is moved.
 */
import { type Clock, type Logger, OptionError, type Timer } from '../core/index.ts'
import { type Atom, inspect, type Term } from '../etf/index.ts'
import type { ChildSpec } from './child-spec.ts'
import type { Movable, MoveResult } from './hand-over.ts'
import type { Handoff } from './peer-messages.ts'

export interface RebalanceOptions {
  /** Children that a node moves at the same time. Default 4. */
  readonly concurrency?: number
  /** Milliseconds without a change of the cluster before anything moves. Default 5000. */
  readonly delay?: number
}

const DEFAULT_CONCURRENCY = 4
const DEFAULT_DELAY_MS = 5_000

/** Children looked at before others have their turn. */
const SLICE = 1_000

export type ResolvedRebalance = Required<RebalanceOptions>

/** @throws OptionError */
export function resolveRebalance(
  given: boolean | RebalanceOptions | undefined,
): ResolvedRebalance | undefined {
  if (given === undefined || given === false) return undefined
  if (given !== true && (typeof given !== 'object' || given === null)) {
    throw new OptionError(`rebalance must be true, false or { concurrency, delay }, got ${String(given)}`)
  }
  const { concurrency = DEFAULT_CONCURRENCY, delay = DEFAULT_DELAY_MS } = given === true ? {} : given
  if (!(Number.isInteger(concurrency) && concurrency > 0)) {
    throw new OptionError(`rebalance.concurrency must be a whole number from 1, got ${String(concurrency)}`)
  }
  if (!(Number.isFinite(delay) && delay >= 0)) {
    throw new OptionError(`rebalance.delay must be a number of milliseconds from 0, got ${String(delay)}`)
  }
  return { concurrency, delay }
}

export interface RebalancerParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly supervisor: Atom
  children(): Movable[]
  /** The nodes that a child should rather be on than here, best first; empty when it is where it belongs. */
  betterHomes(child: Movable): Atom[]
  /** Whether a node sees the place of a name as this one does. */
  agrees(node: Atom, name: Term): Promise<boolean>
  move(child: Movable): Promise<MoveResult>
  /** Starts a child again that ended here and was taken by nobody. */
  takeBack(child: Movable, spec: ChildSpec, handoff: Handoff): Promise<void>
}

export class Rebalancer {
  readonly #parts: RebalancerParts
  readonly #options: ResolvedRebalance
  #timer: Timer | undefined
  #isRunning = false
  /** The cluster changed while children moved. */
  #again = false
  #stopped = false

  constructor(parts: RebalancerParts, options: ResolvedRebalance) {
    this.#parts = parts
    this.#options = options
  }

  /** The ring, or what its nodes can run, has changed. */
  handleChange(): void {
    if (this.#stopped) return
    if (this.#isRunning) {
      this.#again = true
      return
    }
    this.#timer?.cancel()
    this.#timer = this.#parts.clock.after(this.#options.delay, () => {
      this.#timer = undefined
      void this.#run()
    })
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const queue = this.#parts.children().values()
    const workers = Array.from({ length: this.#options.concurrency }, () => this.#work(queue))
    await Promise.all(workers)
    this.#isRunning = false
    if (!this.#again) return
    this.#again = false
    this.handleChange()
  }

  /** Workers take from the same queue. A change of the cluster ends all: what is left is looked at anew. */
  async #work(queue: Iterator<Movable>): Promise<void> {
    let looked = 0
    for (let next = queue.next(); !next.done; next = queue.next()) {
      if (this.#stopped || this.#again) return
      await this.#moveIfBetter(next.value)
      if (++looked % SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  async #moveIfBetter(child: Movable): Promise<void> {
    const { name, spec } = child
    const { supervisor, logger } = this.#parts
    // Moving is a restart, which a temporary child does not want.
    if (name === undefined || spec.restart === 'temporary') return
    const [home] = this.#parts.betterHomes(child)
    if (home === undefined || !(await this.#parts.agrees(home, name)) || this.#stopped) return
    const result = await this.#parts.move(child)
    const fields = { supervisor: supervisor.name, child: inspect(name) }
    if (result.type === 'moved') {
      logger.info(
        { ...fields, node: result.node.name },
        'a child moved to the node that the ring names for it',
      )
    } else if (result.type === 'failed') {
      const why = inspect(result.reason)
      logger.warn({ ...fields, why }, 'no other node took a child that was to move: it starts again here')
      await this.#parts.takeBack(child, spec, result.handoff)
    }
  }
}
