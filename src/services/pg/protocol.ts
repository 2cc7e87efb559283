/**
 * What the scope processes of `pg` say to each other (protocol.md, section 7).
 *
 * Protocol 0 is that of OTP 23 to 28, protocol 1 that of OTP 29. Both are read; each peer is sent the one that it spoke of
 * itself, and protocol 0 until then: the longer `discover` of protocol 1 crashes the scope process of OTP 25. Both come
 * down to three messages: who is there, everything that the peer's node has, and changes to that.
 */
import { atom, Pid, type Term, TermMap, Tuple, tuple } from '../../etf/index.ts'

/** Pids to add to a group or to take out of it; a pid that joined twice stands there twice. */
export interface GroupChange {
  readonly group: Term
  readonly joined: readonly Pid[]
  readonly left: readonly Pid[]
}

export type PgVersion = 0 | 1

export type PgMessage =
  /** The peer's scope process wants to know our groups. */
  | { readonly type: 'discover'; readonly peer: Pid; readonly version: PgVersion }
  /** All groups of the peer's node; whatever else we knew of it is outdated. */
  | {
      readonly type: 'state'
      readonly peer: Pid
      readonly version: PgVersion
      readonly groups: readonly (readonly [Term, readonly Pid[]])[]
    }
  | { readonly type: 'changes'; readonly peer: Pid; readonly changes: readonly GroupChange[] }

const DISCOVER = atom('discover')
const SYNC = atom('sync')
const JOIN = atom('join')
const LEAVE = atom('leave')
const LOCAL_DATA = atom('local_data')
const UPDATE = atom('update')

/** `{discover, Peer}`, or `{discover, Peer, 1}` */
export function encodeDiscover(peer: Pid, version: PgVersion): Term {
  return (version === 0 ? tuple(DISCOVER, peer) : tuple(DISCOVER, peer, version)) as Term
}

/** `{sync, Peer, [{Group, [Pid]}]}`, or `{local_data, Peer, 1, #{Group => [Pid]}}`; sent as a cast. */
export function encodeState(
  peer: Pid,
  groups: Iterable<readonly [Term, readonly Pid[]]>,
  version: PgVersion,
): Term {
  const copies = [...groups].map(([group, pids]) => [group, [...pids]] as const)
  if (version === 1) return tuple(LOCAL_DATA, peer, version, new TermMap(copies)) as Term
  return tuple(
    SYNC,
    peer,
    copies.map(([group, pids]) => tuple(group, pids)),
  ) as Term
}

/** `{join, Peer, Group, PidOrPids}`, or `{update, Peer, [{Group, Pids, []}]}` */
export function encodeJoin(peer: Pid, group: Term, pids: readonly Pid[], version: PgVersion): Term {
  if (version === 1) return tuple(UPDATE, peer, [tuple(group, [...pids], [])]) as Term
  return tuple(JOIN, peer, group, pids.length === 1 ? pids[0]! : [...pids]) as Term
}

/** `{leave, Peer, PidOrPids, Groups}`, or `{update, Peer, [{Group, [], Pids}]}` */
export function encodeLeave(
  peer: Pid,
  pids: readonly Pid[],
  groups: readonly Term[],
  version: PgVersion,
): Term {
  if (version === 1)
    return tuple(
      UPDATE,
      peer,
      groups.map((group) => tuple(group, [], [...pids])),
    ) as Term
  return tuple(LEAVE, peer, pids.length === 1 ? pids[0]! : [...pids], [...groups]) as Term
}

/** Reads a plain message; undefined when it is none of ours. */
export function parseMessage(message: Term): PgMessage | undefined {
  if (!(message instanceof Tuple)) return undefined
  const [tag, peer] = message as Tuple<Term[]>
  if (!(peer instanceof Pid)) return undefined
  switch (tag) {
    case DISCOVER:
      return parseDiscover(peer, [...message].slice(2) as Term[])
    case JOIN:
      return message.length === 4 ? parseJoin(peer, message[2] as Term, message[3] as Term) : undefined
    case LEAVE:
      return message.length === 4 ? parseLeave(peer, message[2] as Term, message[3] as Term) : undefined
    case UPDATE:
      return message.length === 3 ? parseUpdate(peer, message[2] as Term) : undefined
    default:
      return undefined
  }
}

/** Reads what came as a cast; undefined when it is none of ours. */
export function parseCast(request: Term): PgMessage | undefined {
  if (!(request instanceof Tuple)) return undefined
  const [tag, peer] = request as Tuple<Term[]>
  if (!(peer instanceof Pid)) return undefined
  if (tag === SYNC && request.length === 3) return parseState(peer, request[2] as Term, 0)
  if (tag === LOCAL_DATA && request.length === 4) return parseState(peer, request[3] as Term, 1)
  return undefined
}

/** Of a version that is newer than ours we speak what we know. */
function parseDiscover(peer: Pid, rest: readonly Term[]): PgMessage | undefined {
  if (rest.length > 1) return undefined
  const [version = 0] = rest
  if (typeof version !== 'number') return undefined
  return { type: 'discover', peer, version: version >= 1 ? 1 : 0 }
}

function parseJoin(peer: Pid, group: Term, joined: Term): PgMessage | undefined {
  const pids = pidList(joined)
  return pids && { type: 'changes', peer, changes: [{ group, joined: pids, left: [] }] }
}

function parseLeave(peer: Pid, leaving: Term, groups: Term): PgMessage | undefined {
  const pids = pidList(leaving)
  if (pids === undefined || !Array.isArray(groups)) return undefined
  return { type: 'changes', peer, changes: groups.map((group) => ({ group, joined: [], left: pids })) }
}

function parseUpdate(peer: Pid, updates: Term): PgMessage | undefined {
  if (!Array.isArray(updates)) return undefined
  const changes: GroupChange[] = []
  for (const update of updates as Term[]) {
    if (!(update instanceof Tuple) || update.length !== 3) return undefined
    const joined = pidList(update[1] as Term)
    const left = pidList(update[2] as Term)
    if (joined === undefined || left === undefined) return undefined
    changes.push({ group: update[0] as Term, joined, left })
  }
  return { type: 'changes', peer, changes }
}

/** Protocol 0 has a list of pairs, protocol 1 a map. */
function parseState(peer: Pid, state: Term, version: PgVersion): PgMessage | undefined {
  if (!Array.isArray(state) && !(state instanceof Map)) return undefined
  const groups: [Term, readonly Pid[]][] = []
  for (const pair of state as Iterable<unknown>) {
    const isPair = state instanceof Map || (pair instanceof Tuple && pair.length === 2)
    if (!isPair) return undefined
    const [group, members] = pair as [Term, Term]
    const pids = pidList(members)
    if (pids === undefined) return undefined
    groups.push([group, pids])
  }
  return { type: 'state', peer, version, groups }
}

function pidList(term: Term): readonly Pid[] | undefined {
  if (term instanceof Pid) return [term]
  return Array.isArray(term) && term.every((item) => item instanceof Pid) ? (term as Pid[]) : undefined
}
