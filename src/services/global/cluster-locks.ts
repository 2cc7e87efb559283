/** Locks across the cluster, as users take them: `global:set_lock/3`, `del_lock/2` and `trans/4`. */
import { type Atom, atom, type Encodable, inspect, type Term } from '../../etf/index.ts'
import type { Process, Runtime } from '../../runtime/index.ts'
import { wireTerm } from '../wire-term.ts'
import { GlobalError } from './errors.ts'
import { checkRunning, type LockCalls } from './lock-calls.ts'
import type { LockId } from './requests.ts'

export interface LockOptions {
  /** Where the lock is taken. Default: this node and the visible ones that are connected. */
  readonly nodes?: readonly (Atom | string)[]
  /** Attempts after the first one, with random pauses between them. Default no limit. */
  readonly retries?: number
  /** Gives up waiting, also for a node that does not answer: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface TransOptions extends LockOptions {
  /** Who shares the lock: transactions with the same requester do not exclude each other. Default: nobody. */
  readonly requester?: Encodable
}

export interface LockHost {
  readonly name: Atom
  readonly runtime: Runtime
  /** The visible nodes that are connected. */
  nodes(): Atom[]
}

export class ClusterLocks {
  readonly #host: LockHost
  readonly #calls: LockCalls

  constructor(host: LockHost, calls: LockCalls) {
    this.#host = host
    this.#calls = calls
  }

  trans<T>(resource: Encodable, run: () => T | Promise<T>, options: TransOptions): Promise<T> {
    // In a process of its own: if it is killed every node lets go of the lock.
    return new Promise((resolve, reject) => {
      this.#host.runtime.spawn(async (self) => {
        try {
          resolve(await this.#runLocked(self, wireTerm(resource), run, options))
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  set(resource: Encodable, requester: Encodable, options: LockOptions): Promise<boolean> {
    const id = { resource: wireTerm(resource), requester: wireTerm(requester) }
    return this.#lock(this.#host.runtime.client, id, this.nodesOf(options), options)
  }

  del(resource: Encodable, requester: Encodable, options: LockOptions): Promise<void> {
    const id = { resource: wireTerm(resource), requester: wireTerm(requester) }
    return this.#calls.del(this.#host.runtime.client, id, this.nodesOf(options))
  }

  nodesOf({ nodes }: { readonly nodes?: readonly (Atom | string)[] }): Atom[] {
    const { name, nodes: connected } = this.#host
    return nodes?.map((node) => (typeof node === 'string' ? atom(node) : node)) ?? [name, ...connected()]
  }

  async #runLocked<T>(
    self: Process,
    resource: Term,
    run: () => T | Promise<T>,
    options: TransOptions,
  ): Promise<T> {
    const id = { resource, requester: wireTerm(options.requester ?? self.pid) }
    const nodes = this.nodesOf(options)
    if (!(await this.#lock(self, id, nodes, options))) {
      const attempts = (options.retries ?? 0) + 1
      const what = `the lock ${inspect(resource)} was not free in ${attempts} attempt(s)`
      throw new GlobalError('ERR_GLOBAL_ABORTED', what)
    }
    try {
      return await run()
    } finally {
      // The end of the process has given the lock back already, and is no reason to lose what `run` made of it.
      await this.#calls.del(self, id, nodes).catch((error: unknown) => {
        if (self.isAlive) throw error
      })
    }
  }

  async #lock(self: Process, id: LockId, nodes: readonly Atom[], options: LockOptions): Promise<boolean> {
    const { retries = Number.POSITIVE_INFINITY, signal } = options
    const signals = signal === undefined ? [self.signal] : [self.signal, signal]
    for (let attempt = 0; ; attempt++) {
      checkRunning(self, signals)
      if (await this.#calls.set(self, id, nodes, signal)) return true
      if (attempt >= retries) return false
      await this.#calls.pause(attempt + 1, signals)
    }
  }
}
