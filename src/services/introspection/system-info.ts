/**
 * What a node tells of itself: `erlang:system_info/1`, `memory/0,1`, `statistics/1`. Where the BEAM counts what V8 does not
 * have, the answer is 0.
 */
import { availableParallelism, cpus } from 'node:os'
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { getHeapCodeStatistics, getHeapSpaceStatistics } from 'node:v8'
import { atom, atomCount, type Encodable, type Term, Tuple, tuple } from '../../etf/index.ts'
import type { DescribedNode } from './described-node.ts'
import { badarg, charlist, itemName, type Pairs, proplist } from './terms.ts'

/** The release whose tools find everything here as they expect it. */
export const OTP_RELEASE = '27'
const ERTS_VERSION = '15.2'
const NS_PER_MS = 1_000_000
const ATOM_LIMIT = 1_048_576
const WORD_BYTES = 8
const DEFAULT_DIST_BUFFER = 1_048_576

const startedAt = performance.now()

type Read = (node: DescribedNode) => Encodable

const SYSTEM_INFO: Readonly<Record<string, Read>> = {
  // Tells us from a BEAM, which says "BEAM".
  machine: () => charlist('beamjoin'),
  otp_release: () => charlist(OTP_RELEASE),
  version: () => charlist(ERTS_VERSION),
  system_version: () => charlist(`beamjoin on Node.js ${process.version} [${process.arch}]\n`),
  system_architecture: () => charlist(`${process.arch}-${process.platform}-node`),
  emu_type: () => atom('opt'),
  emu_flavor: () => atom('emu'),
  build_type: () => atom('opt'),
  wordsize: () => WORD_BYTES,
  schedulers: () => 1,
  schedulers_online: () => 1,
  dirty_cpu_schedulers: () => 0,
  dirty_cpu_schedulers_online: () => 0,
  dirty_io_schedulers: () => 0,
  logical_processors: () => cpus().length || atom('unknown'),
  logical_processors_online: () => cpus().length || atom('unknown'),
  logical_processors_available: () => availableParallelism(),
  multi_scheduling: () => atom('disabled'),
  smp_support: () => false,
  threads: () => true,
  thread_pool_size: () => 0,
  kernel_poll: () => true,
  process_count: ({ runtime }) => runtime.processCount().count,
  process_limit: ({ runtime }) => runtime.processCount().limit,
  port_count: () => 0,
  // There are neither ports nor tables, but observer divides by how many there may be: the defaults of a BEAM.
  port_limit: () => 65_536,
  atom_count: () => atomCount(),
  atom_limit: () => ATOM_LIMIT,
  ets_count: () => 0,
  ets_limit: () => 8192,
  dist_buf_busy_limit: () => DEFAULT_DIST_BUFFER,
  creation: ({ runtime }) => runtime.creation,
  alloc_util_allocators: () => [],
  time_correction: () => true,
  time_offset: () => atom('final'),
  tolerant_timeofday: () => atom('enabled'),
  os_monotonic_time_source: () => [],
}

/** `system_info/1`. @throws badarg for what there is none of */
export function systemInfo(node: DescribedNode, item: Term | undefined): Encodable {
  const name = itemName(item)
  if (item instanceof Tuple) {
    if (name === 'wordsize' && item.length === 2) return WORD_BYTES
    if (name === 'allocator_sizes' && item.length === 2) return []
    return badarg()
  }
  return name !== undefined && Object.hasOwn(SYSTEM_INFO, name) ? (SYSTEM_INFO[name] as Read)(node) : badarg()
}

/** `memory/0`: `total` is what the process holds of the machine, `processes` is the heap of V8. */
export function memory(): Pairs {
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  const { code_and_metadata_size: code, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics()
  return [
    ['total', rss],
    ['processes', heapUsed],
    ['processes_used', heapUsed],
    ['system', rss - heapUsed],
    ['atom', 0],
    ['atom_used', 0],
    ['binary', arrayBuffers],
    ['code', code + bytecode],
    ['ets', 0],
  ]
}

/** `memory/1`, with a type or a list of types. @throws badarg */
export function memoryOf(wanted: Term | undefined): Encodable {
  const all = new Map(memory())
  const read = (type: Term | undefined): Encodable => {
    const name = itemName(type)
    return name !== undefined && all.has(name) ? all.get(name) : badarg()
  }
  if (!Array.isArray(wanted)) return read(wanted)
  return wanted.map((type) => tuple(type, read(type)))
}

/** Milliseconds since this code was loaded. */
export function uptime(): number {
  return Math.round(performance.now() - startedAt)
}

/** Nanoseconds that the event loop was busy, and all of them, as the one scheduler of a BEAM would count. */
export function schedulerWallTime(): Encodable {
  const { active, idle } = performance.eventLoopUtilization()
  return [tuple(1, Math.round(active * NS_PER_MS), Math.round((active + idle) * NS_PER_MS))]
}

/** `{{input, Bytes}, {output, Bytes}}` of the distribution. */
export function ioStatistics(node: DescribedNode): Encodable {
  const { input, output } = node.traffic()
  return tuple(tuple(atom('input'), input), tuple(atom('output'), output))
}

/** What the last question of each kind was answered with: the second number tells the time since. */
export class Statistics {
  readonly #node: DescribedNode
  readonly #last = new Map<string, number>()

  constructor(node: DescribedNode) {
    this.#node = node
  }

  /** `statistics/1`. @throws badarg for what there is none of */
  read(item: Term | undefined): Encodable {
    switch (itemName(item)) {
      case 'wall_clock':
        return this.#sinceLast('wall_clock', uptime())
      case 'runtime': {
        const { user, system } = process.cpuUsage()
        return this.#sinceLast('runtime', Math.round((user + system) / 1000))
      }
      case 'reductions':
      case 'exact_reductions':
        return this.#sinceLast('reductions', this.#reductions())
      case 'run_queue':
      case 'total_run_queue_lengths':
      case 'total_active_tasks':
      case 'total_run_queue_lengths_all':
      case 'total_active_tasks_all':
        return 0
      case 'run_queue_lengths':
      case 'active_tasks':
        return [0]
      case 'context_switches':
        return tuple(0, 0)
      case 'garbage_collection':
        return tuple(0, 0, 0)
      case 'io':
        return ioStatistics(this.#node)
      case 'scheduler_wall_time':
      case 'scheduler_wall_time_all':
        return schedulerWallTime()
      default:
        return badarg()
    }
  }

  #reductions(): number {
    const { runtime } = this.#node
    return runtime.processes().reduce((sum, pid) => sum + (runtime.processInfo(pid)?.reductions ?? 0), 0)
  }

  #sinceLast(kind: string, now: number): Encodable {
    const before = this.#last.get(kind) ?? 0
    this.#last.set(kind, now)
    return tuple(now, now - before)
  }
}

/** For `observer_backend:sys_info/0`: the node in one list. */
export function describeSystem(node: DescribedNode): Encodable[] {
  const { input, output } = node.traffic()
  const info = (name: string): readonly [string, Encodable] => [name, (SYSTEM_INFO[name] as Read)(node)]
  return proplist([
    ['uptime', uptime()],
    ['run_queue', 0],
    ['io_input', input],
    ['io_output', output],
    ...['logical_processors', 'logical_processors_online', 'logical_processors_available'].map(info),
    ...['schedulers', 'schedulers_online'].map(info),
    ['schedulers_available', 1],
    ...['otp_release', 'version', 'system_architecture', 'kernel_poll', 'smp_support', 'threads'].map(info),
    info('thread_pool_size'),
    ['wordsize_internal', WORD_BYTES],
    ['wordsize_external', WORD_BYTES],
    ['alloc_info', allocators()],
    ...['process_count', 'atom_limit', 'atom_count', 'process_limit', 'port_limit', 'port_count'].map(info),
    ...['ets_limit', 'ets_count', 'dist_buf_busy_limit'].map(info),
    ...memory(),
  ])
}

/**
 * The spaces of V8's heap as allocators of one instance: what is used is their blocks, what is reserved their carriers.
 * An empty list would not do: observer divides by the sum.
 */
function allocators(): Encodable[] {
  const sizes = (name: string, size: number): Encodable => tuple(atom(name), size, size, size)
  return getHeapSpaceStatistics().map(({ space_name, space_size, space_used_size }) => {
    const blocks = [sizes('blocks_size', space_used_size), sizes('carriers_size', space_size)]
    return tuple(atom(space_name), [tuple(atom('instance'), 0, [tuple(atom('mbcs'), blocks)])])
  })
}
