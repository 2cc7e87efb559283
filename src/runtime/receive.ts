/** One selective receive that waits for its message. */
import type { Clock, Timer } from '../core/index.ts'
import type { Term } from '../etf/index.ts'
import { ProcessError } from './errors.ts'

export interface ReceiveOptions {
  /**
   * Milliseconds to wait, 0 to take only what is there already; default no limit. Then the receive rejects with
   * `ERR_RUNTIME_RECEIVE_TIMEOUT`.
   */
  readonly timeout?: number | 'infinity'
  /** Gives up early: the receive rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

function ignoreRejection(): void {}

export class Receive {
  readonly match: (message: Term) => boolean
  readonly promise: Promise<Term>
  #resolve!: (message: Term) => void
  #reject!: (error: unknown) => void
  #timer: Timer | undefined
  #signal: AbortSignal | undefined
  readonly #onAbort = (): void => this.#giveUp(this, this.#signal?.reason)
  readonly #giveUp: (receive: Receive, error: unknown) => void

  constructor(
    match: (message: Term) => boolean,
    giveUp: (receive: Receive, error: unknown) => void,
    clock: Clock,
    timeout: number | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.match = match
    this.#giveUp = giveUp
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (timeout !== undefined) this.#timer = clock.after(timeout, () => giveUp(this, receiveTimeout(timeout)))
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  resolve(message: Term): void {
    this.#settled()
    this.#resolve(message)
  }

  reject(error: unknown): void {
    this.#settled()
    this.#reject(error)
  }

  /** Rejects, and nobody has to care: the process is gone. */
  abandon(error: unknown): void {
    this.promise.catch(ignoreRejection)
    this.reject(error)
  }

  #settled(): void {
    this.#timer?.cancel()
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

export function receiveTimeout(timeout: number): ProcessError {
  return new ProcessError('ERR_RUNTIME_RECEIVE_TIMEOUT', `no matching message came within ${timeout} ms`)
}
