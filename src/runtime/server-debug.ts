/**
 * What `sys` switches on in a server: statistics, a log of the last events, a trace. The events and their order are those
 * of `gen_server`: a message came in, a reply went out, or the server went on without one.
 */
import { type Atom, atom, type Encodable, inspect, type Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { ERROR, GEN_CALL, GEN_CAST, OK } from './atoms.ts'
import { printed } from './errors.ts'
import type { From } from './gen-reply.ts'
import { shownTerm } from './shown-term.ts'

/** The server as its debugging sees it. */
export interface Debugged {
  readonly pid: Pid
  readonly name: Atom | undefined
  readonly reductions: number
  /** Where a trace is written. */
  trace(line: string): void
}

interface Statistics {
  readonly startTime: Encodable
  readonly reductions: number
  messagesIn: number
  messagesOut: number
}

interface EventLog {
  readonly limit: number
  readonly events: Encodable[]
}

const IN = atom('in')
const OUT = atom('out')
const NOREPLY = atom('noreply')
const TRACE = atom('trace')
const STATISTICS = atom('statistics')
const LOG = atom('log')
const LOG_TO_FILE = atom('log_to_file')
const GET = atom('get')
const PRINT = atom('print')
const NO_DEBUG = atom('no_debug')
const REMOVE = atom('remove')
const NO_STATISTICS = atom('no_statistics')
const OPEN_FILE = atom('open_file')
const UNKNOWN_DEBUG = atom('unknown_debug')
const REDUCTIONS = atom('reductions')
const UNDEFINED = atom('undefined')

/** As in OTP; `{true, N}` asks for another number. */
const DEFAULT_EVENTS = 10
/** More are not kept, whoever asks for them. */
const MOST_EVENTS = 10_000

export class ServerDebug {
  readonly #server: Debugged
  #tracing = false
  #statistics: Statistics | undefined
  #log: EventLog | undefined

  constructor(server: Debugged) {
    this.#server = server
  }

  /** Nothing is switched on: the server can do without. */
  get isOff(): boolean {
    return !this.#tracing && this.#statistics === undefined && this.#log === undefined
  }

  /** The events of the log, the oldest first, for other nodes to see. */
  shownEvents(): Encodable[] {
    return this.#events.map(shownTerm)
  }

  get #events(): readonly Encodable[] {
    return this.#log?.events ?? []
  }

  messageIn(message: Term): void {
    if (this.#statistics !== undefined) this.#statistics.messagesIn++
    this.#add(tuple(IN, message))
  }

  replyOut(reply: Encodable, to: From, state: unknown): void {
    if (this.#statistics !== undefined) this.#statistics.messagesOut++
    this.#add(tuple(OUT, reply, to, state as Encodable))
  }

  noReply(state: unknown): void {
    this.#add(tuple(NOREPLY, state as Encodable))
  }

  /**
   * Does what `{debug, command}` asks for, and returns the answer of `sys`. Functions of other nodes cannot run here, and
   * files are not written for them: `install` is an unknown command, a file cannot be opened.
   */
  command(command: Term): Encodable {
    if (command === NO_DEBUG) {
      this.#tracing = false
      this.#statistics = this.#log = undefined
      return OK
    }
    if (!(command instanceof Tuple) || command.length !== 2) return UNKNOWN_DEBUG
    const [what, argument] = command as Tuple<[Term, Term]>
    if (what === TRACE && typeof argument === 'boolean') {
      this.#tracing = argument
      return OK
    }
    if (what === STATISTICS) return this.#commandStatistics(argument)
    if (what === LOG) return this.#commandLog(argument)
    if (what === LOG_TO_FILE) return argument === false ? OK : tuple(ERROR, OPEN_FILE)
    return what === REMOVE ? OK : UNKNOWN_DEBUG
  }

  /** The list of debug options, as `sys:get_status` shows it. */
  options(): Encodable[] {
    const options: Encodable[] = []
    if (this.#tracing) options.push(tuple(TRACE, true))
    if (this.#statistics !== undefined) {
      const { startTime, reductions, messagesIn, messagesOut } = this.#statistics
      options.push(
        tuple(STATISTICS, tuple(startTime, tuple(REDUCTIONS, reductions), messagesIn, messagesOut)),
      )
    }
    if (this.#log !== undefined) {
      const { limit, events } = this.#log
      const name = this.#server.name ?? this.#server.pid
      // The third element is the function that prints it, which is nobody else's.
      const entries = [...events].reverse().map((event) => tuple(shownTerm(event), name, UNDEFINED))
      options.push(tuple(LOG, [limit - events.length, ...entries]))
    }
    return options
  }

  #commandStatistics(argument: Term): Encodable {
    if (argument === GET) return tuple(OK, this.#statisticsNow())
    if (argument === true) {
      this.#statistics ??= {
        startTime: localTime(),
        reductions: this.#server.reductions,
        messagesIn: 0,
        messagesOut: 0,
      }
    } else if (argument === false) {
      this.#statistics = undefined
    } else {
      return UNKNOWN_DEBUG
    }
    return OK
  }

  #statisticsNow(): Encodable {
    if (this.#statistics === undefined) return NO_STATISTICS
    const { startTime, reductions, messagesIn, messagesOut } = this.#statistics
    return [
      tuple(atom('start_time'), startTime),
      tuple(atom('current_time'), localTime()),
      tuple(REDUCTIONS, this.#server.reductions - reductions),
      tuple(atom('messages_in'), messagesIn),
      tuple(atom('messages_out'), messagesOut),
    ]
  }

  #commandLog(argument: Term): Encodable {
    if (argument === GET) return tuple(OK, this.shownEvents())
    if (argument === PRINT) {
      for (const event of this.#events) this.#server.trace(this.#describe(event))
      return OK
    }
    if (argument === false) {
      this.#log = undefined
      return OK
    }
    const limit = eventLimit(argument)
    if (limit === undefined) return UNKNOWN_DEBUG
    this.#log = { limit, events: this.#events.slice(-limit) }
    return OK
  }

  #add(event: Encodable): void {
    if (this.#tracing) this.#server.trace(this.#describe(event))
    if (this.#log === undefined) return
    const { events, limit } = this.#log
    events.push(event)
    if (events.length > limit) events.shift()
  }

  /** In the words of `gen_server`, with terms as Elixir prints them. */
  #describe(event: Encodable): string {
    const { name, pid } = this.#server
    const who = name === undefined ? String(pid) : inspect(name)
    const [what, first, second, third] = event as Tuple<[Term, Term, Term, Term]>
    if (what === NOREPLY) return `*DBG* ${who} new state ${printed(first)}`
    if (what === OUT) {
      return `*DBG* ${who} sent ${printed(first)} to ${printed((second as From)[0])}, new state ${printed(third)}`
    }
    const [tag, from, request] = first instanceof Tuple ? (first as Tuple<[Term, Term, Term]>) : []
    if (tag === GEN_CALL)
      return `*DBG* ${who} got call ${printed(request)} from ${printed((from as From)[0])}`
    if (tag === GEN_CAST) return `*DBG* ${who} got cast ${printed(from)}`
    return `*DBG* ${who} got ${printed(first)}`
  }
}

function eventLimit(argument: Term): number | undefined {
  if (argument === true) return DEFAULT_EVENTS
  if (!(argument instanceof Tuple) || argument.length !== 2 || argument[0] !== true) return undefined
  const wanted = argument[1]
  return typeof wanted === 'number' && wanted >= 1 ? Math.min(wanted, MOST_EVENTS) : undefined
}

/** As `erlang:localtime/0`. */
function localTime(): Encodable {
  const now = new Date()
  return tuple(
    tuple(now.getFullYear(), now.getMonth() + 1, now.getDate()),
    tuple(now.getHours(), now.getMinutes(), now.getSeconds()),
  )
}
