/**
 * A scope of `pg`: process groups that every node with the same scope sees alike (protocol.md, section 7).
 *
 *   our scope process                               the peer's
 *     {discover, Us}                     ->           at start and when a visible node comes up
 *                                        <-           {'$gen_cast', {sync, Them, Groups}}, and {discover, Them} when
 *                                                     it did not know us
 *     {join | leave, Us, Pids, Group(s)} ->           every change from then on
 *
 * With OTP 29 the same in other words: see protocol.ts.
 *
 * Both watch each other; when one ends, the other forgets its members. Reading is synchronous, from tables. Hidden
 * nodes are answered when they ask, but not asked, as OTP decided.
 */
import type { Logger } from '../../core/index.ts'
import {
  type Atom,
  atom,
  brief,
  type Encodable,
  Pid,
  type Reference,
  type Term,
  TermMap,
} from '../../etf/index.ts'
import type { Process, Runtime } from '../../runtime/index.ts'
import { wireTerm } from '../wire-term.ts'
import { PgError } from './errors.ts'
import { Groups } from './groups.ts'
import {
  encodeDiscover,
  encodeJoin,
  encodeLeave,
  encodeState,
  type PgMessage,
  type PgVersion,
} from './protocol.ts'
import { PgServer, type ScopeTables } from './server.ts'
import { type PgListener, PgMonitor, Watchers } from './watchers.ts'

/** What a scope needs of its node. */
export interface PgHost {
  readonly name: Atom
  readonly runtime: Runtime
  readonly logger: Logger
  /** The visible nodes that are connected. */
  nodes(): Atom[]
  /** Any node, hidden ones included. */
  isConnected(node: Atom): boolean
  onNodeUp(listener: (node: Atom, info: { type: 'visible' | 'hidden' }) => void): () => void
}

const NOCONNECTION = atom('noconnection')
const SHUTDOWN = atom('shutdown')

/**
 * Process groups by any term as name. A group exists while it has members; a process may join several times.
 *
 * @example
 * const scope = node.pg()
 * scope.join('workers', pid)
 * scope.members('workers').length // 1
 * // iex> :pg.get_members("workers")
 */
export class PgScope implements ScopeTables {
  readonly name: Atom
  /** The scope process. */
  readonly pid: Pid
  readonly #host: PgHost
  readonly #groups = new Groups()
  readonly #watchers: Watchers
  readonly #monitors = new Set<PgMonitor>()
  readonly #forgetNodeUp: () => void
  /** Monitors of local members, by pid. */
  readonly #watches = new Map<string, Reference>()
  /** Undefined until the process runs, and after its end. */
  #process: Process | undefined
  #ended = false

  private constructor(host: PgHost, name: Atom) {
    this.#host = host
    this.name = name
    this.#watchers = new Watchers((error) =>
      host.logger.error({ scope: name.name, error }, 'a pg listener threw'),
    )
    this.pid = host.runtime.spawn(PgServer, this)
    // A member is one until it has ended.
    host.runtime.serves(this.pid)
    // Whoever ends the process, the tables end with it.
    host.runtime.monitor(this.pid, () => this.#end())
    this.#forgetNodeUp = host.onNodeUp((node, { type }) => {
      this.#groups.setUntold(node)
      if (type === 'visible') this.#discover(node)
    })
  }

  /**
   * Starts the process of a scope, registered under the scope's name.
   *
   * @throws ProcessError `ERR_RUNTIME_NAME_TAKEN` when this node runs it already, or a process has its name.
   */
  static start(host: PgHost, name: Atom): PgScope {
    const scope = new PgScope(host, name)
    try {
      host.runtime.register(name, scope.pid)
    } catch (error) {
      scope.stop()
      throw error
    }
    return scope
  }

  /** False after `stop`, and when somebody ended the process. */
  get isAlive(): boolean {
    return !this.#ended && this.#host.runtime.isAlive(this.pid)
  }

  /**
   * Makes processes of this node members; one that is dead leaves again at once.
   *
   * @param group any term
   * @throws PgError for a pid of another node, and on a stopped scope.
   */
  join(group: Encodable, pids: Pid | readonly Pid[]): void {
    const joining = this.#checkLocal(pids)
    if (joining.length === 0) return
    const name = wireTerm(group)
    const events = this.#groups.join(name, joining)
    for (const pid of joining) this.#watch(pid)
    this.#broadcast((self, version) => encodeJoin(self, name, joining, version))
    this.#watchers.tell(events)
  }

  /**
   * Takes each process out of the group once.
   *
   * @returns false when none of them was a member.
   * @throws PgError as `join`.
   */
  leave(group: Encodable, pids: Pid | readonly Pid[]): boolean {
    const events = this.#groups.leave(group as Term, this.#checkLocal(pids))
    for (const { pids: left } of events) {
      this.#broadcast((self, version) => encodeLeave(self, left, [group as Term], version))
      for (const pid of left) this.#unwatch(pid)
    }
    this.#watchers.tell(events)
    return events.length > 0
  }

  /** All members, here and elsewhere; one that joined twice stands there twice. */
  members(group: Encodable): Pid[] {
    return this.#groups.members(group as Term)
  }

  /** The members of this node. */
  localMembers(group: Encodable): Pid[] {
    return this.#groups.localMembers(group as Term)
  }

  /** The names of all groups. */
  groups(): Term[] {
    return this.#groups.names()
  }

  /** Every group with its members. */
  snapshot(): TermMap<Term, Pid[]> {
    return this.#groups.snapshot()
  }

  /**
   * How the scope is now, and everything that happens from now on. Mirrors `pg:monitor_scope/1`, and `pg:monitor/2` when
   * a group is given.
   *
   * @param options `signal` ends it, as `stop()` and leaving a `for await` loop do
   * @example
   * const monitor = scope.monitor({ group: 'workers' })
   * scope.join('workers', pid)
   * for await (const { type, group, pids } of monitor) {
   *   console.log(type, group, pids)
   *   break // ends the monitor
   * }
   */
  monitor(options: { readonly group?: Encodable; readonly signal?: AbortSignal } = {}): PgMonitor {
    const { signal } = options
    const one = 'group' in options ? ([options.group] as const) : undefined
    const monitor = new PgMonitor(one === undefined ? this.snapshot() : this.#snapshotOf(one[0]))
    const stop = (): void => monitor.stop()
    const forget = this.#watchers.add(monitor.push, one)
    this.#monitors.add(monitor)
    monitor.onStop(() => {
      forget()
      this.#monitors.delete(monitor)
      signal?.removeEventListener('abort', stop)
    })
    signal?.addEventListener('abort', stop)
    if (signal?.aborted || this.#ended) stop()
    return monitor
  }

  /**
   * Calls `listener` for everything that happens, in order, at the moment it happens.
   *
   * @returns ends it.
   */
  onChange(listener: PgListener, options: { readonly group?: Encodable } = {}): () => void {
    return this.#watchers.add(listener, 'group' in options ? [options.group] : undefined)
  }

  /** Ends the scope process: the other nodes forget our members at once. May be called twice. */
  stop(): void {
    if (this.#ended) return
    this.#host.runtime.exit(this.pid, SHUTDOWN)
    this.#end()
  }

  /** The process runs: watch who joined before, and ask the others. @internal */
  started(self: Process): void {
    this.#process = self
    for (const pid of this.#groups.localPids()) this.#watch(pid)
    for (const node of this.#host.nodes()) this.#discover(node)
  }

  /** @internal */
  handle(message: PgMessage): void {
    const { peer } = message
    // Its node has gone since: when that comes back, it asks again.
    if (!this.#host.isConnected(peer.node)) return
    switch (message.type) {
      case 'discover': {
        const { version } = message
        const known = this.#groups.knowsPeer(peer)
        this.#process?.cast(peer, encodeState(this.pid, this.#groups.local(), version))
        this.#meet(peer, version)
        this.#groups.setTold(peer)
        if (!known) this.#process?.send(peer, encodeDiscover(this.pid, version))
        break
      }
      case 'state':
        this.#meet(peer, message.version)
        this.#watchers.tell(this.#groups.setPeer(peer, message.groups))
        break
      case 'changes':
        this.#watchers.tell(this.#groups.changePeer(peer, message.changes))
        break
      default:
        message satisfies never
    }
  }

  /** A member or a peer's scope process ended, or its node is gone. @internal */
  handleDown(pid: Pid, reason: Term): void {
    if (this.#groups.knowsPeer(pid)) {
      this.#watchers.tell(this.#groups.dropPeer(pid, reason === NOCONNECTION))
    } else {
      this.#watches.delete(pid.key)
      const events = this.#groups.leaveAll(pid)
      const groups = events.flatMap(({ group, pids }) => pids.map(() => group))
      if (groups.length > 0) this.#broadcast((self, version) => encodeLeave(self, [pid], groups, version))
      this.#watchers.tell(events)
    }
  }

  /** Whatever else is sent to the process. @internal */
  ignore(message: Term): void {
    this.#host.logger.debug(
      { scope: this.name.name, message: brief(message) },
      'pg ignores an unknown message',
    )
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#process = undefined
    this.#forgetNodeUp()
    this.#groups.clear()
    this.#watches.clear()
    for (const monitor of [...this.#monitors]) monitor.stop()
  }

  #meet(peer: Pid, version: PgVersion): void {
    const known = this.#groups.knowsPeer(peer)
    this.#groups.addPeer(peer, version)
    if (!known) this.#process?.monitor(peer)
  }

  #discover(node: Atom): void {
    this.#process?.send([this.name, node], encodeDiscover(this.pid, 0))
  }

  #watch(pid: Pid): void {
    if (this.#process === undefined || this.#watches.has(pid.key)) return
    this.#watches.set(pid.key, this.#process.monitor(pid))
  }

  #unwatch(pid: Pid): void {
    const ref = this.#watches.get(pid.key)
    if (ref === undefined || this.#groups.hasLocal(pid)) return
    this.#watches.delete(pid.key)
    this.#process?.demonitor(ref, { flush: true })
  }

  #broadcast(encodeFor: (self: Pid, version: PgVersion) => Term): void {
    const messages: Partial<Record<PgVersion, Term>> = {}
    for (const { pid, version } of this.#groups.told()) {
      // Its end is not told yet, and a message would connect to its node again.
      if (!this.#host.isConnected(pid.node)) continue
      messages[version] ??= encodeFor(this.pid, version)
      this.#process?.send(pid, messages[version])
    }
  }

  #snapshotOf(group: Encodable): TermMap<Term, Pid[]> {
    const members = this.members(group)
    return new TermMap(members.length === 0 ? [] : [[group as Term, members]])
  }

  #checkLocal(pids: Pid | readonly Pid[]): readonly Pid[] {
    const list = pids instanceof Pid ? [pids] : pids
    if (!this.isAlive) throw new PgError('ERR_PG_STOPPED', `the pg scope ${this.name} does not run any more`)
    const foreign = list.find((pid) => pid.node !== this.#host.name)
    if (foreign === undefined) return list
    throw new PgError(
      'ERR_PG_NOT_LOCAL',
      `${foreign} of ${foreign.node} cannot join or leave here: only processes of ${this.#host.name} can`,
    )
  }
}
