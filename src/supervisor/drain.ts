/** How a node hands over all its children before it goes: a few at a time, within a limit of time. */
import { type Clock, type Logger, OptionError } from '../core/index.ts'
import { type Atom, atom, type Pid, type Term, tuple } from '../etf/index.ts'
import type { Movable, MoveResult } from './hand-over.ts'

export interface DrainOptions {
  /** Milliseconds until the children that are left are not handed over any more. Default 30000. */
  readonly timeout?: number
  /** Children that move at the same time. Default 16. */
  readonly concurrency?: number
  /** Aborted: as if the time was over. */
  readonly signal?: AbortSignal
  /** Called with each child that is through. */
  readonly onChild?: (child: DrainedChild) => void
}

/** What became of a child. */
export interface DrainedChild {
  /** Undefined for a child that has no name in the supervisor. */
  readonly name: Term | undefined
  /** The instance that ran here. */
  readonly pid: Pid
  /** Where it runs now; undefined when no other node started it. */
  readonly movedTo: Pid | undefined
  /**
   * Why it was not moved: `:timeout`, `:aborted`, `{:undef, module}` when no other node can run it, or the answer of the
   * last node that was asked. Undefined when it was.
   */
  readonly reason: Term | undefined
}

export interface DrainResult {
  /** Those that run on another node now. */
  readonly moved: readonly DrainedChild[]
  /** Those that do not. The other nodes know of them, and start those that one of them can run. */
  readonly left: readonly DrainedChild[]
}

export interface DrainParts {
  readonly clock: Clock
  readonly logger: Logger
  children(): Movable[]
  move(child: Movable): Promise<MoveResult>
}

const ABORTED = atom('aborted')
const TIMEOUT = atom('timeout')
const UNDEF = atom('undef')

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_CONCURRENCY = 16

export interface ResolvedDrainOptions {
  readonly timeout: number
  readonly concurrency: number
  readonly signal: AbortSignal | undefined
  readonly onChild: ((child: DrainedChild) => void) | undefined
}

/** @throws OptionError */
export function resolveDrainOptions(options: DrainOptions): ResolvedDrainOptions {
  const { timeout = DEFAULT_TIMEOUT_MS, concurrency = DEFAULT_CONCURRENCY } = options
  if (!(Number.isFinite(timeout) && timeout >= 0)) {
    throw new OptionError(`timeout of drain must be a number of milliseconds from 0, got ${String(timeout)}`)
  }
  if (!(Number.isInteger(concurrency) && concurrency > 0)) {
    throw new OptionError(`concurrency of drain must be a whole number from 1, got ${String(concurrency)}`)
  }
  return { timeout, concurrency, signal: options.signal, onChild: options.onChild }
}

/** Resolves when all children are through or the time is over; what is under way then counts as left. */
export async function drainChildren(parts: DrainParts, options: ResolvedDrainOptions): Promise<DrainResult> {
  const { clock } = parts
  const { signal, timeout, concurrency } = options
  const results = new Map<string, DrainedChild>()
  let over: Atom | undefined = signal?.aborted === true ? ABORTED : undefined
  let endNow = (): void => {}
  const ended = new Promise<void>((resolve) => {
    endNow = resolve
  })
  const end = (why: Atom): void => {
    over ??= why
    endNow()
  }
  const abort = (): void => end(ABORTED)
  signal?.addEventListener('abort', abort, { once: true })
  const timer = clock.after(timeout, () => end(TIMEOUT))

  const underWay = new Set<Movable>()
  const record = (child: Movable, movedTo: Pid | undefined, reason: Term | undefined): void => {
    const drained = { name: child.name, pid: child.pid, movedTo, reason }
    results.set(child.pid.key, drained)
    try {
      options.onChild?.(drained)
    } catch (error) {
      parts.logger.error({ error }, 'the onChild of a drain threw')
    }
  }
  const worker = async (queue: Movable[]): Promise<void> => {
    for (let child = queue.pop(); child !== undefined && over === undefined; child = queue.pop()) {
      underWay.add(child)
      const result = await parts.move(child)
      // When the time is over it counts as left, whatever becomes of it.
      if (!underWay.delete(child)) return
      if (result.type === 'moved') record(child, result.pid, undefined)
      else if (result.type === 'failed') record(child, undefined, result.reason)
      else if (result.type === 'stayed') {
        record(child, undefined, tuple(UNDEF, child.spec.start.module) as Term)
      }
    }
  }
  try {
    // Children that were being restarted, or started while the others moved, make a second round.
    for (let children = parts.children(); over === undefined; ) {
      const queue = children.filter(({ pid }) => !results.has(pid.key)).reverse()
      if (queue.length === 0) break
      const workers = Array.from({ length: Math.min(concurrency, queue.length) }, () => worker(queue))
      await Promise.race([Promise.all(workers), ended])
      children = parts.children()
    }
    for (const child of [...underWay, ...parts.children()]) {
      if (!results.has(child.pid.key)) record(child, undefined, over)
    }
    underWay.clear()
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', abort)
  }
  const all = [...results.values()]
  return {
    moved: all.filter(({ movedTo }) => movedTo !== undefined),
    left: all.filter(({ movedTo }) => movedTo === undefined),
  }
}
