/**
 * Servers in short form (design.md 3): callbacks by the tag of the message, and references with typed methods.
 *
 * `:add` calls `calls.add(state)`, `{:add, 5}` calls `calls.add(state, 5)`; casts and other messages likewise. A tag
 * that is not defined goes where it goes in a class without that callback: bad calls and casts stop the server, other
 * messages are logged.
 */
import { Atom, atom, type Encodable, type Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import type { CallOptions } from './calls.ts'
import type { Destination } from './destination.ts'
import type { From } from './gen-reply.ts'
import { GenServer } from './gen-server.ts'
import type { CallResult, InfoResult, InitResult, MaybePromise, Reply } from './server-callbacks.ts'

type CallHandlers<S> = Readonly<Record<string, (state: S, ...args: never[]) => MaybePromise<CallResult<S>>>>
type InfoHandlers<S> = Readonly<Record<string, (state: S, ...args: never[]) => MaybePromise<InfoResult<S>>>>

/** What handlers see as `this`. */
export interface HandlerThis {
  readonly self: GenServer['self']
  readonly pid: Pid
  /** Of the call that is being handled, to reply later with `this.self.reply(from, value)`. Not after an `await`. */
  readonly from: From | undefined
}

export interface ServerDefinition<
  S,
  A,
  Calls extends CallHandlers<S>,
  Casts extends InfoHandlers<S>,
  Infos extends InfoHandlers<S>,
> {
  /** Name in logs and the Elixir module of a child; default `Server`. */
  readonly name?: string
  init(args: A): MaybePromise<InitResult<S>>
  readonly calls?: Calls & CallHandlers<S> & ThisType<HandlerThis>
  readonly casts?: Casts & InfoHandlers<S> & ThisType<HandlerThis>
  readonly infos?: Infos & InfoHandlers<S> & ThisType<HandlerThis>
  terminate?(reason: Term, state: S): MaybePromise<void>
}

/** Without the state, which the server adds. */
type Arguments<H> = H extends (state: never, ...args: infer A) => unknown ? A : never
type Replied<R> = R extends Reply<infer _S, infer V> ? V : never
/** What a caller gets when all replies are given by `reply` in the handler itself. */
type Answer<H> = H extends (...args: never[]) => infer R ? Replied<Awaited<R>> : never

/** A server with methods: `ref.call.add(5)` sends `{:add, 5}` and resolves with the reply. */
export interface ServerRef<Calls, Casts> {
  readonly call: { readonly [N in keyof Calls]: (...args: Arguments<Calls[N]>) => Promise<Answer<Calls[N]>> }
  readonly cast: { readonly [N in keyof Casts]: (...args: Arguments<Casts[N]>) => void }
}

/** Who calls: a node, a runtime, a process. */
export interface Caller {
  call(to: Destination, request: Encodable, options?: CallOptions): Promise<Term>
  cast(to: Destination, request: Encodable): void
}

/** The class that a definition stands for; start it as any other. */
export interface DefinedServer<S, Calls, Casts> {
  new (): GenServer<S>
  /** Methods for a server of this kind, on whatever node it runs. `options` are those of its calls. */
  ref(caller: Caller, to: Destination, options?: CallOptions): ServerRef<Calls, Casts>
}

type AnyHandler = (state: unknown, ...args: unknown[]) => unknown

/**
 * @example
 * const Counter = defineServer({
 *   init: ({ start = 0 }: { start?: number }) => start,
 *   calls: {
 *     get: (n) => reply(n, n),
 *     add: (n, by: number) => reply(n + by, n + by),
 *   },
 *   casts: { reset: () => noreply(0) },
 * })
 * const pid = await node.startLink(Counter, { start: 5 })
 * await Counter.ref(node, pid).call.add(2) // 7
 */
export function defineServer<
  S,
  A,
  Calls extends CallHandlers<S> = Record<never, never>,
  Casts extends InfoHandlers<S> = Record<never, never>,
  Infos extends InfoHandlers<S> = Record<never, never>,
>(
  definition: ServerDefinition<S, A, Calls, Casts, Infos> & ThisType<HandlerThis>,
): DefinedServer<S, Calls, Casts> {
  const { calls = {}, casts = {}, infos = {} } = definition

  class Defined extends GenServer<S> implements HandlerThis {
    from: From | undefined

    init(args: unknown): MaybePromise<InitResult<S>> {
      return definition.init.call(this, args as A)
    }

    override handleCall(request: Term, from: From, state: S): MaybePromise<CallResult<S>> {
      const handler = handlerOf(calls, request)
      if (handler === undefined) return super.handleCall(request, from, state)
      this.from = from
      return handler.call(this, state, ...argumentsOf(request)) as MaybePromise<CallResult<S>>
    }

    override handleCast(request: Term, state: S): MaybePromise<InfoResult<S>> {
      this.from = undefined
      const handler = handlerOf(casts, request)
      if (handler === undefined) return super.handleCast(request, state)
      return handler.call(this, state, ...argumentsOf(request)) as MaybePromise<InfoResult<S>>
    }

    override handleInfo(message: Term, state: S): MaybePromise<InfoResult<S>> {
      this.from = undefined
      const handler = handlerOf(infos, message)
      if (handler === undefined) return super.handleInfo(message, state)
      return handler.call(this, state, ...argumentsOf(message)) as MaybePromise<InfoResult<S>>
    }

    override terminate(reason: Term, state: S): MaybePromise<void> {
      return definition.terminate?.call(this, reason, state)
    }

    static ref(caller: Caller, to: Destination, options?: CallOptions): ServerRef<Calls, Casts> {
      const call = methods(calls, (message) => caller.call(to, message, options))
      const cast = methods(casts, (message) => caller.cast(to, message))
      return { call, cast } as unknown as ServerRef<Calls, Casts>
    }
  }

  Object.defineProperty(Defined, 'name', { value: definition.name ?? 'Server' })
  return Defined
}

/** The tag of `:tag` and `{:tag, ...}` decides. */
function handlerOf(handlers: object, message: Term): AnyHandler | undefined {
  const tag = message instanceof Tuple ? message[0] : message
  if (!(tag instanceof Atom) || !Object.hasOwn(handlers, tag.name)) return undefined
  return (handlers as Record<string, AnyHandler>)[tag.name]
}

function argumentsOf(message: Term): unknown[] {
  return message instanceof Tuple ? message.toArray().slice(1) : []
}

function methods(handlers: object, send: (message: Encodable) => unknown): object {
  const named = Object.keys(handlers).map((name) => {
    const tag = atom(name)
    const method = (...args: Encodable[]): unknown => send(args.length === 0 ? tag : tuple(tag, ...args))
    return [name, method]
  })
  return Object.fromEntries(named)
}
