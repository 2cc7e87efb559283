/** Calls under way that are waited for together: `erpc` with a request id collection. */
import { Queue } from '../../core/index.ts'
import type { Atom, Encodable, Term } from '../../etf/index.ts'
import type { CallOptions } from '../../runtime/index.ts'

/** How one call of several ended: `Promise.allSettled`, with the node and the label that was given. */
export type RpcResponse<L = undefined> =
  | { readonly node: Atom; readonly label: L; readonly status: 'fulfilled'; readonly value: Term }
  | { readonly node: Atom; readonly label: L; readonly status: 'rejected'; readonly reason: unknown }

/** Sends one request and promises its value. */
export type SendRequest = (
  node: Atom | string,
  module: Atom | string,
  fun: Atom | string,
  args: readonly Encodable[],
  options: CallOptions,
) => { readonly node: Atom; readonly value: Promise<Term> }

/**
 * A collection of remote calls: `add` sends one, and iterating gives the responses in the order in which they come, until
 * none is left. More may be added meanwhile. Mirrors `erpc:send_request/6` and `erpc:receive_response/3`.
 *
 * @example
 * const requests = node.rpc.requests<string>()
 * requests.add('n1@127.0.0.1', 'Elixir.String', 'upcase', ['hi'], { label: 'greeting' })
 * for await (const response of requests) {
 *   if (response.status === 'fulfilled') console.log(response.label, response.value) // greeting HI
 * }
 */
export class RpcRequests<L = undefined> implements AsyncIterable<RpcResponse<L>> {
  readonly #send: SendRequest
  readonly #underWay = new Set<AbortController>()
  readonly #responses = new Queue<RpcResponse<L>>()
  readonly #waiting = new Queue<() => void>()

  /** @internal Use `node.rpc.requests()`. */
  constructor(send: SendRequest) {
    this.#send = send
  }

  /** Responses that were not read yet, and requests that have none yet. Mirrors `erpc:reqids_size/1`. */
  get size(): number {
    return this.#underWay.size + this.#responses.length
  }

  /**
   * Sends a request.
   *
   * @param options `label` comes back with the response; `timeout` in ms, 5000 unless given; `signal` gives up
   * @throws OptionError for a timeout that is none; what is wrong with the call itself is its response.
   */
  add(
    node: Atom | string,
    module: Atom | string,
    fun: Atom | string,
    args: readonly Encodable[],
    ...[options]: L extends undefined
      ? [options?: CallOptions]
      : [options: CallOptions & { readonly label: L }]
  ): this {
    const { label, signal, ...rest } = (options ?? {}) as CallOptions & { label?: L }
    const abort = new AbortController()
    const giveUp = (): void => abort.abort(signal?.reason)
    if (signal?.aborted) giveUp()
    const sent = this.#send(node, module, fun, args, { ...rest, signal: abort.signal })
    signal?.addEventListener('abort', giveUp, { once: true })
    this.#underWay.add(abort)
    const about = { node: sent.node, label: label as L }
    const settle = (response: RpcResponse<L>): void => {
      signal?.removeEventListener('abort', giveUp)
      this.#underWay.delete(abort)
      this.#settle(response)
    }
    sent.value.then(
      (value) => settle({ ...about, status: 'fulfilled', value }),
      (reason: unknown) => settle({ ...about, status: 'rejected', reason }),
    )
    return this
  }

  /** The next response; undefined when no request is left. */
  async next(): Promise<RpcResponse<L> | undefined> {
    while (this.#responses.length === 0 && this.#underWay.size > 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    return this.#responses.shift()
  }

  /** Gives up what is under way; the response of each such request is an `AbortError`. */
  abandon(): void {
    for (const abort of this.#underWay) abort.abort()
  }

  /** Leaving the loop early leaves the rest in the collection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RpcResponse<L>, void, undefined> {
    for (let response = await this.next(); response !== undefined; response = await this.next())
      yield response
  }

  #settle(response: RpcResponse<L>): void {
    this.#responses.push(response)
    // Several may wait; when this was the last, all of them must look.
    if (this.#underWay.size > 0) this.#waiting.shift()?.()
    else for (let wake = this.#waiting.shift(); wake !== undefined; wake = this.#waiting.shift()) wake()
  }
}
