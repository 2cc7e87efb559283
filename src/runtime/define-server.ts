/**
 * Servers in short form (design.md 3): callbacks by the tag of the message, and references with typed methods.
 *
 * `:add` calls `calls.add(state)`, `{:add, 5}` calls `calls.add(state, 5)`; casts and other messages likewise. A tag
 * that is not defined goes where it goes in a class without that callback: bad calls and casts stop the server, other
 * messages are logged.
 */
import { Atom, brief, type Encodable, type Term, Tuple } from '../etf/index.ts'
import type { CallOptions } from './calls.ts'
import type { Destination } from './destination.ts'
import type { Issue } from './errors.ts'
import type { From } from './gen-reply.ts'
import { GenServer } from './gen-server.ts'
import type { HandlerThis } from './handler-this.ts'
import {
  type CallResult,
  type InfoResult,
  type InitResult,
  type MaybePromise,
  noreply,
  reply,
} from './server-callbacks.ts'
import { type Caller, callMethod, messageOf, type ServerRef, type ServerRequests } from './server-ref.ts'
import { invalidMessage, schemasOf, type Validation, validate } from './validated.ts'

type CallHandlers<S> = Readonly<Record<string, (state: S, ...args: never[]) => MaybePromise<CallResult<S>>>>
type InfoHandlers<S> = Readonly<Record<string, (state: S, ...args: never[]) => MaybePromise<InfoResult<S>>>>

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
  /** As `GenServer.handoff`. */
  handoff?(state: S): MaybePromise<Encodable>
}

/** The class that a definition stands for; start it as any other. */
export interface DefinedServer<S, Calls, Casts> {
  new (): GenServer<S>
  /** Methods for a server of this kind, on whatever node it runs. `options` are those of its calls. */
  ref(caller: Caller, to: Destination, options?: CallOptions): ServerRef<Calls, Casts>
  /** Requests with the type of their answer, for `node.call`, `self.call` and `ds.call`. */
  readonly request: ServerRequests<Calls>
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
  const { name = 'Server', calls = {}, casts = {}, infos = {} } = definition
  const handlers: readonly object[] = [calls, casts, infos].flatMap((each) => Object.values(each))
  // Where there are no schemas no message is asked about them.
  const hasSchemas = handlers.some((handler) => schemasOf(handler) !== undefined)

  class Defined extends GenServer<S> implements HandlerThis {
    from: From | undefined

    init(args: unknown): MaybePromise<InitResult<S>> {
      return definition.init.call(this, args as A)
    }

    override handleCall(request: Term, from: From, state: S): MaybePromise<CallResult<S>> {
      const handler = handlerOf(calls, request)
      if (handler === undefined) return super.handleCall(request, from, state)
      this.from = from
      if (!hasSchemas) return this.#run(handler, request, state)
      return this.#validated(handler, request, state, (issues) => reply(invalidMessage(issues), state))
    }

    override handleCast(request: Term, state: S): MaybePromise<InfoResult<S>> {
      this.from = undefined
      const handler = handlerOf(casts, request)
      if (handler === undefined) return super.handleCast(request, state)
      if (!hasSchemas) return this.#run(handler, request, state)
      return this.#validated(handler, request, state, (issues) => this.#drop('cast', request, state, issues))
    }

    override handleInfo(message: Term, state: S): MaybePromise<InfoResult<S>> {
      this.from = undefined
      const handler = handlerOf(infos, message)
      if (handler === undefined) return super.handleInfo(message, state)
      if (!hasSchemas) return this.#run(handler, message, state)
      return this.#validated(handler, message, state, (issues) =>
        this.#drop('message', message, state, issues),
      )
    }

    #run<R>(handler: AnyHandler, message: Term, state: S): MaybePromise<R> {
      return handler.call(this, state, ...argumentsOf(message)) as MaybePromise<R>
    }

    #validated<R>(
      handler: AnyHandler,
      message: Term,
      state: S,
      refuse: (issues: readonly Issue[]) => R,
    ): MaybePromise<R> {
      const schemas = schemasOf(handler)
      if (schemas === undefined) return this.#run(handler, message, state)
      const run = (validation: Validation): MaybePromise<R> =>
        validation.ok
          ? (handler.call(this, state, ...validation.args) as MaybePromise<R>)
          : refuse(validation.issues)
      const validation = validate(schemas, argumentsOf(message))
      return validation instanceof Promise ? validation.then(run) : run(validation)
    }

    #drop(what: string, message: Term, state: S, issues: readonly Issue[]): InfoResult<S> {
      const why = issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
      const fields = { server: name, pid: String(this.pid), message: brief(message), issues: why }
      this.self.logger.warn(fields, `a server dropped a ${what} that its schema refuses`)
      return noreply(state)
    }

    override terminate(reason: Term, state: S): MaybePromise<void> {
      return definition.terminate?.call(this, reason, state)
    }

    static readonly request = methods(calls, messageOf) as unknown as ServerRequests<Calls>

    static ref(caller: Caller, to: Destination, options?: CallOptions): ServerRef<Calls, Casts> {
      const call = methods(calls, (tag, args) => callMethod(caller, to, messageOf(tag, args), tag, options))
      const cast = methods(casts, (tag, args) => caller.cast(to, messageOf(tag, args)))
      return { call, cast } as unknown as ServerRef<Calls, Casts>
    }
  }

  const { handoff } = definition
  if (handoff !== undefined) {
    Defined.prototype.handoff = function (state: S) {
      return handoff.call(this as unknown as HandlerThis, state)
    }
  }
  Object.defineProperty(Defined, 'name', { value: name })
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

function methods(handlers: object, send: (name: string, args: readonly Encodable[]) => unknown): object {
  const named = Object.keys(handlers).map((name) => [name, (...args: Encodable[]) => send(name, args)])
  return Object.fromEntries(named)
}
