/** How a specification becomes a running server: which class, with which argument, under which name. */
import { type Atom, type Term, tuple } from '../etf/index.ts'
import {
  exitReason,
  type Process,
  type ServerClass,
  type ServerName,
  type StartResult,
} from '../runtime/index.ts'
import { UNDEF } from './atoms.ts'
import type { ChildSpec } from './child-spec.ts'

/** Which class runs an Elixir module on this node. */
export type ModuleResolver = (module: Atom) => ServerClass | undefined

/** What a server class is started with, made of a specification. */
export interface ChildPlan {
  /** The argument of `init`. */
  readonly args: unknown
  readonly name?: ServerName
  /** Milliseconds that `init` may take. */
  readonly timeout?: number | 'infinity'
}

export interface ChildPlanner {
  readonly modules: ModuleResolver
  /** How the arguments of a specification become those of a class; may throw. */
  readonly plan: (spec: ChildSpec) => ChildPlan
}

/** For a supervisor that gets its children from code of this node only. */
export const NO_MODULES: ModuleResolver = () => undefined

/** One argument goes to `init` as it is, several as a list: a class has one argument where a function has any number. */
export function plainPlan(spec: ChildSpec): ChildPlan {
  const { args } = spec.start
  return { args: args.length > 1 ? args : args[0] }
}

/** Starts the child under the process, linked. Never rejects: what goes wrong is the result. */
export async function startChild(
  self: Process,
  spec: ChildSpec,
  planner: ChildPlanner,
): Promise<StartResult> {
  const { local, start } = spec
  const server = local?.server ?? planner.modules(start.module)
  if (server === undefined) return { status: 'error', reason: tuple(UNDEF, start.module) as Term }
  try {
    const { args, ...options } = planner.plan(spec)
    const { name = options.name, timeout = options.timeout } = local ?? {}
    return await self.tryStartLink(server, args, {
      ...(name === undefined ? {} : { name }),
      ...(timeout === undefined ? {} : { timeout }),
    })
  } catch (error) {
    return { status: 'error', reason: exitReason(error) }
  }
}
