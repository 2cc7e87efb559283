/**
 * Nodes that were found and may be joined. One that cannot be reached is left alone for a while, longer each time it
 * fails, however often it is found again: names come from others, and not every one of them is a node of ours.
 */
import { describeError } from '../../core/index.ts'
import { parseNodeName } from '../node-name.ts'
import { pauseBefore } from '../reconnect.ts'
import type { ClusterHost } from './strategy.ts'

interface Failed {
  readonly attempt: number
  /** Not before that. */
  readonly next: number
}

/**
 * Names that are remembered because they could not be reached; the oldest is forgotten first, and has no pause any more.
 * More than any list of nodes has, and some MB at most.
 */
const MOST_REMEMBERED = 65_536

/** Attempts at one time: whoever tells many names must not use up our sockets. Those left out are found again. */
const MOST_UNDER_WAY = 256

export class Candidates {
  readonly #host: ClusterHost
  readonly #underWay = new Set<string>()
  readonly #failed = new Map<string, Failed>()
  #stopped = false

  constructor(host: ClusterHost) {
    this.#host = host
  }

  /** Joins the node unless it is this one, connected, or not due yet. Resolves when that is done; never rejects. */
  async offer(name: string): Promise<void> {
    const { clock, logger } = this.#host
    if (this.#stopped || this.#underWay.size >= MOST_UNDER_WAY || !this.#isWanted(name)) return
    const failed = this.#failed.get(name)
    if (failed !== undefined && clock.now() < failed.next) return
    this.#underWay.add(name)
    try {
      await this.#host.connect(name)
      this.#failed.delete(name)
    } catch (error) {
      if (this.#stopped) return
      const attempt = (failed?.attempt ?? 0) + 1
      const level = attempt === 1 ? 'warn' : 'debug'
      logger[level](
        { node: name, attempt },
        `a node that was found cannot be joined: ${describeError(error)}`,
      )
      this.#remember(name, { attempt, next: clock.now() + pauseBefore(attempt, this.#host.random()) })
    } finally {
      this.#underWay.delete(name)
    }
  }

  stop(): void {
    this.#stopped = true
  }

  #isWanted(name: string): boolean {
    if (name === this.#host.name || this.#underWay.has(name) || this.#host.isConnected(name)) return false
    try {
      parseNodeName(name)
      return true
    } catch {
      return false
    }
  }

  #remember(name: string, failed: Failed): void {
    this.#failed.delete(name)
    this.#failed.set(name, failed)
    const [oldest] = this.#failed.keys()
    if (this.#failed.size > MOST_REMEMBERED && oldest !== undefined) this.#failed.delete(oldest)
  }
}
