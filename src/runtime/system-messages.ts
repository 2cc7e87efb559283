/**
 * System messages to servers, `{system, From, Request}` (protocol.md 9.2): what `sys` and `gen_server:stop` send.
 * Debugging, code change and replacing the state are not supported: they are answered as unknown requests are in OTP.
 */
import { inspect as print } from 'node:util'
import { type Atom, atom, type Encodable, encode, type Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import { ERROR, OK } from './atoms.ts'
import { type From, replyAlias } from './gen-reply.ts'

/** A server as system messages see it. */
export interface SystemTarget {
  readonly pid: Pid
  readonly parent: Pid
  readonly ancestors: readonly (Pid | Atom)[]
  readonly label: string
  readonly name: Atom | undefined
  readonly state: unknown
  suspended: boolean
  formatStatus(): Encodable
}

/** What to answer, and whether the server ends then. */
export interface SystemAnswer {
  readonly reply: Encodable
  readonly terminate?: { readonly reason: Term }
}

const ANCESTORS = atom('$ancestors')
const DATA = atom('data')
const GEN_SERVER = atom('gen_server')
const GET_STATE = atom('get_state')
const GET_STATUS = atom('get_status')
const HEADER = atom('header')
const INIT = atom('init')
const INITIAL_CALL = atom('$initial_call')
const MODULE = atom('module')
const RESUME = atom('resume')
const RUNNING = atom('running')
const STATUS = atom('status')
const SUSPEND = atom('suspend')
const SUSPENDED = atom('suspended')
const TERMINATE = atom('terminate')
const UNKNOWN_SYSTEM_MSG = atom('unknown_system_msg')

export function answerSystem(server: SystemTarget, from: From, request: Term): SystemAnswer {
  if (request === GET_STATE) {
    const state = asTerm(server.state)
    return { reply: isOldCaller(server, from) ? state : tuple(OK, state) }
  }
  if (request === GET_STATUS) return { reply: statusOf(server) }
  if (request === SUSPEND || request === RESUME) {
    server.suspended = request === SUSPEND
    return { reply: OK }
  }
  if (request instanceof Tuple && request.length === 2 && request[0] === TERMINATE) {
    return { reply: OK, terminate: { reason: request[1] as Term } }
  }
  return { reply: tuple(ERROR, tuple(UNKNOWN_SYSTEM_MSG, request)) }
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
  ]
  const name = server.name ?? server.pid
  const misc = [
    tuple(HEADER, charlist(`Status for generic server ${name}`)),
    tuple(DATA, [
      tuple(charlist('Status'), sysState),
      tuple(charlist('Parent'), server.parent),
      tuple(charlist('Logged events'), []),
    ]),
    tuple(DATA, [tuple(charlist('State'), asTerm(server.formatStatus()))]),
  ]
  return tuple(STATUS, server.pid, tuple(MODULE, GEN_SERVER), [dictionary, sysState, server.parent, [], misc])
}

/** A state may hold what has no term; then it is shown as text, as `console.log` prints it. */
function asTerm(state: unknown): Encodable {
  try {
    encode(state as Encodable)
    return state as Encodable
  } catch {
    return print(state, { depth: 1 }).replace(/\p{Surrogate}/gu, '\ufffd')
  }
}

function charlist(text: string): number[] {
  return [...text].map((character) => character.codePointAt(0) as number)
}
