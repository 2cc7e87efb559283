/**
 * Translates between the wire's control messages and the runtime's signals; the one place where both are known.
 *
 * Outgoing: finds the connection of the target's node and calls it directly; without one the signal waits in the
 * outbox while the node is dialed. Incoming: one `ControlHandler` per connection that calls the runtime directly.
 */
import { describeError, type Logger } from '../core/index.ts'
import type { ControlHandler } from '../dist/index.ts'
import {
  type Atom,
  atom,
  type CodecOptions,
  decode,
  type Encodable,
  EXACT,
  encode,
  type Pid,
  type Reference,
  tuple,
} from '../etf/index.ts'
import type { MonitorTarget, RemoteRouter, SignalSink, SpawnRequest } from '../runtime/index.ts'
import { Drains } from './drains.ts'
import { NodeError } from './errors.ts'
import { Outbox, type OutboxLimits, type Sender, type WaitingSignal } from './outbox.ts'

const NOCONNECTION = atom('noconnection')
const UNENCODABLE = atom('unencodable')

export interface BridgeOptions {
  /** What may wait for one node to be connected. */
  readonly limits: OutboxLimits
  /** How messages become terms. */
  readonly codec: CodecOptions
  readonly logger: Logger
  /** Sets up a connection; `Bridge.connected` comes before this settles, or what waits is answered as unreachable. */
  dial(peer: string): Promise<void>
}

export class Bridge implements RemoteRouter {
  readonly #connections = new Map<Atom, Sender>()
  readonly #outbox: Outbox
  readonly #drains = new Drains()
  readonly #options: BridgeOptions
  #sink: SignalSink | undefined
  #serveSpawn: ((request: SpawnRequest) => void) | undefined

  constructor(options: BridgeOptions) {
    this.#options = options
    this.#outbox = new Outbox(options.limits)
  }

  /** Where arriving signals go. Runtime and bridge need each other, so the runtime is put in once it exists. */
  attach(sink: SignalSink): void {
    this.#sink = sink
  }

  /** Who serves spawn requests; without one they are answered `notsup`. */
  onSpawnRequest(serve: (request: SpawnRequest) => void): void {
    this.#serveSpawn = serve
  }

  /** The connection takes what waited, and everything from now on. */
  connected(node: Atom, connection: Sender): void {
    this.#connections.set(node, connection)
    for (const signal of this.#outbox.take(node.name)) this.#deliver(signal, node, connection)
    if (!connection.isBusy) this.writable(node, connection)
  }

  /** The connection is not busy any more: who waited for that goes on. */
  writable(node: Atom, connection: Sender): void {
    if (this.#connections.get(node) !== connection) return
    this.#runtime().release(node)
    this.#drains.settle(node)
  }

  /**
   * Resolves when the node takes messages: at once, unless too much waits for it already.
   *
   * @throws NodeError `ERR_NODE_DOWN`, `ERR_NODE_OUTBOX_FULL`: what was sent is lost
   */
  drained(node: Atom, signal?: AbortSignal): Promise<void> {
    if (this.#outbox.current(node.name)?.isOverturned === true) return Promise.reject(outboxFull(node))
    const isBusy = this.#connections.get(node)?.isBusy ?? this.#outbox.isBusy(node.name)
    return isBusy ? this.#drains.wait(node, signal) : Promise.resolve()
  }

  /** The connection is gone: everything that hung on it fires with `noconnection`. */
  lost(node: Atom, connection: Sender): void {
    if (this.#connections.get(node) !== connection) return
    this.#connections.delete(node)
    this.#runtime().connectionLost(node)
    this.#unreachable(node)
  }

  send(from: Pid, to: Pid, message: Encodable): boolean {
    const connection = this.#connections.get(to.node)
    if (connection === undefined) {
      return this.#waitWith(from, to.node, message, (up, copy) => up.send(from, to, copy))
    }
    connection.send(from, to, message)
    if (connection.isBusy) this.#hold(from, to.node, connection)
    return true
  }

  sendName(from: Pid, name: Atom, node: Atom, message: Encodable): boolean {
    const connection = this.#connections.get(node)
    if (connection === undefined) {
      return this.#waitWith(from, node, message, (up, copy) => up.sendName(from, name, copy))
    }
    connection.sendName(from, name, message)
    if (connection.isBusy) this.#hold(from, node, connection)
    return true
  }

  sendAlias(from: Pid, alias: Reference, message: Encodable, owner?: Pid): void {
    const connection = this.#connections.get(alias.node)
    if (connection === undefined) {
      this.#waitWith(from, alias.node, message, (up, copy) => up.sendAlias(from, alias, copy, owner))
      return
    }
    connection.sendAlias(from, alias, message, owner)
    if (connection.isBusy) this.#hold(from, alias.node, connection)
  }

  link(from: Pid, to: Pid): void {
    this.#route(
      from,
      to.node,
      (up) => up.link(from, to),
      () => this.#runtime().exit(to, from, NOCONNECTION),
    )
  }

  unlink(id: bigint, from: Pid, to: Pid): void {
    // Without a connection there is no link on the other side any more, so there is nothing to tell it; unless the
    // link itself still waits. If that never leaves, neither does an acknowledgement come.
    this.#follow(
      to.node,
      (up) => up.unlink(id, from, to),
      () => this.#runtime().unlinkAck(id, to, from),
    )
  }

  unlinkAck(id: bigint, from: Pid, to: Pid): void {
    this.#connections.get(to.node)?.unlinkAck(id, from, to)
  }

  exit(from: Pid, to: Pid, reason: Encodable): void {
    this.#follow(to.node, (up) => withReason(reason, (sendable) => up.exit(from, to, sendable)))
  }

  exit2(from: Pid, to: Pid, reason: Encodable): void {
    const connection = this.#connections.get(to.node)
    if (connection === undefined) {
      this.#waitWith(from, to.node, reason, (up, copy) => up.exit2(from, to, copy))
      return
    }
    connection.exit2(from, to, reason)
    if (connection.isBusy) this.#hold(from, to.node, connection)
  }

  monitor(from: Pid, target: MonitorTarget, ref: Reference): void {
    const watched = watchedOnWire(target)
    // Every call to another node monitors and demonitors: with a connection there is nothing to allocate for it.
    const connection = this.#connections.get(target.node)
    if (connection !== undefined) {
      connection.monitor(from, watched, ref)
      if (connection.isBusy) this.#hold(from, target.node, connection)
      return
    }
    this.#wait(from, target.node, {
      deliver: (up) => up.monitor(from, watched, ref),
      fail: () => this.#runtime().monitorExit(watched, from, ref, NOCONNECTION),
    })
  }

  demonitor(from: Pid, target: MonitorTarget, ref: Reference): void {
    const connection = this.#connections.get(target.node)
    if (connection !== undefined) connection.demonitor(from, watchedOnWire(target), ref)
    else this.#follow(target.node, (up) => up.demonitor(from, watchedOnWire(target), ref))
  }

  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Encodable): void {
    const connection = this.#connections.get(to.node)
    if (connection !== undefined) {
      withReason(reason, (sendable) => connection.monitorExit(from, to, ref, sendable))
    }
  }

  groupLeader(leader: Pid, member: Pid): void {
    this.#route(leader, member.node, (up) => up.groupLeader(leader, member), nothing)
  }

  spawnRequest(node: Atom, request: SpawnRequest): void {
    const { id, parent, groupLeader, options, args } = request
    const mfa = {
      module: request.module,
      function: request.function,
      arity: Array.isArray(args) ? args.length : 0,
    }
    const connection = this.#connections.get(node)
    if (connection !== undefined) {
      connection.spawnRequest(id, parent, groupLeader, mfa, options, args)
      if (connection.isBusy) this.#hold(parent, node, connection)
    } else {
      this.#waitWith(
        parent,
        node,
        args,
        (up, copy) => up.spawnRequest(id, parent, groupLeader, mfa, options, copy),
        () => this.#runtime().spawnReply(id, parent, 0, NOCONNECTION),
      )
    }
  }

  spawnReply(id: Reference, to: Pid, flags: number, result: Pid | Atom): void {
    this.#connections.get(to.node)?.spawnReply(id, to, flags, result)
  }

  /** What a connection tells of its reads: each is a batch for the runtime. */
  readonly reads = {
    begin: (): void => this.#runtime().beginBatch(),
    end: (): void => this.#runtime().endBatch(),
  }

  /** Whether the receiver wants messages as they were sent. */
  readonly wantsExact = (to: Pid | Atom): boolean => this.#runtime().wantsExact(to)

  /** What a connection calls for every control message of its peer. */
  handlerFor(): ControlHandler {
    const runtime = this.#runtime()
    return {
      send: (_from, to, message) => runtime.send(to, message),
      sendName: (_from, name, message) => runtime.sendName(name, message),
      sendAlias: (_from, alias, message) => runtime.sendAlias(alias, message),
      link: (from, to) => runtime.link(from, to),
      unlink: (id, from, to) => runtime.unlink(id, from, to),
      unlinkAck: (id, from, to) => runtime.unlinkAck(id, from, to),
      exit: (from, to, reason) => runtime.exit(from, to, reason),
      exit2: (from, to, reason) => runtime.exit2(from, to, reason),
      exitAlias: (from, alias, reason) => runtime.exitAlias(from, alias, reason),
      monitor: (from, target, ref) => runtime.monitor(from, target, ref),
      demonitor: (from, target, ref) => runtime.demonitor(from, target, ref),
      monitorExit: (from, to, ref, reason) => runtime.monitorExit(from, to, ref, reason),
      groupLeader: (leader, member) => runtime.groupLeader(leader, member),
      spawnReply: (id, to, flags, result) => runtime.spawnReply(id, to, flags, result),
      spawnRequest: (id, parent, groupLeader, mfa, options, args) => {
        if (this.#serveSpawn === undefined) this.spawnReply(id, parent, 0, atom('notsup'))
        else {
          const { module, function: name } = mfa
          this.#serveSpawn({ id, parent, groupLeader, module, function: name, args, options })
        }
      },
    }
  }

  /** No getter: V8 calls private ones out of line. */
  #runtime(): SignalSink {
    return this.#sink ?? fail()
  }

  #route(from: Pid, node: Atom, deliver: (connection: Sender) => void, fail: () => void): void {
    const connection = this.#connections.get(node)
    if (connection === undefined) {
      this.#wait(from, node, { deliver, fail })
      return
    }
    deliver(connection)
    if (connection.isBusy) this.#hold(from, node, connection)
  }

  /** Unless the connection went while the message was encoded: nobody would let go of the process again. */
  #hold(from: Pid, node: Atom, connection: Sender): void {
    if (this.#connections.get(node) === connection) this.#runtime().hold(from, node)
  }

  /** For signals that end something: they dial nobody, and wait only behind what they may end. */
  #follow(node: Atom, deliver: (connection: Sender) => void, fail: () => void = nothing): void {
    const connection = this.#connections.get(node)
    if (connection !== undefined) deliver(connection)
    else this.#outbox.append(node.name, { deliver, fail })
  }

  /**
   * A message is encoded here and now: its sender hears at once when it has no term, and what it changes afterwards
   * changes nothing, both as over a connection that is up.
   *
   * @returns whether it waits
   */
  #waitWith(
    from: Pid,
    node: Atom,
    message: Encodable,
    deliver: (connection: Sender, message: Encodable) => void,
    fail: () => void = nothing,
  ): boolean {
    const bytes = encode(message, { ...this.#options.codec, compress: false })
    const limits = { ...this.#options.codec.limits, atoms: Number.MAX_SAFE_INTEGER }
    const copy = (): Encodable => decode(bytes, { ...EXACT, limits }) as Encodable
    return this.#wait(from, node, { deliver: (up) => deliver(up, copy()), fail }, bytes.length)
  }

  #wait(from: Pid, node: Atom, signal: WaitingSignal, bytes = 0): boolean {
    const outcome = this.#outbox.add(node.name, signal, bytes)
    if (outcome === 'opened') this.#dial(node)
    else if (outcome === 'overturned') this.#empty(node)
    if (this.#outbox.isBusy(node.name)) this.#runtime().hold(from, node)
    if (outcome === 'opened' || outcome === 'queued') return true
    signal.fail()
    return false
  }

  /** Whatever still waits in the box when the dial has ended waits in vain. */
  #dial(node: Atom): void {
    const { dial, logger } = this.#options
    const box = this.#outbox.current(node.name)
    const failWaiting = (): void => {
      if (this.#outbox.current(node.name) !== box) return
      const waiting = this.#outbox.take(node.name, box)
      // First, for who hears of a failure may try again at once, and wait anew.
      this.#unreachable(node)
      for (const signal of waiting) signal.fail()
    }
    dial(node.name).then(failWaiting, (error: unknown) => {
      logger.debug({ peer: node.name, error }, 'cannot connect')
      failWaiting()
    })
  }

  /** Whether the peer can take a message is known only now: a native record, for instance. */
  #deliver(signal: WaitingSignal, node: Atom, connection: Sender): void {
    try {
      signal.deliver(connection)
    } catch (error) {
      this.#options.logger.error({ peer: node.name, error }, `a message that waited for ${node.name} is lost`)
      signal.fail()
    }
  }

  /** Too much waits: it is given up, as if the attempt to connect had failed. */
  #empty(node: Atom): void {
    const waiting = this.#outbox.empty(node.name)
    const what = `too much waits for ${node.name} to be connected: it is dropped, and so is what follows (limits.outbox, outboxBytes)`
    this.#options.logger.warn({ peer: node.name, signals: waiting.length }, what)
    for (const signal of waiting) signal.fail()
    this.#drains.settle(node, outboxFull(node))
  }

  /** There is no way to the node now: who waits for one goes on. */
  #unreachable(node: Atom): void {
    this.#runtime().release(node)
    this.#drains.settle(
      node,
      new NodeError('ERR_NODE_DOWN', `there is no connection to ${node.name} any more`),
    )
  }
}

function outboxFull(node: Atom): NodeError {
  const what = `too much was sent to ${node.name} before it was connected, and is lost: see limits.outbox, outboxBytes`
  return new NodeError('ERR_NODE_OUTBOX_FULL', what)
}

function nothing(): void {}

function fail(): never {
  throw new Error('the bridge is used before a runtime is attached')
}

/** On the wire a monitor by name carries the bare name: the connection says which node. */
function watchedOnWire(target: MonitorTarget): Pid | Atom {
  return 'name' in target ? target.name : target
}

/** The end of a process must be told whatever its reason holds: where that has no term, what stands in the way. */
function withReason(reason: Encodable, send: (reason: Encodable) => void): void {
  try {
    send(reason)
  } catch (error) {
    send(tuple(UNENCODABLE, describeError(error).replace(/\p{Surrogate}/gu, '\ufffd')))
  }
}
