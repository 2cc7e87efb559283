/** The scope process: it gives messages their order and reads them; what they mean is the scope's business. */
import { atom, Pid, type Term, Tuple } from '../../etf/index.ts'
import { type From, GenServer, noreply, type Process } from '../../runtime/index.ts'
import { type PgMessage, parseCast, parseMessage } from './protocol.ts'

/** Whom the process works for. */
export interface ScopeTables {
  /** The process runs. */
  started(self: Process): void
  handle(message: PgMessage): void
  /** A process that is watched ended, or its node is gone. */
  handleDown(pid: Pid, reason: Term): void
  /** Whatever else somebody sent. */
  ignore(message: Term): void
}

const DOWN = atom('DOWN')

export class PgServer extends GenServer<ScopeTables> {
  override init(scope: ScopeTables): ScopeTables {
    // Groups go by any term: 1 and 1.0 are two.
    this.self.exactTerms = true
    scope.started(this.self)
    return scope
  }

  override handleCast(request: Term, scope: ScopeTables) {
    const message = parseCast(request)
    if (message === undefined) scope.ignore(request)
    else scope.handle(message)
    return noreply(scope)
  }

  override handleCall(request: Term, _from: From, scope: ScopeTables) {
    scope.ignore(request)
    return noreply(scope)
  }

  override handleInfo(info: Term, scope: ScopeTables) {
    const message = parseMessage(info)
    if (message !== undefined) scope.handle(message)
    else if (!this.#handleDown(info, scope)) scope.ignore(info)
    return noreply(scope)
  }

  #handleDown(info: Term, scope: ScopeTables): boolean {
    if (!(info instanceof Tuple) || info.length !== 5 || info[0] !== DOWN) return false
    const pid = info[3]
    if (pid instanceof Pid) scope.handleDown(pid, info[4] as Term)
    return pid instanceof Pid
  }
}
