/** Who waits for a peer's own attempt to connect to us, because ours gave way to it. */
import type { Clock } from '../core/index.ts'
import { NodeError } from './errors.ts'

export class Arrivals {
  readonly #clock: Clock
  readonly #patience: number
  readonly #waiting = new Map<string, Set<(failure?: Error) => void>>()

  /** @param patience milliseconds to wait at most */
  constructor(clock: Clock, patience: number) {
    this.#clock = clock
    this.#patience = patience
  }

  /** Resolves when the peer is connected, with the reason when it did not come to that. Never rejects. */
  wait(peer: string): Promise<Error | undefined> {
    return new Promise((resolve) => {
      const waiters = this.#waiting.get(peer) ?? new Set()
      this.#waiting.set(peer, waiters)
      const settle = (failure?: Error): void => {
        overdue.cancel()
        waiters.delete(settle)
        if (waiters.size === 0 && this.#waiting.get(peer) === waiters) this.#waiting.delete(peer)
        resolve(failure)
      }
      const overdue = this.#clock.after(this.#patience, () => settle(this.#didNotCome(peer)))
      waiters.add(settle)
    })
  }

  /** The peer's attempt has ended. */
  tell(peer: string, failure?: Error): void {
    for (const settle of [...(this.#waiting.get(peer) ?? [])]) settle(failure)
  }

  tellAll(failure: Error): void {
    for (const peer of [...this.#waiting.keys()]) this.tell(peer, failure)
  }

  #didNotCome(peer: string): NodeError {
    const seconds = this.#patience / 1000
    const what = `${peer} said that it is dialing this node itself, and did not come within ${seconds} s`
    return new NodeError('ERR_NODE_UNREACHABLE', what)
  }
}
