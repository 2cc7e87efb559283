/** A supervisor whose children are started on request: `DynamicSupervisor` of Elixir, on this node. */
import { OptionError } from '../core/index.ts'
import { atom, type Encodable, Pid, type Term, tuple } from '../etf/index.ts'
import type { CallOptions, ServerName, Watchable } from '../runtime/index.ts'
import { COUNT_CHILDREN, OK, START_CHILD, TERMINATE_CHILD, WHICH_CHILDREN } from './atoms.ts'
import { type ChildPlan, type ModuleResolver, NO_MODULES, plainPlan } from './child-plan.ts'
import {
  type ChildSpec,
  type ChildSpecInput,
  type ChildSpecOptions,
  childSpecToTuple,
  sendableSpec,
  toChildSpec,
} from './child-spec.ts'
import type { ChildCounts } from './children.ts'
import { DynamicSupervisorServer, type DynamicSupervisorSettings } from './dynamic-supervisor-server.ts'
import { SupervisorError } from './errors.ts'
import { restartLimits } from './intensity.ts'
import {
  ask,
  type ChildRow,
  childCounts,
  childRows,
  type SupervisorCaller,
  type SupervisorParent,
  startedChild,
  stopSupervisor,
} from './supervisor-handle.ts'

export interface DynamicSupervisorOptions {
  /** Which class runs an Elixir module here. A module without one is refused with `{:undef, module}`; default: none. */
  readonly modules?: ModuleResolver
  /** The Elixir module of a class; default: the alias of the class name. */
  readonly moduleOf?: Parameters<typeof toChildSpec>[1]
  /** Registered before the first child can start. */
  readonly name?: ServerName
  /** Restarts within `maxSeconds` that are still fine; default 3. */
  readonly maxRestarts?: number
  /** Default 5. */
  readonly maxSeconds?: number
  /** Children at a time; default no limit. More are refused with `:max_children`. */
  readonly maxChildren?: number | 'infinity'
  /** Put in front of the arguments of every child; as several arguments, `init` gets them as a list. */
  readonly extraArguments?: readonly Encodable[]
  /** How a specification becomes the start of a class; default: its argument goes to `init`, several as a list. */
  readonly plan?: (spec: ChildSpec) => ChildPlan
  /** A child started, also after a crash. */
  readonly onChildStarted?: (pid: Pid, spec: ChildSpec) => void
  /**
   * A child ended; `restarts` says whether it is started again. When that comes to nothing, it is told once more with
   * `restarts` false.
   */
  readonly onChildExited?: (pid: Pid, spec: ChildSpec, reason: Term, restarts: boolean) => void
}

/**
 * The handle of a supervisor. Elixir nodes use the same process through `DynamicSupervisor`'s functions; and
 * `DynamicSupervisor.at` makes a handle of one that runs there.
 *
 * @example
 * const supervisor = await DynamicSupervisor.startLink(node, { maxChildren: 100 })
 * const pid = await supervisor.startChild([Counter, { start: 5 }])
 * await node.call(pid, atom('get')) // 5
 * await supervisor.terminateChild(pid)
 * await supervisor.stop()
 */
export class DynamicSupervisor<W extends Watchable = Watchable> {
  readonly #supervisor: W
  readonly #caller: SupervisorCaller
  readonly #moduleOf: DynamicSupervisorOptions['moduleOf']

  private constructor(
    caller: SupervisorCaller,
    supervisor: W,
    moduleOf?: DynamicSupervisorOptions['moduleOf'],
  ) {
    this.#caller = caller
    this.#supervisor = supervisor
    this.#moduleOf = moduleOf
  }

  /** The process, when the handle was not made of a name. */
  get pid(): W extends Pid ? Pid : Pid | undefined {
    const pid = this.#supervisor instanceof Pid ? this.#supervisor : undefined
    return pid as W extends Pid ? Pid : Pid | undefined
  }

  /**
   * Starts a supervisor without children, linked to `parent`.
   *
   * @param parent a node, or a process: `this.self` of a server
   * @throws InitError, for instance `{:already_started, pid}` for a name that is taken; OptionError
   */
  static async startLink(
    parent: SupervisorParent,
    options: DynamicSupervisorOptions = {},
  ): Promise<DynamicSupervisor<Pid>> {
    const { name, moduleOf } = options
    const settings = settingsOf(options)
    const pid = await parent.startLink(DynamicSupervisorServer, settings, name === undefined ? {} : { name })
    return new DynamicSupervisor(parent, pid, moduleOf)
  }

  /**
   * A dynamic supervisor as a child of a `Supervisor`; reach it by its name.
   *
   * @param spec `id` when there is more than one; `shutdown` is `infinity` unless given
   * @example
   * await Supervisor.startLink(node, [DynamicSupervisor.childSpec({ name: 'jobs' })])
   * await DynamicSupervisor.at(node, 'jobs').startChild([Counter])
   */
  static childSpec(
    options: DynamicSupervisorOptions = {},
    spec: Omit<ChildSpecOptions, 'name' | 'type'> = {},
  ): ChildSpecInput {
    const { name } = options
    const start = [DynamicSupervisorServer, settingsOf(options)] as const
    const module = atom('Elixir.DynamicSupervisor')
    return {
      id: module,
      modules: [module],
      ...spec,
      type: 'supervisor',
      start,
      ...(name === undefined ? {} : { name }),
    }
  }

  /** A handle of a dynamic supervisor that runs already, also on another node. */
  static at(caller: SupervisorCaller, supervisor: Watchable): DynamicSupervisor {
    return new DynamicSupervisor(caller, supervisor)
  }

  /**
   * Starts a child and waits for its `init`.
   *
   * @throws SupervisorError `ERR_SUPERVISOR_BAD_SPEC`; `ERR_SUPERVISOR_START_FAILED` with the reason of the child,
   * `{:undef, module}` or `:max_children`; `ERR_SUPERVISOR_CHILD_IGNORED`
   */
  async startChild(child: ChildSpecInput, options?: CallOptions): Promise<Pid> {
    const spec = sendableSpec(toChildSpec(child, this.#moduleOf), childSpecToTuple)
    return startedChild(await this.#ask(tuple(START_CHILD, spec), options))
  }

  /** Ends a child for good, as its `shutdown` says. @throws SupervisorError `ERR_SUPERVISOR_NOT_FOUND` */
  async terminateChild(pid: Pid, options?: CallOptions): Promise<void> {
    const answer = await this.#ask(tuple(TERMINATE_CHILD, pid), options)
    if (answer !== OK) throw new SupervisorError('ERR_SUPERVISOR_NOT_FOUND', 'no such child', pid)
  }

  /** The children, those that wait for a restart included. */
  async whichChildren(options?: CallOptions): Promise<ChildRow[]> {
    return childRows(await this.#ask(WHICH_CHILDREN, options))
  }

  async countChildren(options?: CallOptions): Promise<ChildCounts> {
    return childCounts(await this.#ask(COUNT_CHILDREN, options))
  }

  /** Ends the children, all at the same time, and then the supervisor. @throws CallError */
  stop(reason?: Encodable, options?: CallOptions): Promise<void> {
    return stopSupervisor(this.#caller, this.#supervisor, reason, options)
  }

  #ask(request: Encodable, options?: CallOptions): Promise<Term> {
    return ask(this.#caller, this.#supervisor, request, options)
  }
}

/** @throws OptionError */
function settingsOf(options: DynamicSupervisorOptions): DynamicSupervisorSettings {
  const { maxChildren = 'infinity', modules = NO_MODULES, plan = plainPlan, extraArguments = [] } = options
  const most = maxChildren === 'infinity' ? Number.POSITIVE_INFINITY : maxChildren
  if (!(most >= 0)) throw new OptionError(`maxChildren must be a number from 0, or 'infinity', got ${most}`)
  return {
    modules,
    plan,
    extraArguments,
    maxChildren: most,
    ...restartLimits(options),
    onChildStarted: options.onChildStarted,
    onChildExited: options.onChildExited,
  }
}
