/** The functions of `:erlang` that tools ask every node for. They tell about this node, and change nothing. */
import { performance } from 'node:perf_hooks'
import { type Atom, Atom as AtomClass, atom, Pid, type Term } from '../../etf/index.ts'
import type { ExposedFunctions, FunctionTable } from '../rpc/exposed.ts'
import type { DescribedNode } from './described-node.ts'
import { allProcessInfo, someProcessInfo } from './process-info.ts'
import { memory, memoryOf, Statistics } from './system-info.ts'
import { badarg, itemName, proplist } from './terms.ts'

const UNDEFINED = atom('undefined')
const NS_PER_MS = 1_000_000n

/** Units of time as `erlang:system_time/1` takes them, in parts of a second. */
const UNITS: Readonly<Record<string, bigint>> = {
  second: 1n,
  millisecond: 1_000n,
  milli_seconds: 1_000n,
  microsecond: 1_000_000n,
  nanosecond: 1_000_000_000n,
  native: 1_000_000_000n,
}

export function erlangFunctions(node: DescribedNode, functions: FunctionTable): ExposedFunctions {
  const { runtime } = node
  const statistics = new Statistics(node)
  const isAlive = (pid?: Term): boolean => runtime.isAlive(ownPid(pid, node.name))
  return {
    'is_process_alive/1': isAlive,
    'node/0': () => node.name,
    'nodes/0': () => node.nodes('visible'),
    'nodes/1': (kind) => nodesOf(node, kind),
    'whereis/1': (name) => (name instanceof AtomClass ? (runtime.whereis(name) ?? UNDEFINED) : badarg()),
    'registered/0': () => runtime.registered(),
    'processes/0': () => runtime.processes(),
    'process_info/1': (pid) => allProcessInfo(runtime, ownPid(pid, node.name)),
    'process_info/2': (pid, item) => someProcessInfo(runtime, ownPid(pid, node.name), item as Term),
    'memory/0': () => proplist(memory()),
    'memory/1': memoryOf,
    'statistics/1': (item) => statistics.read(item),
    'ports/0': () => [],
    'port_info/1': () => UNDEFINED,
    'port_info/2': () => UNDEFINED,
    'is_alive/0': () => true,
    'function_exported/3': (module, name, arity) => isExported(functions, module, name, arity),
    'system_time/0': () => systemTime('native'),
    'system_time/1': (unit) => systemTime(unitOf(unit)),
    'monotonic_time/0': () => monotonicTime('native'),
    'monotonic_time/1': (unit) => monotonicTime(unitOf(unit)),
    // V8 collects when it wants to; the answer is that of the BEAM, so that tools go on.
    'garbage_collect/1': (pid) => runtime.isAlive(ownPid(pid, node.name)),
  }
}

/** @throws badarg for anything but a pid of this node */
function ownPid(pid: Term | undefined, node: Atom): Pid {
  return pid instanceof Pid && pid.node === node ? pid : badarg()
}

/** A kind, or a list of kinds. */
export function nodesOf(node: DescribedNode, wanted: Term | undefined): Atom[] {
  const kinds = Array.isArray(wanted) ? wanted : [wanted]
  const found = kinds.flatMap((kind) => {
    switch (itemName(kind)) {
      case 'visible':
      case 'hidden':
        return node.nodes(itemName(kind) as 'visible' | 'hidden')
      case 'connected':
        return node.nodes('all')
      case 'this':
        return [node.name]
      case 'known':
        return [node.name, ...node.nodes('all')]
      default:
        return badarg()
    }
  })
  return [...new Set(found)]
}

async function isExported(
  functions: FunctionTable,
  module: Term | undefined,
  name: Term | undefined,
  arity: Term | undefined,
): Promise<boolean> {
  if (!(module instanceof AtomClass && name instanceof AtomClass && typeof arity === 'number'))
    return badarg()
  return (await functions.find(module, name, arity)) !== undefined
}

function unitOf(unit: Term | undefined): string {
  const name = itemName(unit)
  return name !== undefined && Object.hasOwn(UNITS, name) ? name : badarg()
}

function systemTime(unit: string): bigint {
  return inUnit(BigInt(Math.round(Date.now() * 1000)) * 1000n, unit)
}

function monotonicTime(unit: string): bigint {
  return inUnit(BigInt(Math.round(performance.now() * Number(NS_PER_MS))), unit)
}

function inUnit(nanoseconds: bigint, unit: string): bigint {
  return (nanoseconds * (UNITS[unit] as bigint)) / 1_000_000_000n
}
