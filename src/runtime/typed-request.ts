/** Requests with the type of their answer. */
import type { Encodable } from '../etf/index.ts'

declare const ANSWER: unique symbol

/** A request that knows what it is answered with: `node.call(pid, request)` resolves with an `R`. */
export type TypedRequest<R> = Encodable & { readonly [ANSWER]: R }
