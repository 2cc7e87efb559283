/** Looking into running servers: the functions of `sys`, for servers of this node and of others. */
import { type Atom, atom, type Encodable, type Term, Tuple, tuple } from '../etf/index.ts'
import { ERROR, OK, SYSTEM } from './atoms.ts'
import type { CallOptions } from './calls.ts'
import type { Destination } from './destination.ts'
import { SysError } from './errors.ts'

/** Who asks: a node, a runtime, a process. */
export interface SysCaller {
  request(label: Atom, to: Destination, request: Encodable, options?: CallOptions): Promise<Term>
}

/** What `statistics` tells. */
export interface ServerStatistics {
  /** `{{Year, Month, Day}, {Hour, Minute, Second}}` in local time. */
  readonly startTime: Term
  readonly currentTime: Term
  readonly reductions: number
  readonly messagesIn: number
  readonly messagesOut: number
}

const GET = atom('get')

/**
 * @throws CallError as any call. SysError `ERR_RUNTIME_SYS` when the server refuses; `reason` is what it said.
 *
 * @example
 * await sys.getState(node, pid) // 0
 * await sys.replaceState(node, pid, (count) => Number(count) + 41) // 41
 * await sys.statistics(node, pid, true)
 * await node.call(pid, atom('get')) // 41
 * const { messagesIn, messagesOut } = (await sys.statistics(node, pid)) ?? {}
 * messagesIn === 1 && messagesOut === 1 // true
 */
export const sys = {
  /** The state; of a server of this node the value itself, of others the term. */
  async getState<S = unknown>(caller: SysCaller, server: Destination, options?: CallOptions): Promise<S> {
    return unwrapped(await ask(caller, server, atom('get_state'), options)) as S
  },

  /**
   * Puts `replace(state)` in the place of the state, and resolves with it. The function can run on this node only: the
   * server has to be one of this node too.
   *
   * @throws EncodeError for a server of another node
   */
  async replaceState<S = unknown>(
    caller: SysCaller,
    server: Destination,
    replace: (state: S) => S,
    options?: CallOptions,
  ): Promise<S> {
    const request = tuple(atom('replace_state'), replace as unknown as Encodable)
    return unwrapped(await ask(caller, server, request, options)) as S
  },

  /** `{status, Pid, {module, gen_server}, [PDict, SysState, Parent, Debug, Misc]}` */
  getStatus(caller: SysCaller, server: Destination, options?: CallOptions): Promise<Term> {
    return ask(caller, server, atom('get_status'), options)
  },

  /** From now on the server handles nothing but system messages; the others wait. */
  async suspend(caller: SysCaller, server: Destination, options?: CallOptions): Promise<void> {
    unwrapped(await ask(caller, server, atom('suspend'), options))
  },

  async resume(caller: SysCaller, server: Destination, options?: CallOptions): Promise<void> {
    unwrapped(await ask(caller, server, atom('resume'), options))
  },

  /** Has a suspended server turn its state into that of another version: its `codeChange` runs. */
  async changeCode(
    caller: SysCaller,
    server: Destination,
    change: { readonly module?: Atom; readonly oldVersion?: Encodable; readonly extra?: Encodable } = {},
    options?: CallOptions,
  ): Promise<void> {
    const { module = atom('undefined'), oldVersion = atom('undefined'), extra = [] } = change
    unwrapped(await ask(caller, server, tuple(atom('change_code'), module, oldVersion, extra), options))
  },

  statistics: serverStatistics,

  /** Writes every event to the logger of the server's node, as warnings; a BEAM prints them there. */
  async trace(caller: SysCaller, server: Destination, on: boolean, options?: CallOptions): Promise<void> {
    unwrapped(await ask(caller, server, tuple(DEBUG, tuple(atom('trace'), on)), options))
  },

  log: serverLog,

  /** Switches statistics, trace and log off. */
  async noDebug(caller: SysCaller, server: Destination, options?: CallOptions): Promise<void> {
    unwrapped(await ask(caller, server, tuple(DEBUG, atom('no_debug')), options))
  },
} as const

const DEBUG = atom('debug')

/** Switches them on or off; without `on` resolves with what was counted, undefined when they are off. */
async function serverStatistics(
  caller: SysCaller,
  server: Destination,
  on?: boolean,
  options?: CallOptions,
): Promise<ServerStatistics | undefined> {
  const request = tuple(DEBUG, tuple(atom('statistics'), on ?? GET))
  const counted = unwrapped(await ask(caller, server, request, options))
  if (on !== undefined || !Array.isArray(counted)) return undefined
  const values = counted.map((entry) => (entry as Tuple<[Term, Term]>)[1])
  const [startTime, currentTime, reductions, messagesIn, messagesOut] = values as Term[]
  return {
    startTime: startTime as Term,
    currentTime: currentTime as Term,
    reductions: Number(reductions),
    messagesIn: Number(messagesIn),
    messagesOut: Number(messagesOut),
  }
}

/**
 * Switches the log of the last events on (a number says how many, 10 unless given) or off; without `on` resolves with
 * the events, the oldest first: `{in, Message}`, `{out, Reply, From, State}`, `{noreply, State}`.
 */
async function serverLog(
  caller: SysCaller,
  server: Destination,
  on?: boolean | number,
  options?: CallOptions,
): Promise<Term[]> {
  const argument = on === undefined ? GET : typeof on === 'number' ? tuple(true, on) : on
  const events = unwrapped(await ask(caller, server, tuple(DEBUG, tuple(atom('log'), argument)), options))
  return on === undefined && Array.isArray(events) ? events : []
}

function ask(
  caller: SysCaller,
  server: Destination,
  request: Encodable,
  options?: CallOptions,
): Promise<Term> {
  return caller.request(SYSTEM, server, request, options)
}

/** What is in `{ok, Value}`; older releases answer some questions with the bare value. @throws SysError */
function unwrapped(answer: Term): Term {
  if (!(answer instanceof Tuple) || answer.length !== 2) return answer
  if (answer[0] === ERROR) throw new SysError(answer[1] as Term)
  return answer[0] === OK ? (answer[1] as Term) : answer
}
