/** `global` of one node, put together: its three processes, the decisions between them, and what users see of it. */
import type { Clock, Logger } from '../../core/index.ts'
import { type Atom, atom, type Encodable, inspect, type Pid, type Term, tuple } from '../../etf/index.ts'
import type { GlobalName, NameResolver, Process, Runtime } from '../../runtime/index.ts'
import type { NodeMonitors } from '../node-monitors.ts'
import type { FunctionTable } from '../rpc/exposed.ts'
import { wireTerm } from '../wire-term.ts'
import { ClusterLocks, type LockOptions, type TransOptions } from './cluster-locks.ts'
import { settleConflicts } from './conflicts.ts'
import { GlobalError } from './errors.ts'
import { Inbox } from './inbox.ts'
import { LockCalls } from './lock-calls.ts'
import { Locker } from './locker.ts'
import { NameServer, type NameServerEffects } from './name-server.ts'
import { GLOBAL, GLOBAL_NAME_SERVER, type NameRecord, type Tag } from './protocol.ts'
import { Registrar } from './registrar.ts'
import { type LockId, register, unregister } from './requests.ts'
import { type ConflictResolver, Resolvers } from './resolvers.ts'
import { GlobalServer, type GlobalTables } from './server.ts'

/** What `global` needs of its node. */
export interface GlobalHost {
  readonly name: Atom
  readonly runtime: Runtime
  readonly logger: Logger
  readonly clock: Clock
  readonly monitors: NodeMonitors
  readonly functions: FunctionTable
  /** The visible nodes that are connected. */
  nodes(): Atom[]
  isConnected(node: Atom): boolean
  connect(node: Atom): Promise<void>
  /** Ends the connection to a node, as if it were lost: it may come back. */
  drop(node: Atom): void
  /** Ends the connection to a node for good. */
  leave(node: Atom): void
  /** As `rpc:call/4`. */
  callFunction(node: Atom, module: string, name: string, args: readonly Term[]): Promise<Term>
}

/** How a node takes part. */
export interface GlobalOptions {
  /** False: nodes do not introduce each other, and names are not shared. Default true, as `-connect_all`. */
  readonly connectAll?: boolean | undefined
  /** Default true, as the kernel parameter `prevent_overlapping_partitions`. */
  readonly preventOverlappingPartitions?: boolean | undefined
}

export interface RegisterOptions {
  /** What happens when two parts of a cluster meet that both have the name. Default `random_exit_name`. */
  readonly resolve?: ConflictResolver
  /** Gives up waiting for the lock under which names change: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

const RANDOM_EXIT = 'random_exit_name'
const KILL = atom('kill')
const CREATION_BITS = 2 ** 32
/** So that the whole stays an exact number. */
const INCARNATIONS = 2 ** 20

/**
 * Names that every node of the cluster knows, and locks across it. Mirrors `:global`. Reading is synchronous, from this
 * node's table; a change is made on all nodes before it resolves.
 *
 * @example
 * await node.global.register('printer', pid) // true
 * node.global.whereis('printer')?.equals(pid) // true
 * await node.call({ global: 'printer' }, atom('get')) // 0
 * // iex> GenServer.call({:global, "printer"}, :get)
 */
export class Global implements NameResolver, GlobalTables {
  readonly #host: GlobalHost
  readonly #options: GlobalOptions
  readonly #calls: LockCalls
  readonly #locks: ClusterLocks
  readonly #resolvers: Resolvers
  #locker: Locker
  #registrar: Registrar
  #server: NameServer | undefined
  #pids: Pid[] = []

  /** @internal Use `node.global`. */
  constructor(host: GlobalHost, options: GlobalOptions) {
    this.#host = host
    this.#options = options
    const { clock, functions, logger, name, runtime } = host
    this.#resolvers = new Resolvers({ runtime, functions, logger })
    this.#calls = new LockCalls({ self: name, clock, canSet: this.#canSet, random: Math.random })
    this.#locks = new ClusterLocks(host, this.#calls)
    this.#locker = this.#newLocker()
    this.#registrar = this.#newRegistrar()
  }

  /** Starts the processes. @internal */
  async start(): Promise<void> {
    const { runtime } = this.#host
    const [locker, registrar] = [this.#locker, this.#registrar]
    locker.pid = runtime.spawn((self) => locker.run(self))
    const registrarPid = runtime.spawn((self) => registrar.run(self))
    const server = await runtime.start(GlobalServer, this, { name: GLOBAL_NAME_SERVER })
    this.#pids = [locker.pid, registrarPid, server]
    for (const pid of this.#pids) {
      runtime.serves(pid)
      runtime.monitor(pid, () => this.#ended(pid))
    }
  }

  /** The node stops, and its connections end one after the other: no other is to be cut off for that. @internal */
  prepareStop(): void {
    this.#server?.prepareStop()
  }

  /**
   * Gives a process a name everywhere. A process of another node may be named as well.
   *
   * @param name any term
   * @returns false when somebody has the name, or the process has another one already.
   */
  async register(name: Encodable, pid: Pid, options: RegisterOptions = {}): Promise<boolean> {
    const [key, method] = [wireTerm(name), this.#methodOf(options)]
    return this.#registrar.change(async (self, nodes) => {
      if (this.whereis(key) !== undefined || !this.#isUnnamed(key, pid)) return false
      await this.#calls.callAll(self, nodes, register(key, pid, method))
      this.#keepResolver(key, pid, options)
      return true
    }, options.signal)
  }

  /** As `register`, in place of whoever has the name. Mirrors `:global.re_register_name/3`. */
  async reregister(name: Encodable, pid: Pid, options: RegisterOptions = {}): Promise<void> {
    const [key, method] = [wireTerm(name), this.#methodOf(options)]
    await this.#registrar.change(async (self, nodes) => {
      await this.#calls.callAll(self, nodes, register(key, pid, method))
      this.#keepResolver(key, pid, options)
    }, options.signal)
  }

  /** Takes a name away everywhere; without effect when nobody has it. */
  async unregister(name: Encodable, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const key = wireTerm(name)
    if (this.whereis(key) === undefined) return
    const change = (self: Process, nodes: readonly Atom[]) =>
      this.#calls.callAll(self, nodes, unregister(key))
    await this.#registrar.change(change, options.signal)
  }

  /** The process that has the name. */
  whereis(name: Encodable): Pid | undefined {
    const pid = this.#server?.names.get(wireTerm(name))?.pid
    if (pid === undefined || pid.node !== this.#host.name) return pid
    // Its end may not have been told yet.
    return this.#host.runtime.isAlive(pid) ? pid : undefined
  }

  /** All names. Mirrors `:global.registered_names/0`. */
  names(): Term[] {
    return this.#server?.names.names() ?? []
  }

  /**
   * Sends to the process that has the name. @returns that process.
   *
   * @throws GlobalError `ERR_GLOBAL_NO_NAME` when nobody has it.
   */
  send(name: Encodable, message: Encodable): Pid {
    const pid = this.whereis(name)
    if (pid === undefined) {
      throw new GlobalError('ERR_GLOBAL_NO_NAME', `no process is registered in global as ${inspect(name)}`)
    }
    this.#host.runtime.send(pid, message)
    return pid
  }

  /**
   * Runs a function while no other transaction on the same resource runs anywhere on `nodes`. The lock goes when the
   * function is done, throws, or this node ends.
   *
   * @throws GlobalError `ERR_GLOBAL_ABORTED` when the lock was not free in `retries` attempts; what `run` throws.
   * @example
   * await node.global.trans('report', async () => 'made by one node at a time') // 'made by one node at a time'
   */
  trans<T>(resource: Encodable, run: () => T | Promise<T>, options: TransOptions = {}): Promise<T> {
    return this.#locks.trans(resource, run, options)
  }

  /**
   * Takes a lock, until `delLock` or until this node ends. Mirrors `:global.set_lock/3`, with the process that stands for
   * plain code as the holder.
   *
   * @returns false when it was not free in `retries` attempts.
   */
  setLock(resource: Encodable, requester: Encodable, options: LockOptions = {}): Promise<boolean> {
    return this.#locks.set(resource, requester, options)
  }

  /** Gives a lock back that `setLock` took. */
  delLock(resource: Encodable, requester: Encodable, options: LockOptions = {}): Promise<void> {
    return this.#locks.del(resource, requester, options)
  }

  /**
   * Resolves when the names of these nodes are known here. Mirrors `:global.sync/0`.
   *
   * @param options `nodes`, by default all visible ones that are connected; one that cannot be reached is passed over
   */
  async sync(options: { readonly nodes?: readonly (Atom | string)[]; readonly signal?: AbortSignal } = {}) {
    const { signal } = options
    const request = tuple(atom('sync'), this.#locks.nodesOf(options))
    const waiting = { timeout: 'infinity', ...(signal === undefined ? {} : { signal }) } as const
    await this.#host.runtime.call(GLOBAL_NAME_SERVER, request, waiting)
  }

  /** Disconnects from all visible nodes, in order. Mirrors `:global.disconnect/0`. @returns them. */
  disconnect(): Atom[] {
    return this.#server?.disconnect() ?? []
  }

  /** @internal */
  resolve(name: GlobalName): Pid | undefined {
    return this.whereis(name.global)
  }

  /** @internal */
  registerName(name: GlobalName, pid: Pid): Promise<boolean> {
    return this.register(name.global, pid)
  }

  /** @internal */
  async unregisterName(name: GlobalName, pid: Pid): Promise<void> {
    if (this.#server?.names.get(wireTerm(name.global))?.pid.equals(pid)) await this.unregister(name.global)
  }

  /** @internal */
  started(self: Process): NameServer {
    const { connectAll = true, preventOverlappingPartitions = true } = this.#options
    const { monitors, name, nodes, runtime } = this.#host
    const creation = Math.floor(Math.random() * INCARNATIONS) * CREATION_BITS + runtime.creation
    const options = { self: name, creation, connectAll, preventOverlappingPartitions }
    const server: NameServer = new NameServer(
      options,
      this.#effectsOf(self, () => server),
      this.#locker,
    )
    this.#server = server
    monitors.subscribe(self.pid)
    for (const node of nodes()) server.nodeUp(node)
    return server
  }

  /** @internal */
  isLocked(): boolean {
    return this.#server?.locks.isSet(GLOBAL) === true
  }

  /** @internal */
  reach(nodes: readonly Atom[]): void {
    const { connect, isConnected, name } = this.#host
    for (const node of nodes) {
      if (node === name || isConnected(node)) continue
      connect(node).catch(() => this.#server?.notReached(node))
    }
  }

  /** @param server the one whose effects these are: another one may run when what they began is done */
  #effectsOf(self: Process, server: () => NameServer): NameServerEffects {
    const { clock, connect, drop, isConnected, leave, logger } = this.#host
    return {
      monitor: (pid) => self.monitor(pid),
      demonitor: (ref) => void self.demonitor(ref, { flush: true }),
      cast: (node, message) => self.cast([GLOBAL_NAME_SERVER, node], message),
      send: (node, message) => {
        if (isConnected(node)) self.send([GLOBAL_NAME_SERVER, node], message)
      },
      settle: (node, ours, names) => {
        this.#settle(node, ours, names).catch((error: unknown) => {
          logger.error({ peer: node.name, error }, 'global could not exchange names with a node')
        })
      },
      introduce: (node) => {
        if (isConnected(node)) server().introduced(node)
        else {
          connect(node).then(
            () => {
              if (self.isAlive) server().introduced(node)
            },
            (error: unknown) => {
              if (!self.isAlive) return
              logger.warn(
                { peer: node.name, error },
                'global cannot connect to a node that another one introduced',
              )
              server().notIntroduced(node)
            },
          )
        }
      },
      disconnect: drop,
      leave,
      nameGone: (name) => this.#resolvers.forget(name),
      now: () => clock.now(),
      warn: (fields, message) => logger.warn(fields, message),
    }
  }

  async #settle(node: Atom, ours: Tag, names: readonly NameRecord[]) {
    const server = this.#server
    if (server === undefined) return
    const { here, there } = await settleConflicts(node, names, {
      self: this.#host.name,
      find: (name) => server.names.get(name),
      resolve: (mine, theirs) => this.#resolveConflict(mine, theirs),
      log: (fields, message) => this.#host.logger.info(fields, message),
    })
    if (server === this.#server) server.exchanged(node, ours, here, there)
  }

  #resolveConflict(ours: NameRecord, theirs: NameRecord): Promise<Term> {
    const { callFunction, name } = this.#host
    const args = [ours.method, ours.name, theirs.pid, ours.pid] as const
    if (ours.pid.node === name) return this.#resolvers.run(...args)
    return callFunction(ours.pid.node, 'global', 'resolve_it', args)
  }

  #methodOf({ resolve = RANDOM_EXIT }: RegisterOptions): Term {
    return this.#resolvers.encode(resolve)
  }

  /** While the lock is held, so that no conflict comes before. */
  #keepResolver(name: Term, pid: Pid, { resolve }: RegisterOptions): void {
    const isThere = this.#server?.names.get(name)?.pid.equals(pid) === true
    if (resolve !== undefined && isThere) this.#resolvers.keep(name, resolve)
  }

  #isUnnamed(name: Term, pid: Pid): boolean {
    const names = this.#server?.names.namesOf(pid) ?? []
    if (names.length === 0) return true
    const fields = { pid: String(pid), names: [name, ...names].map((one) => inspect(one)) }
    this.#host.logger.error(fields, 'global gives a process one name only')
    return false
  }

  readonly #canSet = (id: LockId): boolean => this.#server?.locks.canSet(id) ?? true

  #newLocker(): Locker {
    return new Locker({
      inbox: new Inbox(this.#host.clock),
      calls: this.#calls,
      canSet: this.#canSet,
      isLocked: () => this.isLocked(),
      random: Math.random,
      lockIsSet: (node, ours, requester) => this.#server?.lockIsSet(node, ours, [...requester]),
    })
  }

  #newRegistrar(): Registrar {
    return new Registrar({ calls: this.#calls, known: () => this.#server?.peers.known() ?? [] })
  }

  /**
   * One of the processes was killed. On the BEAM that ends the node; here the others must see one that begins anew, so the
   * connections end.
   */
  #ended(pid: Pid): void {
    const { drop, logger, nodes, runtime } = this.#host
    if (runtime.isStopping || !this.#pids.includes(pid)) return
    logger.error({ pid: String(pid) }, 'a process of global was killed: all names and connections begin anew')
    for (const other of this.#pids) runtime.exit(other, KILL)
    this.#pids = []
    this.#server = undefined
    this.#resolvers.forgetAll()
    for (const node of nodes()) drop(node)
    this.#locker = this.#newLocker()
    this.#registrar = this.#newRegistrar()
    this.start().catch((error: unknown) => logger.error({ error }, 'global does not run any more'))
  }
}
