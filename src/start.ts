/** Builds a node and starts its default services. */
import { BeamNode } from './beam-node.ts'
import { OptionError } from './core/index.ts'
import * as etf from './etf/index.ts'
import { atom } from './etf/index.ts'
import { NodeCore, type NodeOptions } from './node/index.ts'
import {
  exposeDefaults,
  exposeRemoteShell,
  FunctionTable,
  type IoDevice,
  IoServer,
  keepServer,
  LoggerProxy,
  NetKernel,
  Rex,
  serveSpawn,
  standardOutput,
} from './services/index.ts'

const NET_KERNEL = atom('net_kernel')
const REX = atom('rex')
const USER = atom('user')
const LOGGER_PROXY = atom('logger_proxy')

export interface RemoteShellOptions {
  /** Names that the code of a shell sees, beside those that are always there. */
  readonly scope?: Readonly<Record<string, unknown>>
}

export interface StartNodeOptions extends NodeOptions {
  /**
   * Whether other nodes may ask this one about itself: `Process.alive?`, `:erlang.process_info`, what `:observer`, `:c` and
   * iex helpers call. They read and change nothing. False: only exposed functions answer. Default true.
   */
  readonly introspection?: boolean
  /**
   * Whether `erl -remsh` and `iex --remsh` open a JavaScript prompt in this node. Whoever has the cookie can then run any
   * code here, as on a BEAM. `node` and what `beamjoin/etf` exports are in scope; `scope` adds names. Default false.
   */
  readonly remoteShell?: boolean | RemoteShellOptions
  /**
   * Where the output of the node's processes goes, of what other nodes run for it as well: the device of the process `user`,
   * their group leader. Default: standard output, without input.
   */
  readonly io?: IoDevice
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
    const node = new BeamNode(core, functions, options)
    const introspection = options.introspection ?? true
    if (introspection) exposeDefaults(functions, node)
    const scope = shellScope(options.remoteShell ?? false, node)
    if (introspection || scope !== undefined) exposeRemoteShell(functions, node, scope)
    core.bridge.onSpawnRequest((request) => serveSpawn(runtime, functions, request))
    // Before any other: all have it as their group leader.
    runtime.groupLeader = await runtime.start(IoServer, options.io ?? standardOutput, { name: USER })
    runtime.serves(runtime.groupLeader)
    const kept = [
      { name: LOGGER_PROXY, server: LoggerProxy, args: undefined },
      { name: NET_KERNEL, server: NetKernel, args: { node: core.name, tickTime: core.tickTime } },
      { name: REX, server: Rex, args: { runtime, node: core.name, functions } },
    ]
    await Promise.all(kept.map((one) => keepServer(runtime, core.logger, one)))
    await node.global.start()
    await core.join()
    return node
  } catch (error) {
    await core.stop()
    throw error
  }
}

/** Undefined: shells are refused. */
function shellScope(
  option: boolean | RemoteShellOptions,
  node: BeamNode,
): Record<string, unknown> | undefined {
  if (option === false) return undefined
  if (option !== true && (typeof option !== 'object' || option === null)) {
    throw new OptionError(`remoteShell must be true, false or an object with a scope, got ${typeof option}`)
  }
  return { ...etf, ...(option === true ? {} : option.scope), node }
}
