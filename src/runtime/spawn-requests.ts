/** Processes that other nodes ask us to start (protocol.md 3.9). What to run is the caller's decision. */
import { Atom, atom, type Pid, type Term, Tuple } from '../etf/index.ts'
import { SYSTEM_LIMIT } from './atoms.ts'
import { FunctionCell } from './function-cell.ts'
import type { Kernel } from './kernel.ts'
import type { Process } from './process.ts'
import { SPAWN_LINKED, SPAWN_MONITORED } from './remote-spawns.ts'
import type { SpawnRequest } from './signals.ts'

const BADOPT = atom('badopt')

/** Options about memory and priority mean nothing here; the BEAM sends them and does not expect to be refused. */
const IGNORED_OPTIONS: ReadonlySet<string> = new Set([
  'async_dist',
  'fullsweep_after',
  'max_heap_size',
  'message_queue_data',
  'min_bin_vheap_size',
  'min_heap_size',
  'priority',
  'scheduler',
])

/** The flags that the options ask for, or undefined when one of them is unknown. */
function requestedFlags(options: Term): number | undefined {
  if (!Array.isArray(options)) return undefined
  let flags = 0
  for (const option of options) {
    const name: unknown = option instanceof Tuple && option.length === 2 ? option[0] : option
    if (!(name instanceof Atom)) return undefined
    if (name.name === 'link') flags |= SPAWN_LINKED
    else if (name.name === 'monitor') flags |= SPAWN_MONITORED
    else if (!IGNORED_OPTIONS.has(name.name)) return undefined
  }
  return flags
}

/**
 * Starts a process for another node: link and monitor first, then the answer, then `run`. Every request is answered;
 * bad options and a full process table by an atom.
 *
 * @returns the new pid, or undefined when the request was refused
 */
export function serveSpawn(
  kernel: Kernel,
  request: SpawnRequest,
  run: (self: Process) => unknown,
): Pid | undefined {
  const { id, parent, groupLeader } = request
  const flags = requestedFlags(request.options)
  if (flags === undefined) {
    kernel.router.spawnReply(id, parent, 0, BADOPT)
    return undefined
  }
  if (kernel.table.isFull) {
    kernel.router.spawnReply(id, parent, 0, SYSTEM_LIMIT)
    return undefined
  }
  const label = `${request.module}.${request.function}`
  const pid = kernel.table.allocate()
  const cell = new FunctionCell(kernel, { pid, parent, ancestors: [parent], groupLeader, label }, run, [])
  kernel.table.add(cell)
  if ((flags & SPAWN_LINKED) !== 0) cell.links.handleLink(parent)
  if ((flags & SPAWN_MONITORED) !== 0) kernel.monitors.handleMonitor(parent, pid, id)
  kernel.router.spawnReply(id, parent, flags, pid)
  cell.wake()
  return pid
}
