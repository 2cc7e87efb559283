/**
 * `observer_backend` of the application runtime_tools: what the pages of `:observer` and `:etop` call and spawn on the node
 * that they look at (protocol.md 9.10). There are no tables, ports or sockets of the BEAM's kind here; tracing is `undef`.
 */
import { atom, type Encodable, inspect, Pid, type Term, Tuple, tuple } from '../../etf/index.ts'
import { type Process, ProcessError } from '../../runtime/index.ts'
import type { ExposedFunctions } from '../rpc/exposed.ts'
import type { DescribedNode } from './described-node.ts'
import { initialCall, someProcessInfo } from './process-info.ts'
import { describeSystem, ioStatistics, memory, schedulerWallTime } from './system-info.ts'
import { badarg, charlist, itemName, proplist } from './terms.ts'

const OK = atom('ok')
const ERROR = atom('error')
const EXIT = atom('EXIT')
const STARTED = atom('started')
const STATS = atom('stats')
const PROCS_INFO = atom('procs_info')
const ETOP_INFO = atom('etop_info')
const ETOP_PROC_INFO = atom('etop_proc_info')
const CURRENT_FUNCTION = atom('current_function')
const UNDEFINED = atom('undefined')
const END_OF_TABLE = atom('$end_of_table')
const VERSION = '2.1'
/** As many as newer releases put into one message. */
const CHUNK = 10_000
const MICROS_PER_MS = 1000
const ETOP_MEMORY = ['total', 'processes', 'ets', 'atom', 'code', 'binary']
const SOCKET_COUNTERS = ['num_sockets', 'num_types', 'num_domains', 'num_protocols']

export function observerBackend(node: DescribedNode): ExposedFunctions {
  return {
    'vsn/0': () => tuple(OK, charlist(VERSION)),
    'sys_info/0': () => describeSystem(node),
    'get_port_list/0': () => [],
    'get_socket_list/0': () => [],
    'socket_info/0': () =>
      proplist([['iov_max', 0], ['num_monitors', 0], ...SOCKET_COUNTERS.map((name) => [name, 0] as const)]),
    'get_table_list/2': (kind) => {
      if (itemName(kind) === 'ets') return []
      throw tuple(ERROR, charlist(`Mnesia is not running on: ${node.name}`))
    },
    'get_table/3': function (parent) {
      const reader = this.pid
      this.send(toPid(parent), tuple(reader, END_OF_TABLE))
      return reader
    },
    'procs_info/1': function (collector) {
      const rows = processRows(node, this.pid)
      do this.send(toPid(collector), tuple(PROCS_INFO, this.pid, rows.splice(0, CHUNK)))
      while (rows.length > 0)
      return OK
    },
    'etop_collect/1': function (collector) {
      this.send(toPid(collector), tuple(this.pid, etopInfo(node, this.pid)))
      return OK
    },
    'fetch_stats/2': function (parent, interval) {
      return sendStats(node, this, toPid(parent), Number(interval))
    },
  }
}

/**
 * `dbg` on another node, which `:etop` uses for tracing, waits without an end for the first message of its relay here. It
 * gets that; what it asks for then, `dbg:erlang_trace` and the port of a trace, is `undef` and refused.
 */
export function traceRelay(): ExposedFunctions {
  const relay = async (self: Process, parent: Term | undefined, ...session: Encodable[]): Promise<Term> => {
    self.trapExit = true
    self.send(toPid(parent), tuple(STARTED, self.pid, ...session))
    await self.receive((message) => message instanceof Tuple && message[0] === EXIT)
    return OK
  }
  return {
    'do_relay/2': function (parent) {
      return relay(this, parent)
    },
    // Since OTP 27, where a trace belongs to a session.
    'do_relay/3': function (name, parent) {
      return relay(this, parent, tuple(this.makeRef(), name as Encodable))
    },
  }
}

/** Sends what the load is, again and again, until any message comes. */
async function sendStats(node: DescribedNode, self: Process, parent: Pid, interval: number): Promise<Term> {
  self.trapExit = true
  for (;;) {
    try {
      await self.receive(undefined, { timeout: Math.max(1, interval) })
      return OK
    } catch (error) {
      if (!(error instanceof ProcessError) || error.code !== 'ERR_RUNTIME_RECEIVE_TIMEOUT') throw error
    }
    self.send(parent, tuple(STATS, 1, schedulerWallTime(), ioStatistics(node), proplist(memory())))
  }
}

/** `#etop_info{}` */
function etopInfo(node: DescribedNode, asking: Pid) {
  const rows = processRows(node, asking)
  const now = Date.now()
  const [seconds, micros] = [Math.floor(now / MICROS_PER_MS), (now % MICROS_PER_MS) * MICROS_PER_MS]
  const timestamp = tuple(Math.floor(seconds / 1_000_000), seconds % 1_000_000, micros)
  const all = new Map(memory())
  const memi = proplist(ETOP_MEMORY.map((type) => [type, all.get(type)]))
  return tuple(ETOP_INFO, timestamp, rows.length, UNDEFINED, schedulerWallTime(), 0, [], memi, rows)
}

/** `#etop_proc_info{}` of every process but the one that asks. */
function processRows({ runtime }: DescribedNode, asking: Pid) {
  return runtime.processes().flatMap((pid) => {
    const info = pid.equals(asking) ? undefined : runtime.processInfo(pid)
    if (info === undefined) return []
    const name = info.registeredName ?? labelText(info.processLabel) ?? initialCall(info)
    const current = someProcessInfo(runtime, pid, CURRENT_FUNCTION) as unknown as readonly [Term, Term]
    const { reductions, messageQueueLength } = info
    return [tuple(ETOP_PROC_INFO, pid, 0, reductions, name, 0, current[1], messageQueueLength)]
  })
}

/** As `Process.set_label/1` is shown: text as it is, any other term printed. */
function labelText(label: Encodable | undefined): string | undefined {
  return label === undefined || typeof label === 'string' ? label : inspect(label as Term)
}

/** @throws ExitError `badarg` */
function toPid(term: Term | undefined): Pid {
  return term instanceof Pid ? term : badarg()
}
