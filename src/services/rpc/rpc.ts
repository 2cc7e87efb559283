/**
 * rpc as a client, and the door for functions that other nodes may call. Calls and casts go as spawn requests, as those of
 * `erpc` and of `rpc` since OTP 23 do; `blockCall` and `sbcast` by the peer's server `rex`.
 */
import { OptionError } from '../../core/index.ts'
import { type Atom, atom, type Encodable, type Term } from '../../etf/index.ts'
import { type CallOptions, type Runtime, timeoutMs } from '../../runtime/index.ts'
import { applyExposed } from './apply.ts'
import type { ExposedFunction, ExposedFunctions, FunctionResolver, FunctionTable } from './exposed.ts'
import { type AnyModule, type RemoteModule, remoteModule } from './remote-module.ts'
import { askRex, type RemoteCall, request } from './request.ts'
import { RpcRequests, type RpcResponse } from './rpc-requests.ts'
import { sbcast } from './sbcast.ts'

const ERPC = atom('erpc')
const EXECUTE_CAST = atom('execute_cast')
const BLOCK_CALL = atom('block_call')
const DEFAULT_TIMEOUT_MS = 5000

function nothing(): void {}

/** What rpc needs of its node. */
export interface RpcHost {
  readonly runtime: Runtime
  readonly name: Atom
  /** The visible nodes that are connected. */
  nodes(): Atom[]
}

/**
 * Calls to other nodes, and the functions that they may call here: `node.rpc`.
 *
 * @example
 * node.rpc.cast('n1@127.0.0.1', 'erlang', 'send', [atom('my_server'), 'hello'])
 */
export class Rpc {
  readonly #host: RpcHost
  readonly #functions: FunctionTable

  constructor(host: RpcHost, functions: FunctionTable) {
    this.#host = host
    this.#functions = functions
  }

  /**
   * Runs `module:fun(...args)` on a node and gives its value, as `:erpc.call/5` does. On this node only exposed functions
   * run. Connects to the node first when needed. The function goes on when nobody waits for it any more.
   *
   * @param options `timeout` in ms, 5000 unless given, or `'infinity'`; `signal` gives up early
   * @throws RpcError `ERR_RPC_NODEDOWN`, `ERR_RPC_TIMEOUT`; `ERR_RPC_EXIT` for an error or exit of the function,
   * `ERR_RPC_THROW` for a throw, `ERR_RPC_FAILED` when the node refuses.
   * @example
   * await node.rpc.call('n1@127.0.0.1', 'Elixir.String', 'upcase', ['hi']) // 'HI'
   */
  async call(
    node: Atom | string,
    module: Atom | string,
    fun: Atom | string,
    args: readonly Encodable[],
    options: CallOptions = {},
  ): Promise<Term> {
    return this.#request(remoteCall(node, module, fun, args), options)
  }

  /**
   * As `call`, but the other node runs such calls one after the other, in its server `rex`, which does nothing else
   * meanwhile. Mirrors `:rpc.block_call/5`: what the function throws is its value.
   *
   * @throws RpcError as `call`; `ERR_RPC_FAILED` with `noproc` when the node has no `rex`.
   */
  async blockCall(
    node: Atom | string,
    module: Atom | string,
    fun: Atom | string,
    args: readonly Encodable[],
    options?: CallOptions,
  ): Promise<Term> {
    return askRex(this.#host.runtime, BLOCK_CALL, remoteCall(node, module, fun, args), options)
  }

  /**
   * Runs a function on a node and does not wait; nobody hears of a failure. Mirrors `:erpc.cast/4`.
   *
   * @throws EncodeError for arguments that have no term.
   */
  cast(node: Atom | string, module: Atom | string, fun: Atom | string, args: readonly Encodable[]): void {
    const { runtime, name } = this.#host
    const call = remoteCall(node, module, fun, args)
    if (call.node === name) {
      runtime.spawn((self) => applyExposed(this.#functions, self, call.module, call.fun, [...args] as Term[]))
      return
    }
    const what = {
      node: call.node,
      module: ERPC,
      function: EXECUTE_CAST,
      args: [call.module, call.fun, args],
    }
    runtime.requestSpawn(what, { onRefused: nothing })
  }

  /**
   * Calls a function on several nodes at once, and gives what came of each, in the order of the nodes. Mirrors
   * `:erpc.multicall/5`.
   *
   * @param nodes by default this node and the visible ones it is connected to
   * @param options as for `call`; they hold for each node
   * @example
   * const responses = await node.rpc.multicall(['n1@127.0.0.1', 'nobody@127.0.0.1'], 'erlang', 'node', [])
   * responses.map(({ status }) => status) // ['fulfilled', 'rejected']
   */
  async multicall(
    nodes: readonly (Atom | string)[] | undefined,
    module: Atom | string,
    fun: Atom | string,
    args: readonly Encodable[],
    options: CallOptions = {},
  ): Promise<RpcResponse[]> {
    const calls = (nodes ?? this.#everywhere()).map((node) => remoteCall(node, module, fun, args))
    const pending = calls.map((call) => this.#request(call, options))
    const results = await Promise.allSettled(pending)
    return results.map((result, index) => {
      return { node: (calls[index] as RemoteCall).node, label: undefined, ...result }
    })
  }

  /** `cast` to several nodes. Mirrors `:erpc.multicast/4`. @param nodes as for `multicall` */
  multicast(
    nodes: readonly (Atom | string)[] | undefined,
    module: Atom | string,
    fun: Atom | string,
    args: readonly Encodable[],
  ): void {
    for (const node of nodes ?? this.#everywhere()) this.cast(node, module, fun, args)
  }

  /**
   * A collection of calls whose responses are read as they come. Mirrors `:erpc.reqids_new/0`.
   *
   * @example
   * const requests = node.rpc.requests().add('n1@127.0.0.1', 'Elixir.String', 'upcase', ['hi'])
   * const response = await requests.next()
   * response?.status === 'fulfilled' && response.value // 'HI'
   */
  requests<L = undefined>(): RpcRequests<L> {
    return new RpcRequests<L>((node, module, fun, args, options) => {
      const call = remoteCall(node, module, fun, args)
      return { node: call.node, value: this.#request(call, options) }
    })
  }

  /**
   * A module of another node as an object. Describe its functions with a type to have calls checked: `getUser(1)` calls
   * `get_user(1)` there and promises its value.
   *
   * @example
   * interface Strings { upcase(text: string): string }
   * const strings = node.rpc.module<Strings>('n1@127.0.0.1', 'Elixir.String')
   * await strings.upcase('hi') // 'HI'
   */
  module<Api extends object = AnyModule>(
    node: Atom | string,
    module: Atom | string,
    options: CallOptions = {},
  ): RemoteModule<Api> {
    const [target, called] = [toAtom(node), toAtom(module)]
    return remoteModule<Api>((fun, args) => this.call(target, called, fun, args, options))
  }

  /**
   * Sends a message to the processes of one registered name on several nodes; where there is none it is lost. Mirrors
   * `:rpc.abcast/3`.
   *
   * @param nodes as for `multicall`
   * @throws EncodeError
   */
  abcast(nodes: readonly (Atom | string)[] | undefined, name: Atom | string, message: Encodable): void {
    const { runtime, name: self } = this.#host
    for (const node of nodes ?? this.#everywhere()) {
      if (toAtom(node) !== self) runtime.send([name, node], message)
      else if (runtime.whereis(name) !== undefined) runtime.send(name, message)
    }
  }

  /**
   * As `abcast`, and says on which nodes the name is registered: there the message is in the mailbox. Mirrors
   * `:rpc.sbcast/3`.
   *
   * @param options `timeout` in ms, 5000 unless given; a node that does not answer in time is a bad one
   */
  async sbcast(
    nodes: readonly (Atom | string)[] | undefined,
    name: Atom | string,
    message: Encodable,
    options: CallOptions = {},
  ): Promise<{ readonly good: Atom[]; readonly bad: Atom[] }> {
    const targets = (nodes ?? this.#everywhere()).map(toAtom)
    return sbcast(this.#host.runtime, targets, toAtom(name), message, {
      ...options,
      timeout: options.timeout ?? DEFAULT_TIMEOUT_MS,
    })
  }

  /**
   * Lets other nodes call functions by rpc and erpc, and spawn them. Everything else is `undef` to them.
   *
   * - `expose(module, { add, 'sub/2': sub })`: functions of an Erlang module name; `sub/2` takes two arguments only
   * - `expose(module, 'add', add)`: one function
   * - `expose((module, fun, arity) => ...)`: a function that finds the function when it is called
   *
   * Arguments arrive as terms; an `Error` thrown reaches the caller as an error, an `ExitError` as an exit, anything else
   * as a throw. `this` is the process that the function runs in. Of functions of one name the latest counts, and what was
   * exposed by name before what a resolver finds.
   *
   * @returns takes exactly these functions back
   * @throws OptionError for what is no function.
   * @example
   * node.rpc.expose('Elixir.TsMath', { add: (a, b) => Number(a) + Number(b) })
   * await node.rpc.call('ts@127.0.0.1', 'Elixir.TsMath', 'add', [1, 2]) // 3
   * // iex> :rpc.call(:"ts@127.0.0.1", TsMath, :add, [1, 2])
   */
  expose(module: string, functions: ExposedFunctions): () => void
  expose(module: string, fun: string, run: ExposedFunction): () => void
  expose(resolver: FunctionResolver): () => void
  expose(
    module: string | FunctionResolver,
    functions?: ExposedFunctions | string,
    run?: ExposedFunction,
  ): () => void {
    if (typeof module === 'function') return this.#functions.resolve(module)
    if (typeof functions === 'string') {
      return this.#functions.expose(module, { [functions]: run as ExposedFunction })
    }
    if (typeof functions === 'object' && functions !== null) return this.#functions.expose(module, functions)
    throw new OptionError(`expose('${module}', ...) takes an object of functions, or a name and a function`)
  }

  #request(call: RemoteCall, options: CallOptions): Promise<Term> {
    const { runtime, name } = this.#host
    const parts = { runtime, self: name, functions: this.#functions }
    return request(parts, call, options, timeoutMs(options.timeout, DEFAULT_TIMEOUT_MS))
  }

  #everywhere(): Atom[] {
    return [this.#host.name, ...this.#host.nodes()]
  }
}

function remoteCall(
  node: Atom | string,
  module: Atom | string,
  fun: Atom | string,
  args: readonly Encodable[],
): RemoteCall {
  return { node: toAtom(node), module: toAtom(module), fun: toAtom(fun), args }
}

function toAtom(name: Atom | string): Atom {
  return typeof name === 'string' ? atom(name) : name
}
