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
    for (const signal of this.#outbox.take(node.name)) signal.deliver(connection)
  }

  /** The connection is gone: everything that hung on it fires with `noconnection`. */
  lost(node: Atom, connection: Sender): void {
    if (this.#connections.get(node) !== connection) return
    this.#connections.delete(node)
    this.#runtime.connectionLost(node)
  }

  send(from: Pid, to: Pid, message: Encodable): boolean {
    const connection = this.#connections.get(to.node)
    if (connection === undefined) {
      return this.#waitWith(to.node, message, (up, copy) => up.send(from, to, copy))
    }
    connection.send(from, to, message)
    return true
  }

  sendName(from: Pid, name: Atom, node: Atom, message: Encodable): boolean {
    const connection = this.#connections.get(node)
    if (connection === undefined) {
      return this.#waitWith(node, message, (up, copy) => up.sendName(from, name, copy))
    }
    connection.sendName(from, name, message)
    return true
  }

  sendAlias(from: Pid, alias: Reference, message: Encodable, owner?: Pid): void {
    const connection = this.#connections.get(alias.node)
    if (connection !== undefined) connection.sendAlias(from, alias, message, owner)
    else this.#waitWith(alias.node, message, (up, copy) => up.sendAlias(from, alias, copy, owner))
  }

  link(from: Pid, to: Pid): void {
    this.#route(
      to.node,
      (up) => up.link(from, to),
      () => this.#runtime.exit(to, from, NOCONNECTION),
    )
  }

  unlink(id: bigint, from: Pid, to: Pid): void {
    // Without a connection there is no link on the other side any more, so there is nothing to tell it; unless the
    // link itself still waits. If that never leaves, neither does an acknowledgement come.
    this.#follow(
      to.node,
      (up) => up.unlink(id, from, to),
      () => this.#runtime.unlinkAck(id, to, from),
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
    if (connection !== undefined) connection.exit2(from, to, reason)
    else this.#waitWith(to.node, reason, (up, copy) => up.exit2(from, to, copy))
  }

  monitor(from: Pid, target: MonitorTarget, ref: Reference): void {
    const watched = watchedOnWire(target)
    // Every call to another node monitors and demonitors: with a connection there is nothing to allocate for it.
    const connection = this.#connections.get(target.node)
    if (connection !== undefined) {
      connection.monitor(from, watched, ref)
      return
    }
    this.#wait(target.node, {
      deliver: (up) => up.monitor(from, watched, ref),
      fail: () => this.#runtime.monitorExit(watched, from, ref, NOCONNECTION),
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
    this.#route(member.node, (up) => up.groupLeader(leader, member), nothing)
  }

  spawnRequest(node: Atom, request: SpawnRequest): void {
    const { id, parent, groupLeader, options, args } = request
    const mfa = {
      module: request.module,
      function: request.function,
      arity: Array.isArray(args) ? args.length : 0,
    }
    const connection = this.#connections.get(node)
    if (connection !== undefined) connection.spawnRequest(id, parent, groupLeader, mfa, options, args)
    else {
      this.#waitWith(
        node,
        args,
        (up, copy) => up.spawnRequest(id, parent, groupLeader, mfa, options, copy),
        () => this.#runtime.spawnReply(id, parent, 0, NOCONNECTION),
      )
    }
  }

  spawnReply(id: Reference, to: Pid, flags: number, result: Pid | Atom): void {
    this.#connections.get(to.node)?.spawnReply(id, to, flags, result)
  }

  /** What a connection calls for every control message of its peer. */
  handlerFor(): ControlHandler {
    const runtime = this.#runtime
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

  get #runtime(): SignalSink {
    if (this.#sink === undefined) throw new Error('the bridge is used before a runtime is attached')
    return this.#sink
  }

  #route(node: Atom, deliver: (connection: Sender) => void, fail: () => void): void {
    const connection = this.#connections.get(node)
    if (connection !== undefined) deliver(connection)
    else this.#wait(node, { deliver, fail })
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
    node: Atom,
    message: Encodable,
    deliver: (connection: Sender, message: Encodable) => void,
    fail: () => void = nothing,
  ): boolean {
    const bytes = encode(message, { ...this.#options.codec, compress: false })
    const limits = { ...this.#options.codec.limits, atoms: Number.MAX_SAFE_INTEGER }
    const copy = (): Encodable => decode(bytes, { ...EXACT, limits }) as Encodable
    return this.#wait(node, { deliver: (up) => deliver(up, copy()), fail }, bytes.length)
  }

  #wait(node: Atom, signal: WaitingSignal, bytes = 0): boolean {
    switch (this.#outbox.add(node.name, signal, bytes)) {
      case 'opened':
        this.#dial(node)
        return true
      case 'queued':
        return true
      case 'full':
        this.#refuse(node, signal)
        return false
    }
  }

  /** Whatever still waits in the box when the dial has ended waits in vain. */
  #dial(node: Atom): void {
    const { dial, logger } = this.#options
    const box = this.#outbox.current(node.name)
    const failWaiting = (): void => {
      for (const signal of this.#outbox.take(node.name, box)) signal.fail()
    }
    dial(node.name).then(failWaiting, (error: unknown) => {
      logger.debug({ peer: node.name, error }, 'cannot connect')
      failWaiting()
    })
  }

  #refuse(node: Atom, signal: WaitingSignal): void {
    const box = this.#outbox.current(node.name)
    if (box !== undefined && !box.hasRefused) {
      box.hasRefused = true
      const what = `too much waits for ${node.name} to be connected: signals are dropped (limits.outbox, outboxBytes)`
      this.#options.logger.warn({ peer: node.name, signals: box.signals.length, bytes: box.bytes }, what)
    }
    signal.fail()
  }
}

function nothing(): void {}

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
