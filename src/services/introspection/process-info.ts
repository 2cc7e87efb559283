/**
 * `erlang:process_info/1,2` for the processes of this node. What has no meaning here (heaps, stacks, garbage collection)
 * is answered with 0 or nothing rather than refused, because tools ask for all of it in one call.
 */
import {
  type Atom,
  atom,
  type Encodable,
  type Pid,
  type Term,
  Tuple,
  termEquals,
  tuple,
} from '../../etf/index.ts'
import type { ProcessInfo, Runtime } from '../../runtime/index.ts'
import { badarg, itemName } from './terms.ts'

type Item = (info: ProcessInfo, key: Term | undefined) => Encodable

const UNDEFINED = atom('undefined')
const NORMAL = atom('normal')
const FALSE = false
const INIT = atom('init')
const RUN = atom('run')
const MAX_LABEL = 255
/** Where a server waits for its next message. */
const GEN_SERVER_LOOP = tuple(atom('gen_server'), atom('loop'), 7)
const PROCESS = atom('process')
const PROCESS_LABEL = atom('$process_label')
const DEFAULT_MIN_HEAP = 233
const DEFAULT_FULLSWEEP = 65535

const ITEMS: Readonly<Record<string, Item>> = {
  registered_name: (info) => info.registeredName ?? [],
  current_function: currentFunction,
  current_location: (info) => tuple(...(currentFunction(info) as Tuple<[Atom, Atom, number]>), []),
  current_stacktrace: (info) => [tuple(...(currentFunction(info) as Tuple<[Atom, Atom, number]>), [])],
  initial_call: initialCall,
  status: (info) => atom(info.isWaiting ? 'waiting' : 'running'),
  message_queue_len: (info) => info.messageQueueLength,
  messages: (info) => info.messages(),
  links: (info) => [...info.links],
  dictionary: (info, key) => (key === undefined ? dictionary(info) : lookUp(dictionary(info), key)),
  trap_exit: (info) => info.trapExit,
  error_handler: () => atom('error_handler'),
  priority: () => NORMAL,
  group_leader: (info) => info.groupLeader,
  parent: (info) => info.parent,
  label: (info) => info.processLabel ?? UNDEFINED,
  monitors: (info) => info.monitors.map((target) => tuple(PROCESS, toTarget(target))),
  monitored_by: (info) => [...info.monitoredBy],
  reductions: (info) => info.reductions,
  total_heap_size: () => 0,
  heap_size: () => 0,
  stack_size: () => 0,
  memory: () => 0,
  binary: () => [],
  catchlevel: () => 0,
  garbage_collection: () => [
    tuple(atom('max_heap_size'), new Map([[atom('size'), 0]])),
    tuple(atom('min_bin_vheap_size'), 0),
    tuple(atom('min_heap_size'), DEFAULT_MIN_HEAP),
    tuple(atom('fullsweep_after'), DEFAULT_FULLSWEEP),
    tuple(atom('minor_gcs'), 0),
  ],
  garbage_collection_info: () => [],
  suspending: () => [],
  last_calls: () => FALSE,
  sequential_trace_token: () => [],
  trace: () => 0,
  message_queue_data: () => atom('on_heap'),
  async_dist: () => FALSE,
  backtrace: () => '',
}

/** What `process_info/1` tells, in the order of the BEAM. */
const ALL_ITEMS = [
  'registered_name',
  'current_function',
  'initial_call',
  'status',
  'message_queue_len',
  'links',
  'dictionary',
  'trap_exit',
  'error_handler',
  'priority',
  'group_leader',
  'total_heap_size',
  'heap_size',
  'stack_size',
  'reductions',
  'garbage_collection',
  'suspending',
] as const

/** The MFA that the process began with: `{Counter, init, 1}` of a server class. */
export function initialCall(info: ProcessInfo): Encodable {
  const label = atom(info.label.slice(0, MAX_LABEL))
  return info.kind === 'server' ? tuple(label, INIT, 1) : tuple(label, RUN, 0)
}

/** `process_info/1`; undefined for a process that does not live. */
export function allProcessInfo(runtime: Runtime, pid: Pid): Encodable {
  const info = runtime.processInfo(pid)
  if (info === undefined) return UNDEFINED
  const items = info.registeredName === undefined ? ALL_ITEMS.slice(1) : ALL_ITEMS
  return items.map((name) => tuple(atom(name), (ITEMS[name] as Item)(info, undefined)))
}

/** `process_info/2`, with an item or a list of items. @throws badarg for an item that there is none of */
export function someProcessInfo(runtime: Runtime, pid: Pid, wanted: Term): Encodable {
  const items = Array.isArray(wanted) ? wanted : [wanted]
  const readers = items.map((item) => [item, readerOf(item)] as const)
  const info = runtime.processInfo(pid)
  if (info === undefined) return UNDEFINED
  // Alone, a process without a name has no pair for it.
  if (!Array.isArray(wanted) && itemName(wanted) === 'registered_name' && info.registeredName === undefined) {
    return []
  }
  const answers = readers.map(([item, read]) =>
    tuple(item, read(info, item instanceof Tuple ? (item[1] as Term) : undefined)),
  )
  return Array.isArray(wanted) ? answers : answers[0]
}

function readerOf(item: Term): Item {
  const name = itemName(item)
  // `{dictionary, Key}` is the one item with an argument.
  const takesKey = !(item instanceof Tuple) || (name === 'dictionary' && item.length === 2)
  const read = name !== undefined && Object.hasOwn(ITEMS, name) ? ITEMS[name] : undefined
  return read !== undefined && takesKey ? read : badarg()
}

function currentFunction(info: ProcessInfo): Encodable {
  return info.kind === 'server' && info.isWaiting ? GEN_SERVER_LOOP : initialCall(info)
}

function dictionary(info: ProcessInfo): [Atom, Encodable][] & Encodable[] {
  return [
    tuple(atom('$initial_call'), initialCall(info)),
    tuple(atom('$ancestors'), [...info.ancestors]),
    ...(info.processLabel === undefined ? [] : [tuple(PROCESS_LABEL, info.processLabel)]),
  ] as never
}

function lookUp(entries: Encodable[], key: Term): Encodable {
  const entry = (entries as Tuple<[Term, Term]>[]).find((each) => termEquals(each[0] as Term, key))
  return entry === undefined ? UNDEFINED : entry[1]
}

function toTarget(target: ProcessInfo['monitors'][number]): Encodable {
  return 'name' in target ? tuple(target.name, target.node) : target
}
