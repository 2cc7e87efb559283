/**
 * The server of a dynamic supervisor: `DynamicSupervisor` of Elixir, on the wire too (protocol.md 9.3).
 *
 * Restart, by restart type and exit reason:
 *
 *                normal, shutdown, {shutdown, _}     any other reason
 *   permanent    restarted                           restarted
 *   transient    dropped                             restarted
 *   temporary    dropped                             dropped
 *
 * A restart that fails is tried again, and counts again, until the intensity is exceeded; then the supervisor exits
 * with `shutdown` and takes its children along.
 */
import { supervisorChildChannel } from '../core/diagnostics.ts'
import { atom, brief, type Encodable, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import {
  type CallResult,
  describeExit,
  type From,
  GenServer,
  type InfoResult,
  isOrderlyExit,
  noreply,
  reply,
  stop,
} from '../runtime/index.ts'
import {
  COUNT_CHILDREN,
  ERROR,
  EXIT,
  IGNORE,
  INVALID_REQUEST,
  NOT_FOUND,
  OK,
  SHUTDOWN,
  START_CHILD,
  TERMINATE_CHILD,
  WHICH_CHILDREN,
} from './atoms.ts'
import { type ChildPlanner, startChild } from './child-plan.ts'
import { endedAsTold, shutDownChild } from './child-shutdown.ts'
import { type ChildSpec, childSpecToTuple, LocalSpec, parseChildSpec, type Restart } from './child-spec.ts'
import { Children, countsTerm } from './children.ts'
import { SupervisorError } from './errors.ts'
import { type IntensityLimits, RestartIntensity } from './intensity.ts'

export interface DynamicSupervisorSettings extends IntensityLimits, ChildPlanner {
  /** Put in front of the arguments of every specification. */
  readonly extraArguments?: readonly Encodable[]
  /** Number.POSITIVE_INFINITY for no limit. */
  readonly maxChildren: number
  /** A table that somebody else looks into as well; default: one of its own. */
  readonly children?: Children
  readonly onChildStarted: ((pid: Pid, spec: ChildSpec) => void) | undefined
  readonly onChildExited: ((pid: Pid, spec: ChildSpec, reason: Term, restarts: boolean) => void) | undefined
}

const MAX_CHILDREN = atom('max_children')
const RESTART = atom('$gen_restart')

/** The settings, and the table of the children. */
export interface DynamicSupervisorState extends DynamicSupervisorSettings {
  readonly children: Children
}

/** Started through `DynamicSupervisor.startLink`. */
export class DynamicSupervisorServer extends GenServer<DynamicSupervisorState> {
  #intensity!: RestartIntensity

  init(settings: DynamicSupervisorSettings): DynamicSupervisorState {
    this.self.trapExit = true
    this.#intensity = new RestartIntensity(settings)
    return { ...settings, children: settings.children ?? new Children() }
  }

  override async handleCall(
    request: Term,
    _from: From,
    state: DynamicSupervisorState,
  ): Promise<CallResult<DynamicSupervisorState>> {
    if (request === WHICH_CHILDREN) return reply(state.children.which(), state)
    if (request === COUNT_CHILDREN) return reply(countsTerm(state.children.count()), state)
    if (request instanceof Tuple && request.length === 2) {
      const argument = request[1] as Term
      if (request[0] === START_CHILD) return reply(await this.startChild(argument, state), state)
      if (request[0] === TERMINATE_CHILD) return reply(await this.#terminateChild(argument, state), state)
    }
    // OTP would crash here; a peer that sends nonsense should not end everybody's children.
    return reply(tuple(ERROR, tuple(INVALID_REQUEST, request)), state)
  }

  override handleCast(request: Term, state: DynamicSupervisorState) {
    this.#report('warn', 'a supervisor got a cast, which means nothing to it', { request: brief(request) })
    return noreply(state)
  }

  override async handleInfo(
    message: Term,
    state: DynamicSupervisorState,
  ): Promise<InfoResult<DynamicSupervisorState>> {
    if (message instanceof Tuple && message[1] instanceof Pid) {
      const pid = message[1]
      if (message[0] === EXIT && message.length === 3) return this.#handleExit(pid, message[2] as Term, state)
      if (message[0] === RESTART && message.length === 2) return this.#handleRestart(pid, state)
    }
    this.#report('warn', 'a supervisor got a message that means nothing to it', { message: brief(message) })
    return noreply(state)
  }

  /** Children end at the same time, each with its own patience. */
  override async terminate(_reason: Term, state: DynamicSupervisorState): Promise<void> {
    const children = [...state.children]
    state.children.clear()
    await Promise.all(
      children.map(({ pid, spec, isRestarting }) =>
        isRestarting ? this.drop(pid, spec, SHUTDOWN, state) : this.#end(pid, spec, state),
      ),
    )
  }

  override formatStatus(state: DynamicSupervisorState): Term {
    return [...state.children].map(({ pid, spec }) => tuple(pid, childSpecToTuple(spec))) as Term
  }

  protected async startChild(specification: Term, state: DynamicSupervisorState): Promise<Term> {
    let spec: ChildSpec
    try {
      spec = specificationOf(specification)
    } catch (error) {
      if (!(error instanceof SupervisorError)) throw error
      return tuple(ERROR, error.reason) as Term
    }
    if (state.children.size >= state.maxChildren) return tuple(ERROR, MAX_CHILDREN) as Term
    const started = await this.#start(spec, state)
    if (started.status === 'ignore') return IGNORE
    if (started.status === 'error') return tuple(ERROR, started.reason) as Term
    state.children.add(started.pid, spec)
    this.publish('started', started.pid, undefined)
    this.#tell(() => state.onChildStarted?.(started.pid, spec))
    return tuple(OK, started.pid) as Term
  }

  async #terminateChild(pid: Term, state: DynamicSupervisorState): Promise<Term> {
    const child = pid instanceof Pid ? state.children.get(pid) : undefined
    if (child === undefined) return tuple(ERROR, NOT_FOUND) as Term
    if (child.isRestarting) this.drop(child.pid, child.spec, SHUTDOWN, state)
    else await this.#end(child.pid, child.spec, state)
    return OK
  }

  /** The specification is kept as it came: `which_children` and the status do not show the extra arguments. */
  #start(spec: ChildSpec, state: DynamicSupervisorState) {
    const { extraArguments: extra = [] } = state
    if (extra.length === 0) return startChild(this.self, spec, state)
    const args = [...extra, ...spec.start.args] as Term[]
    return startChild(this.self, { ...spec, start: { ...spec.start, args } }, state)
  }

  #handleExit(pid: Pid, reason: Term, state: DynamicSupervisorState) {
    const child = state.children.get(pid)
    // A child that was ended on request, or one that failed in init; both were reported to whoever asked.
    if (child === undefined || child.isRestarting) return noreply(state)
    const { spec } = child
    const isOrderly = isOrderlyExit(reason)
    const restarts = shouldRestart(spec.restart, isOrderly)
    if (!isOrderly || spec.restart === 'permanent') this.#reportChild('a child ended', pid, spec, reason)
    if (!restarts) {
      this.drop(pid, spec, reason, state)
      return noreply(state)
    }
    this.#tell(() => state.onChildExited?.(pid, spec, reason, true))
    return this.#restart(pid, spec, reason, state)
  }

  #handleRestart(pid: Pid, state: DynamicSupervisorState) {
    const child = state.children.get(pid)
    // Terminated in the meantime.
    if (child === undefined || !child.isRestarting) return noreply(state)
    return this.#restart(pid, child.spec, undefined, state)
  }

  async #restart(pid: Pid, spec: ChildSpec, reason: Term | undefined, state: DynamicSupervisorState) {
    if (!this.#intensity.add(this.self.clock.now())) {
      const { maxRestarts, maxSeconds } = state
      const limits = { maxRestarts, maxSeconds }
      this.#report('error', 'a supervisor gives up: too many restarts', { child: String(pid), ...limits })
      this.drop(pid, spec, reason ?? SHUTDOWN, state)
      return stop(SHUTDOWN, state)
    }
    const started = await this.#start(spec, state)
    if (started.status === 'ok') {
      state.children.delete(pid)
      state.children.add(started.pid, spec)
      this.publish('restarted', started.pid, reason)
      this.#tell(() => state.onChildStarted?.(started.pid, spec))
    } else if (started.status === 'ignore') {
      this.drop(pid, spec, reason ?? IGNORE, state)
    } else {
      this.#reportChild('a child cannot be restarted, it is tried again', pid, spec, started.reason)
      state.children.setRestarting(pid, spec)
      this.self.send(this.pid, tuple(RESTART, pid))
    }
    return noreply(state)
  }

  async #end(pid: Pid, spec: ChildSpec, state: DynamicSupervisorState): Promise<void> {
    const reason = await shutDownChild(this.self, pid, spec)
    if (!endedAsTold(spec, reason))
      this.#reportChild('a child did not end as it was told to', pid, spec, reason)
    this.drop(pid, spec, reason, state)
  }

  /** A child that does not run is gone for good, and whoever listens hears so. */
  protected drop(pid: Pid, spec: ChildSpec, reason: Term, state: DynamicSupervisorState): void {
    state.children.delete(pid)
    this.publish('terminated', pid, reason)
    this.#tell(() => state.onChildExited?.(pid, spec, reason, false))
  }

  /** Whoever listens must not be able to end the children. */
  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.self.logger.error({ supervisor: String(this.pid), error }, 'a listener of a supervisor threw')
    }
  }

  protected publish(
    action: 'started' | 'restarted' | 'terminated',
    pid: Pid,
    reason: Term | undefined,
  ): void {
    if (!supervisorChildChannel.hasSubscribers) return
    supervisorChildChannel.publish({ supervisor: this.pid, action, pid, reason })
  }

  #reportChild(message: string, pid: Pid, spec: ChildSpec, reason: Term): void {
    const child = { child: String(pid), module: String(spec.start.module), restart: spec.restart }
    this.#report('error', message, { ...child, reason: describeExit(reason) })
  }

  #report(level: 'error' | 'warn', message: string, fields: object): void {
    this.self.logger[level]({ supervisor: String(this.pid), ...fields }, message)
  }
}

/** What arrived: a map or tuple, or what code of this node wrote. @throws SupervisorError */
function specificationOf(term: unknown): ChildSpec {
  return term instanceof LocalSpec ? term.spec : parseChildSpec(term as Term, 0)
}

/** Whether a child that ended starts again. */
export function shouldRestart(restart: Restart, isOrderly: boolean): boolean {
  return restart === 'permanent' || (restart === 'transient' && !isOrderly)
}
