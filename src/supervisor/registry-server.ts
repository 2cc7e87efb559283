/**
 * The registered server `n.Registry`: answers what peers and tools ask about the ring, and gives the messages of other
 * nodes and the news about them their order.
 *
 *   call :state | :nodes | {:node_for, key}        cast {:add_nodes, node | [node]}
 *   info {:node_terminate, node, reason, statuses}
 *
 * What only nodes that declared themselves send is in peer-messages.ts.
 */
import { Atom, atom, type Encodable, type Term, Tuple } from '../etf/index.ts'
import { type From, GenServer, noreply, reply } from '../runtime/index.ts'
import {
  type KeepsQuestion,
  type PeerMessage,
  type PeerRequest,
  parseKeeps,
  parsePeerMessage,
  parsePeerRequest,
} from './peer-messages.ts'

/** Whom the server works for. */
export interface RegistryDesk {
  state(): Term
  nodes(): readonly Atom[]
  nodeFor(key: Term): Term
  keeps(question: KeepsQuestion): boolean
  addNodes(nodes: readonly Atom[]): void
  handlePeer(message: PeerMessage): void
  /** Never rejects. */
  handleRequest(request: PeerRequest): Promise<Term>
  handleNodeDown(node: Atom): void
  handleNodeTerminate(node: Atom, reason: Term, statuses: Term): void
  /** Whatever else somebody sent. */
  ignore(message: Term): void
}

const STATE = atom('state')
const NODES = atom('nodes')
const NODE_FOR = atom('node_for')
const ADD_NODES = atom('add_nodes')
const NODE_TERMINATE = atom('node_terminate')
const NODEDOWN = atom('nodedown')

export class RegistryServer extends GenServer<RegistryDesk> {
  override init(desk: RegistryDesk): RegistryDesk {
    // Names and specifications go on to other nodes as they came.
    this.self.exactTerms = true
    return desk
  }

  override handleCall(request: Term, from: From, desk: RegistryDesk) {
    if (request === STATE) return reply(desk.state(), desk)
    if (request === NODES) return reply([...desk.nodes()], desk)
    if (request instanceof Tuple && request.length === 2 && request[0] === NODE_FOR) {
      return reply(desk.nodeFor(request[1] as Term), desk)
    }
    const question = parseKeeps(request)
    if (question !== undefined) return reply(desk.keeps(question), desk)
    const wanted = parsePeerRequest(request)
    // A start takes its time; others are not to wait for it.
    if (wanted !== undefined) void desk.handleRequest(wanted).then((answer) => this.reply(from, answer))
    else desk.ignore(request)
    return noreply(desk)
  }

  override handleCast(request: Term, desk: RegistryDesk) {
    const message = parsePeerMessage(request)
    if (message !== undefined) desk.handlePeer(message)
    else if (request instanceof Tuple && request.length === 2 && request[0] === ADD_NODES) {
      desk.addNodes(atoms(request[1] as Term))
    } else desk.ignore(request)
    return noreply(desk)
  }

  override handleInfo(info: Term, desk: RegistryDesk) {
    const [tag, node] = info instanceof Tuple ? (info as Tuple<[Term, Term]>) : []
    if (info instanceof Tuple && node instanceof Atom && tag === NODE_TERMINATE && info.length === 4) {
      desk.handleNodeTerminate(node, info[2] as Term, info[3] as Term)
    } else if (info instanceof Tuple && node instanceof Atom && tag === NODEDOWN) desk.handleNodeDown(node)
    else desk.ignore(info)
    return noreply(desk)
  }

  override formatStatus(desk: RegistryDesk): Encodable {
    return desk.state()
  }
}

function atoms(term: Term): Atom[] {
  const list: readonly Term[] = Array.isArray(term) ? term : [term]
  return list.filter((node) => node instanceof Atom)
}
