/**
 * What the callbacks of a server may return, and the callbacks themselves: the contract of `gen_server`, without the
 * machinery.
 *
 *   init          state, noreply(state, options), ignore(), stop(reason)
 *   handleCall    reply(value, state, options?), noreply(state, options?), stop(reason, state), stop(reason, value, state)
 *   the others    noreply(state, options?), stop(reason, state)
 *
 * Each also as a promise. Anything else ends the server with `{bad_return_value, Value}`, as in OTP.
 */
import type { Encodable, Term } from '../etf/index.ts'
import type { From } from './gen-reply.ts'

export type MaybePromise<T> = T | Promise<T>

/** What the server does next. */
export interface NextOptions {
  /** Milliseconds without a message after which `handleInfo` gets the atom `timeout`; any message cancels it. */
  readonly timeout?: number
  /** Runs `handleContinue` with this value before the next message. */
  readonly continue?: unknown
}

export class NoReply<S> {
  readonly state: S
  readonly options: NextOptions | undefined

  /** @internal */
  constructor(state: S, options: NextOptions | undefined) {
    this.state = state
    this.options = options
  }
}

export class Reply<S, out V = Encodable> {
  readonly value: V
  readonly state: S
  readonly options: NextOptions | undefined

  /** @internal */
  constructor(value: V, state: S, options: NextOptions | undefined) {
    this.value = value
    this.state = state
    this.options = options
  }
}

/** From `init` without a state. */
export class Stop<S, out V = Encodable> {
  readonly reason: Encodable
  /** In a tuple of one, because `undefined` can be a reply and a state. */
  readonly reply: readonly [V] | undefined
  readonly state: readonly [S] | undefined

  /** @internal */
  constructor(reason: Encodable, reply: readonly [V] | undefined, state: readonly [S] | undefined) {
    this.reason = reason
    this.reply = reply
    this.state = state
  }
}

export class Ignore {
  /** Tells the type from others without fields. */
  readonly ignore = true
}

/**
 * Replies to the caller and goes on with `state`.
 *
 * @example
 * class Echo extends GenServer<null> {
 *   override init() { return null }
 *   override handleCall(request: Term) { return reply(request, null) }
 * }
 * await node.call(await node.startLink(Echo), 'hello') // 'hello'
 */
export function reply<S, V extends Encodable = Encodable>(
  value: V,
  state: S,
  options?: NextOptions,
): Reply<S, V> {
  return new Reply(value, state, options)
}

/**
 * Goes on with `state`; a caller gets its reply later, through `this.reply(from, value)`.
 *
 * @example
 * class Later extends GenServer<From[]> {
 *   override init() { return [] }
 *   override handleCall(_request: Term, from: From, waiting: From[]) { return noreply([...waiting, from]) }
 *   override handleCast(request: Term, waiting: From[]) {
 *     for (const from of waiting) this.reply(from, request)
 *     return noreply([])
 *   }
 * }
 * const server = await node.startLink(Later)
 * const answer = node.call(server, 'question')
 * node.cast(server, 'answer')
 * await answer // 'answer'
 */
export function noreply<S>(state: S, options?: NextOptions): NoReply<S> {
  return new NoReply(state, options)
}

/**
 * Ends the server: `terminate` runs, then a caller gets `value`, then the process exits with `reason`. In `init` only
 * the reason is given, and `terminate` does not run.
 *
 * @example
 * class OneShot extends GenServer<string> {
 *   override init(value: string) { return value }
 *   override handleCall(_request: Term, _from: From, value: string) { return stop(atom('normal'), value, value) }
 * }
 * await node.call(node.spawn(OneShot, 'the only answer'), atom('get')) // 'the only answer'
 */
export function stop(reason: Encodable): Stop<never, never>
export function stop<S>(reason: Encodable, state: S): Stop<S, never>
export function stop<S, V extends Encodable = Encodable>(reason: Encodable, value: V, state: S): Stop<S, V>
export function stop(reason: Encodable, ...rest: unknown[]): Stop<unknown> {
  const reply = rest.length === 2 ? ([rest[0] as Encodable] as const) : undefined
  return new Stop(reason, reply, rest.length === 0 ? undefined : [rest[rest.length - 1]])
}

/**
 * From `init`: the server does not start, and that is no error.
 *
 * @example
 * class Optional extends GenServer {
 *   override init() { return ignore() }
 * }
 * await node.startLink(Optional).catch((error: InitError) => error.reason) // :ignore
 */
export function ignore(): Ignore {
  return new Ignore()
}

export type InitResult<S> = S | NoReply<S> | Ignore | Stop<S>
/** `V` is what a caller gets: also for handlers that reply later. */
export type CallResult<S, V = Encodable> = Reply<S, V> | NoReply<S> | Stop<S, V>
export type InfoResult<S> = NoReply<S> | Stop<S>

/** The callbacks of a server, as the runtime calls them; `GenServer` has the defaults. */
export interface ServerCallbacks<S> {
  init(args: unknown): MaybePromise<InitResult<S>>
  handleCall(request: Term, from: From, state: S): MaybePromise<CallResult<S>>
  handleCast(request: Term, state: S): MaybePromise<InfoResult<S>>
  handleInfo(message: Term, state: S): MaybePromise<InfoResult<S>>
  handleContinue(argument: unknown, state: S): MaybePromise<InfoResult<S>>
  terminate(reason: Term, state: S): MaybePromise<void>
  formatStatus(state: S): Encodable
  codeChange(oldVersion: Term, state: S, extra: Term): MaybePromise<S>
  handoff?(state: S): MaybePromise<Encodable>
}

/** A class that extends `GenServer`. */
export type ServerClass = new () => ServerCallbacks<unknown>
