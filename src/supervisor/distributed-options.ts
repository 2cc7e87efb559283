/** The options of a DistributedSupervisor: those of the hex package, and what only a TypeScript node needs. */
import { OptionError } from '../core/index.ts'
import { type Atom, atom } from '../etf/index.ts'
import type { ServerClass } from '../runtime/index.ts'
import type { ClusterOptions } from './cluster.ts'
import type { AtomKeys } from './hash-ring.ts'
import type { IntensityLimits } from './intensity.ts'
import type { ListenerEntry } from './listeners.ts'
import { toModuleName } from './names.ts'
import { type RebalanceOptions, type ResolvedRebalance, resolveRebalance } from './rebalance.ts'

export interface DistributedSupervisorOptions {
  /** The same on every node; a capitalised string is the Elixir alias, an atom is taken as it is. */
  readonly name: Atom | string
  /** Elixir module name -> the class that runs it on this node. */
  readonly modules?: Readonly<Record<string, ServerClass>>
  /**
   * Whether nodes that come and go join and leave the ring: `true` and `'all'` mean hidden nodes too. Default false, as
   * in the hex package.
   */
  readonly monitorNodes?: boolean | 'all' | 'visible' | 'hidden'
  /** Who is in the ring at the start; default: this node and the visible nodes it is connected to. */
  readonly nodes?: readonly (Atom | string)[]
  /** Whether this node starts children of nodes that are gone. Default true. */
  readonly cacheChildren?: boolean
  /**
   * Whether children of this node move to where the ring wants them when nodes have come: each ends here and starts there,
   * with its state when its class has a `handoff`. Children that somebody chose a node for move as well. Default false;
   * `true` is `{ concurrency: 4, delay: 5000 }`. The hex package has nothing like it, and its children stay.
   */
  readonly rebalance?: boolean | RebalanceOptions
  /** Who is told of children and nodes; with a prefix only of children whose printed names begin like it. */
  readonly listeners?: ListenerEntry | readonly ListenerEntry[]
  /**
   * How the Elixir nodes of the cluster hash atom keys: `'latin1'` before OTP 26, `'utf8'` from it on. Default: `'auto'`,
   * they are asked for their release.
   */
  readonly atomKeys?: AtomKeys | 'auto'
  /** Restarts of children of this node within `maxSeconds` that are still fine. Default 100. */
  readonly maxRestarts?: number
  /** Default 1. */
  readonly maxSeconds?: number
}

export interface ResolvedSupervisorOptions {
  readonly name: Atom
  readonly modules: Readonly<Record<string, ServerClass>>
  readonly cluster: ClusterOptions
  readonly cacheChildren: boolean
  readonly listeners: readonly ListenerEntry[]
  readonly rebalance: ResolvedRebalance | undefined
  readonly limits: IntensityLimits
}

const ATOM_KEYS: readonly unknown[] = [undefined, 'auto', 'latin1', 'utf8']
const MONITOR_NODES: readonly unknown[] = [undefined, true, false, 'all', 'visible', 'hidden']

/** @throws OptionError */
export function resolveSupervisorOptions(options: DistributedSupervisorOptions): ResolvedSupervisorOptions {
  const { name, monitorNodes, atomKeys, listeners = [] } = options
  if (name === undefined || name === '') {
    throw new OptionError("a DistributedSupervisor needs a name, the same on every node: { name: 'DS' }")
  }
  check('monitorNodes', monitorNodes, MONITOR_NODES)
  check('atomKeys', atomKeys, ATOM_KEYS)
  return {
    name: toModuleName(name),
    modules: options.modules ?? {},
    cluster: {
      nodes: (options.nodes ?? []).map((node) => (typeof node === 'string' ? atom(node) : node)),
      monitorNodes: monitorNodes === true ? 'all' : monitorNodes || undefined,
      atomKeys: atomKeys === 'auto' ? undefined : atomKeys,
    },
    cacheChildren: options.cacheChildren ?? true,
    listeners: isList(listeners) ? listeners : [listeners],
    rebalance: resolveRebalance(options.rebalance),
    limits: { maxRestarts: options.maxRestarts ?? 100, maxSeconds: options.maxSeconds ?? 1 },
  }
}

function check(option: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return
  const choices = allowed.filter((choice) => choice !== undefined).join(', ')
  throw new OptionError(`${option} must be one of ${choices}, got ${String(value)}`)
}

/** One listener with a prefix is an array too: its first element is the listener. */
function isList(listeners: ListenerEntry | readonly ListenerEntry[]): listeners is readonly ListenerEntry[] {
  if (!Array.isArray(listeners)) return false
  const [, second] = listeners
  return listeners.length !== 2 || Array.isArray(second) || isListener(second)
}

function isListener(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['onProcessStart', 'onProcessStop', 'onNodeUp', 'onNodeDown', 'onNodeTerminate'].some(
      (key) => key in value,
    )
  )
}
