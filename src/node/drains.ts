/** Plain code that waits until a node takes messages again. */
import type { Atom } from '../etf/index.ts'

type Settle = (failure?: Error) => void

export class Drains {
  readonly #waiting = new Map<Atom, Set<Settle>>()

  /** Resolves or rejects with `settle`; rejects with the signal's reason when that is aborted. */
  wait(node: Atom, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const waiting = this.#waiting.get(node) ?? new Set()
      this.#waiting.set(node, waiting)
      const onAbort = (): void => {
        waiting.delete(settle)
        reject(signal?.reason)
      }
      const settle = (failure?: Error): void => {
        signal?.removeEventListener('abort', onAbort)
        if (failure === undefined) resolve()
        else reject(failure)
      }
      waiting.add(settle)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** The node takes messages again; with `failure`, it will not take those that waited. */
  settle(node: Atom, failure?: Error): void {
    const waiting = this.#waiting.get(node)
    if (waiting === undefined) return
    this.#waiting.delete(node)
    for (const settle of waiting) settle(failure)
  }
}
