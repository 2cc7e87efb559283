/** One interest in one topic: what is broadcast is read with `for await`, or given to a callback. */
import { Queue } from '../core/index.ts'
import type { Atom, Term } from '../etf/index.ts'
import { PubSubError } from './errors.ts'

/** What came with a message. */
export interface Delivery {
  readonly topic: string
  /** The module that the sender named to deliver it; `Phoenix.PubSub` unless it named another. */
  readonly dispatcher: Atom
}

export type Listener = (message: Term, delivery: Delivery) => void

interface Waiting {
  resolve(result: IteratorResult<Term, undefined>): void
  reject(error: unknown): void
}

/**
 * Messages of a topic. Those that are not read yet are kept, up to the limit of the subscription; beyond that it ends with
 * `ERR_PUBSUB_BEHIND`.
 *
 * @example
 * const pubsub = new PubSub(node, { name: 'MyApp.PubSub' })
 * const subscription = pubsub.subscribe('room:1')
 * pubsub.broadcast('room:1', 'hello')
 * for await (const message of subscription) {
 *   console.log(message) // hello
 *   break // unsubscribes
 * }
 * pubsub.stop()
 */
export class Subscription implements AsyncIterableIterator<Term> {
  readonly topic: string
  readonly #limit: number
  readonly #onEnd: (subscription: Subscription) => void
  readonly #messages = new Queue<Term>()
  readonly #waiting = new Queue<Waiting>()
  #ended: 'no' | 'yes' | PubSubError = 'no'

  /** @internal */
  constructor(topic: string, limit: number, onEnd: (subscription: Subscription) => void) {
    this.topic = topic
    this.#limit = limit
    this.#onEnd = onEnd
  }

  /** @internal */
  push(message: Term): void {
    if (this.#ended !== 'no') return
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: message })
    } else if (this.#messages.length < this.#limit) {
      this.#messages.push(message)
    } else {
      const text = `${this.#limit} messages of '${this.topic}' wait to be read: read faster, or raise the limit`
      this.#end(new PubSubError('ERR_PUBSUB_BEHIND', text))
    }
  }

  /** No more messages; may be called twice. Those that came before can still be read. */
  unsubscribe(): void {
    this.#end('yes')
  }

  /** @throws PubSubError `ERR_PUBSUB_BEHIND` once what waited has been read. */
  next(): Promise<IteratorResult<Term, undefined>> {
    if (this.#messages.length > 0) {
      return Promise.resolve({ done: false, value: this.#messages.shift() as Term })
    }
    if (this.#ended === 'yes') return Promise.resolve({ done: true, value: undefined })
    if (this.#ended !== 'no') {
      const error = this.#ended
      this.#ended = 'yes'
      return Promise.reject(error)
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Called when a `for await` loop is left. */
  return(): Promise<IteratorResult<Term, undefined>> {
    this.unsubscribe()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #end(how: 'yes' | PubSubError): void {
    if (this.#ended !== 'no') return
    this.#ended = how
    this.#onEnd(this)
    for (let waiting = this.#waiting.shift(); waiting !== undefined; waiting = this.#waiting.shift()) {
      waiting.resolve({ done: true, value: undefined })
    }
  }
}
