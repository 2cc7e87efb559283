/**
 * References with the methods of a server: `ref.call.add(5)` sends `{:add, 5}`. Their types come from a definition, or
 * from a type alone: then nothing of the server is imported, which may be one of Elixir.
 */
import { atom, type Encodable, type Term, tuple } from '../etf/index.ts'
import type { CallOptions } from './calls.ts'
import type { Destination } from './destination.ts'
import type { Reply, Stop } from './server-callbacks.ts'
import type { TypedRequest } from './typed-request.ts'
import { type InvalidMessage, invalidMessageError, type ValidatedMark } from './validated.ts'

/** Without the state, which the server adds. */
type Arguments<H> = H extends (state: never, ...args: infer A) => unknown ? A : never

type Replied<R> = R extends Reply<infer _S, infer V> ? V : R extends Stop<infer _S, infer V> ? V : never

/** What is no term when it is sent, such as a plain object, arrives as one from another node. */
type Received<V> = [V] extends [never] ? Term : V extends Term ? V : V | Term

/** What a caller gets; any term when no reply is given in the handler itself. */
type Answer<H> = H extends (...args: never[]) => infer R ? Received<Replied<Awaited<R>>> : never

/** As `Answer`, where nobody turns a refusal into an error. */
type PlainAnswer<H> = Answer<H> | (H extends ValidatedMark ? InvalidMessage : never)

/** A server with methods: `ref.call.add(5)` sends `{:add, 5}` and resolves with the reply. */
export interface ServerRef<Calls, Casts> {
  readonly call: { readonly [N in keyof Calls]: (...args: Arguments<Calls[N]>) => Promise<Answer<Calls[N]>> }
  readonly cast: { readonly [N in keyof Casts]: (...args: Arguments<Casts[N]>) => void }
}

/** Requests of a server, to be sent by whoever calls: `node.call`, `self.call`, `ds.call`. */
export type ServerRequests<Calls> = {
  readonly [N in keyof Calls]: (...args: Arguments<Calls[N]>) => TypedRequest<PlainAnswer<Calls[N]>>
}

/** Methods of a server as a type: what `serverRef` is given for a server that is written elsewhere. */
export interface ServerContract {
  readonly calls?: object
  readonly casts?: object
}

type Methods<T, Answered> = {
  readonly [N in keyof T]: T[N] extends (...args: infer A) => infer R
    ? (...args: A) => Answered extends true ? Promise<Awaited<R>> : void
    : never
}

/** The reference that belongs to a definition (`typeof Counter`) or a contract. */
export type RefOf<T> = T extends { ref(...args: never[]): infer R }
  ? R
  : T extends ServerContract
    ? { readonly call: Methods<T['calls'], true>; readonly cast: Methods<T['casts'], false> }
    : never

/** Who calls: a node, a runtime, a process. */
export interface Caller {
  call(to: Destination, request: Encodable, options?: CallOptions): Promise<Term>
  cast(to: Destination, request: Encodable): void
}

/**
 * A reference whose methods are known by type only: of a definition in code that is not loaded here, or of a server of
 * Elixir. Every name is a method; a call named `then` cannot be.
 *
 * @param options of its calls
 * @example
 * interface MyServer {
 *   calls: { get(): number; add(by: number): number }
 *   casts: { reset(): void }
 * }
 * const there = serverRef<MyServer>(node, ['my_server', 'n1@127.0.0.1'])
 * await there.call.get() // 0
 */
export function serverRef<T extends ServerContract | { ref(...args: never[]): unknown }>(
  caller: Caller,
  to: Destination,
  options?: CallOptions,
): RefOf<T> {
  const call = anyMethod((message, name) => callMethod(caller, to, message, name, options))
  const cast = anyMethod((message) => caller.cast(to, message))
  return { call, cast } as RefOf<T>
}

/** The message of a method: `:add` or `{:add, 5}`. */
export function messageOf(name: string, args: readonly Encodable[]): Encodable {
  const tag = atom(name)
  return args.length === 0 ? tag : tuple(tag, ...args)
}

/** Calls, and rejects with `InvalidMessageError` when the server refuses the arguments. */
export async function callMethod(
  caller: Caller,
  to: Destination,
  message: Encodable,
  name: string,
  options: CallOptions | undefined,
): Promise<Term> {
  const answer = await caller.call(to, message, options)
  const invalid = invalidMessageError(answer, name)
  if (invalid !== undefined) throw invalid
  return answer
}

function anyMethod(send: (message: Encodable, name: string) => unknown): object {
  return new Proxy(Object.freeze({}), {
    get: (_, name) => {
      // Whoever awaits an object asks for its `then`.
      if (typeof name !== 'string' || name === 'then') return undefined
      return (...args: Encodable[]) => send(messageOf(name, args), name)
    },
  })
}
