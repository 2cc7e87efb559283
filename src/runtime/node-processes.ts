/** What plain code does with processes by way of its node: the part of `BeamNode` that needs the runtime alone. */
import type { Atom, Encodable, Pid, Reference, Term } from '../etf/index.ts'
import type { CallOptions } from './calls.ts'
import type { Destination, Watchable } from './destination.ts'
import type { MessageTimer } from './message-timer.ts'
import type { ProcessFunction } from './process.ts'
import type { Runtime } from './runtime.ts'
import type { ServerClass } from './server-callbacks.ts'
import type { StartOptions } from './spawner.ts'
import type { TypedRequest } from './typed-request.ts'

/** What `spawnMonitor` gives. */
export interface WatchedProcess {
  readonly pid: Pid
  /** Resolves with the exit reason. */
  readonly down: Promise<Term>
}

/** Everything here acts for one process, `self`, which stands for plain code and outlives all others. */
export class NodeProcesses {
  readonly runtime: Runtime

  /** @internal */
  constructor(runtime: Runtime) {
    this.runtime = runtime
  }

  /** The process that stands for plain code: what `call`, `monitor` and `link` of this object act for. */
  get self(): Pid {
    return this.runtime.client.pid
  }

  /**
   * Starts a process and gives its pid at once: a function that gets its `Process`, or a server class, whose `init` runs
   * afterwards.
   *
   * @example
   * const pid = node.spawn(async (self) => {
   *   for (;;) console.log(await self.receive())
   * })
   * node.send(pid, 'hello')
   */
  spawn<A extends readonly unknown[]>(run: ProcessFunction<A>, ...args: A): Pid
  spawn(server: ServerClass, args?: unknown): Pid
  spawn(body: ProcessFunction<never> | ServerClass, ...args: unknown[]): Pid {
    return (this.runtime.spawn as (...all: unknown[]) => Pid).call(this.runtime, body, ...args)
  }

  /** As `spawn`, linked to the process that stands for plain code, which outlives it. */
  spawnLink<A extends readonly unknown[]>(run: ProcessFunction<A>, ...args: A): Pid
  spawnLink(server: ServerClass, args?: unknown): Pid
  spawnLink(body: ProcessFunction<never> | ServerClass, ...args: unknown[]): Pid {
    return (this.runtime.client.spawnLink as (...all: unknown[]) => Pid).call(
      this.runtime.client,
      body,
      ...args,
    )
  }

  /**
   * As `spawn`, watched from the beginning.
   *
   * @returns the pid, and a promise of the exit reason
   * @example
   * const { down } = node.spawnMonitor((self) => self.exit(tuple(atom('shutdown'), 'done')))
   * inspect(await down) // '{:shutdown, "done"}'
   */
  spawnMonitor<A extends readonly unknown[]>(run: ProcessFunction<A>, ...args: A): WatchedProcess
  spawnMonitor(server: ServerClass, args?: unknown): WatchedProcess
  spawnMonitor(body: ProcessFunction<never> | ServerClass, ...args: unknown[]): WatchedProcess {
    const pid = (this.runtime.spawn as (...all: unknown[]) => Pid).call(this.runtime, body, ...args)
    return { pid, down: this.runtime.client.whenDown(pid) }
  }

  /**
   * Starts a server and waits for its `init`. It is linked to the process that stands for plain code, which outlives it;
   * inside a process use `self.startLink`.
   *
   * @throws InitError with the reason.
   */
  startLink(server: ServerClass, args?: unknown, options: StartOptions = {}): Promise<Pid> {
    return this.runtime.start(server, args, { ...options, link: this.self })
  }

  /**
   * Ends a server in order, as `GenServer.stop/3`, on any node: its `terminate` runs. Resolves when it has ended.
   *
   * @throws CallError when there is none, when it takes longer than `timeout` (default: no limit), or when it ends
   * with another reason.
   */
  stopServer(server: Watchable, reason?: Encodable, options?: CallOptions): Promise<void> {
    return this.runtime.stopServer(server, reason, options)
  }

  /** @throws ProcessError `ERR_RUNTIME_NAME_TAKEN`, `ERR_RUNTIME_BAD_NAME`, `ERR_RUNTIME_NO_PROCESS`. */
  register(name: Atom | string, pid: Pid): void {
    this.runtime.register(name, pid)
  }

  /** @returns whether the name was registered. */
  unregister(name: Atom | string): boolean {
    return this.runtime.unregister(name)
  }

  whereis(name: Atom | string): Pid | undefined {
    return this.runtime.whereis(name)
  }

  /**
   * Sends a message; to another node it connects first.
   *
   * @throws ProcessError `ERR_RUNTIME_NO_NAME` for a name that nobody has on this node or in `:global`; EncodeError
   * for what is no term.
   */
  send(to: Destination, message: Encodable): void {
    this.runtime.send(to, message)
  }

  /**
   * As `GenServer.call/3`, from plain code.
   *
   * @param options `timeout` in ms (5000) or `'infinity'`, `signal`
   * @throws CallError with code `noproc`, `timeout`, `nodedown` or `exit`; `reason` is the term.
   * @example
   * await node.call(['my_server', 'n1@127.0.0.1'], atom('get'), { timeout: 1000 }) // 0
   * await node.call('nobody', atom('get')).catch((error: CallError) => error.code) // 'noproc'
   */
  call<R>(to: Destination, request: TypedRequest<R>, options?: CallOptions): Promise<R>
  call(to: Destination, request: Encodable, options?: CallOptions): Promise<Term>
  call(to: Destination, request: Encodable, options?: CallOptions): Promise<Term> {
    return this.runtime.call(to, request, options)
  }

  /** As `call`, with another label than `$gen_call` in front of `{Pid, Tag}`: `system`, for instance. */
  request(label: Atom, to: Destination, request: Encodable, options?: CallOptions): Promise<Term> {
    return this.runtime.request(label, to, request, options)
  }

  /** As `GenServer.cast/2`. */
  cast(to: Destination, request: Encodable): void {
    this.runtime.cast(to, request)
  }

  /** Sends after `ms` milliseconds, as `Process.send_after/3`. */
  sendAfter(to: Destination, message: Encodable, ms: number): MessageTimer {
    return this.runtime.sendAfter(to, message, ms)
  }

  /**
   * Calls `onDown` once with the exit reason: `noproc` when there is no such process, `noconnection` when its node goes.
   *
   * @example
   * const reason = new Promise((resolve) => node.monitor(['my_server', 'n1@127.0.0.1'], resolve))
   * node.cast(['my_server', 'n1@127.0.0.1'], atom('stop'))
   * await reason // :normal
   */
  monitor(target: Watchable, onDown?: (reason: Term) => void): Reference {
    return this.runtime.monitor(target, onDown)
  }

  demonitor(ref: Reference): boolean {
    return this.runtime.demonitor(ref)
  }

  link(pid: Pid): void {
    this.runtime.link(pid)
  }

  unlink(pid: Pid): void {
    this.runtime.unlink(pid)
  }

  /** Sends an exit signal, as `Process.exit/2`: `atom('kill')` cannot be trapped. */
  exit(pid: Pid, reason: Encodable): void {
    this.runtime.exit(pid, reason)
  }
}
