/** The base class of servers: `gen_server`, with a class in place of a callback module (design.md 3). */
import { atom, brief, type Encodable, type Pid, type Term, tuple } from '../etf/index.ts'
import { ProcessError } from './errors.ts'
import type { From } from './gen-reply.ts'
import type { Process } from './process.ts'
import {
  type CallResult,
  type InfoResult,
  type InitResult,
  type MaybePromise,
  noreply,
  type ServerCallbacks,
  stop,
} from './server-callbacks.ts'

const BAD_CALL = atom('bad_call')
const BAD_CAST = atom('bad_cast')

/**
 * A server: extend it, and start the class with `runtime.start(Class, args)`. It handles one message at a time, in
 * order, also when callbacks are async: the next message waits for the promise. A callback that returns no promise
 * costs none.
 *
 * What `init` gets is the one argument of `start`. A callback that throws ends the server with an exit reason that
 * Elixir prints as an exception with its stack.
 *
 * @example
 * class Counter extends GenServer<number> {
 *   override init({ start = 0 }: { start?: number }) { return start }
 *   override handleCall(_request: Term, _from: From, state: number) { return reply(state, state) }
 *   override handleCast(_request: Term, state: number) { return noreply(state + 1) }
 * }
 * const pid = await node.startLink(Counter, { start: 5 }, { name: 'counter' })
 * node.cast(pid, atom('inc'))
 * await node.call('counter', atom('get')) // 6
 */
export abstract class GenServer<S = unknown> implements ServerCallbacks<S> {
  #self: Process | undefined

  /** The process that this server runs in: to send, call, link, monitor, spawn. Not in the constructor yet. */
  get self(): Process {
    if (this.#self === undefined) {
      throw new ProcessError(
        'ERR_RUNTIME_NOT_STARTED',
        'a server has no process before init; use it from init on',
      )
    }
    return this.#self
  }

  get pid(): Pid {
    return this.self.pid
  }

  /** The first state. See server-callbacks.ts for what else can be returned. */
  abstract init(args: unknown): MaybePromise<InitResult<S>>

  /** A request of `call`. Without an override the server stops with `{bad_call, Request}`. */
  handleCall(request: Term, _from: From, state: S): MaybePromise<CallResult<S>> {
    return stop(tuple(BAD_CALL, request), state)
  }

  /** A request of `cast`. Without an override the server stops with `{bad_cast, Request}`. */
  handleCast(request: Term, state: S): MaybePromise<InfoResult<S>> {
    return stop(tuple(BAD_CAST, request), state)
  }

  /** Any other message: monitors, exits, the atom `timeout`. Without an override it is logged and dropped. */
  handleInfo(message: Term, state: S): MaybePromise<InfoResult<S>> {
    const fields = { server: this.constructor.name, pid: String(this.pid), message: brief(message) }
    this.self.logger.error(fields, 'a server got a message that it has no handleInfo for')
    return noreply(state)
  }

  /** Runs right after the callback that returned `{ continue }`, before the next message. */
  handleContinue(_argument: unknown, state: S): MaybePromise<InfoResult<S>> {
    return noreply(state)
  }

  /**
   * The server is about to end: it stopped, a callback threw, or its parent exited while it traps exits. A server that
   * does not trap exits ends without it when an exit signal arrives, as in OTP.
   */
  terminate(_reason: Term, _state: S): MaybePromise<void> {}

  /** What `sys:get_status` shows in place of the state. */
  formatStatus(state: S): Encodable {
    return state as Encodable
  }

  /**
   * The state for another version of the code, as `code_change/3`: `:sys.change_code` asks for it while the server is
   * suspended. When it throws, the asker hears so and the state stays.
   */
  codeChange(_oldVersion: Term, state: S, _extra: Term): MaybePromise<S> {
    return state
  }

  /**
   * What the new instance gets as `handoff` among the options of its `init`, when a child of a DistributedSupervisor goes
   * on on another node: after `drain` there, or because the ring wants it elsewhere. Any term. It is the last callback
   * before `terminate`; messages that come behind it are lost with the old instance. Without it nothing is handed over.
   */
  handoff?(state: S): MaybePromise<Encodable>

  /** Answers a call whose callback returned `noreply`; also long after. */
  protected reply(from: From, value: Encodable): void {
    this.self.reply(from, value)
  }

  /** @internal */
  attachProcess(self: Process): void {
    this.#self = self
  }
}
