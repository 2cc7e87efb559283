/**
 * rpc as a client, and the door for functions that other nodes may call. Calls go to the peer's `rex`, which every OTP
 * release serves; output of the called function goes to the peer's own `user`.
 */
import { BeamjoinError } from '../core/index.ts'
import { type Atom, atom, brief, type Encodable, inspect, type Term, Tuple, tuple } from '../etf/index.ts'
import { CallError, type CallOptions, type Runtime } from '../runtime/index.ts'
import { applyExposed } from './apply.ts'
import type { ExposedFunction, FunctionTable } from './exposed.ts'

const REX = atom('rex')
const USER = atom('user')
const CALL = atom('call')
const BLOCK_CALL = atom('block_call')
const CAST = atom('cast')
const BADRPC = atom('badrpc')
const EXIT = atom('EXIT')
const NODEDOWN = atom('nodedown')
const TIMEOUT = atom('timeout')

export type RpcErrorCode = 'ERR_RPC_NODEDOWN' | 'ERR_RPC_TIMEOUT' | 'ERR_RPC_EXIT' | 'ERR_RPC_FAILED'

/**
 * A remote call gave no value: the node is not there (`ERR_RPC_NODEDOWN`), did not answer in time
 * (`ERR_RPC_TIMEOUT`), the function failed (`ERR_RPC_EXIT`), or the node refused (`ERR_RPC_FAILED`).
 * `reason` is what `rpc:call/4` gives as `{badrpc, Reason}`.
 */
export class RpcError extends BeamjoinError {
  declare readonly code: RpcErrorCode
  readonly reason: Term

  constructor(code: RpcErrorCode, reason: Term, mfa: string, options?: { cause?: unknown }) {
    super(code, `${mfa} failed: ${brief(reason)}`, options)
    this.reason = reason
  }
}

/**
 * Calls to other nodes, and the functions that they may call here: `node.rpc`.
 *
 * @example
 * node.rpc.cast('n1@127.0.0.1', 'erlang', 'send', [atom('my_server'), 'hello'])
 */
export class Rpc {
  readonly #runtime: Runtime
  readonly #self: Atom
  readonly #functions: FunctionTable

  constructor(runtime: Runtime, self: Atom, functions: FunctionTable) {
    this.#runtime = runtime
    this.#self = self
    this.#functions = functions
  }

  /**
   * Runs `module:fun(...args)` on a node and gives its value, as `:rpc.call/5` does. On this node only exposed functions
   * run. Connects to the node first when needed.
   *
   * @param options `timeout` in ms, 5000 unless given, or `'infinity'`; `signal` gives up early
   * @throws RpcError
   * @example
   * await node.rpc.call('n1@127.0.0.1', 'Elixir.String', 'upcase', ['hi']) // 'HI'
   */
  call(
    node: Atom | string,
    module: Atom | string,
    fun: Atom | string,
    args: readonly Encodable[],
    options?: CallOptions,
  ): Promise<Term> {
    return this.#ask(CALL, toAtom(node), toAtom(module), toAtom(fun), args, options)
  }

  /** As `call`, but the other node runs such calls one after the other. Mirrors `:rpc.block_call/5`. */
  blockCall(
    node: Atom | string,
    module: Atom | string,
    fun: Atom | string,
    args: readonly Encodable[],
    options?: CallOptions,
  ): Promise<Term> {
    return this.#ask(BLOCK_CALL, toAtom(node), toAtom(module), toAtom(fun), args, options)
  }

  /** Runs a function on a node and does not wait; nobody hears of a failure. Mirrors `:rpc.cast/4`. */
  cast(node: Atom | string, module: Atom | string, fun: Atom | string, args: readonly Encodable[]): void {
    const target = toAtom(node)
    const [calledModule, name] = [toAtom(module), toAtom(fun)]
    if (target === this.#self) void applyExposed(this.#functions, calledModule, name, [...args] as Term[])
    else this.#runtime.cast([REX, target], tuple(CAST, calledModule, name, args, USER))
  }

  /**
   * Lets other nodes call these functions by rpc and erpc, under an Erlang module name. Arguments arrive as terms;
   * an `Error` thrown reaches the caller as an exception, an `ExitError` as an exit, anything else as a throw.
   *
   * @returns takes exactly these functions back
   * @example
   * node.rpc.expose('Elixir.TsMath', { add: (a, b) => Number(a) + Number(b) })
   * await node.rpc.call('ts@127.0.0.1', 'Elixir.TsMath', 'add', [1, 2]) // 3
   * // iex> :rpc.call(:"ts@127.0.0.1", TsMath, :add, [1, 2])
   */
  expose(module: string, functions: Readonly<Record<string, ExposedFunction>>): () => void {
    return this.#functions.expose(module, functions)
  }

  async #ask(
    kind: Atom,
    node: Atom,
    module: Atom,
    fun: Atom,
    args: readonly Encodable[],
    options: CallOptions | undefined,
  ): Promise<Term> {
    const mfa = `${inspect(module)}.${fun.name}/${args.length} on ${node.name}`
    let answer: Term
    try {
      const destination = node === this.#self ? REX : ([REX, node] as const)
      answer = await this.#runtime.call(destination, tuple(kind, module, fun, args, USER), options)
    } catch (error) {
      if (error instanceof CallError) throw fromCallError(error, mfa)
      throw error
    }
    if (answer instanceof Tuple && answer.length === 2 && answer[0] === BADRPC) {
      const reason = answer[1] as Term
      const failed = reason instanceof Tuple && reason[0] === EXIT
      throw new RpcError(failed ? 'ERR_RPC_EXIT' : 'ERR_RPC_FAILED', reason, mfa)
    }
    return answer
  }
}

function fromCallError(error: CallError, mfa: string): RpcError {
  switch (error.code) {
    case 'timeout':
      return new RpcError('ERR_RPC_TIMEOUT', TIMEOUT, mfa, { cause: error })
    case 'nodedown':
      return new RpcError('ERR_RPC_NODEDOWN', NODEDOWN, mfa, { cause: error })
    default:
      return new RpcError('ERR_RPC_FAILED', error.reason, mfa, { cause: error })
  }
}

function toAtom(name: Atom | string): Atom {
  return typeof name === 'string' ? atom(name) : name
}
