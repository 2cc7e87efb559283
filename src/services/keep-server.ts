/**
 * The servers that every node runs under their names. On the BEAM the end of one ends the node, which somebody starts
 * again; here it is the server alone that starts again, since the program around the node goes on.
 */
import { describeError, type Logger } from '../core/index.ts'
import { type Atom, inspect } from '../etf/index.ts'
import type { Runtime, ServerClass } from '../runtime/index.ts'

export interface KeptServer {
  readonly name: Atom
  readonly server: ServerClass
  readonly args: unknown
}

/** Starts a server, and again whenever it ends before the node does. */
export async function keepServer(runtime: Runtime, logger: Logger, kept: KeptServer): Promise<void> {
  const { args, name, server } = kept
  const pid = await runtime.start(server, args, { name })
  runtime.serves(pid)
  runtime.monitor(pid, (reason) => {
    if (runtime.isStopping) return
    logger.error({ name: name.name, reason: inspect(reason) }, 'a server of the node ended, and starts again')
    keepServer(runtime, logger, kept).catch((error: unknown) => {
      logger.error({ name: name.name }, `a server of the node does not run any more: ${describeError(error)}`)
    })
  })
}
