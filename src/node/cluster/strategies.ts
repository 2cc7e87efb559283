/** The strategies of one node: started when it joins, stopped when it leaves. */
import { describeError, type Logger } from '../../core/index.ts'
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
      if (this.#stopped) await stopOne(running, host.logger)
      else this.#running.push(running)
    })
    await Promise.all(starting)
  }

  /** Never rejects: one that cannot stop must not keep the node from it. */
  async stop(logger: Logger): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running.splice(0).map((running) => stopOne(running, logger)))
  }
}

async function stopOne(running: RunningStrategy, logger: Logger): Promise<void> {
  try {
    await running.stop()
  } catch (error) {
    logger.error({ error }, `a cluster strategy failed to stop: ${describeError(error)}`)
  }
}
