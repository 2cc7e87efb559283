/** Phoenix.PubSub for this node: subscribers here, broadcasts to and from every node that uses the same name. */
import { type Logger, OptionError } from '../core/index.ts'
import { type Atom, atom, type Encodable, Pid, phash2, type Reference, type Term } from '../etf/index.ts'
import type { Destination, ServerClass } from '../runtime/index.ts'
import { PubSubError } from './errors.ts'
import {
  DEFAULT_DISPATCHER,
  encodeForward,
  type Forwarded,
  type Group,
  groupNames,
  PG_SCOPE,
  pubSubName,
} from './protocol.ts'
import { type Delivery, type Listener, Subscription } from './subscription.ts'
import { PubSubWorker } from './worker.ts'

/** What it needs of its node: a `BeamNode`. */
export interface PubSubNode {
  readonly name: Atom
  readonly self: Pid
  readonly logger: Logger
  spawn(server: ServerClass, args?: unknown): Pid
  register(name: Atom, pid: Pid): void
  exit(pid: Pid, reason: Encodable): void
  monitor(target: Pid, onDown: (reason: Term) => void): Reference
  demonitor(ref: Reference): boolean
  send(to: Destination, message: Encodable): void
  pg(scope: Atom): { join(group: Encodable, pid: Pid): void; members(group: Encodable): Pid[] }
}

/** Who gets messages of a topic: a function, a subscription, or a process, which gets them as ordinary messages. */
export type Subscriber = Listener | Pid | Subscription

/**
 * Delivers a message to the subscribers of this node in place of the usual way; mirrors a module with `dispatch/3`.
 *
 * @param from the pid that broadcast it with `broadcastFrom` on this node, else undefined
 */
export type Dispatcher = (
  subscribers: readonly Subscriber[],
  from: Pid | Subscription | undefined,
  message: Term,
  delivery: Delivery,
) => void

export interface PubSubOptions {
  /** The name on the Elixir side: `'MyApp.PubSub'`. A capitalised text is a module, any other an atom as it is. */
  readonly name: Atom | string
  /** `pool_size` of the Elixir side. Default 1, as there. */
  readonly poolSize?: number
  /** `broadcast_pool_size` of the Elixir side. Default: `poolSize`. */
  readonly broadcastPoolSize?: number
  /** Messages that may wait in a subscription that is not read. Default 100_000. */
  readonly limit?: number
  /** What to do with messages whose sender names another dispatcher than the usual one; default: deliver them as usual. */
  readonly dispatchers?: Readonly<Record<string, Dispatcher>>
}

export interface BroadcastOptions {
  /** A module that must exist on every node that gets the message. */
  readonly dispatcher?: Atom
}

const DEFAULT_LIMIT = 100_000
const MOST_WORKERS = 1024
const SHUTDOWN = atom('shutdown')

/**
 * Topics shared with the Elixir nodes that run `{Phoenix.PubSub, name: MyApp.PubSub}` with its default adapter. Nothing is
 * to be changed there. Messages come at most once, and in the order in which one process sent them.
 *
 * @example
 * const pubsub = new PubSub(node, { name: 'MyApp.PubSub' })
 * pubsub.subscribe('room:1', (message, { topic }) => console.log(topic, message))
 * pubsub.broadcast('room:1', tuple(atom('new_msg'), 'hello'))
 * pubsub.stop()
 * // iex> Phoenix.PubSub.broadcast(MyApp.PubSub, "room:1", {:new_msg, "hello"})
 */
export class PubSub {
  readonly name: Atom
  readonly #node: PubSubNode
  readonly #limit: number
  readonly #dispatchers: ReadonlyMap<string, Dispatcher>
  readonly #groups: readonly Group[]
  readonly #broadcastPoolSize: number
  readonly #topics = new Map<string, Subscriber[]>()
  readonly #workers = new Map<Atom, { readonly pid: Pid; readonly monitor: Reference }>()
  /** Monitors of subscribed processes, by pid, each with its number of subscriptions. */
  readonly #watches = new Map<string, { readonly ref: Reference; count: number }>()
  #stopped = false

  /**
   * @throws OptionError; ProcessError `ERR_RUNTIME_NAME_TAKEN` when this node has a pubsub of that name.
   */
  constructor(node: PubSubNode, options: PubSubOptions) {
    const { poolSize = 1, broadcastPoolSize = poolSize, limit = DEFAULT_LIMIT, dispatchers = {} } = options
    checkNumber('poolSize', poolSize, MOST_WORKERS)
    checkNumber('broadcastPoolSize', broadcastPoolSize, poolSize)
    checkNumber('limit', limit, Number.MAX_SAFE_INTEGER)
    this.name = pubSubName(options.name)
    this.#node = node
    this.#limit = limit
    this.#dispatchers = new Map(Object.entries(dispatchers))
    this.#groups = groupNames(this.name, poolSize)
    this.#broadcastPoolSize = broadcastPoolSize
    try {
      for (const { group, other } of this.#groups) {
        this.#startWorker(group)
        // Nodes of 2.1.0 address the worker by the other name, and a process has one name only.
        if (other !== undefined) this.#startWorker(other)
      }
    } catch (error) {
      this.stop()
      throw error
    }
  }

  /**
   * Takes part in a topic: without a second argument as a subscription to be read with `for await`, with a function that is
   * called with every message, or with a process that gets them. Subscribing twice brings everything twice.
   *
   * @throws PubSubError `ERR_PUBSUB_STOPPED`
   */
  subscribe(topic: string): Subscription
  subscribe(topic: string, subscriber: Listener | Pid): void
  subscribe(topic: string, subscriber?: Listener | Pid): Subscription | undefined {
    this.#checkRunning()
    if (subscriber === undefined) {
      const subscription = new Subscription(topic, this.#limit, (ended) => this.unsubscribe(topic, ended))
      this.#add(topic, subscription)
      return subscription
    }
    if (subscriber instanceof Pid) this.#watch(subscriber)
    this.#add(topic, subscriber)
    return undefined
  }

  /** Ends every subscription of this subscriber to the topic. @returns whether there was one */
  unsubscribe(topic: string, subscriber: Subscriber): boolean {
    const all = this.#topics.get(topic)
    if (all === undefined) return false
    const left = all.filter((other) => !isSame(other, subscriber))
    if (left.length > 0) this.#topics.set(topic, left)
    else this.#topics.delete(topic)
    if (left.length === all.length) return false
    if (subscriber instanceof Subscription) subscriber.unsubscribe()
    if (subscriber instanceof Pid) this.#unwatch(subscriber, all.length - left.length)
    return true
  }

  /**
   * Sends a message to the subscribers of all nodes.
   *
   * @throws PubSubError `ERR_PUBSUB_STOPPED`; EncodeError for what is no term.
   */
  broadcast(topic: string, message: Encodable, options: BroadcastOptions = {}): void {
    this.#broadcast(undefined, topic, message, options)
  }

  /** As `broadcast`, but not to `from`. Messages of one pid keep their order. */
  broadcastFrom(
    from: Pid | Subscription,
    topic: string,
    message: Encodable,
    options: BroadcastOptions = {},
  ): void {
    this.#broadcast(from, topic, message, options)
  }

  /** Sends a message to the subscribers of one node, also of this one. */
  directBroadcast(
    node: Atom,
    topic: string,
    message: Encodable,
    { dispatcher = DEFAULT_DISPATCHER }: BroadcastOptions = {},
  ): void {
    this.#checkRunning()
    const { group, other } = this.#groupFor(undefined)
    const isOther = other !== undefined && !this.#hasMember(group, node) && this.#hasMember(other, node)
    this.#node.send([isOther ? other : group, node], encodeForward(topic, message, dispatcher))
  }

  /** Sends a message to the subscribers of this node. */
  localBroadcast(topic: string, message: Encodable, options: BroadcastOptions = {}): void {
    this.#dispatchLocally(undefined, topic, message, options)
  }

  /** As `localBroadcast`, but not to `from`. */
  localBroadcastFrom(
    from: Pid | Subscription,
    topic: string,
    message: Encodable,
    options: BroadcastOptions = {},
  ): void {
    this.#dispatchLocally(from, topic, message, options)
  }

  /** Topics that somebody on this node subscribed to. */
  topics(): string[] {
    return [...this.#topics.keys()]
  }

  /** Leaves: subscriptions end, and other nodes send nothing any more. May be called twice. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    for (const subscriber of [...this.#topics.values()].flat()) {
      if (subscriber instanceof Subscription) subscriber.unsubscribe()
    }
    this.#topics.clear()
    for (const { ref } of this.#watches.values()) this.#node.demonitor(ref)
    this.#watches.clear()
    for (const { pid, monitor } of this.#workers.values()) {
      this.#node.demonitor(monitor)
      this.#node.exit(pid, SHUTDOWN)
    }
    this.#workers.clear()
  }

  #startWorker(group: Atom): void {
    const node = this.#node
    const pid = node.spawn(PubSubWorker, {
      deliver: (forwarded: Forwarded) => this.#handleForwarded(forwarded),
    })
    const monitor = node.monitor(pid, (reason) => {
      if (this.#stopped) return
      node.logger.error(
        { pubsub: this.name.name, reason: String(reason) },
        'a worker ended, another is started',
      )
      this.#workers.delete(group)
      this.#startWorker(group)
    })
    this.#workers.set(group, { pid, monitor })
    node.register(group, pid)
    node.pg(PG_SCOPE).join(group, pid)
  }

  #broadcast(
    from: Pid | Subscription | undefined,
    topic: string,
    message: Encodable,
    options: BroadcastOptions,
  ): void {
    this.#checkRunning()
    const forward = encodeForward(topic, message, options.dispatcher ?? DEFAULT_DISPATCHER)
    for (const pid of this.#recipients(this.#groupFor(from))) this.#node.send(pid, forward)
    this.#dispatchLocally(from, topic, message, options)
  }

  /** One worker of the pool on every other node. */
  #recipients({ group, other }: Group): Pid[] {
    const scope = this.#node.pg(PG_SCOPE)
    const isElsewhere = (pid: Pid): boolean => pid.node !== this.#node.name
    const members = scope.members(group).filter(isElsewhere)
    if (other === undefined) return members
    const reached = new Set(members.map((pid) => pid.node))
    const others = scope.members(other).filter((pid) => isElsewhere(pid) && !reached.has(pid.node))
    return [...members, ...others]
  }

  #groupFor(from: Pid | Subscription | undefined): Group {
    const sender = from instanceof Pid ? from : this.#node.self
    return this.#groups[phash2(sender, this.#broadcastPoolSize)] as Group
  }

  #hasMember(group: Atom, node: Atom): boolean {
    return this.#node
      .pg(PG_SCOPE)
      .members(group)
      .some((pid) => pid.node === node)
  }

  #handleForwarded({ topic, message, dispatcher }: Forwarded): void {
    if (!this.#stopped) this.#dispatch(undefined, topic, message, dispatcher)
  }

  #dispatchLocally(
    from: Pid | Subscription | undefined,
    topic: string,
    message: Encodable,
    { dispatcher = DEFAULT_DISPATCHER }: BroadcastOptions,
  ): void {
    this.#checkRunning()
    this.#dispatch(from, topic, message as Term, dispatcher)
  }

  #dispatch(from: Pid | Subscription | undefined, topic: string, message: Term, dispatcher: Atom): void {
    const subscribers = this.#topics.get(topic)
    if (subscribers === undefined) return
    const delivery = { topic, dispatcher }
    const custom = this.#dispatchers.get(dispatcher.name)
    if (custom !== undefined) {
      try {
        custom(subscribers, from, message, delivery)
      } catch (error) {
        this.#report(error)
      }
      return
    }
    for (const subscriber of subscribers) {
      if (from !== undefined && isSame(subscriber, from)) continue
      if (subscriber instanceof Pid) this.#node.send(subscriber, message)
      else if (subscriber instanceof Subscription) subscriber.push(message)
      else this.#call(subscriber, message, delivery)
    }
  }

  /** A callback that throws is its own problem, and not that of the other subscribers. */
  #call(listener: Listener, message: Term, delivery: Delivery): void {
    try {
      listener(message, delivery)
    } catch (error) {
      this.#report(error)
    }
  }

  #report(error: unknown): void {
    this.#node.logger.error({ pubsub: this.name.name, error }, 'a subscriber of a topic threw')
  }

  #add(topic: string, subscriber: Subscriber): void {
    // A new list each time: one that is walked through stays as it is.
    this.#topics.set(topic, [...(this.#topics.get(topic) ?? []), subscriber])
  }

  #watch(pid: Pid): void {
    const watched = this.#watches.get(pid.key)
    if (watched !== undefined) {
      watched.count++
      return
    }
    const ref = this.#node.monitor(pid, () => {
      this.#watches.delete(pid.key)
      for (const topic of this.topics()) this.unsubscribe(topic, pid)
    })
    this.#watches.set(pid.key, { ref, count: 1 })
  }

  #unwatch(pid: Pid, count: number): void {
    const watched = this.#watches.get(pid.key)
    if (watched === undefined) return
    watched.count -= count
    if (watched.count > 0) return
    this.#watches.delete(pid.key)
    this.#node.demonitor(watched.ref)
  }

  #checkRunning(): void {
    if (this.#stopped) {
      throw new PubSubError('ERR_PUBSUB_STOPPED', `the pubsub ${this.name} was stopped: make a new one`)
    }
  }
}

function isSame(one: Subscriber, other: Subscriber): boolean {
  return one === other || (one instanceof Pid && other instanceof Pid && one.equals(other))
}

function checkNumber(option: string, value: number, highest: number): void {
  if (!Number.isInteger(value) || value < 1 || value > highest) {
    throw new OptionError(`${option} must be a whole number from 1 to ${highest}, got ${value}`)
  }
}
