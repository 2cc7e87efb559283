/**
 * What happens when two nodes meet and each knows another process by one name (protocol.md 8.3). The resolver goes over
 * the wire with the name, as an external fun; it runs on the node of the process that the smaller node knows, which for
 * processes of ours is here.
 */
import type { Logger } from '../../core/index.ts'
import {
  type Atom,
  atom,
  compareTerms,
  ExportFun,
  inspect,
  type Pid,
  type Term,
  TermMap,
  tuple,
} from '../../etf/index.ts'
import { ExitError, exitReason, type Runtime } from '../../runtime/index.ts'
import type { ExposedFunction, FunctionTable } from '../rpc/exposed.ts'

/** Gives the process that keeps the name, or null when none does. */
export type ResolveFunction = (
  name: Term,
  one: Pid,
  other: Pid,
) => Pid | null | undefined | Promise<Pid | null | undefined>

/** What OTP brings. */
export type StandardResolver = 'random_exit_name' | 'random_notify_name' | 'notify_all_name'

/**
 * `random_exit_name` (default): one of the two processes is killed; `random_notify_name`: one of the two loses the name
 * and gets `{global_name_conflict, Name}`; `notify_all_name`: both lose it and get `{global_name_conflict, Name, Other}`.
 * An `ExportFun` of arity 3 is called on the node that settles the conflict; one of an Elixir module must exist there. A
 * function of one's own settles conflicts about processes of this node.
 */
export type ConflictResolver = StandardResolver | ExportFun | ResolveFunction

export interface ResolversOptions {
  readonly runtime: Runtime
  readonly functions: FunctionTable
  readonly logger: Logger
}

const GLOBAL = atom('global')
/** What stands for every function of our users on the wire: which one it is, the name tells. */
const OWN = new ExportFun(atom('beamjoin_global'), atom('resolve'), 3)
const NONE = atom('none')
const UNDEFINED = atom('undefined')
const EXIT = atom('EXIT')
const KILL = atom('kill')
const CONFLICT = atom('global_name_conflict')
const UNDEF = atom('undef')
const ARITY = 3

type Run = (name: Term, one: Pid, other: Pid) => unknown

export class Resolvers {
  readonly #options: ResolversOptions
  /** The functions of our users, by the name that each was registered with. */
  readonly #own = new TermMap<Term, ResolveFunction>()

  constructor(options: ResolversOptions) {
    this.#options = options
    const standard: Readonly<Record<StandardResolver, Run>> = {
      random_exit_name: (name, one, other) => this.#exitOne(name, one, other),
      random_notify_name: (name, one, other) => this.#notifyOne(name, one, other),
      notify_all_name: (name, one, other) => this.#notifyAll(name, one, other),
    }
    for (const [name, run] of Object.entries(standard)) this.#expose(GLOBAL.name, name, run)
    this.#expose(OWN.module.name, OWN.function.name, async (name, one, other) => {
      const resolver = this.#own.get(name)
      if (resolver === undefined) throw new ExitError(tuple(UNDEF, []))
      return (await resolver(name, one, other)) ?? NONE
    })
    const { functions } = options
    const resolveIt: ExposedFunction = (method, name, one, other) =>
      this.run(method as Term, name as Term, one as Pid, other as Pid)
    functions.exposeByDefault(GLOBAL.name, { 'resolve_it/4': resolveIt })
  }

  /** What stands for the resolver beside a name. */
  encode(resolver: ConflictResolver): ExportFun {
    if (resolver instanceof ExportFun) return resolver
    if (typeof resolver === 'string') return new ExportFun(GLOBAL, atom(resolver), ARITY)
    return OWN
  }

  /** The name is registered with this resolver; `forget` ends that. */
  keep(name: Term, resolver: ConflictResolver): void {
    if (typeof resolver === 'function') this.#own.set(name, resolver)
  }

  /** The name is another process's now, or nobody's. */
  forget(name: Term): void {
    this.#own.delete(name)
  }

  forgetAll(): void {
    this.#own.clear()
  }

  /** How many functions are kept. */
  get kept(): number {
    return this.#own.size
  }

  /** Runs a resolver as `global:resolve_it/4` does: what it throws is its value, `{'EXIT', Reason}`. Never rejects. */
  async run(method: Term, name: Term, one: Pid, other: Pid): Promise<Term> {
    const { functions, runtime } = this.#options
    const run =
      method instanceof ExportFun ? await functions.find(method.module, method.function, ARITY) : undefined
    if (run === undefined) return tuple(EXIT, tuple(UNDEF, [])) as Term
    try {
      return ((await run.call(runtime.client, name, one, other)) ?? UNDEFINED) as Term
    } catch (error) {
      return tuple(EXIT, exitReason(error)) as Term
    }
  }

  #expose(module: string, name: string, run: Run): void {
    const exposed: ExposedFunction = (key, one, other) => run(key as Term, one as Pid, other as Pid)
    this.#options.functions.exposeByDefault(module, { [`${name}/${ARITY}`]: exposed })
  }

  #exitOne(name: Term, one: Pid, other: Pid): Pid {
    const [stays, goes] = bySize(one, other)
    const { logger, runtime } = this.#options
    logger.info(
      { name: inspect(name), pid: String(goes) },
      'global kills a process in a conflict about a name',
    )
    runtime.exit(goes, KILL)
    return stays
  }

  #notifyOne(name: Term, one: Pid, other: Pid): Pid {
    const [stays, goes] = bySize(one, other)
    this.#options.runtime.send(goes, tuple(CONFLICT, name))
    return stays
  }

  #notifyAll(name: Term, one: Pid, other: Pid): Atom {
    this.#options.runtime.send(one, tuple(CONFLICT, name, other))
    this.#options.runtime.send(other, tuple(CONFLICT, name, one))
    return NONE
  }
}

/** The process on the smaller node first; the same order on every node. */
function bySize(one: Pid, other: Pid): [Pid, Pid] {
  return compareTerms(one.node, other.node) < 0 ? [one, other] : [other, one]
}
