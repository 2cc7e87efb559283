/** The process `global_name_server`: reads messages and answers calls; what they mean is decided in name-server.ts. */
import { Atom, atom, brief, type Pid, Reference, type Term, Tuple } from '../../etf/index.ts'
import { type From, GenServer, noreply, type Process, reply } from '../../runtime/index.ts'
import { longestPause } from './lock-calls.ts'
import type { NameServer } from './name-server.ts'
import { encodeExternal, parseCast, parseMessage, VERSION } from './protocol.ts'
import { type GlobalRequest, parseRequest } from './requests.ts'

/** Whom the process works for. */
export interface GlobalTables {
  /** The process runs. @returns the decisions it serves. */
  started(self: Process): NameServer
  /** The process that has the name. */
  whereis(name: Term): Pid | undefined
  isLocked(): boolean
  /** Connects to the nodes that somebody waits to be in sync with. */
  reach(nodes: readonly Atom[]): void
}

const YES = atom('yes')
const OK = atom('ok')
const DOWN = atom('DOWN')
const UNDEFINED = atom('undefined')
const NODEUP = atom('nodeup')
const NODEDOWN = atom('nodedown')
/** As the BEAM: a question while names change is asked again within 4 s. */
const ASK_AGAIN_ATTEMPT = 5

export class GlobalServer extends GenServer<NameServer> {
  #tables!: GlobalTables

  override init(tables: GlobalTables): NameServer {
    this.#tables = tables
    // Names are any terms: 1 and 1.0 are two.
    this.self.exactTerms = true
    this.self.trapExit = true
    return tables.started(this.self)
  }

  override handleCall(request: Term, from: From, server: NameServer) {
    const parsed = parseRequest(request)
    if (parsed === undefined) return this.#ignore(request, server)
    if (parsed.type === 'sync') {
      this.#tables.reach(parsed.nodes)
      server.sync(parsed.nodes, () => this.reply(from, OK))
      return noreply(server)
    }
    return reply(answer(parsed, from, server), server)
  }

  override handleCast(request: Term, server: NameServer) {
    const message = parseCast(request)
    if (message === undefined || message.type === 'whereis') return this.#ignore(request, server)
    server.handle(message)
    return noreply(server)
  }

  override handleInfo(info: Term, server: NameServer) {
    const message = parseMessage(info)
    if (message?.type === 'whereis') this.#whereis(info, message.name, message.from)
    else if (message !== undefined) server.handle(message)
    else if (!handleEvent(info, server)) return this.#ignore(info, server)
    return noreply(server)
  }

  /** While names change nobody can say who has one. */
  #whereis(question: Term, name: Term, from: From): void {
    if (this.#tables.isLocked()) {
      const pause = Math.ceil(Math.random() * longestPause(ASK_AGAIN_ATTEMPT))
      this.self.sendAfter(this.self.pid, question, pause)
    } else {
      this.reply(from, this.#tables.whereis(name) ?? UNDEFINED)
    }
  }

  #ignore(message: Term, server: NameServer) {
    this.self.logger.debug({ message: brief(message) }, 'global ignores an unknown message')
    return noreply(server)
  }
}

/** The answers that are there at once. */
function answer(request: Exclude<GlobalRequest, { type: 'sync' }>, from: From, server: NameServer) {
  switch (request.type) {
    case 'set_lock':
      return server.locks.set(request.id, from[0])
    case 'del_lock':
      server.locks.del(request.id, from[0])
      return true
    case 'register':
      server.register(request, from[0])
      return YES
    case 'register_ext':
      server.register(request, from[0], request.node)
      return YES
    case 'unregister':
      server.names.remove(request.name)
      return OK
    case 'get_known':
      return server.peers.known()
    case 'get_synced':
      return [...server.peers.synced]
    case 'get_names_ext':
      return server.names.external().map(encodeExternal)
    case 'get_protocol_version':
      return VERSION
    case 'disconnect':
      return server.disconnect()
  }
}

/** What the runtime and the node tell: monitors that fire, nodes that come and go. */
function handleEvent(info: Term, server: NameServer): boolean {
  if (!(info instanceof Tuple)) return false
  const [tag, second] = info as Tuple<Term[]>
  if (tag === DOWN && info.length === 5 && second instanceof Reference) server.processDown(second)
  else if (tag === NODEUP && info.length === 2 && second instanceof Atom) server.nodeUp(second)
  else if (tag === NODEDOWN && info.length === 2 && second instanceof Atom) server.nodeDown(second)
  else return false
  return true
}
