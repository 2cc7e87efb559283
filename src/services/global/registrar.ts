/**
 * The registrar: changes names under a lock on every node that is known, one change after the other (protocol.md 8.6).
 */
import type { Atom } from '../../etf/index.ts'
import type { Process } from '../../runtime/index.ts'
import { checkRunning, type LockCalls } from './lock-calls.ts'
import { bossOf } from './peers.ts'
import { GLOBAL } from './protocol.ts'
import type { LockId } from './requests.ts'

export interface RegistrarOptions {
  readonly calls: LockCalls
  /** The nodes whose names are ours, without this one. */
  readonly known: () => readonly Atom[]
}

/** What is done while the lock is held. */
export type Change<T> = (self: Process, nodes: readonly Atom[]) => Promise<T>

export class Registrar {
  readonly #options: RegistrarOptions
  readonly #self: Promise<Process>
  #last: Promise<unknown> = Promise.resolve()
  #started!: (self: Process) => void

  constructor(options: RegistrarOptions) {
    this.#options = options
    this.#self = new Promise((resolve) => {
      this.#started = resolve
    })
  }

  /** The life of the process. What others send it is of no use. */
  async run(self: Process): Promise<never> {
    this.#started(self)
    for (;;) await self.receive()
  }

  /**
   * Runs `change` while every known node holds our lock, with those nodes and this one. Waits for its turn and for the
   * lock as long as it takes.
   *
   * @param signal gives up; not any more once `change` runs
   */
  change<T>(change: Change<T>, signal?: AbortSignal): Promise<T> {
    if (signal === undefined) return this.#queue(change, undefined)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason)
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      const runs: Change<T> = (self, nodes) => {
        signal.removeEventListener('abort', onAbort)
        return change(self, nodes)
      }
      this.#queue(runs, signal)
        .finally(() => signal.removeEventListener('abort', onAbort))
        .then(resolve, reject)
    })
  }

  #queue<T>(change: Change<T>, signal: AbortSignal | undefined): Promise<T> {
    const turn = this.#last.then(() => this.#locked(change, signal))
    this.#last = turn.catch(() => {})
    return turn
  }

  async #locked<T>(change: Change<T>, signal: AbortSignal | undefined): Promise<T> {
    const { calls } = this.#options
    const self = await this.#self
    const id = { resource: GLOBAL, requester: self.pid }
    const nodes = await this.#lockKnown(self, id, signal)
    try {
      return await change(self, nodes)
    } finally {
      await calls.delBossLast(self, id, nodes)
    }
  }

  async #lockKnown(self: Process, id: LockId, signal: AbortSignal | undefined): Promise<readonly Atom[]> {
    const { calls } = this.#options
    const signals = signal === undefined ? [self.signal] : [self.signal, signal]
    for (let attempt = 0; ; attempt++) {
      checkRunning(self, signals)
      const nodes = [self.pid.node, ...this.#options.known()]
      const boss = [bossOf(nodes) ?? self.pid.node]
      if (await calls.set(self, id, boss, signal)) {
        const isSet = await calls.set(self, id, nodes, signal)
        // Not where a node became known meanwhile: it would miss the change.
        if (isSet && this.#options.known().every((node) => nodes.includes(node))) return nodes
        await calls.delBossLast(self, id, isSet ? nodes : boss)
      }
      await calls.pause(attempt, signals)
    }
  }
}
