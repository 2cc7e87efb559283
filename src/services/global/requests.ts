/** The calls that a `global_name_server` answers (protocol.md 8.5), as terms and as what they mean. */
import { Atom, atom, type Encodable, Pid, type Term, Tuple, tuple } from '../../etf/index.ts'

/** A lock, and who asks for it: whoever asks in the same name shares it. */
export interface LockId {
  readonly resource: Term
  readonly requester: Term
}

export type GlobalRequest =
  | { readonly type: 'set_lock' | 'del_lock'; readonly id: LockId }
  | { readonly type: 'register'; readonly name: Term; readonly pid: Pid; readonly method: Term }
  | {
      readonly type: 'register_ext'
      readonly name: Term
      readonly pid: Pid
      readonly method: Term
      readonly node: Atom
    }
  | { readonly type: 'unregister'; readonly name: Term }
  | { readonly type: 'sync'; readonly nodes: readonly Atom[] }
  | {
      readonly type: 'get_known' | 'get_synced' | 'get_names_ext' | 'get_protocol_version' | 'disconnect'
    }

const SET_LOCK = atom('set_lock')
const DEL_LOCK = atom('del_lock')
const REGISTER = atom('register')
const REGISTER_EXT = atom('register_ext')
const UNREGISTER = atom('unregister')
const SYNC = atom('sync')

export function setLock({ resource, requester }: LockId): Encodable {
  return tuple(SET_LOCK, tuple(resource, requester))
}

export function delLock({ resource, requester }: LockId): Encodable {
  return tuple(DEL_LOCK, tuple(resource, requester))
}

export function register(name: Term, pid: Pid, method: Term): Encodable {
  return tuple(REGISTER, name, pid, method)
}

export function unregister(name: Term): Encodable {
  return tuple(UNREGISTER, name)
}

/** Undefined when it is none that a name server answers. */
export function parseRequest(request: Term): GlobalRequest | undefined {
  if (request instanceof Atom) return parseQuestion(request)
  if (!(request instanceof Tuple)) return undefined
  const [tag, subject, pid, method, node] = request as Tuple<Term[]>
  if (subject === undefined) return undefined
  switch (tag) {
    case SET_LOCK:
      return request.length === 2 ? parseLock('set_lock', subject) : undefined
    case DEL_LOCK:
      return request.length === 2 ? parseLock('del_lock', subject) : undefined
    case REGISTER:
      if (request.length !== 4 || !(pid instanceof Pid) || method === undefined) return undefined
      return { type: 'register', name: subject, pid, method }
    case REGISTER_EXT:
      if (request.length !== 5 || !(pid instanceof Pid) || method === undefined) return undefined
      return node instanceof Atom ? { type: 'register_ext', name: subject, pid, method, node } : undefined
    case UNREGISTER:
      return request.length === 2 ? { type: 'unregister', name: subject } : undefined
    case SYNC:
      return request.length === 2 ? parseSync(subject) : undefined
    default:
      return undefined
  }
}

function parseQuestion({ name }: Atom): GlobalRequest | undefined {
  switch (name) {
    case 'get_known':
    case 'get_synced':
    case 'get_names_ext':
    case 'get_protocol_version':
    case 'disconnect':
      return { type: name }
    default:
      return undefined
  }
}

function parseLock(type: 'set_lock' | 'del_lock', id: Term): GlobalRequest | undefined {
  if (!(id instanceof Tuple) || id.length !== 2) return undefined
  const [resource, requester] = id as Tuple<[Term, Term]>
  return { type, id: { resource, requester } }
}

function parseSync(nodes: Term): GlobalRequest | undefined {
  if (!Array.isArray(nodes)) return undefined
  const atoms = (nodes as Term[]).filter((node): node is Atom => node instanceof Atom)
  return atoms.length === nodes.length ? { type: 'sync', nodes: atoms } : undefined
}
