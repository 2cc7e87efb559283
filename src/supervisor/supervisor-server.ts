/**
 * The server of a supervisor whose children are known beforehand: OTP's `supervisor`, on the wire too (protocol.md 9.3).
 *
 * Restart, by restart type and exit reason, is that of `DynamicSupervisorServer`. A child that is not restarted counts
 * for `autoShutdown` when it is significant. What is restarted with a child is the strategy's: the others are ended in
 * the reverse order of their start, one after the other, and started in order; those that had ended in an orderly way are
 * started with them, and temporary ones are gone.
 *
 * A restart that fails is tried again, and counts again, until the intensity is exceeded; requests are served in
 * between. Then the supervisor exits with `shutdown`.
 */
import { supervisorChildChannel } from '../core/diagnostics.ts'
import { atom, brief, type Encodable, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import {
  type CallResult,
  describeExit,
  type From,
  GenServer,
  isOrderlyExit,
  noreply,
  reply,
  type StartResult,
  stop,
} from '../runtime/index.ts'
import {
  ALREADY_PRESENT,
  ALREADY_STARTED,
  COUNT_CHILDREN,
  ERROR,
  EXIT,
  INVALID_REQUEST,
  NOT_FOUND,
  OK,
  RESTARTING,
  RUNNING,
  SHUTDOWN,
  START_CHILD,
  TERMINATE_CHILD,
  UNDEFINED,
  WHICH_CHILDREN,
} from './atoms.ts'
import { type ChildPlanner, startChild } from './child-plan.ts'
import { endedAsTold, shutDownChild } from './child-shutdown.ts'
import type { ChildSpec } from './child-spec.ts'
import { countsTerm } from './children.ts'
import { SupervisorError } from './errors.ts'
import { type IntensityLimits, RestartIntensity } from './intensity.ts'
import { type Strategy, type SupervisedChild, SupervisedChildren } from './supervised-children.ts'
import {
  type AutoShutdown,
  checkIds,
  checkSignificant,
  childRecord,
  parseSupervisorSpec,
  supervisorSpecToMap,
} from './supervisor-spec.ts'

/** What a supervisor is started with. */
export interface SupervisorSettings extends IntensityLimits, ChildPlanner {
  readonly strategy: Strategy
  readonly autoShutdown: AutoShutdown
  readonly specs: readonly ChildSpec[]
}

interface SupervisorState {
  readonly settings: SupervisorSettings
  readonly children: SupervisedChildren
  readonly intensity: RestartIntensity
}

/** Whether the supervisor goes on, or ends with `shutdown`. */
type Outcome = 'goOn' | 'shutDown'

const DELETE_CHILD = atom('delete_child')
const FAILED_TO_START_CHILD = atom('failed_to_start_child')
const GET_CHILDSPEC = atom('get_childspec')
const RESTART_CHILD = atom('restart_child')
const START_SPEC = atom('start_spec')
const TRY_AGAIN = atom('$try_again_restart')
const WHICH_CHILD = atom('which_child')

/** Started through `Supervisor.startLink`. */
export class SupervisorServer extends GenServer<SupervisorState> {
  override async init(settings: SupervisorSettings) {
    this.self.trapExit = true
    const children = new SupervisedChildren()
    const state = { settings, children, intensity: new RestartIntensity(settings) }
    try {
      for (const spec of settings.specs) checkSignificant(spec, settings.autoShutdown)
      checkIds(settings.specs)
    } catch (error) {
      if (!(error instanceof SupervisorError)) throw error
      return stop(tuple(START_SPEC, error.reason))
    }
    for (const spec of settings.specs) {
      const started = await this.#start(spec, state)
      if (started.status !== 'error') {
        this.#keep(spec, started, state)
        continue
      }
      this.#reportChild('a child did not start', undefined, spec, started.reason)
      await this.#endAll(children.inOrder, state)
      return stop(tuple(SHUTDOWN, tuple(FAILED_TO_START_CHILD, spec.id, started.reason)))
    }
    return state
  }

  override async handleCall(
    request: Term,
    _from: From,
    state: SupervisorState,
  ): Promise<CallResult<SupervisorState>> {
    return reply(await this.#answer(request, state), state)
  }

  async #answer(request: Term, state: SupervisorState): Promise<Encodable> {
    const { children } = state
    if (request === WHICH_CHILDREN) return children.which()
    if (request === COUNT_CHILDREN) return countsTerm(children.count())
    if (!(request instanceof Tuple) || request.length !== 2) return invalidRequest(request)
    const [tag, argument] = request as Tuple<[Term, Term]>
    if (tag === START_CHILD) return this.#startChild(argument, state)
    const isOfChild =
      tag === TERMINATE_CHILD || tag === RESTART_CHILD || tag === DELETE_CHILD || tag === GET_CHILDSPEC
    if (!isOfChild && tag !== WHICH_CHILD) return invalidRequest(request)
    const child = children.find(argument)
    if (child === undefined) return tuple(ERROR, NOT_FOUND)
    if (tag === GET_CHILDSPEC) return tuple(OK, supervisorSpecToMap(child.spec))
    if (tag === WHICH_CHILD) return tuple(OK, children.row(child))
    if (tag === TERMINATE_CHILD) {
      await this.#end(child, state)
      return OK
    }
    if (child.isRestarting) return tuple(ERROR, RESTARTING)
    if (child.pid !== undefined) return tuple(ERROR, RUNNING)
    if (tag === RESTART_CHILD) return this.#restartChild(child, state)
    children.remove(child)
    return OK
  }

  override async handleCast(request: Term, state: SupervisorState) {
    if (request instanceof Tuple && request[0] === TRY_AGAIN && request.length === 2) {
      const child = state.children.find(request[1] as Term)
      if (child?.isRestarting !== true) return noreply(state)
      return this.#next(await this.#restart(child, undefined, state), state)
    }
    this.#report('warn', 'a supervisor got a cast, which means nothing to it', { request: brief(request) })
    return noreply(state)
  }

  override async handleInfo(message: Term, state: SupervisorState) {
    if (
      message instanceof Tuple &&
      message[0] === EXIT &&
      message[1] instanceof Pid &&
      message.length === 3
    ) {
      const child = state.children.findPid(message[1])
      if (child === undefined) return noreply(state)
      return this.#next(await this.#handleExit(child, message[2] as Term, state), state)
    }
    this.#report('warn', 'a supervisor got a message that means nothing to it', { message: brief(message) })
    return noreply(state)
  }

  override async terminate(_reason: Term, state: SupervisorState): Promise<void> {
    await this.#endAll(state.children.inOrder, state)
  }

  override formatStatus({ children }: SupervisorState): Encodable {
    return children.inOrder.map(({ spec, pid }) => childRecord(spec, pid))
  }

  #next(outcome: Outcome, state: SupervisorState) {
    return outcome === 'goOn' ? noreply(state) : stop(SHUTDOWN, state)
  }

  async #startChild(specification: Term, state: SupervisorState): Promise<Encodable> {
    let spec: ChildSpec
    try {
      spec = parseSupervisorSpec(specification, state.settings.autoShutdown)
    } catch (error) {
      if (!(error instanceof SupervisorError)) throw error
      return tuple(ERROR, error.reason)
    }
    const there = state.children.find(spec.id)
    if (there?.pid !== undefined) return tuple(ERROR, tuple(ALREADY_STARTED, there.pid))
    if (there !== undefined) return tuple(ERROR, ALREADY_PRESENT)
    const started = await this.#start(spec, state)
    if (started.status !== 'error') {
      this.#keep(spec, started, state)
      return tuple(OK, started.status === 'ok' ? started.pid : UNDEFINED)
    }
    const { reason } = started
    const isTaken = reason instanceof Tuple && reason.length === 2 && reason[0] === ALREADY_STARTED
    return tuple(ERROR, isTaken ? reason : tuple(reason, childRecord(spec, undefined)))
  }

  async #restartChild(child: SupervisedChild, state: SupervisorState): Promise<Encodable> {
    const started = await this.#start(child.spec, state)
    if (started.status === 'error') return tuple(ERROR, started.reason)
    if (started.status === 'ignore') return tuple(OK, UNDEFINED)
    this.#runs(child, started.pid, undefined)
    return tuple(OK, started.pid)
  }

  async #handleExit(child: SupervisedChild, reason: Term, state: SupervisorState): Promise<Outcome> {
    const { spec } = child
    const isOrderly = isOrderlyExit(reason)
    if (!isOrderly || spec.restart === 'permanent')
      this.#reportChild('a child ended', child.pid, spec, reason)
    if (spec.restart === 'permanent' || (spec.restart === 'transient' && !isOrderly))
      return this.#restart(child, reason, state)
    this.#publish('terminated', child.pid, reason)
    state.children.ended(child)
    return this.#autoShutdown(spec, state)
  }

  #autoShutdown(spec: ChildSpec, { settings, children }: SupervisorState): Outcome {
    const { autoShutdown } = settings
    if (!spec.significant || autoShutdown === 'never') return 'goOn'
    return autoShutdown === 'anySignificant' || !children.hasSignificant() ? 'shutDown' : 'goOn'
  }

  async #restart(child: SupervisedChild, reason: Term | undefined, state: SupervisorState): Promise<Outcome> {
    const { settings, children, intensity } = state
    if (!intensity.add(this.self.clock.now())) {
      const { maxRestarts, maxSeconds } = settings
      const fields = { child: String(child.pid), id: brief(child.spec.id), maxRestarts, maxSeconds }
      this.#report('error', 'a supervisor gives up: too many restarts', fields)
      this.#publish('terminated', child.pid, reason)
      children.ended(child)
      return 'shutDown'
    }
    const concerned = children.concerned(child, settings.strategy)
    const { pid } = child
    child.pid = undefined
    child.isRestarting = false
    await this.#endAll(
      concerned.filter((other) => other !== child),
      state,
    )
    // Temporary children are gone with their end.
    for (const each of concerned.filter((other) => children.inOrder.includes(other))) {
      const started = await this.#start(each.spec, state)
      each.isRestarting = started.status === 'error'
      if (started.status === 'error') {
        const ended = each === child ? pid : undefined
        this.#reportChild('a child cannot be restarted, it is tried again', ended, each.spec, started.reason)
        this.self.cast(this.pid, tuple(TRY_AGAIN, each.spec.id))
        return 'goOn'
      }
      if (started.status === 'ok') this.#runs(each, started.pid, each === child ? reason : SHUTDOWN)
    }
    return 'goOn'
  }

  /** In the reverse order of their start, one after the other. */
  async #endAll(inOrder: readonly SupervisedChild[], state: SupervisorState): Promise<void> {
    for (const child of [...inOrder].reverse()) await this.#end(child, state)
  }

  async #end(child: SupervisedChild, state: SupervisorState): Promise<void> {
    const { pid, spec } = child
    if (pid !== undefined) {
      const reason = await shutDownChild(this.self, pid, spec)
      if (!endedAsTold(spec, reason))
        this.#reportChild('a child did not end as it was told to', pid, spec, reason)
      this.#publish('terminated', pid, reason)
    }
    state.children.ended(child)
  }

  #start(spec: ChildSpec, { settings }: SupervisorState): Promise<StartResult> {
    return startChild(this.self, spec, settings)
  }

  /** A temporary child that ignores is nothing to keep: it is never started again. */
  #keep(spec: ChildSpec, started: StartResult, { children }: SupervisorState): void {
    const pid = started.status === 'ok' ? started.pid : undefined
    if (pid === undefined && spec.restart === 'temporary') return
    children.add(spec, pid)
    if (pid !== undefined) this.#publish('started', pid, undefined)
  }

  #runs(child: SupervisedChild, pid: Pid, reason: Term | undefined): void {
    child.pid = pid
    this.#publish('restarted', pid, reason)
  }

  #publish(
    action: 'started' | 'restarted' | 'terminated',
    pid: Pid | undefined,
    reason: Term | undefined,
  ): void {
    if (!supervisorChildChannel.hasSubscribers || pid === undefined) return
    supervisorChildChannel.publish({ supervisor: this.pid, action, pid, reason })
  }

  #reportChild(message: string, pid: Pid | undefined, spec: ChildSpec, reason: Term): void {
    const child = { child: pid && String(pid), id: brief(spec.id), restart: spec.restart }
    this.#report('error', message, { ...child, reason: describeExit(reason) })
  }

  #report(level: 'error' | 'warn', message: string, fields: object): void {
    this.self.logger[level]({ supervisor: String(this.pid), ...fields }, message)
  }
}

/** OTP would crash here; a peer that sends nonsense should not end everybody's children. */
function invalidRequest(request: Term): Encodable {
  return tuple(ERROR, tuple(INVALID_REQUEST, request))
}
