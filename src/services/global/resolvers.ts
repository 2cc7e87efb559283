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
  tuple,
} from '../../etf/index.ts'
import { exitReason, type Runtime } from '../../runtime/index.ts'
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
/** Module under which functions of our users go over the wire. */
const OWN = 'beamjoin_global'
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
  readonly #names = new Map<ResolveFunction, ExportFun>()

  constructor(options: ResolversOptions) {
    this.#options = options
    const standard: Readonly<Record<StandardResolver, Run>> = {
      random_exit_name: (name, one, other) => this.#exitOne(name, one, other),
      random_notify_name: (name, one, other) => this.#notifyOne(name, one, other),
      notify_all_name: (name, one, other) => this.#notifyAll(name, one, other),
    }
    for (const [name, run] of Object.entries(standard)) this.#expose(GLOBAL.name, name, run)
    const { functions } = options
    const resolveIt: ExposedFunction = (method, name, one, other) =>
      this.run(method as Term, name as Term, one as Pid, other as Pid)
    functions.exposeByDefault(GLOBAL.name, { 'resolve_it/4': resolveIt })
  }

  /** What stands for the resolver beside a name. */
  encode(resolver: ConflictResolver): ExportFun {
    if (resolver instanceof ExportFun) return resolver
    if (typeof resolver === 'string') return new ExportFun(GLOBAL, atom(resolver), ARITY)
    let method = this.#names.get(resolver)
    if (method === undefined) {
      const name = `resolver_${this.#names.size + 1}`
      method = new ExportFun(atom(OWN), atom(name), ARITY)
      this.#names.set(resolver, method)
      this.#expose(OWN, name, async (key, one, other) => (await resolver(key, one, other)) ?? NONE)
    }
    return method
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
