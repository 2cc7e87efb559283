import type { ServerClass } from './runtime/index.ts'
import type { ExposedFunction } from './services/index.ts'
import type { DistributedChild } from './supervisor/index.ts'

/**
 * What `beamjoin start FILE` runs: the default export of FILE.
 *
 * @example
 * export default {
 *   modules: { Counter },
 *   children: [[Counter, { name: alias('MGS'), start: 5 }]],
 *   expose: { 'Elixir.TsMath': { add: (a, b) => Number(a) + Number(b) } },
 * } satisfies Program
 */
export interface Program {
  /** Elixir module name to the class that runs it here, for `--supervise`. */
  readonly modules?: Readonly<Record<string, ServerClass>>
  /** Children that the supervisor starts with, for `--supervise`. */
  readonly children?: readonly DistributedChild[]
  /** Module name to the functions that other nodes may call by rpc. */
  readonly expose?: Readonly<Record<string, Readonly<Record<string, ExposedFunction>>>>
}
