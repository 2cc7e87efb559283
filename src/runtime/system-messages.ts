/**
 * System messages to servers, `{system, From, Request}` (protocol.md 9.2): what `sys` and `gen_server:stop` send.
 *
 * The function of `replace_state` runs when it is one of this node. One of another node cannot: as on a BEAM that does
 * not have the module of a function, the answer is `{error, {callback_failed, ..., {error, undef}}}` and the state stays.
 */
import { type Atom, atom, type Encodable, type Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { ERROR, EXIT, OK, SYSTEM } from './atoms.ts'
import type { Cell } from './cell.ts'
import { exitReason } from './crash.ts'
import type { Delivery } from './delivery.ts'
import { type From, replyAlias } from './gen-reply.ts'
import type { MaybePromise } from './server-callbacks.ts'
import type { ServerDebug } from './server-debug.ts'
import { isThenable } from './server-start.ts'
import { shownTerm } from './shown-term.ts'

/** A server as system messages see it. */
export interface SystemTarget {
  readonly pid: Pid
  readonly parent: Pid
  readonly ancestors: readonly (Pid | Atom)[]
  readonly label: string
  readonly name: Atom | undefined
  /** As `Process.set_label/1` gives one. */
  readonly processLabel: Encodable | undefined
  state: unknown
  suspended: boolean
  /** Made when something is switched on. */
  readonly debug: ServerDebug | undefined
  /** Does what `{debug, command}` asks for. */
  debugCommand(command: Term): Encodable
  formatStatus(): Encodable
  /** What the server leaves to its successor; undefined when it leaves nothing. */
  handoff(): MaybePromise<{ readonly state: unknown } | undefined>
  /** Has the server turn its state into that of another version. */
  codeChange(oldVersion: Term, extra: Term): MaybePromise<unknown>
}

/** What to answer, and whether the server ends then. */
export interface SystemAnswer {
  readonly reply: Encodable
  readonly terminate?: { readonly reason: Term }
}

const ANCESTORS = atom('$ancestors')
const CALLBACK_FAILED = atom('callback_failed')
const CHANGE_CODE = atom('change_code')
const DATA = atom('data')
const DEBUG = atom('debug')
const GEN_SERVER = atom('gen_server')
const GET_STATE = atom('get_state')
const GET_STATUS = atom('get_status')
const HANDOFF = atom('$beamjoin_handoff')
const HEADER = atom('header')
const INIT = atom('init')
const INITIAL_CALL = atom('$initial_call')
const MODULE = atom('module')
const PROCESS_LABEL = atom('$process_label')
const REPLACE_STATE = atom('replace_state')
const RESUME = atom('resume')
const NONE = atom('none')
const RUNNING = atom('running')
const SHUTDOWN = atom('shutdown')
const STATE = atom('state')
const STATUS = atom('status')
const SUSPEND = atom('suspend')
const SUSPENDED = atom('suspended')
const SYSTEM_REPLACE_STATE = atom('system_replace_state')
const TERMINATE = atom('terminate')
const UNDEF = atom('undef')
const UNKNOWN_SYSTEM_MSG = atom('unknown_system_msg')
const NOT_A_TERM = atom('not_a_term')

/** A promise only while the server changes its code, which may take time. */
export function answerSystem(server: SystemTarget, from: From, request: Term): MaybePromise<SystemAnswer> {
  if (request === GET_STATE) return { reply: stateAnswer(server, from) }
  if (request === GET_STATUS) return { reply: statusOf(server) }
  if (request === SUSPEND || request === RESUME) {
    server.suspended = request === SUSPEND
    return { reply: OK }
  }
  if (request === HANDOFF) return handOff(server)
  if (!(request instanceof Tuple)) return unknown(request)
  if (request.length === 2) {
    if (request[0] === TERMINATE) return { reply: OK, terminate: { reason: request[1] as Term } }
    if (request[0] === DEBUG) return { reply: server.debugCommand(request[1] as Term) }
    if (request[0] === REPLACE_STATE) return { reply: replaceState(server, from, request[1]) }
  }
  // As in OTP, code is changed while the server is suspended.
  if (request[0] === CHANGE_CODE && request.length === 4 && server.suspended) {
    return changeCode(server, request[2] as Term, request[3] as Term)
  }
  return unknown(request)
}

function unknown(request: Term): SystemAnswer {
  return { reply: tuple(ERROR, tuple(UNKNOWN_SYSTEM_MSG, request)) }
}

/** Code of this node gets the state itself, everybody else a term. */
function stateAnswer(server: SystemTarget, from: From): Encodable {
  const isOurs = from[0].node === server.pid.node
  const state = isOurs ? (server.state as Encodable) : shownTerm(server.state)
  return isOldCaller(server, from) ? state : tuple(OK, state)
}

function replaceState(server: SystemTarget, from: From, replace: unknown): Encodable {
  if (typeof replace !== 'function') return callbackFailed(UNDEF)
  try {
    server.state = replace(server.state)
  } catch (error) {
    const reason = exitReason(error)
    return callbackFailed(reason instanceof Tuple ? (reason[0] as Term) : reason)
  }
  return stateAnswer(server, from)
}

function callbackFailed(reason: Term): Encodable {
  return tuple(ERROR, tuple(CALLBACK_FAILED, tuple(GEN_SERVER, SYSTEM_REPLACE_STATE), tuple(ERROR, reason)))
}

function changeCode(server: SystemTarget, oldVersion: Term, extra: Term): MaybePromise<SystemAnswer> {
  const changed = (state: unknown): SystemAnswer => {
    server.state = state
    return { reply: OK }
  }
  const failed = (error: unknown): SystemAnswer => ({ reply: tuple(ERROR, tuple(EXIT, exitReason(error))) })
  try {
    const state = server.codeChange(oldVersion, extra)
    return isThenable(state) ? Promise.resolve(state).then(changed, failed) : changed(state)
  } catch (error) {
    return failed(error)
  }
}

/** Asked by the supervisor of a child that goes on elsewhere. No message is handled between the answer and the end. */
function handOff(server: SystemTarget): MaybePromise<SystemAnswer> {
  const terminate = { reason: SHUTDOWN }
  const given = (handoff: { readonly state: unknown } | undefined): SystemAnswer => ({
    reply: handoff === undefined ? NONE : tuple(STATE, handoff.state as Encodable),
    terminate,
  })
  const failed = (error: unknown): SystemAnswer => ({ reply: tuple(ERROR, exitReason(error)), terminate })
  try {
    const handoff = server.handoff()
    return isThenable(handoff) ? Promise.resolve(handoff).then(given, failed) : given(handoff)
  } catch (error) {
    return failed(error)
  }
}

/**
 * Before OTP 26 `sys:get_state` takes the bare state, since then (26.1 to be exact) `{ok, State}`. The caller's release
 * shows in its alias, which has three words there and five since.
 */
function isOldCaller(server: SystemTarget, from: From): boolean {
  const alias = replyAlias(from[1])
  return alias !== undefined && alias.node !== server.pid.node && alias.words.length <= 3
}

/** `{status, Pid, {module, gen_server}, [PDict, SysState, Parent, Debug, Misc]}`, filled as `gen_server` fills it. */
function statusOf(server: SystemTarget): Encodable {
  const sysState = server.suspended ? SUSPENDED : RUNNING
  const dictionary = [
    tuple(INITIAL_CALL, tuple(atom(server.label), INIT, 1)),
    tuple(ANCESTORS, [...server.ancestors]),
    ...(server.processLabel === undefined ? [] : [tuple(PROCESS_LABEL, server.processLabel)]),
  ]
  const name = server.name ?? server.pid
  const misc = [
    tuple(HEADER, charlist(`Status for generic server ${name}`)),
    tuple(DATA, [
      tuple(charlist('Status'), sysState),
      tuple(charlist('Parent'), server.parent),
      tuple(charlist('Logged events'), server.debug?.shownEvents() ?? []),
    ]),
    tuple(DATA, [tuple(charlist('State'), shownTerm(server.formatStatus()))]),
  ]
  return tuple(STATUS, server.pid, tuple(MODULE, GEN_SERVER), [
    dictionary,
    sysState,
    server.parent,
    server.debug?.options() ?? [],
    misc,
  ])
}

function charlist(text: string): number[] {
  return [...text].map((character) => character.codePointAt(0) as number)
}

/** Whether a suspended server looks at the message at once; everything else waits. */
export function isForSuspended(message: Term, parent: Pid): boolean {
  if (!(message instanceof Tuple) || message.length !== 3) return false
  return message[0] === SYSTEM || (message[0] === EXIT && parent.equals(message[1]))
}

/** What was asked for may have no term, and that must not end the server. */
export function replySystem(delivery: Delivery, server: Cell, from: From, reply: Encodable): void {
  try {
    delivery.reply(server, from, reply)
  } catch {
    delivery.reply(server, from, tuple(ERROR, NOT_A_TERM))
  }
}
