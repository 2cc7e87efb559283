/** Builds a node and starts its default services. */
import { BeamNode } from './beam-node.ts'
import { atom } from './etf/index.ts'
import { NodeCore, type NodeOptions } from './node/index.ts'
import { exposeDefaults, FunctionTable, NetKernel, Rex, serveSpawn } from './services/index.ts'

const NET_KERNEL = atom('net_kernel')
const REX = atom('rex')

export interface StartNodeOptions extends NodeOptions {
  /**
   * Whether other nodes may ask this one about itself: `Process.alive?`, `:erlang.process_info`, what `:observer`, `:c` and
   * iex helpers call. They read and change nothing. False: only exposed functions answer. Default true.
   */
  readonly introspection?: boolean
}

/**
 * Starts a node: listens, registers with epmd, joins the nodes of `connect`. Resolves when each of those was tried
 * once; the ones that failed are tried again until the node stops.
 *
 * @throws OptionError for an option that makes no sense; EpmdError `ERR_EPMD_NAME_TAKEN` and others; NodeError
 * `ERR_NODE_LISTEN`, `ERR_NODE_NAMELESS`; what the option `signal` was aborted with.
 * @example
 * const node = await startNode({ name: 'ts@127.0.0.1', cookie: 'secret', connect: ['n1@127.0.0.1'] })
 * node.nodes().map(String) // ['n1@127.0.0.1']
 * await node.stop()
 */
export async function startNode(options: StartNodeOptions): Promise<BeamNode> {
  const core = await NodeCore.start(options)
  const { runtime } = core
  try {
    const functions = new FunctionTable()
    const node = new BeamNode(core, functions)
    if (options.introspection ?? true) exposeDefaults(functions, node)
    core.bridge.onSpawnRequest((request) => serveSpawn(runtime, functions, request))
    await Promise.all([
      runtime.start(NetKernel, { node: core.name, tickTime: core.tickTime }, { name: NET_KERNEL }),
      runtime.start(Rex, { runtime, node: core.name, functions }, { name: REX }),
    ])
    await core.join()
    return node
  } catch (error) {
    await core.stop()
    throw error
  }
}
