/** An epmd of ours on a network in memory, with time and wall time in the hands of the test. */
import type { Logger } from '../../src/core/index.ts'
import { EpmdClient, EpmdServer, type EpmdServerOptions } from '../../src/epmd/index.ts'
import { MemoryNetwork, type MemoryOptions } from '../../src/net/index.ts'
import { FakeClock } from '../../src/testing/index.ts'
import { Recorder } from '../net/recorder.ts'

export const PORT = 4369
export const NOW = 1_700_000_000

export interface Harness {
  readonly clock: FakeClock
  readonly network: MemoryNetwork
  readonly server: EpmdServer
  readonly client: EpmdClient
  /** What the server logged as warnings. */
  readonly warnings: string[]
  /** A raw connection to the server, from its own machine or from another one. */
  open(from?: 'local' | 'remote'): Promise<Recorder>
  /** Sends bytes over a new local connection and waits until the server closes it; gives what it answered. */
  ask(bytes: Uint8Array): Promise<Buffer>
}

export async function startHarness(
  options: Partial<EpmdServerOptions> = {},
  memory: MemoryOptions = {},
): Promise<Harness> {
  const clock = new FakeClock()
  const network = new MemoryNetwork({ clock, ...memory })
  const local = network.host('local')
  const remote = network.host('remote')
  const warnings: string[] = []
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (fields, message) => warnings.push(`${message}: ${'reason' in fields ? fields.reason : ''}`),
    error() {},
  }
  const server = await EpmdServer.listen({
    network: local,
    clock,
    logger,
    unixSeconds: () => NOW,
    ...options,
  })
  const client = new EpmdClient({ network: local, clock })
  const open = async (from: 'local' | 'remote' = 'local'): Promise<Recorder> =>
    from === 'local'
      ? new Recorder(await local.connect({ host: '127.0.0.1', port: server.port }))
      : new Recorder(await remote.connect({ host: 'local', port: server.port }))
  const ask = async (bytes: Uint8Array): Promise<Buffer> => {
    const connection = await open()
    connection.transport.write(bytes)
    await connection.closed()
    return connection.bytes
  }
  return { clock, network, server, client, warnings, open, ask }
}

/** Waits until `condition` holds, giving the event loop its turns. */
export async function eventually(condition: () => boolean, turns = 1000): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    if (condition()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`the condition does not hold after ${turns} turns of the event loop: ${condition}`)
}
