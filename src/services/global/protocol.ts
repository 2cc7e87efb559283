/**
 * What the name servers of `global` say to each other, version 8 (protocol.md, section 8): what OTP 25 to 29 speak. The
 * calls that they answer are in `requests.ts`.
 *
 * Casts, in the order in which two nodes that meet send them:
 *
 *   {init_connect, {8, Tag}, Node, {locker, _, _, Locker}}       {lock_set, Locker, Set, Known, Tag}
 *   {exchange, Node, Names, [], Tag}                             {resolved, Node, Ops, Known, unused, NamesExt, Tag}
 *   {new_nodes, Node, Ops, NamesExt, Nodes, ExtraInfo}           {in_sync, Node, true}
 *
 * Plain messages: `init_connect_ack`, `cancel_connect`, `lost_connection`, `remove_connection`, `whereis`. A tag is the
 * receiver's own, except in `init_connect`, where the sender introduces it.
 *
 * Not supported: versions below 8, which no node speaks that the handshake lets in.
 */
import { Atom, atom, type Encodable, Pid, type Term, TermMap, Tuple, tuple } from '../../etf/index.ts'
import { type From, isFrom } from '../../runtime/index.ts'

export const GLOBAL_NAME_SERVER = atom('global_name_server')
export const VERSION = 8
/** The resource that names are changed under. */
export const GLOBAL = atom('global')

/** Tells one attempt of two nodes to synchronize from others; also other integers of peers that are only compared. */
export type Tag = number | bigint

/** A registered name, and what resolves a conflict about it. */
export interface NameRecord {
  readonly name: Term
  readonly pid: Pid
  readonly method: Term
}

export type NameChange =
  | { readonly type: 'insert'; readonly record: NameRecord }
  | { readonly type: 'delete'; readonly name: Term }

/** A name of a process that runs on no BEAM node, such as a C node's, and the node that registered it. */
export interface ExternalName {
  readonly name: Term
  readonly pid: Pid
  readonly node: Atom
}

export interface KnownNode {
  readonly node: Atom
  /** 0: not known. */
  readonly version: number
}

export type GlobalMessage =
  | {
      readonly type: 'init_connect'
      readonly node: Atom
      readonly version: number
      readonly tag: Tag
      readonly locker: Pid
    }
  | { readonly type: 'lock_set'; readonly locker: Pid; readonly isSet: boolean; readonly tag: Tag }
  | {
      readonly type: 'exchange'
      readonly node: Atom
      readonly names: readonly NameRecord[]
      readonly tag: Tag
    }
  | {
      readonly type: 'resolved'
      readonly node: Atom
      readonly changes: readonly NameChange[]
      readonly known: readonly KnownNode[]
      readonly external: readonly ExternalName[]
      readonly tag: Tag
    }
  | {
      readonly type: 'new_nodes'
      readonly node: Atom
      readonly changes: readonly NameChange[]
      readonly external: readonly ExternalName[]
      readonly nodes: readonly KnownNode[]
      /** The requester of the lock under which the nodes met. */
      readonly lock: Term | undefined
    }
  | { readonly type: 'in_sync'; readonly node: Atom }
  | {
      readonly type: 'init_connect_ack'
      readonly node: Atom
      readonly ours: Tag
      readonly theirs: Tag
    }
  | { readonly type: 'cancel_connect'; readonly node: Atom; readonly tag: Tag }
  | {
      readonly type: 'lost_connection'
      readonly node: Atom
      readonly creation: Tag
      readonly operation: Tag
      readonly lost: Atom
    }
  | { readonly type: 'remove_connection'; readonly node: Atom }
  | { readonly type: 'whereis'; readonly name: Term; readonly from: From }

const INIT_CONNECT = atom('init_connect')
const LOCKER = atom('locker')
const NO_LONGER_A_PID = atom('no_longer_a_pid')
const LOCK_SET = atom('lock_set')
const EXCHANGE = atom('exchange')
const RESOLVED = atom('resolved')
const UNUSED = atom('unused')
const NEW_NODES = atom('new_nodes')
const IN_SYNC = atom('in_sync')
const INIT_CONNECT_ACK = atom('init_connect_ack')
const CANCEL_CONNECT = atom('cancel_connect')
const LOST_CONNECTION = atom('lost_connection')
const REMOVE_CONNECTION = atom('remove_connection')
const WHEREIS = atom('whereis')
const INSERT = atom('insert')
const DELETE = atom('delete')
const VSN = atom('vsn')
const LOCK = atom('lock')

export function encodeInitConnect(self: Atom, tag: Tag, locker: Pid): Encodable {
  const them = tuple(LOCKER, NO_LONGER_A_PID, new TermMap(), locker)
  return tuple(INIT_CONNECT, tuple(VERSION, tag), self, them)
}

export function encodeInitConnectAck(self: Atom, theirs: Tag, ours: Tag): Encodable {
  return tuple(INIT_CONNECT_ACK, self, theirs, ours)
}

export function encodeCancelConnect(self: Atom, tag: Tag): Encodable {
  return tuple(CANCEL_CONNECT, self, tag)
}

export function encodeLockSet(locker: Pid, isSet: boolean, known: readonly Atom[], tag: Tag): Encodable {
  return tuple(LOCK_SET, locker, isSet, [...known], tag)
}

/** What a locker sends to another one that takes the lead in an attempt of which it knows nothing. */
export function encodeLockRefusal(locker: Pid, known: readonly Atom[]): Encodable {
  return tuple(LOCK_SET, locker, false, [...known])
}

/** The locker that sent such a refusal; undefined for any other message. */
export function refusingLocker(message: Term): Pid | undefined {
  if (!(message instanceof Tuple) || message.length !== 4 || message[0] !== LOCK_SET) return undefined
  return message[1] instanceof Pid && message[2] === false ? message[1] : undefined
}

export function encodeExchange(self: Atom, names: readonly NameRecord[], tag: Tag): Encodable {
  return tuple(EXCHANGE, self, names.map(encodeRecord), [], tag)
}

export function encodeResolved(
  self: Atom,
  changes: readonly NameChange[],
  known: readonly KnownNode[],
  external: readonly ExternalName[],
  tag: Tag,
): Encodable {
  const [ops, nodes] = [changes.map(encodeChange), known.map(encodeKnown)]
  return tuple(RESOLVED, self, ops, nodes, UNUSED, external.map(encodeExternal), tag)
}

export function encodeNewNodes(
  self: Atom,
  changes: readonly NameChange[],
  external: readonly ExternalName[],
  nodes: readonly KnownNode[],
  lock: Term | undefined,
): Encodable {
  const extra = [tuple(VSN, VERSION), ...(lock === undefined ? [] : [tuple(LOCK, tuple(GLOBAL, lock))])]
  const [ops, known] = [changes.map(encodeChange), nodes.map(encodeKnown)]
  return tuple(NEW_NODES, self, ops, external.map(encodeExternal), known, extra)
}

export function encodeInSync(self: Atom): Encodable {
  return tuple(IN_SYNC, self, true)
}

export function encodeLostConnection(self: Atom, creation: Tag, operation: Tag, lost: Atom): Encodable {
  return tuple(LOST_CONNECTION, self, creation, operation, lost)
}

export function encodeRemoveConnection(self: Atom): Encodable {
  return tuple(REMOVE_CONNECTION, self)
}

export function encodeExternal({ name, pid, node }: ExternalName): Tuple {
  return tuple(name, pid, node)
}

function encodeRecord({ name, pid, method }: NameRecord): Tuple {
  return tuple(name, pid, method)
}

function encodeChange(change: NameChange): Tuple {
  return change.type === 'insert' ? tuple(INSERT, encodeRecord(change.record)) : tuple(DELETE, change.name)
}

function encodeKnown({ node, version }: KnownNode): Tuple {
  return tuple(node, version)
}

/** Reads what came as a cast; undefined when it is none of the protocol. */
export function parseCast(request: Term): GlobalMessage | undefined {
  if (!(request instanceof Tuple)) return undefined
  const parts = request as Tuple<Term[]>
  switch (parts[0]) {
    case INIT_CONNECT:
      return parseInitConnect(parts)
    case LOCK_SET:
      return parseLockSet(parts)
    case EXCHANGE:
      return parseExchange(parts)
    case RESOLVED:
      return parseResolved(parts)
    case NEW_NODES:
      return parseNewNodes(parts)
    case IN_SYNC:
      return parts.length === 3 && parts[1] instanceof Atom ? { type: 'in_sync', node: parts[1] } : undefined
    default:
      return undefined
  }
}

/** Reads a plain message; undefined when it is none of the protocol. */
export function parseMessage(message: Term): GlobalMessage | undefined {
  if (!(message instanceof Tuple)) return undefined
  const [tag, node, third, fourth, fifth] = message as Tuple<Term[]>
  if (tag === WHEREIS && message.length === 3 && node !== undefined) {
    return isFrom(third) ? { type: 'whereis', name: node, from: third } : undefined
  }
  if (!(node instanceof Atom)) return undefined
  switch (tag) {
    case INIT_CONNECT_ACK:
      if (message.length !== 4 || !isTag(third) || !isTag(fourth)) return undefined
      return { type: 'init_connect_ack', node, ours: third, theirs: fourth }
    case CANCEL_CONNECT:
      return message.length === 3 && isTag(third) ? { type: 'cancel_connect', node, tag: third } : undefined
    case LOST_CONNECTION:
      if (message.length !== 5 || !isTag(third) || !isTag(fourth) || !(fifth instanceof Atom))
        return undefined
      return { type: 'lost_connection', node, creation: third, operation: fourth, lost: fifth }
    case REMOVE_CONNECTION:
      return message.length === 2 ? { type: 'remove_connection', node } : undefined
    default:
      return undefined
  }
}

export function parseNodes(list: Term | undefined): KnownNode[] | undefined {
  return listOf(list, (item) => {
    if (item instanceof Atom) return { node: item, version: 0 }
    if (!(item instanceof Tuple) || item.length !== 2) return undefined
    const [node, version] = item as Tuple<Term[]>
    return node instanceof Atom && typeof version === 'number' ? { node, version } : undefined
  })
}

/** Newer versions may say more about themselves behind version and tag. */
function parseInitConnect(parts: Tuple<Term[]>): GlobalMessage | undefined {
  const [, about, node, them] = parts
  if (parts.length !== 4 || !(node instanceof Atom) || !(about instanceof Tuple)) return undefined
  const [version, tag] = about as Tuple<Term[]>
  if (typeof version !== 'number' || !isTag(tag)) return undefined
  if (!(them instanceof Tuple) || them.length !== 4 || them[0] !== LOCKER) return undefined
  const locker = them[3]
  return locker instanceof Pid ? { type: 'init_connect', node, version, tag, locker } : undefined
}

function parseLockSet(parts: Tuple<Term[]>): GlobalMessage | undefined {
  const [, locker, isSet, , tag] = parts
  if (parts.length !== 5 || !(locker instanceof Pid) || typeof isSet !== 'boolean') return undefined
  return isTag(tag) ? { type: 'lock_set', locker, isSet, tag } : undefined
}

function parseExchange(parts: Tuple<Term[]>): GlobalMessage | undefined {
  const [, node, list, , tag] = parts
  if (parts.length !== 5 || !(node instanceof Atom) || !isTag(tag)) return undefined
  const names = listOf(list, parseRecord)
  return names && { type: 'exchange', node, names, tag }
}

function parseResolved(parts: Tuple<Term[]>): GlobalMessage | undefined {
  const [, node, ops, nodes, , ext, tag] = parts
  if (parts.length !== 7 || !(node instanceof Atom) || !isTag(tag)) return undefined
  const changes = listOf(ops, parseChange)
  const known = parseNodes(nodes)
  const external = listOf(ext, parseExternal)
  if (changes === undefined || known === undefined || external === undefined) return undefined
  return { type: 'resolved', node, changes, known, external, tag }
}

function parseNewNodes(parts: Tuple<Term[]>): GlobalMessage | undefined {
  const [, node, ops, ext, list, extra] = parts
  if (parts.length !== 6 || !(node instanceof Atom)) return undefined
  const changes = listOf(ops, parseChange)
  const external = listOf(ext, parseExternal)
  const nodes = parseNodes(list)
  if (changes === undefined || external === undefined || nodes === undefined) return undefined
  return { type: 'new_nodes', node, changes, external, nodes, lock: lockIn(extra) }
}

/** The requester in `[{lock, {global, Requester}}]`. */
function lockIn(extra: Term | undefined): Term | undefined {
  if (!Array.isArray(extra)) return undefined
  for (const item of extra as Term[]) {
    if (!(item instanceof Tuple) || item[0] !== LOCK) continue
    const id = item[1]
    return id instanceof Tuple && id.length === 2 && id[0] === GLOBAL ? (id[1] as Term) : undefined
  }
  return undefined
}

function parseRecord(item: Term): NameRecord | undefined {
  if (!(item instanceof Tuple) || item.length !== 3) return undefined
  const [name, pid, method] = item as Tuple<[Term, Term, Term]>
  return pid instanceof Pid ? { name, pid, method } : undefined
}

function parseChange(item: Term): NameChange | undefined {
  if (!(item instanceof Tuple) || item.length !== 2) return undefined
  const [op, subject] = item as Tuple<[Term, Term]>
  if (op === DELETE) return { type: 'delete', name: subject }
  const record = op === INSERT ? parseRecord(subject) : undefined
  return record && { type: 'insert', record }
}

function parseExternal(item: Term): ExternalName | undefined {
  if (!(item instanceof Tuple) || item.length !== 3) return undefined
  const [name, pid, node] = item as Tuple<[Term, Term, Term]>
  return pid instanceof Pid && node instanceof Atom ? { name, pid, node } : undefined
}

function listOf<T>(list: Term | undefined, parse: (item: Term) => T | undefined): T[] | undefined {
  if (!Array.isArray(list)) return undefined
  const items: T[] = []
  for (const item of list as Term[]) {
    const parsed = parse(item)
    if (parsed === undefined) return undefined
    items.push(parsed)
  }
  return items
}

function isTag(term: Term | undefined): term is Tag {
  return typeof term === 'number' || typeof term === 'bigint'
}
