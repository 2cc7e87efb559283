/**
 * The process runtime of one node: processes, names, links, monitors, calls. It knows nothing about wires; signals for
 * other nodes leave through `RemoteRouter` and arrive through `sink`.
 *
 * Messages between processes of one runtime are passed as they are, not copied and not encoded: a message that its
 * sender changes afterwards changes for the receiver too.
 */
import { type Clock, type Logger, silentLogger, systemClock } from '../core/index.ts'
import type { Atom, CodecOptions, Encodable, Pid, Reference, Term } from '../etf/index.ts'
import { NOPROC, NORMAL } from './atoms.ts'
import type { CallOptions } from './calls.ts'
import type { Cell } from './cell.ts'
import { ClientCell } from './client-cell.ts'
import { type Destination, type NameResolver, toAtom, type Watchable } from './destination.ts'
import { InitError, ProcessError } from './errors.ts'
import { EventLoopWatch } from './event-loop-watch.ts'
import { DEFAULT_LIMITS, Kernel, type RuntimeLimits } from './kernel.ts'
import { LocalSpawner } from './local-spawner.ts'
import type { MessageTimer } from './message-timer.ts'
import type { MonitorOptions } from './monitors.ts'
import { Process, type ProcessFunction } from './process.ts'
import { type ProcessInfo, processInfo } from './process-info.ts'
import type { OpenSpawn, RemoteFunction, RemoteSpawnOptions, SpawnListener } from './remote-spawns.ts'
import type { ServerClass } from './server-callbacks.ts'
import { shutDown } from './shutdown.ts'
import type { RemoteRouter, SignalSink, SpawnRequest } from './signals.ts'
import { IncomingSignals } from './sink.ts'
import { serveSpawn } from './spawn-requests.ts'
import { type SpawnBody, type StartOptions, started } from './spawner.ts'
import type { TypedRequest } from './typed-request.ts'

export interface RuntimeOptions {
  /** The name of the node, part of every pid. */
  readonly node: Atom
  /** The incarnation of the node, part of every pid; not 0. */
  readonly creation: number
  readonly router: RemoteRouter
  readonly clock?: Clock
  /** Default: says nothing. */
  readonly logger?: Logger
  readonly limits?: Partial<RuntimeLimits>
  /** How messages from threads become terms; default as `decode` has it. */
  readonly codec?: CodecOptions
}

const DEFAULT_STOP_MS = 5000

/**
 * @example
 * const runtime = new Runtime({ node: atom('ts@localhost'), creation: 1, router })
 * const pid = await runtime.start(Counter, { start: 5 }, { name: 'counter' })
 * await runtime.call('counter', atom('get')) // 5
 * await runtime.stop()
 */
export class Runtime {
  readonly node: Atom
  readonly creation: number
  /** Where signals from other nodes go. */
  readonly sink: SignalSink
  /** The process that stands for plain code; it traps exits and cannot be killed. */
  readonly client: Process
  readonly #kernel: Kernel
  readonly #clientCell: ClientCell
  readonly #watch: EventLoopWatch
  #stopping: Promise<void> | undefined
  /** Of all processes only those that serve the node are left, or none. */
  #isAlone = false

  constructor(options: RuntimeOptions) {
    this.node = options.node
    this.creation = options.creation
    this.#kernel = new Kernel({
      node: options.node,
      creation: options.creation,
      router: options.router,
      clock: options.clock ?? systemClock,
      logger: options.logger ?? silentLogger,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      codec: options.codec ?? {},
    })
    const kernel = this.#kernel
    const pid = kernel.table.allocate()
    const origin = { pid, parent: pid, ancestors: [], groupLeader: pid, label: 'client' }
    this.#clientCell = new ClientCell(kernel, origin, kernel.logger)
    kernel.table.add(this.#clientCell)
    kernel.client = this.#clientCell
    kernel.spawner = new LocalSpawner(kernel)
    this.client = new Process(kernel, this.#clientCell)
    this.sink = new IncomingSignals(kernel)
    this.#watch = new EventLoopWatch(kernel, options.limits?.longSchedule ?? DEFAULT_LIMITS.longSchedule)
    if (kernel.clock === systemClock) this.#watch.start()
  }

  get clock(): Clock {
    return this.#kernel.clock
  }

  get logger(): Logger {
    return this.#kernel.logger
  }

  /** How messages from other nodes are decoded, but for processes that want them as `EXACT` says. */
  get codec(): CodecOptions {
    return this.#kernel.codec
  }

  /** Called with every message to `client` that nothing else waits for, exit messages included. */
  get onMessage(): ((message: Term) => void) | undefined {
    return this.#clientCell.onMessage
  }

  set onMessage(listener: ((message: Term) => void) | undefined) {
    this.#clientCell.onMessage = listener
  }

  /** Who finds names in `:global`. Without one they belong to nobody. */
  set nameResolver(resolver: NameResolver | undefined) {
    this.#kernel.delivery.resolver = resolver
  }

  /** The group leader of processes that plain code starts. */
  get groupLeader(): Pid {
    return this.client.groupLeader
  }

  set groupLeader(leader: Pid) {
    this.client.groupLeader = leader
  }

  /**
   * Starts a process and returns at once. A server class takes one argument, for `init`, which runs later.
   *
   * @throws ProcessError `ERR_RUNTIME_PROCESS_LIMIT`, `ERR_RUNTIME_STOPPED`.
   */
  spawn<A extends readonly unknown[]>(run: ProcessFunction<A>, ...args: A): Pid
  spawn(server: ServerClass, args?: unknown): Pid
  spawn(body: SpawnBody, ...args: unknown[]): Pid {
    return this.#kernel.spawner.spawn(this.#running(), body, args)
  }

  /**
   * Starts a server and waits for its `init`, as `gen_server:start`.
   *
   * @param options `link`: the process of this node that becomes its parent and is linked to it, as `start_link`
   * @throws InitError with the reason: `{:already_started, pid}`, `:timeout`, what `init` stopped with
   */
  async start(
    server: ServerClass,
    args?: unknown,
    options: StartOptions & { readonly link?: Pid } = {},
  ): Promise<Pid> {
    const { link, ...rest } = options
    const client = this.#running()
    const parent = link === undefined ? client : this.#kernel.table.find(link)
    if (parent === undefined) throw new InitError(NOPROC)
    return started(
      await this.#kernel.spawner.start(parent, server, args, { ...rest, link: link !== undefined }),
    )
  }

  /**
   * Ends a server in order, as `gen_server:stop`: its `terminate` runs. Resolves when it has ended.
   *
   * @throws CallError when there is none, when it takes longer than `timeout` (default: no limit), or when it ends
   * with another reason.
   */
  stopServer(server: Watchable, reason: Encodable = NORMAL, options: CallOptions = {}): Promise<void> {
    return this.client.stopServer(server, reason, options)
  }

  send(to: Destination, message: Encodable): void {
    this.client.send(to, message)
  }

  sendAfter(to: Destination, message: Encodable, ms: number): MessageTimer {
    return this.client.sendAfter(to, message, ms)
  }

  /** @throws CallError with code `noproc`, `timeout`, `nodedown` or `exit`. */
  call<R>(to: Destination, request: TypedRequest<R>, options?: CallOptions): Promise<R>
  call(to: Destination, request: Encodable, options?: CallOptions): Promise<Term>
  call(to: Destination, request: Encodable, options?: CallOptions): Promise<Term> {
    return this.client.call(to, request, options)
  }

  /** As `call`, with another label than `$gen_call` in front of `{Pid, Tag}`: `system`, for instance. */
  request(label: Atom, to: Destination, request: Encodable, options?: CallOptions): Promise<Term> {
    return this.client.request(label, to, request, options)
  }

  cast(to: Destination, request: Encodable): void {
    this.client.cast(to, request)
  }

  /**
   * Watches a process. With `onDown` that is called with the exit reason, once; without it the message
   * `{'DOWN', Ref, process, Target, Reason}` goes to `onMessage`.
   */
  monitor(target: Watchable, onDown?: (reason: Term) => void, options?: MonitorOptions): Reference {
    const ref = this.client.monitor(target, options)
    // The message is on its way at the earliest; it is handed out in a later turn.
    if (onDown !== undefined) this.#clientCell.expectDown(ref, onDown)
    return ref
  }

  /** @returns whether the monitor was still there. A message under way is dropped. */
  demonitor(ref: Reference): boolean {
    this.#clientCell.forgetDown(ref)
    return this.client.demonitor(ref, { flush: true })
  }

  link(pid: Pid): void {
    this.client.link(pid)
  }

  unlink(pid: Pid): void {
    this.client.unlink(pid)
  }

  /** Sends an exit signal, as `exit/2`. */
  exit(pid: Pid, reason: Encodable): void {
    this.client.exit(pid, reason)
  }

  /** @throws ProcessError `ERR_RUNTIME_NAME_TAKEN`, `ERR_RUNTIME_BAD_NAME`, `ERR_RUNTIME_NO_PROCESS`. */
  register(name: Atom | string, pid: Pid): void {
    const cell = this.#kernel.table.find(pid)
    if (cell === undefined) {
      throw new ProcessError(
        'ERR_RUNTIME_NO_PROCESS',
        `${pid} cannot get a name: it is no live process of this node`,
      )
    }
    this.#kernel.names.register(toAtom(name), cell)
  }

  /** @returns whether the name was registered. */
  unregister(name: Atom | string): boolean {
    return this.#kernel.names.unregister(toAtom(name))
  }

  whereis(name: Atom | string): Pid | undefined {
    return this.#kernel.names.find(toAtom(name))?.pid
  }

  registered(): Atom[] {
    return this.#kernel.names.names()
  }

  makeRef(): Reference {
    return this.#kernel.refs.next()
  }

  /** Whether `pid` is a live process of this node; false for those of other nodes. */
  isAlive(pid: Pid): boolean {
    return this.#kernel.table.find(pid) !== undefined
  }

  processes(): Pid[] {
    return this.#kernel.table.cellsByAge().map((cell) => cell.pid)
  }

  /** How many processes live, and how many may. */
  processCount(): { readonly count: number; readonly limit: number } {
    const { size, limit } = this.#kernel.table
    return { count: size, limit }
  }

  /** What `erlang:process_info/1` tells, as far as it exists here; undefined when there is no such process. */
  processInfo(pid: Pid): ProcessInfo | undefined {
    const cell = this.#kernel.table.find(pid)
    return cell && processInfo(cell)
  }

  /** Calls, aliases, monitors across nodes and spawn requests that are still open; all 0 when nothing was left. */
  pending(): { calls: number; aliases: number; remoteMonitors: number; spawns: number } {
    const { calls, aliases, monitors, remoteSpawns } = this.#kernel
    return {
      calls: calls.pending,
      aliases: aliases.size,
      remoteMonitors: monitors.remoteCount,
      spawns: remoteSpawns.pending,
    }
  }

  /** Asks another node to run a function as a process. @throws SpawnError */
  spawnOn(what: RemoteFunction, options: RemoteSpawnOptions = {}): Promise<Pid> {
    return this.#kernel.remoteSpawns.request(this.#asking(), what, options)
  }

  /**
   * As `spawnOn`, with callbacks instead of a promise, and a way to give up.
   *
   * @throws EncodeError for arguments that have no term.
   */
  requestSpawn(
    what: RemoteFunction,
    listener: SpawnListener,
    options: Omit<RemoteSpawnOptions, 'onDown'> = {},
  ): OpenSpawn {
    return this.#kernel.remoteSpawns.open(this.#asking(), what, listener, options)
  }

  /**
   * Answers another node's spawn request: starts a process that runs `run`, linked and monitored as asked.
   *
   * @returns the pid, or undefined when the request was refused (bad options, too many processes)
   */
  serveSpawn(request: SpawnRequest, run: (self: Process) => unknown): Pid | undefined {
    return serveSpawn(this.#kernel, request, run)
  }

  /**
   * Ends all processes: those that plain code started get an exit signal `shutdown` and end their children; what is
   * left after `timeout` milliseconds (default 5000) is killed. Then end those that run for other nodes, and last what
   * `serves` the node. Safe to call twice.
   */
  stop(options: { readonly timeout?: number } = {}): Promise<void> {
    this.#watch.stop()
    this.#stopping ??= shutDown(this.#kernel, this.#clientCell, options.timeout ?? DEFAULT_STOP_MS, () => {
      this.#isAlone = true
    })
    return this.#stopping
  }

  /** The process is one of those that serve the node: when all end, it ends after the others. */
  serves(pid: Pid): void {
    const cell = this.#kernel.table.find(pid)
    if (cell !== undefined) this.#kernel.services.add(cell)
  }

  /** Whether `stop` was called. */
  get isStopping(): boolean {
    return this.#stopping !== undefined
  }

  #running(): Cell {
    if (this.#stopping === undefined) return this.#clientCell
    throw stopped()
  }

  /** Processes that end may still need other nodes. */
  #asking(): Cell {
    if (!this.#isAlone) return this.#clientCell
    throw stopped()
  }
}

function stopped(): ProcessError {
  return new ProcessError('ERR_RUNTIME_STOPPED', 'the runtime has been stopped; start a new one')
}
