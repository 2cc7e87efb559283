/** A supervisor whose children are started on request: `DynamicSupervisor` of Elixir, on this node. */
import { atom, Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import type { CallOptions, Runtime, ServerName } from '../runtime/index.ts'
import { type ChildSpec, type ChildSpecInput, childSpecToTuple, toChildSpec } from './child-spec.ts'
import { type ChildCounts, Children } from './children.ts'
import { type ChildPlan, DynamicSupervisorServer, type ModuleResolver } from './dynamic-supervisor-server.ts'
import { SupervisorError } from './errors.ts'

export interface DynamicSupervisorOptions {
  /** Which class runs an Elixir module here. A module without one is refused with `{:undef, module}`. */
  readonly modules: ModuleResolver
  /** The Elixir module of a class; default: the alias of the class name. */
  readonly moduleOf?: Parameters<typeof toChildSpec>[1]
  /** Registered before the first child can start. */
  readonly name?: ServerName
  /** The process of this node that it is linked to, its parent. */
  readonly link?: Pid
  /** Restarts within `maxSeconds` that are still fine; default 3. */
  readonly maxRestarts?: number
  /** Default 5. */
  readonly maxSeconds?: number
  /** Children at a time; default no limit. More are refused with `:max_children`. */
  readonly maxChildren?: number | 'infinity'
  /** How a specification becomes the start of a class; default: the first argument goes to `init`, without a name. */
  readonly plan?: (spec: ChildSpec) => ChildPlan
  /** A child started, also after a crash. */
  readonly onChildStarted?: (pid: Pid, spec: ChildSpec) => void
  /**
   * A child ended; `restarts` says whether it is started again. When that comes to nothing, it is told once more with
   * `restarts` false.
   */
  readonly onChildExited?: (pid: Pid, spec: ChildSpec, reason: Term, restarts: boolean) => void
}

const OK = atom('ok')
const IGNORE = atom('ignore')
const START_CHILD = atom('start_child')
const TERMINATE_CHILD = atom('terminate_child')
const SHUTDOWN = atom('shutdown')

function firstArgument(spec: ChildSpec): ChildPlan {
  return { args: spec.start.args[0] }
}

/**
 * The handle of a running supervisor. Elixir nodes use the same process through `DynamicSupervisor`'s functions.
 *
 * @example
 * const supervisor = await DynamicSupervisor.start(node.runtime, { modules: () => Counter })
 * const pid = await supervisor.startChild([Counter, { start: 5 }])
 * await node.call(pid, atom('get')) // 5
 * await supervisor.terminateChild(pid)
 * await supervisor.stop()
 */
export class DynamicSupervisor {
  readonly pid: Pid
  readonly #runtime: Runtime
  readonly #children: Children
  readonly #moduleOf: DynamicSupervisorOptions['moduleOf']

  private constructor(
    runtime: Runtime,
    pid: Pid,
    children: Children,
    moduleOf: DynamicSupervisorOptions['moduleOf'],
  ) {
    this.#runtime = runtime
    this.pid = pid
    this.#children = children
    this.#moduleOf = moduleOf
  }

  /** @throws InitError, for instance when the name is taken */
  static async start(runtime: Runtime, options: DynamicSupervisorOptions): Promise<DynamicSupervisor> {
    const children = new Children()
    const maxChildren = options.maxChildren ?? 'infinity'
    const settings = {
      modules: options.modules,
      plan: options.plan ?? firstArgument,
      maxRestarts: options.maxRestarts ?? 3,
      maxSeconds: options.maxSeconds ?? 5,
      maxChildren: maxChildren === 'infinity' ? Number.POSITIVE_INFINITY : maxChildren,
      children,
      onChildStarted: options.onChildStarted,
      onChildExited: options.onChildExited,
    }
    const { name, link } = options
    const pid = await runtime.start(DynamicSupervisorServer, settings, {
      ...(name === undefined ? {} : { name }),
      ...(link === undefined ? {} : { link }),
    })
    return new DynamicSupervisor(runtime, pid, children, options.moduleOf)
  }

  /** The children as the supervisor sees them now, those that wait for a restart included. */
  children(): Iterable<{ readonly pid: Pid; readonly spec: ChildSpec; readonly isRestarting: boolean }> {
    return this.#children
  }

  /**
   * Starts a child and waits for its `init`.
   *
   * @throws SupervisorError `ERR_SUPERVISOR_BAD_SPEC`; `ERR_SUPERVISOR_START_FAILED` with the reason of the child,
   * `{:undef, module}` or `:max_children`; `ERR_SUPERVISOR_CHILD_IGNORED`
   */
  async startChild(spec: ChildSpecInput, options: CallOptions = {}): Promise<Pid> {
    const wanted = childSpecToTuple(toChildSpec(spec, this.#moduleOf))
    const answer = await this.#call(tuple(START_CHILD, wanted) as Term, options)
    if (answer instanceof Tuple && answer[0] === OK && answer[1] instanceof Pid) return answer[1]
    if (answer === IGNORE) {
      throw new SupervisorError('ERR_SUPERVISOR_CHILD_IGNORED', 'the child chose not to start', IGNORE)
    }
    const reason = answer instanceof Tuple ? (answer[1] as Term) : answer
    throw new SupervisorError('ERR_SUPERVISOR_START_FAILED', 'the child did not start', reason)
  }

  /** Ends a child for good, as its `shutdown` says. @throws SupervisorError `ERR_SUPERVISOR_NOT_FOUND` */
  async terminateChild(pid: Pid, options: CallOptions = {}): Promise<void> {
    const answer = await this.#call(tuple(TERMINATE_CHILD, pid) as Term, options)
    if (answer !== OK) throw new SupervisorError('ERR_SUPERVISOR_NOT_FOUND', 'no such child', pid)
  }

  /** The children that run now. */
  async whichChildren(): Promise<{ readonly pid: Pid | 'restarting'; readonly spec: ChildSpec }[]> {
    await this.#call(atom('which_children'), {})
    return [...this.#children].map(({ pid, spec, isRestarting }) => ({
      pid: isRestarting ? 'restarting' : pid,
      spec,
    }))
  }

  async countChildren(): Promise<ChildCounts> {
    await this.#call(atom('count_children'), {})
    return this.#children.count()
  }

  /** Ends the children, all at the same time, and then the supervisor. */
  async stop(reason: Term = SHUTDOWN, options: CallOptions = {}): Promise<void> {
    await this.#runtime.stopServer(this.pid, reason, options)
  }

  /** A call to a supervisor waits as long as the child needs, as in Elixir. */
  #call(request: Term, options: CallOptions): Promise<Term> {
    return this.#runtime.call(this.pid, request, { timeout: 'infinity', ...options })
  }
}
