/** Locks on many nodes at once: what `global:set_lock/3` and `del_lock/2` do, by calls to each node's name server. */
import type { Clock } from '../../core/index.ts'
import type { Atom, Encodable, Term } from '../../etf/index.ts'
import { CallError, type Process } from '../../runtime/index.ts'
import { GlobalError } from './errors.ts'
import { bossOf } from './peers.ts'
import { GLOBAL_NAME_SERVER } from './protocol.ts'
import { delLock, type LockId, setLock } from './requests.ts'

export interface LockCallsOptions {
  readonly self: Atom
  readonly clock: Clock
  /** Whether this node's own table allows the lock: asking the others is in vain when it does not. */
  readonly canSet: (id: LockId) => boolean
  /** 0 up to but not including 1. */
  readonly random: () => number
}

const LONGEST_PAUSE_MS = 8000

/** Longest pause before attempt `attempt` (from 0), of which a random part is waited: 125 ms, doubling up to 8 s. */
export function longestPause(attempt: number): number {
  return Math.min(125 * 2 ** Math.min(attempt, 10), LONGEST_PAUSE_MS)
}

export class LockCalls {
  readonly #options: LockCallsOptions

  constructor(options: LockCallsOptions) {
    this.#options = options
  }

  /**
   * Takes the lock on all of these nodes, or on none; other nodes that are gone do not count, as in OTP. This node's own
   * name server must answer: without it nobody here is excluded.
   *
   * @param signal gives up waiting for nodes that do not answer; what was taken is given back
   */
  async set(self: Process, id: LockId, nodes: readonly Atom[], signal?: AbortSignal): Promise<boolean> {
    if (nodes.length === 0) return true
    const own = this.#options.self
    if (nodes.length > 1 && nodes.includes(own) && !this.#options.canSet(id)) return false
    let replies: Map<Atom, Term>
    try {
      replies = await this.callAll(self, nodes, setLock(id), signal)
    } catch (error) {
      // Whoever grants it later is told behind that.
      if (signal?.aborted) void this.del(self, id, nodes).catch(() => {})
      throw error
    }
    const isMissing = nodes.includes(own) && !replies.has(own)
    if (!isMissing && [...replies.values()].every((reply) => reply === true)) return true
    const taken = [...replies].filter(([, reply]) => reply === true).map(([node]) => node)
    await this.del(self, id, taken)
    return false
  }

  async del(self: Process, id: LockId, nodes: readonly Atom[]): Promise<void> {
    await this.callAll(self, nodes, delLock(id))
  }

  /** As `del`; the boss comes last, because others wait for its lock. */
  async delBossLast(self: Process, id: LockId, nodes: readonly Atom[]): Promise<void> {
    const boss = bossOf(nodes)
    await this.del(
      self,
      id,
      nodes.filter((node) => node !== boss),
    )
    if (boss !== undefined) await this.del(self, id, [boss])
  }

  /**
   * The replies by node, of those that answered; as `gen_server:multi_call/3`.
   *
   * @throws GlobalError `ERR_GLOBAL_STOPPED` when `self` ends meanwhile; the signal's reason
   */
  async callAll(
    self: Process,
    nodes: readonly Atom[],
    request: Encodable,
    signal?: AbortSignal,
  ): Promise<Map<Atom, Term>> {
    const options = { timeout: 'infinity', ...(signal === undefined ? {} : { signal }) } as const
    const replies = new Map<Atom, Term>()
    await Promise.all(
      nodes.map(async (node) => {
        try {
          replies.set(node, await self.call([GLOBAL_NAME_SERVER, node], request, options))
        } catch (error) {
          if (!self.isAlive) throw stopped(self)
          if (!(error instanceof CallError)) throw error
        }
      }),
    )
    return replies
  }

  /** Waits a random time before attempt `attempt`, or until a signal is aborted. */
  pause(attempt: number, signals: readonly AbortSignal[]): Promise<void> {
    const { clock, random } = this.#options
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        for (const signal of signals) signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = clock.after(Math.ceil(random() * longestPause(attempt)), end)
      for (const signal of signals) signal.addEventListener('abort', end)
      if (signals.some((signal) => signal.aborted)) end()
    })
  }
}

/**
 * @throws the reason of a signal that is aborted; GlobalError `ERR_GLOBAL_STOPPED` when the process that asks for the
 * lock has ended.
 */
export function checkRunning(self: Process, signals: readonly AbortSignal[]): void {
  if (!self.isAlive) throw stopped(self)
  for (const signal of signals) signal.throwIfAborted()
}

function stopped({ pid }: Process): GlobalError {
  return new GlobalError('ERR_GLOBAL_STOPPED', `global does not run any more on ${pid.node}`)
}
