/**
 * Calls that wait for a reply (protocol.md 9.1). A call is a monitor and a message under one reference, which is an
 * alias at the same time; reply, monitor, timeout and abort race, and the first takes the entry out. What comes later
 * finds nothing and is dropped.
 */
import { type Clock, OptionError } from '../core/index.ts'
import {
  type Atom,
  type Encodable,
  ImproperList,
  type Pid,
  type Reference,
  type Term,
  tuple,
} from '../etf/index.ts'
import { ALIAS, NOCONNECTION, NODEDOWN, NOPROC, TIMEOUT } from './atoms.ts'
import { type AwaitedCall, Cell, type Watcher } from './cell.ts'
import { type Deadline, type DeadlineList, Deadlines } from './deadlines.ts'
import { CallError, type CallFailure, type FailedCall, ProcessError, printed } from './errors.ts'
import type { ReferenceAllocator } from './pids.ts'
import { RefMap } from './ref-map.ts'
import type { MonitorTarget, RemoteRouter } from './signals.ts'

export interface CallOptions {
  /** Milliseconds to wait for the reply; default 5000. */
  readonly timeout?: number | 'infinity'
  /** Gives up early: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export const DEFAULT_TIMEOUT_MS = 5000

/** The number of milliseconds, or undefined for no limit. @throws OptionError for what is neither. */
export function timeoutMs(timeout: number | 'infinity' | undefined, fallback: number): number | undefined {
  const chosen = timeout ?? fallback
  if (chosen === 'infinity' || chosen === Number.POSITIVE_INFINITY) return undefined
  if (typeof chosen === 'number' && chosen >= 0) return chosen
  throw new OptionError(`timeout must be milliseconds from 0, or 'infinity', got ${printed(chosen)}`)
}

function ignoreRejection(): void {}

class PendingCall implements Watcher, AwaitedCall, Deadline {
  readonly ref: Reference
  readonly owner: Cell
  /** Undefined: nobody, the call fails at once. */
  readonly target: Cell | MonitorTarget | undefined
  readonly failed: FailedCall
  readonly promise: Promise<Term>
  settled = false
  signal: AbortSignal | undefined
  onAbort: (() => void) | undefined
  due = 0
  previous: Deadline | undefined
  next: Deadline | undefined
  waitsIn: DeadlineList | undefined
  #resolve!: (reply: Term) => void
  #reject!: (error: unknown) => void
  readonly #calls: Calls

  constructor(
    calls: Calls,
    owner: Cell,
    target: Cell | MonitorTarget | undefined,
    ref: Reference,
    failed: FailedCall,
  ) {
    this.#calls = calls
    this.owner = owner
    this.target = target
    this.ref = ref
    this.failed = failed
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get by(): Pid {
    return this.owner.pid
  }

  get node(): Atom | undefined {
    const { target } = this
    return target === undefined || target instanceof Cell ? undefined : target.node
  }

  /** The monitor of the call fired. */
  fire(reason: Term): void {
    if (!this.#calls.settle(this, false)) return
    const { node } = this
    if (reason === NOCONNECTION && node !== undefined) this.failAsDown(node)
    else this.fail(reason === NOPROC ? 'noproc' : 'exit', reason)
  }

  succeed(reply: Term): void {
    this.#resolve(reply)
  }

  failAsDown(node: Atom): void {
    this.fail('nodedown', tuple(NODEDOWN, node))
  }

  fail(code: CallFailure, reason: Term): void {
    this.#reject(new CallError(code, reason, this.failed))
  }

  reject(error: unknown): void {
    this.#reject(error)
  }

  /** Nobody may be waiting for the promise any more, and that is no reason to end the whole program. */
  abandon(): void {
    if (!this.#calls.settle(this, true)) return
    this.promise.catch(ignoreRejection)
    this.#reject(new ProcessError('ERR_RUNTIME_EXITED', `${this.owner.pid} has exited, its call is given up`))
  }

  expire(): void {
    if (this.#calls.settle(this, true)) this.fail('timeout', TIMEOUT)
  }

  /** Gives up when the signal is aborted. */
  heed(signal: AbortSignal): void {
    this.signal = signal
    this.onAbort = () => {
      if (this.#calls.settle(this, true)) this.#reject(signal.reason)
    }
    signal.addEventListener('abort', this.onAbort, { once: true })
  }
}

export class Calls {
  readonly #pending = new RefMap<PendingCall>()
  readonly #refs: ReferenceAllocator
  readonly #router: RemoteRouter
  readonly #deadlines: Deadlines

  constructor(refs: ReferenceAllocator, router: RemoteRouter, clock: Clock) {
    this.#refs = refs
    this.#router = router
    this.#deadlines = new Deadlines(clock)
  }

  /** How many calls wait for a reply. */
  get pending(): number {
    return this.#pending.size
  }

  /**
   * Sends `{label, {Pid, [alias|Ref]}, request}` and resolves with the reply.
   *
   * @param destination what the caller wrote, for the error
   */
  request(
    owner: Cell,
    target: Cell | MonitorTarget | undefined,
    destination: Encodable,
    label: Atom,
    request: Encodable,
    options: CallOptions = {},
  ): Promise<Term> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    const timeout = timeoutMs(options.timeout, DEFAULT_TIMEOUT_MS)
    const call = new PendingCall(this, owner, target, this.#refs.next(), { destination, request, timeout })
    // A process that a registry named may have ended in the meantime.
    if (target === undefined || (target instanceof Cell && !target.alive)) {
      call.fail('noproc', NOPROC)
      return call.promise
    }
    this.#pending.add(call)
    owner.calls ??= new RefMap()
    owner.calls.add(call)
    if (timeout !== undefined) this.#deadlines.add(call, timeout)
    if (signal !== undefined) call.heed(signal)
    const message = tuple(label, tuple(owner.pid, new ImproperList([ALIAS], call.ref)), request)
    if (target instanceof Cell) {
      target.watchers.add(call)
      target.deliver(message as Term)
    } else {
      this.#requestRemotely(call, target, message)
    }
    return call.promise
  }

  /** @returns whether `ref` was the reference of a pending call. */
  handleReply(ref: Reference, reply: Term): boolean {
    const call = this.#pending.get(ref)
    if (call === undefined) return false
    this.settle(call, true)
    call.succeed(reply)
    return true
  }

  /** @returns whether `ref` was the reference of a pending call. */
  handleMonitorExit(ref: Reference, reason: Term): boolean {
    const call = this.#pending.get(ref)
    call?.fire(reason)
    return call !== undefined
  }

  connectionLost(node: Atom): void {
    for (const call of this.#pending.values()) if (call.node === node) call.fire(NOCONNECTION)
  }

  /** Takes the call out, with everything that hangs on it. @returns whether it was still pending. */
  settle(call: PendingCall, demonitor: boolean): boolean {
    if (call.settled) return false
    call.settled = true
    this.#pending.take(call.ref)
    call.owner.calls?.take(call.ref)
    this.#deadlines.remove(call)
    if (call.onAbort !== undefined) call.signal?.removeEventListener('abort', call.onAbort)
    if (demonitor && call.target !== undefined) {
      if (call.target instanceof Cell) call.target.watchers.take(call.ref)
      else this.#router.demonitor(call.owner.pid, call.target, call.ref)
    }
    return true
  }

  #requestRemotely(call: PendingCall, target: MonitorTarget, message: Encodable): void {
    const { pid } = call.owner
    this.#router.monitor(pid, target, call.ref)
    // A node that is known to be out of reach answers the monitor at once.
    if (call.settled) return
    try {
      const isTaken =
        'name' in target
          ? this.#router.sendName(pid, target.name, target.node, message)
          : this.#router.send(pid, target, message)
      if (!isTaken && this.settle(call, true)) call.failAsDown(target.node)
    } catch (error) {
      // The request cannot be encoded.
      if (this.settle(call, true)) call.reject(error)
    }
  }
}
