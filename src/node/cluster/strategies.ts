/** The strategies of one node: started when it joins, stopped when it leaves. */
import type { ClusterHost, ClusterStrategy, RunningStrategy } from './strategy.ts'

export class Strategies {
  readonly #strategies: readonly ClusterStrategy[]
  readonly #running: RunningStrategy[] = []
  #stopped = false

  constructor(strategies: readonly ClusterStrategy[]) {
    this.#strategies = strategies
  }

  /** Resolves when each has looked once. Rejects with the error of the first that cannot start. */
  async start(host: ClusterHost): Promise<void> {
    const starting = this.#strategies.map(async (strategy) => {
      const running = await strategy.start(host)
      if (this.#stopped) await running.stop()
      else this.#running.push(running)
    })
    await Promise.all(starting)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running.splice(0).map((running) => running.stop()))
  }
}
