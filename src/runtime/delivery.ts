/**
 * How messages find their way: to processes here directly, to other nodes through the router. No promise and no
 * closure on the way of a message, unless its destination is a name in a registry that answers with a promise.
 */
import type { Clock, Logger } from '../core/index.ts'
import { type Atom, atom, type Encodable, inspect, Pid, Reference, type Term, tuple } from '../etf/index.ts'
import type { Aliases } from './aliases.ts'
import { GEN_CAST, TIMEOUT } from './atoms.ts'
import { type CallOptions, type Calls, DEFAULT_TIMEOUT_MS, timeoutMs } from './calls.ts'
import { Cell } from './cell.ts'
import {
  type Destination,
  describeDestination,
  isGlobalName,
  isLocalName,
  isNameOnNode,
  type NameResolver,
  remoteName,
  toAtom,
  type Watchable,
} from './destination.ts'
import { CallError, ProcessError } from './errors.ts'
import { type From, replyAlias } from './gen-reply.ts'
import { withinCall } from './lookup.ts'
import { MessageTimer } from './message-timer.ts'
import type { Names } from './names.ts'
import type { ProcessTable } from './process-table.ts'
import type { MonitorTarget, RemoteRouter } from './signals.ts'

/** Where a destination leads: a process here, a pid or name elsewhere, or nowhere. */
type Located = Cell | MonitorTarget | undefined

const CALLING_SELF = atom('calling_self')
/** A name that no process can have. */
const NOBODY = atom('undefined')

/** What messages need on their way. */
export interface DeliveryParts {
  readonly node: Atom
  readonly table: ProcessTable
  readonly names: Names
  readonly aliases: Aliases
  readonly calls: Calls
  readonly router: RemoteRouter
  readonly clock: Clock
  readonly logger: Logger
}

export class Delivery {
  readonly #node: Atom
  readonly #table: ProcessTable
  readonly #names: Names
  readonly #aliases: Aliases
  readonly #calls: Calls
  readonly #router: RemoteRouter
  readonly #clock: Clock
  readonly #logger: Logger
  resolver: NameResolver | undefined

  constructor(parts: DeliveryParts) {
    this.#node = parts.node
    this.#table = parts.table
    this.#names = parts.names
    this.#aliases = parts.aliases
    this.#calls = parts.calls
    this.#router = parts.router
    this.#clock = parts.clock
    this.#logger = parts.logger
  }

  /** @throws ProcessError `ERR_RUNTIME_NO_NAME` when nobody has a name of this node or of `:global`, as `!` does. */
  send(from: Cell, to: Destination, message: Encodable): void {
    if (to instanceof Pid) {
      this.sendPid(from, to, message)
    } else if (to instanceof Reference) {
      this.sendAlias(from, to, message)
    } else {
      const located = this.locate(to)
      if (located === undefined && (isLocalName(to) || isGlobalName(to))) {
        const name = inspect(describeDestination(to))
        throw new ProcessError('ERR_RUNTIME_NO_NAME', `no process is registered as ${name}`)
      }
      this.#sendWhenLocated(from, located, message)
    }
  }

  sendPid(from: Cell, to: Pid, message: Encodable): void {
    const cell = this.#table.find(to)
    if (cell !== undefined) cell.deliver(message as Term)
    else if (to.node !== this.#node) this.#router.send(from.pid, to, message)
  }

  sendAlias(from: Cell, alias: Reference, message: Encodable, owner?: Pid): void {
    if (alias.node === this.#node) this.#aliases.deliver(alias, message as Term)
    else this.#router.sendAlias(from.pid, alias, message, owner)
  }

  /** Sends, and when there is nobody by that name, does nothing. */
  sendIfAny(from: Cell, to: Destination, message: Encodable): void {
    if (to instanceof Reference) this.sendAlias(from, to, message)
    else this.#sendWhenLocated(from, this.locate(to), message)
  }

  /**
   * Sends later. The timer is stopped when the receiving process ends; one to a name is kept by `fallback`, because it
   * outlives its sender, as on the BEAM.
   */
  sendAfter(from: Cell, to: Destination, message: Encodable, ms: number, fallback: Cell): MessageTimer {
    const keeper = (to instanceof Pid ? this.#table.find(to) : undefined) ?? fallback
    const timer = new MessageTimer(this.#clock, ms, () => {
      keeper.timers?.delete(timer)
      try {
        this.sendIfAny(from, to, message)
      } catch (error) {
        this.#logger.error(
          { error },
          'a message that was to be sent later has no term, or no way to its receiver',
        )
      }
    })
    keeper.timers ??= new Set()
    keeper.timers.add(timer)
    timer.onCancel = () => keeper.timers?.delete(timer)
    return timer
  }

  /** Never fails: a cast to nobody goes nowhere, as in OTP. */
  cast(from: Cell, to: Destination, request: Encodable): void {
    this.sendIfAny(from, to, tuple(GEN_CAST, request))
  }

  /** Sends `{label, {Pid, Tag}, request}` and resolves with the reply. Never throws: it rejects. */
  call(
    owner: Cell,
    to: Destination,
    label: Atom,
    request: Encodable,
    options: CallOptions | undefined,
  ): Promise<Term> {
    try {
      const located = to instanceof Reference ? undefined : this.locate(to)
      if (located === owner) {
        const failed = { destination: describeDestination(to), request, timeout: undefined }
        return Promise.reject(new CallError('exit', CALLING_SELF, failed))
      }
      if (!(located instanceof Promise)) {
        return this.#calls.request(owner, located, describeDestination(to), label, request, options)
      }
      return this.#callWhenLocated(owner, to, located, label, request, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #callWhenLocated(
    owner: Cell,
    to: Destination,
    asked: Promise<Located>,
    label: Atom,
    request: Encodable,
    options: CallOptions = {},
  ): Promise<Term> {
    const destination = describeDestination(to)
    const timeout = timeoutMs(options.timeout, DEFAULT_TIMEOUT_MS)
    const expired = (): CallError => new CallError('timeout', TIMEOUT, { destination, request, timeout })
    const { found, left } = await withinCall(asked, this.#clock, { timeout, signal: options.signal, expired })
    if (!owner.alive) throw new ProcessError('ERR_RUNTIME_EXITED', `${owner.pid} has exited`)
    const rest = { ...options, timeout: left === 'infinity' ? left : Math.max(0, left) }
    return this.#calls.request(owner, found, destination, label, request, rest)
  }

  /** Sends the reply to the caller, by the rules of its tag. */
  reply(from: Cell, caller: From, value: Encodable): void {
    const tag = caller[1]
    const alias = replyAlias(tag)
    if (alias === undefined) {
      this.sendPid(from, caller[0], tuple(tag, value))
    } else if (alias.node !== this.#node || !this.#calls.handleReply(alias, value as Term)) {
      this.sendAlias(from, alias, tuple(tag, value), caller[0])
    }
  }

  /** Finds who a destination means. */
  locate(to: Exclude<Destination, Reference>): Located | Promise<Located> {
    if (to instanceof Pid) return this.#locatePid(to)
    if (isLocalName(to)) return this.#names.find(toAtom(to))
    if (isNameOnNode(to)) {
      const target = remoteName(to)
      return target.node === this.#node ? this.#names.find(target.name) : target
    }
    const pid = 'global' in to ? this.resolver?.resolve(to) : to.whereis()
    if (pid instanceof Promise) return pid.then((found) => found && this.#locatePid(found))
    return pid && this.#locatePid(pid)
  }

  /** What a monitor watches: names are watched by name, also those of this node; those in `:global` by their process. */
  monitorTarget(to: Watchable): MonitorTarget {
    if (to instanceof Pid) return to
    if (isLocalName(to)) return { name: toAtom(to), node: this.#node }
    if (isNameOnNode(to)) return remoteName(to)
    return this.resolver?.resolve(to) ?? { name: NOBODY, node: this.#node }
  }

  #locatePid(pid: Pid): Located {
    return this.#table.find(pid) ?? (this.#table.isOurs(pid) ? undefined : pid)
  }

  #sendWhenLocated(from: Cell, located: Located | Promise<Located>, message: Encodable): void {
    if (!(located instanceof Promise)) {
      this.#sendLocated(from, located, message)
      return
    }
    located
      .then((found) => this.#sendLocated(from, found, message))
      .catch((error: unknown) => {
        this.#logger.error({ error }, 'a message to a name in another registry was not sent')
      })
  }

  #sendLocated(from: Cell, located: Located, message: Encodable): void {
    if (located instanceof Cell) located.deliver(message as Term)
    else if (located instanceof Pid) this.#router.send(from.pid, located, message)
    else if (located !== undefined) this.#router.sendName(from.pid, located.name, located.node, message)
  }
}
