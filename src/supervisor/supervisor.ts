/** A supervisor whose children are known beforehand: `Supervisor` of Elixir, `supervisor` of OTP, on this node. */
import { OptionError } from '../core/index.ts'
import { atom, type Encodable, Pid, type Term, tuple } from '../etf/index.ts'
import type { CallOptions, ServerName, Watchable } from '../runtime/index.ts'
import { COUNT_CHILDREN, OK, START_CHILD, TERMINATE_CHILD, WHICH_CHILDREN } from './atoms.ts'
import { type ChildPlanner, NO_MODULES, plainPlan } from './child-plan.ts'
import {
  type ChildSpecInput,
  type ChildSpecOptions,
  childSpecToMap,
  sendableSpec,
  toChildSpec,
} from './child-spec.ts'
import type { ChildCounts } from './children.ts'
import { SupervisorError } from './errors.ts'
import { restartLimits } from './intensity.ts'
import type { Strategy } from './supervised-children.ts'
import {
  ask,
  type ChildRow,
  childCounts,
  childRows,
  errorReason,
  type SupervisorCaller,
  type SupervisorParent,
  startedChild,
  stopSupervisor,
} from './supervisor-handle.ts'
import { SupervisorServer, type SupervisorSettings } from './supervisor-server.ts'
import { type AutoShutdown, checkIds, checkSignificant } from './supervisor-spec.ts'

export interface SupervisorOptions extends Partial<ChildPlanner> {
  /** Default `oneForOne`. */
  readonly strategy?: Strategy
  /** Restarts within `maxSeconds` that are still fine, from 0; default 3. */
  readonly maxRestarts?: number
  /** Default 5. */
  readonly maxSeconds?: number
  /** Default `never`. */
  readonly autoShutdown?: AutoShutdown
  /** Registered before the first child starts. */
  readonly name?: ServerName
}

const DELETE_CHILD = atom('delete_child')
const GET_CHILDSPEC = atom('get_childspec')
const RESTART_CHILD = atom('restart_child')
const STRATEGIES: readonly Strategy[] = ['oneForOne', 'oneForAll', 'restForOne']
const AUTO_SHUTDOWNS: readonly AutoShutdown[] = ['never', 'anySignificant', 'allSignificant']

/**
 * The handle of a supervisor. Elixir nodes use the same process through `Supervisor`'s functions; and `Supervisor.at`
 * makes a handle of one that runs there.
 *
 * Children start in order and end in reverse order. A child that does not end within its `shutdown` milliseconds is
 * killed; one that hangs in `init` is waited for unless it has a `timeout`.
 *
 * @example
 * const supervisor = await Supervisor.startLink(
 *   node,
 *   [
 *     [Counter, { start: 5 }],
 *     { id: 'second', start: [Counter], restart: 'transient', shutdown: 1000 },
 *     Supervisor.childSpec([[Counter]], { strategy: 'oneForAll' }, { id: 'subtree' }),
 *   ],
 *   { strategy: 'restForOne', maxRestarts: 10, maxSeconds: 60 },
 * )
 * await supervisor.countChildren() // { specs: 3, active: 3, supervisors: 1, workers: 2 }
 * await supervisor.terminateChild('second')
 * await supervisor.restartChild('second')
 * await supervisor.stop()
 */
export class Supervisor<W extends Watchable = Watchable> {
  readonly #supervisor: W
  readonly #caller: SupervisorCaller

  private constructor(caller: SupervisorCaller, supervisor: W) {
    this.#caller = caller
    this.#supervisor = supervisor
  }

  /** The process, when the handle was not made of a name. */
  get pid(): W extends Pid ? Pid : Pid | undefined {
    const pid = this.#supervisor instanceof Pid ? this.#supervisor : undefined
    return pid as W extends Pid ? Pid : Pid | undefined
  }

  /**
   * Starts a supervisor and its children, linked to `parent`.
   *
   * @param parent a node, or a process: `this.self` of a server
   * @throws InitError with the reason `{:shutdown, {:failed_to_start_child, id, reason}}`, after those that had started
   * were ended; `{:already_started, pid}` for a name that is taken
   * @throws SupervisorError `ERR_SUPERVISOR_BAD_SPEC` for children that cannot be; OptionError
   */
  static async startLink(
    parent: SupervisorParent,
    children: readonly ChildSpecInput[],
    options: SupervisorOptions = {},
  ): Promise<Supervisor<Pid>> {
    const { name } = options
    const settings = settingsOf(children, options)
    const pid = await parent.startLink(SupervisorServer, settings, name === undefined ? {} : { name })
    return new Supervisor(parent, pid)
  }

  /**
   * A supervisor as a child of another one.
   *
   * @param spec `id` when there is more than one; `shutdown` is `infinity` unless given
   */
  static childSpec(
    children: readonly ChildSpecInput[],
    options: SupervisorOptions = {},
    spec: Omit<ChildSpecOptions, 'name' | 'type'> = {},
  ): ChildSpecInput {
    const { name } = options
    const start = [SupervisorServer, settingsOf(children, options)] as const
    const module = atom('Elixir.Supervisor')
    return {
      id: module,
      modules: [module],
      ...spec,
      type: 'supervisor',
      start,
      ...(name === undefined ? {} : { name }),
    }
  }

  /**
   * A handle of a supervisor that runs already, also on another node.
   *
   * @example
   * await Supervisor.startLink(node, [[Counter]], { name: 'MyApp.Supervisor' })
   * const supervisor = Supervisor.at(node, 'MyApp.Supervisor')
   * await supervisor.countChildren() // { specs: 1, active: 1, supervisors: 0, workers: 1 }
   */
  static at(caller: SupervisorCaller, supervisor: Watchable): Supervisor {
    return new Supervisor(caller, supervisor)
  }

  /** The children, the youngest first, those that do not run included. */
  async whichChildren(options?: CallOptions): Promise<ChildRow[]> {
    return childRows(await this.#ask(WHICH_CHILDREN, options))
  }

  async countChildren(options?: CallOptions): Promise<ChildCounts> {
    return childCounts(await this.#ask(COUNT_CHILDREN, options))
  }

  /**
   * Adds a child behind the others and starts it.
   *
   * @throws SupervisorError `ERR_SUPERVISOR_BAD_SPEC`; `ERR_SUPERVISOR_START_FAILED` with the reason of the child,
   * `:already_present`, `{:already_started, pid}`; `ERR_SUPERVISOR_CHILD_IGNORED`
   */
  async startChild(child: ChildSpecInput, options?: CallOptions): Promise<Pid> {
    const spec = sendableSpec(toChildSpec(child), childSpecToMap)
    return startedChild(await this.#ask(tuple(START_CHILD, spec), options))
  }

  /** Ends a child; its specification stays, unless it is temporary. @throws SupervisorError `ERR_SUPERVISOR_NOT_FOUND` */
  async terminateChild(id: Encodable, options?: CallOptions): Promise<void> {
    this.#expectOk(await this.#ask(tuple(TERMINATE_CHILD, id), options))
  }

  /**
   * Starts a child again that does not run.
   *
   * @throws SupervisorError `ERR_SUPERVISOR_NOT_FOUND`; `ERR_SUPERVISOR_START_FAILED` with `:running`, `:restarting`
   * or the reason of the child; `ERR_SUPERVISOR_CHILD_IGNORED`
   */
  async restartChild(id: Encodable, options?: CallOptions): Promise<Pid> {
    const answer = await this.#ask(tuple(RESTART_CHILD, id), options)
    this.#expectFound(answer)
    return startedChild(answer)
  }

  /** Forgets a child that does not run. @throws SupervisorError `ERR_SUPERVISOR_NOT_FOUND`, `ERR_SUPERVISOR_RUNNING` */
  async deleteChild(id: Encodable, options?: CallOptions): Promise<void> {
    this.#expectOk(await this.#ask(tuple(DELETE_CHILD, id), options))
  }

  /** The specification of a child as the map that OTP shows. @throws SupervisorError `ERR_SUPERVISOR_NOT_FOUND` */
  async getChildSpec(id: Encodable, options?: CallOptions): Promise<Map<Term, Term>> {
    const answer = await this.#ask(tuple(GET_CHILDSPEC, id), options)
    this.#expectFound(answer)
    return (answer as unknown as readonly [Term, Map<Term, Term>])[1]
  }

  /** Ends the children in reverse order, and then the supervisor. @throws CallError */
  stop(reason?: Encodable, options?: CallOptions): Promise<void> {
    return stopSupervisor(this.#caller, this.#supervisor, reason, options)
  }

  #ask(request: Encodable, options?: CallOptions): Promise<Term> {
    return ask(this.#caller, this.#supervisor, request, options)
  }

  #expectFound(answer: Term): void {
    const reason = errorReason(answer)
    if (reason === atom('not_found'))
      throw new SupervisorError('ERR_SUPERVISOR_NOT_FOUND', 'no such child', reason)
  }

  #expectOk(answer: Term): void {
    this.#expectFound(answer)
    if (answer === OK) return
    throw new SupervisorError(
      'ERR_SUPERVISOR_RUNNING',
      'the child runs, terminate it first',
      errorReason(answer),
    )
  }
}

/** @throws SupervisorError, OptionError */
function settingsOf(children: readonly ChildSpecInput[], options: SupervisorOptions): SupervisorSettings {
  const { strategy = 'oneForOne', autoShutdown = 'never', modules = NO_MODULES, plan = plainPlan } = options
  oneOf('strategy', strategy, STRATEGIES)
  oneOf('autoShutdown', autoShutdown, AUTO_SHUTDOWNS)
  const specs = children.map((child) => checkSignificant(toChildSpec(child), autoShutdown))
  checkIds(specs)
  return { strategy, autoShutdown, modules, plan, specs, ...restartLimits(options) }
}

function oneOf<T extends string>(option: string, value: T, values: readonly T[]): void {
  if (values.includes(value)) return
  throw new OptionError(`${option} must be one of ${values.join(', ')}, got ${JSON.stringify(value)}`)
}
