/** A process as its own code sees it: what the functions of Erlang that concern `self()` do. */
import type { Clock, Logger } from '../core/index.ts'
import type { Atom, Encodable, Pid, Reference, Term, Tuple } from '../etf/index.ts'
import { GEN_CALL, NORMAL } from './atoms.ts'
import type { CallOptions } from './calls.ts'
import type { Cell } from './cell.ts'
import { type Destination, toAtom, type Watchable } from './destination.ts'
import { ExitError, exited } from './errors.ts'
import { isExitOf } from './exits.ts'
import { failCall, isAwaited } from './failed-call.ts'
import type { From } from './gen-reply.ts'
import type { Kernel } from './kernel.ts'
import type { MessageTimer } from './message-timer.ts'
import { type DemonitorOptions, isDownOf, type MonitorOptions } from './monitors.ts'
import { abcast, type MultiCallResult, multiCall } from './multi-call.ts'
import { type Io, ProcessIo } from './process-io.ts'
import { ProcessLogger } from './process-logger.ts'
import type { ReceiveOptions } from './receive.ts'
import { anything, receive } from './selective-receive.ts'
import type { ServerClass } from './server-callbacks.ts'
import {
  type MonitoredProcess,
  type SpawnBody,
  type SpawnOptions,
  type StartOptions,
  type StartResult,
  started,
} from './spawner.ts'
import { stopServer } from './stop-server.ts'
import type { TypedRequest } from './typed-request.ts'
import { whenDown } from './when-down.ts'

/** A function that runs as a process. The process ends when the function returns, or its promise settles. */
export type ProcessFunction<A extends readonly unknown[] = readonly unknown[]> = (
  self: Process,
  ...args: A
) => unknown

/**
 * The process that a function or server runs in. After its end, sends do nothing and everything else fails with
 * `ERR_RUNTIME_EXITED`: code that was killed while it waited for something cannot act any more.
 *
 * @example
 * const doubler = node.spawn(async (self) => {
 *   const [from, n] = await self.receive((message): message is Tuple => message instanceof Tuple)
 *   if (from instanceof Pid) self.send(from, Number(n) * 2)
 * })
 * node.spawn(async (self) => {
 *   self.send(doubler, tuple(self.pid, 21))
 *   await self.receive() // 42
 * })
 */
export class Process {
  readonly pid: Pid
  readonly #kernel: Kernel
  readonly #cell: Cell
  #logger: Logger | undefined
  #io: Io | undefined

  /** @internal */
  constructor(kernel: Kernel, cell: Cell) {
    this.#kernel = kernel
    this.#cell = cell
    this.pid = cell.pid
  }

  get isAlive(): boolean {
    return this.#cell.alive
  }

  /** Aborted with the exit reason when the process ends: pass it to `fetch` and the like. */
  get signal(): AbortSignal {
    const cell = this.#cell
    cell.abort ??= new AbortController()
    if (!cell.alive) cell.abort.abort()
    return cell.abort.signal
  }

  /** Whether exit signals arrive as messages `{'EXIT', Pid, Reason}`, as `process_flag(trap_exit, true)`. */
  get trapExit(): boolean {
    return this.#cell.trapExit
  }

  set trapExit(trap: boolean) {
    this.#cell.trapExit = trap
  }

  /** What this process says it is, for those who look at it: as `Process.set_label/1`. Any term. */
  get label(): Encodable | undefined {
    return this.#cell.processLabel
  }

  set label(label: Encodable | undefined) {
    this.#cell.processLabel = label
  }

  /**
   * Whether messages from other nodes are decoded by the preset `EXACT` for this process, instead of by the codec options
   * of the node: `1.0` arrives as a `Float` and not as the number 1. For processes that take terms of others for names or
   * pass them on. Replies to calls of this process are not concerned. Default false.
   */
  get exactTerms(): boolean {
    return this.#cell.exactTerms
  }

  set exactTerms(exact: boolean) {
    this.#kernel.table.setExact(this.#live(), exact)
  }

  get clock(): Clock {
    return this.#kernel.clock
  }

  /** The node's logger; `node`, `pid` and the registered `name` are added to the fields. */
  get logger(): Logger {
    this.#logger ??= new ProcessLogger(this.#kernel, this.#cell)
    return this.#logger
  }

  /**
   * Output and input by way of the group leader, as the module `IO` of Elixir.
   *
   * @example
   * node.spawn(async (self) => {
   *   await self.io.puts('to the terminal of whoever started this')
   * })
   */
  get io(): Io {
    this.#io ??= new ProcessIo(this.#kernel, this.#cell)
    return this.#io
  }

  /**
   * In a function that is exposed to other nodes: the process that called it, as far as the kind of call says so. Undefined
   * anywhere else.
   */
  declare caller?: Pid | undefined

  get groupLeader(): Pid {
    return this.#cell.groupLeader
  }

  set groupLeader(leader: Pid) {
    this.#cell.groupLeader = leader
  }

  /**
   * The oldest message that `match` takes, or the oldest of all. Others stay in the mailbox, in order.
   *
   * @throws ProcessError `ERR_RUNTIME_RECEIVE_TIMEOUT`; `ERR_RUNTIME_RECEIVE_BUSY` while another receive waits.
   */
  receive<T extends Term>(match: (message: Term) => message is T, options?: ReceiveOptions): Promise<T>
  receive(match?: (message: Term) => boolean, options?: ReceiveOptions): Promise<Term>
  async receive(match: (message: Term) => boolean = anything, options: ReceiveOptions = {}): Promise<Term> {
    if (this.#live().isHeld) await this.drain()
    return receive(this.#kernel, this.#live(), match, options)
  }

  /**
   * Sends a message; one that cannot arrive is lost silently.
   *
   * @throws ProcessError `ERR_RUNTIME_NO_NAME` for a name that nobody has on this node or in `:global`, as `!` does.
   * @throws EncodeError when it goes to another node and holds something that is no term.
   */
  send(to: Destination, message: Encodable): void {
    if (this.#cell.alive) this.#kernel.delivery.send(this.#cell, to, message)
  }

  /**
   * Resolves when every node that this process has sent to takes messages again: at once, unless more than
   * `limits.highWaterMark` bytes wait for one of them. For code that sends much without receiving anything; `receive` and
   * a server's next message wait by themselves, as the BEAM suspends a process that sends to a busy port.
   *
   * @throws ProcessError `ERR_RUNTIME_EXITED`
   * @example
   * node.spawn(async (self) => {
   *   for (let page = 1; page <= 3; page++) {
   *     self.send(['printer', 'n1@127.0.0.1'], tuple(atom('page'), page))
   *     await self.drain()
   *   }
   * })
   */
  async drain(): Promise<void> {
    const cell = this.#live()
    if (cell.isHeld) await cell.whenReleased()
    this.#live()
  }

  /**
   * Sends after `ms` milliseconds. Stopped when the receiving process ends.
   *
   * @example
   * node.spawn(async (self) => {
   *   const timer = self.sendAfter(self.pid, 'late', 60_000)
   *   timer.left // 60000
   *   timer.cancel() // 60000
   *   timer.cancel() // false
   * })
   */
  sendAfter(to: Destination, message: Encodable, ms: number): MessageTimer {
    const { delivery, client } = this.#kernel
    return delivery.sendAfter(this.#live(), to, message, ms, client)
  }

  /** As `gen_server:cast/2`: never fails, not even when there is nobody. */
  cast(to: Destination, request: Encodable): void {
    if (this.#cell.alive) this.#kernel.delivery.cast(this.#cell, to, request)
  }

  /**
   * As `gen_server:call/3`: resolves with the reply.
   *
   * @throws CallError with code `noproc`, `timeout`, `nodedown` or `exit`.
   */
  call<R>(to: Destination, request: TypedRequest<R>, options?: CallOptions): Promise<R>
  call(to: Destination, request: Encodable, options?: CallOptions): Promise<Term>
  call(to: Destination, request: Encodable, options?: CallOptions): Promise<Term> {
    return this.request(GEN_CALL, to, request, options)
  }

  /** As `call`, with another label than `$gen_call` in front of `{Pid, Tag}`: `system`, for instance. */
  request(label: Atom, to: Destination, request: Encodable, options?: CallOptions): Promise<Term> {
    if (!this.#cell.alive) return Promise.reject(exited(this.pid))
    return this.#kernel.delivery.call(this.#cell, to, label, request, options)
  }

  /** Answers a call, as `gen_server:reply/2`. */
  reply(from: From, value: Encodable): void {
    if (this.#cell.alive) this.#kernel.delivery.reply(this.#cell, from, value)
  }

  /**
   * Lets the caller of a call see an exit with `reason` although this process goes on: for servers that have others
   * answer. @returns false when the caller does not watch this process, as those before OTP 24 do. @internal
   */
  failCall(from: From, reason: Encodable): boolean {
    return failCall(this.#live(), from[1], reason as Term)
  }

  /** Whether the caller still waits, as far as that can be told. @internal */
  isAwaited(from: From): boolean {
    return isAwaited(this.#live(), from[1])
  }

  /** A process that does not exist answers with an exit signal, reason `noproc`. */
  link(pid: Pid): void {
    this.#kernel.links.link(this.#live(), pid)
  }

  unlink(pid: Pid): void {
    this.#kernel.links.unlink(this.#live(), pid)
  }

  /**
   * Takes the exit message of `pid` out of the mailbox, if it is there; what is done after `unlink` by a process that
   * traps exits. @returns the exit reason
   */
  takeExit(pid: Pid): Term | undefined {
    const message = this.#live().mailbox.take((each) => isExitOf(each, pid))
    return message === undefined ? undefined : ((message as Tuple)[2] as Term)
  }

  /** Brings the message `{'DOWN', Ref, process, Target, Reason}` when the target ends or does not exist. */
  monitor(target: Watchable, options?: MonitorOptions): Reference {
    const { delivery, monitors, refs } = this.#kernel
    const ref = refs.next()
    monitors.monitor(this.#live(), delivery.monitorTarget(target), ref, options)
    return ref
  }

  /** @returns whether the monitor was still there. */
  demonitor(ref: Reference, options: DemonitorOptions = {}): boolean {
    const removed = this.#kernel.monitors.demonitor(this.#live(), ref)
    if (!removed && options.flush === true) this.#cell.mailbox.take((message) => isDownOf(message, ref))
    return removed
  }

  /**
   * Resolves with the exit reason when the target ends, `noproc` when there is none. A monitor without a message.
   * Rejects with the signal's reason, or `ERR_RUNTIME_EXITED` when this process ends first.
   */
  whenDown(target: Watchable, options: { readonly signal?: AbortSignal } = {}): Promise<Term> {
    return whenDown(this.#kernel, this.#live(), target, options.signal)
  }

  /** Ends this process with `reason`, as `exit/1`: it throws, so `finally` blocks run. */
  exit(reason: Encodable): never
  /** Sends an exit signal, as `exit/2`: `kill` cannot be trapped, `normal` is ignored by those who do not trap. */
  exit(pid: Pid, reason: Encodable): void
  exit(first: Encodable, ...rest: Encodable[]): void {
    if (rest.length === 0) throw new ExitError(first)
    this.#kernel.exits.send(this.#live(), first as Pid, rest[0] as Term)
  }

  /** A reference that stands for this process; with `reply` for the first message only. */
  alias(options: { readonly reply?: boolean } = {}): Reference {
    const ref = this.#kernel.refs.next()
    this.#kernel.aliases.activate(ref, this.#live(), options.reply === true ? () => {} : undefined)
    return ref
  }

  /** Messages to the alias are dropped from now on. @returns whether it was active. */
  unalias(ref: Reference): boolean {
    return this.#kernel.aliases.deactivate(ref, this.#live())
  }

  /** Gives this process a name on this node. @throws ProcessError `ERR_RUNTIME_NAME_TAKEN`, `ERR_RUNTIME_BAD_NAME`. */
  register(name: Atom | string): void {
    this.#kernel.names.register(toAtom(name), this.#live())
  }

  /** @returns whether the name was registered. */
  unregister(name: Atom | string): boolean {
    this.#live()
    return this.#kernel.names.unregister(toAtom(name))
  }

  whereis(name: Atom | string): Pid | undefined {
    return this.#kernel.names.whereis(toAtom(name))
  }

  makeRef(): Reference {
    return this.#kernel.refs.next()
  }

  /** Starts a process and returns at once. A server class takes one argument, for `init`, which runs later. */
  spawn<A extends readonly unknown[]>(run: ProcessFunction<A>, ...args: A): Pid
  spawn(server: ServerClass, args?: unknown): Pid
  spawn(body: SpawnBody, ...args: unknown[]): Pid {
    return this.#spawn(body, args, {})
  }

  /** As `spawn`, linked before it runs. */
  spawnLink<A extends readonly unknown[]>(run: ProcessFunction<A>, ...args: A): Pid
  spawnLink(server: ServerClass, args?: unknown): Pid
  spawnLink(body: SpawnBody, ...args: unknown[]): Pid {
    return this.#spawn(body, args, { link: true })
  }

  /** As `spawn`, monitored before it runs: its end brings the message `{'DOWN', Ref, process, Pid, Reason}`. */
  spawnMonitor<A extends readonly unknown[]>(run: ProcessFunction<A>, ...args: A): MonitoredProcess
  spawnMonitor(server: ServerClass, args?: unknown): MonitoredProcess
  spawnMonitor(body: SpawnBody, ...args: unknown[]): MonitoredProcess {
    const pid = this.#spawn(body, args, {})
    return { pid, ref: this.monitor(pid) }
  }

  /**
   * Calls the servers named `name` on all these nodes at once, as `gen_server:multi_call/4`. Nodes that did not answer
   * are in `badNodes`; the limit is `options.timeout`, by default none.
   */
  multiCall(
    nodes: readonly (Atom | string)[],
    name: Atom | string,
    request: Encodable,
    options?: CallOptions,
  ): Promise<MultiCallResult> {
    return multiCall(this, nodes, name, request, options)
  }

  /** Casts to the servers named `name` on all these nodes, as `gen_server:abcast/3`. */
  abcast(nodes: readonly (Atom | string)[], name: Atom | string, request: Encodable): void {
    abcast(this, nodes, name, request)
  }

  /** Starts a server and waits for its `init`, as `gen_server:start`. @throws InitError */
  async start(server: ServerClass, args?: unknown, options: StartOptions = {}): Promise<Pid> {
    return started(await this.#kernel.spawner.start(this.#live(), server, args, options))
  }

  /** As `start`, linked: `gen_server:start_link`. This process becomes the parent. @throws InitError */
  async startLink(server: ServerClass, args?: unknown, options: StartOptions = {}): Promise<Pid> {
    return started(await this.tryStartLink(server, args, options))
  }

  /** As `startLink`; tells apart what happened instead of throwing. */
  tryStartLink(server: ServerClass, args?: unknown, options: StartOptions = {}): Promise<StartResult> {
    return this.#kernel.spawner.start(this.#live(), server, args, { ...options, link: true })
  }

  /**
   * Ends a server in order, as `gen_server:stop`: its `terminate` runs. Resolves when it has ended.
   *
   * @throws CallError when there is none, when it takes longer than `timeout` (default: no limit), or when it ends
   * with another reason.
   */
  stopServer(server: Watchable, reason: Encodable = NORMAL, options: CallOptions = {}): Promise<void> {
    return stopServer(this, server, reason as Term, options)
  }

  #spawn(body: SpawnBody, args: unknown[], options: SpawnOptions): Pid {
    return this.#kernel.spawner.spawn(this.#live(), body, args, options)
  }

  #live(): Cell {
    if (!this.#cell.alive) throw exited(this.pid)
    return this.#cell
  }
}
