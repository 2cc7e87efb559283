/**
 * A process that runs a server: the loop of `gen_server`.
 *
 *   starting --(init)--> serving --(stop, throw, exit of the parent)--> stopping --(terminate)--> ended
 *
 * One `try` around a batch of messages is enough, because a callback that throws ends the server anyway.
 */
import { serverCallChannel } from '../core/diagnostics.ts'
import type { Timer } from '../core/index.ts'
import { type Encodable, inspect, type Term, Tuple, tuple } from '../etf/index.ts'
import { BAD_RETURN_VALUE, EXIT, GEN_CALL, GEN_CAST, SYSTEM, TIMEOUT } from './atoms.ts'
import { Cell, type Origin } from './cell.ts'
import { describeExit, exitReason, isOrderlyExit } from './crash.ts'
import { ProcessError } from './errors.ts'
import { type From, isRequest, type Request } from './gen-reply.ts'
import type { Kernel } from './kernel.ts'
import { Process } from './process.ts'
import {
  type MaybePromise,
  type NextOptions,
  NoReply,
  Reply,
  type ServerCallbacks,
  Stop,
} from './server-callbacks.ts'
import { type Debugged, ServerDebug } from './server-debug.ts'
import { type Boot, boot, isThenable, type ServerPlan } from './server-start.ts'
import {
  answerSystem,
  isForSuspended,
  replySystem,
  type SystemAnswer,
  type SystemTarget,
} from './system-messages.ts'

/** How many messages of a batch are handled without a look at the clock; the first few are all looked at. */
const CLOCK_EVERY = 8

export class ServerCell extends Cell implements SystemTarget, Debugged {
  readonly #kernel: Kernel
  /** Until it serves, or does not. */
  #plan: ServerPlan | undefined
  #phase: 'new' | 'starting' | 'serving' | 'stopping' = 'new'
  #server!: ServerCallbacks<unknown>
  state: unknown
  #suspended = false
  debug: ServerDebug | undefined
  /** A callback's promise is awaited. */
  #busy = false
  /** Of the call that is being handled; undefined for other messages. */
  #from: From | undefined
  #request: Term | undefined
  #callStartedAt = 0
  /** In a tuple of one, because `undefined` can be the argument. */
  #continue: readonly [unknown] | undefined
  /** Milliseconds without a message, as the last callback asked for. */
  #timeout: number | undefined
  #timer: Timer | undefined
  #timedOut = false
  /** Made once, with the first async callback, so that the others cost their promise and nothing more. */
  #onSettled: readonly [result: (result: unknown) => void, error: (error: unknown) => void] | undefined

  constructor(kernel: Kernel, origin: Origin, plan: ServerPlan) {
    super(kernel, origin)
    this.#kernel = kernel
    this.#plan = plan
  }

  get suspended(): boolean {
    return this.#suspended
  }

  set suspended(suspended: boolean) {
    this.#suspended = suspended
    this.mailbox.rescan()
  }

  formatStatus(): Encodable {
    return this.#server.formatStatus(this.state)
  }

  override get isUnderWay(): boolean {
    return this.#busy || this.#phase === 'starting' || this.#phase === 'stopping'
  }

  codeChange(oldVersion: Term, extra: Term): MaybePromise<unknown> {
    return this.#server.codeChange(oldVersion, this.state, extra)
  }

  handoff(): MaybePromise<{ readonly state: unknown } | undefined> {
    if (this.#server.handoff === undefined) return undefined
    const state = this.#server.handoff(this.state)
    return isThenable(state) ? Promise.resolve(state).then((given) => ({ state: given })) : { state }
  }

  debugCommand(command: Term): Encodable {
    const debug = this.debug ?? new ServerDebug(this)
    const answer = debug.command(command)
    this.debug = debug.isOff ? undefined : debug
    return answer
  }

  trace(line: string): void {
    // Whoever switches a trace on wants to see it: the default logger drops what is less than a warning.
    this.#kernel.logger.warn({ server: this.label, pid: String(this.pid) }, line)
  }

  override ended(reason: Term): void {
    super.ended(reason)
    this.#timer?.cancel()
    if (this.#phase === 'new' || this.#phase === 'starting') this.#leaveTrappingParent()
    this.#phase = 'stopping'
    this.#plan?.onStarted?.({ status: 'error', reason })
  }

  protected work(limit: number): number {
    if (this.#phase === 'new') return this.#start()
    let handled = 0
    let isInterrupted = false
    try {
      while (!isInterrupted && this.#handleNext()) isInterrupted = this.#isUsedUp(++handled, limit)
    } catch (error) {
      this.#stop(exitReason(error))
    }
    this.#rest(isInterrupted)
    return handled
  }

  #start(): number {
    this.#phase = 'starting'
    this.doing = 'init'
    const { names, logger, delivery } = this.#kernel
    const keepers = { names, logger, resolver: delivery.resolver }
    void boot(this.#plan as ServerPlan, keepers, this, new Process(this.#kernel, this)).then((booted) =>
      this.#booted(booted),
    )
    return 1
  }

  /** Whether others have their turn now. A slice of slow callbacks would take too long, so time counts as well. */
  #isUsedUp(handled: number, limit: number): boolean {
    if (handled === limit || this.isHeld) return true
    // Looking at the clock costs more than a quick callback; where nothing waits the slice ends by itself.
    const isDue = handled < CLOCK_EVERY || handled % CLOCK_EVERY === 0
    return isDue && this.mailbox.length > 0 && this.#kernel.scheduler.isOverdue
  }

  #booted(booted: Boot): void {
    if (!this.alive) return
    const onStarted = this.#plan?.onStarted
    if (booted.serves) {
      this.#phase = 'serving'
      this.#plan = undefined
      this.#server = booted.server
      const { initial } = booted
      if (initial instanceof NoReply) this.#next(initial.state, initial.options)
      else this.state = initial
      onStarted?.({ status: 'ok', pid: this.pid })
      this.#rest()
      return
    }
    this.#phase = 'stopping'
    const { exit, result } = booted
    if (onStarted === undefined && !isOrderlyExit(exit)) this.#log(exit, 'a server did not start')
    this.#leaveTrappingParent()
    // Once: the end of the process has nobody to tell any more.
    this.#plan = undefined
    onStarted?.(result)
    this.#kernel.exits.terminate(this, exit)
  }

  /** A parent that traps exits learns of the failure from the start alone, as with proc_lib since OTP 26. */
  #leaveTrappingParent(): void {
    if (this.#plan?.onStarted === undefined) return
    if (this.#kernel.table.find(this.parent)?.trapExit === true) this.#kernel.links.unlink(this, this.parent)
  }

  /** @returns whether there was something to do and more may be done. */
  #handleNext(): boolean {
    if (this.#busy || this.#phase !== 'serving' || !this.alive) return false
    if (this.#continue !== undefined || this.#suspended || this.mailbox.length === 0)
      return this.#handleOther()
    this.#handle(this.mailbox.shift() as Term)
    return true
  }

  /** What is no message, and messages to a server that is suspended. */
  #handleOther(): boolean {
    if (this.#continue !== undefined) {
      const [argument] = this.#continue
      this.#continue = undefined
      this.doing = 'handleContinue'
      this.#settle(this.#server.handleContinue(argument, this.state))
    } else if (this.#suspended) {
      return this.#handleSystemOnly()
    } else if (this.#timedOut) {
      this.#forgetTimeout()
      this.doing = 'handleInfo'
      this.debug?.messageIn(TIMEOUT)
      this.#settle(this.#server.handleInfo(TIMEOUT, this.state))
    } else {
      return false
    }
    return true
  }

  #handle(message: Term): void {
    const timeout = this.#timeout
    if (timeout !== undefined) this.#forgetTimeout()
    if (!(message instanceof Tuple)) this.#handleInfo(message)
    else if (isRequest(message, GEN_CALL)) this.#handleCall(message)
    else if (message[0] === GEN_CAST && message.length === 2) this.#handleCast(message)
    else if (isRequest(message, SYSTEM)) this.#handleSystem(message, timeout)
    else if (this.#isExitOfParent(message)) this.#stop(message[2] as Term)
    else this.#handleInfo(message)
  }

  #handleInfo(message: Term): void {
    this.debug?.messageIn(message)
    this.doing = 'handleInfo'
    this.#settle(this.#server.handleInfo(message, this.state))
  }

  #handleCast(message: Tuple): void {
    this.debug?.messageIn(message)
    this.doing = 'handleCast'
    this.#settle(this.#server.handleCast(message[1] as Term, this.state))
  }

  #isExitOfParent(message: Tuple): boolean {
    return message[0] === EXIT && message.length === 3 && this.parent.equals(message[1])
  }

  #handleCall(message: Request): void {
    const from = message[1]
    const request = message[2]
    this.debug?.messageIn(message)
    this.#from = from
    this.doing = 'handleCall'
    if (serverCallChannel.hasSubscribers) {
      this.#request = request
      this.#callStartedAt = this.#kernel.clock.now()
    }
    this.#settle(this.#server.handleCall(request, from, this.state))
  }

  /** Suspended: everything but system messages and the exit of the parent waits, and is looked at once. */
  #handleSystemOnly(): boolean {
    const index = this.mailbox.scan((message) => isForSuspended(message, this.parent))
    if (index === -1) return false
    this.#handle(this.mailbox.removeAt(index) as Term)
    return true
  }

  /** @param timeout as it was before the message */
  #handleSystem(message: Request, timeout: number | undefined): void {
    // As in gen_server, who asks about a server does not take its timeout away; it begins anew.
    this.#timeout = timeout
    const from = message[1]
    const answer = answerSystem(this, from, message[2])
    if (!(answer instanceof Promise)) {
      this.#finishSystem(from, answer)
      return
    }
    this.#busy = true
    void answer.then((given) => {
      this.#busy = false
      if (!this.alive || this.#phase !== 'serving') return
      // What ran may have looked through the mailbox for itself.
      this.mailbox.rescan()
      this.#finishSystem(from, given)
      this.#rest(true)
    })
  }

  #finishSystem(from: From, { reply, terminate }: SystemAnswer): void {
    replySystem(this.#kernel.delivery, this, from, reply)
    if (terminate !== undefined) this.#stop(terminate.reason)
  }

  #settle(result: unknown): void {
    if (result instanceof NoReply || result instanceof Reply || !isThenable(result)) this.#apply(result)
    else this.#awaitResult(result)
  }

  #awaitResult(result: PromiseLike<unknown>): void {
    this.#busy = true
    this.#onSettled ??= [
      (value) => this.#resume(value, undefined),
      (error) => this.#resume(undefined, { error }),
    ]
    result.then(this.#onSettled[0], this.#onSettled[1])
  }

  #resume(result: unknown, failure: { readonly error: unknown } | undefined): void {
    this.#busy = false
    if (!this.alive || this.#phase !== 'serving') return
    const { receiving } = this
    this.receiving = undefined
    receiving?.abandon(new ProcessError('ERR_RUNTIME_RECEIVE_BUSY', 'the callback ended before its receive'))
    try {
      if (failure !== undefined) throw failure.error
      this.#apply(result)
    } catch (error) {
      this.#stop(exitReason(error))
    }
    this.#rest()
  }

  #apply(result: unknown): void {
    const from = this.#from
    this.#from = undefined
    if (from !== undefined && serverCallChannel.hasSubscribers) this.#publishCall()
    if (result instanceof NoReply) {
      this.debug?.noReply(result.state)
      this.#next(result.state, result.options)
    } else if (result instanceof Reply && from !== undefined) {
      this.#kernel.delivery.reply(this, from, result.value)
      this.debug?.replyOut(result.value, from, result.state)
      this.#next(result.state, result.options)
    } else {
      this.#applyLast(result, from)
    }
  }

  /** A result after which the server ends. */
  #applyLast(result: unknown, from: From | undefined): void {
    if (result instanceof Stop && result.state !== undefined && (result.reply === undefined || from)) {
      this.state = result.state[0]
      this.#stop(result.reason as Term, from, result.reply)
    } else {
      this.#stop(tuple(BAD_RETURN_VALUE, result as Encodable) as Term)
    }
  }

  #next(state: unknown, options: NextOptions | undefined): void {
    this.state = state
    if (options === undefined) return
    this.#timeout = options.timeout
    if ('continue' in options) this.#continue = [options.continue]
  }

  #forgetTimeout(): void {
    this.#timeout = undefined
    this.#timedOut = false
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /**
   * After a batch: queues again when there is more to do, else waits for mail and, if asked for, a time.
   *
   * @param isInterrupted the batch ended before the mailbox was looked through
   */
  #rest(isInterrupted = false): void {
    this.idle = this.alive && this.#phase === 'serving' && !this.#busy
    if (!this.idle) return
    const hasMail = this.mailbox.length > 0 && (isInterrupted || !this.suspended)
    if (this.#continue !== undefined || hasMail) {
      this.wake()
    } else if (this.#timeout !== undefined && !this.suspended) {
      this.#awaitTimeout(this.#timeout)
    }
  }

  #awaitTimeout(ms: number): void {
    const timeOut = (): void => {
      this.#timedOut = true
      this.wake()
    }
    if (ms === 0) timeOut()
    else this.#timer ??= this.#kernel.clock.after(ms, timeOut)
  }

  /** Runs `terminate`, answers a caller that is owed a reply, and ends the process. */
  #stop(reason: Term, from?: From, reply?: readonly [Encodable]): void {
    if (this.#phase !== 'serving') return
    this.#phase = 'stopping'
    this.idle = false
    this.doing = 'terminate'
    this.#forgetTimeout()
    const finish = (final: Term): void => this.#finish(final, from, reply)
    const fail = (error: unknown): void => finish(exitReason(error))
    try {
      const pending: unknown = this.#server.terminate(reason, this.state)
      if (isThenable(pending)) pending.then(() => finish(reason), fail)
      else finish(reason)
    } catch (error) {
      fail(error)
    }
  }

  #finish(reason: Term, from: From | undefined, reply: readonly [Encodable] | undefined): void {
    if (!this.alive) return
    let final = reason
    try {
      if (from !== undefined && reply !== undefined) this.#kernel.delivery.reply(this, from, reply[0])
    } catch (error) {
      final = exitReason(error)
    }
    if (!isOrderlyExit(final)) this.#log(final, 'a server terminates')
    this.#kernel.exits.terminate(this, final)
  }

  #log(reason: Term, message: string): void {
    const name = this.name === undefined ? undefined : inspect(this.name)
    const fields = { server: this.label, name, pid: String(this.pid), reason: describeExit(reason) }
    this.#kernel.logger.error(fields, message)
  }

  #publishCall(): void {
    const { pid, label } = this
    const duration = this.#kernel.clock.now() - this.#callStartedAt
    serverCallChannel.publish({ pid, label, request: this.#request, duration })
    this.#request = undefined
  }
}
