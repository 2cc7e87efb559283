/** Processes that we ask other nodes to start (protocol.md 3.9). */
import type { Logger } from '../core/index.ts'
import { type Atom, atom, type Encodable, Pid, type Reference, type Term } from '../etf/index.ts'
import { NOCONNECTION } from './atoms.ts'
import type { Cell } from './cell.ts'
import { SpawnError } from './errors.ts'
import type { Monitors } from './monitors.ts'
import type { ReferenceAllocator } from './pids.ts'
import { RefMap } from './ref-map.ts'
import type { RemoteRouter } from './signals.ts'

const LINK = atom('link')
const MONITOR = atom('monitor')
const ABANDONED = atom('abandoned')

/** Bits of the flags of a spawn reply. */
export const SPAWN_LINKED = 1
export const SPAWN_MONITORED = 2

export interface RemoteSpawnOptions {
  readonly link?: boolean
  /** Called with the exit reason, also with `noconnection`. */
  readonly onDown?: (reason: Term) => void
  /** Default: the group leader of the requester. */
  readonly groupLeader?: Pid
}

/** What is started where: `node`, `module:function` and its arguments. */
export interface RemoteFunction {
  readonly node: Atom
  readonly module: Atom
  readonly function: Atom
  readonly args: readonly Encodable[]
}

/** What is told about a request that was made with `RemoteSpawns.open`; each is called once at most. */
export interface SpawnListener {
  readonly onStarted?: (pid: Pid) => void
  /** There is no process; the reason is the other node's, or `noconnection`. */
  readonly onRefused: (reason: Term) => void
  /** The process ended, also with `noconnection`. Asks for a monitor. */
  readonly onDown?: (reason: Term) => void
  /** The requester ended before the process did. */
  readonly onAbandoned?: () => void
}

/** A request that can be given up: nothing of it is told any more, and the other node's monitor is taken back. */
export interface OpenSpawn {
  abandon(): void
}

class PendingSpawn implements OpenSpawn {
  readonly ref: Reference
  readonly owner: Cell
  readonly node: Atom
  /** Undefined once the request was given up. */
  listener: SpawnListener | undefined
  readonly #monitors: Monitors

  constructor(monitors: Monitors, ref: Reference, owner: Cell, node: Atom, listener: SpawnListener) {
    this.#monitors = monitors
    this.ref = ref
    this.owner = owner
    this.node = node
    this.listener = listener
  }

  abandon(): void {
    this.listener = undefined
    // Whoever gives up need not hear of the end.
    if (this.owner.alive) this.#monitors.demonitor(this.owner, this.ref)
  }
}

export class RemoteSpawns {
  readonly #refs: ReferenceAllocator
  readonly #monitors: Monitors
  readonly #router: RemoteRouter
  readonly #logger: Logger
  readonly #pending = new RefMap<PendingSpawn>()

  constructor(refs: ReferenceAllocator, monitors: Monitors, router: RemoteRouter, logger: Logger) {
    this.#refs = refs
    this.#monitors = monitors
    this.#router = router
    this.#logger = logger
  }

  get pending(): number {
    return this.#pending.size
  }

  /** Resolves with the new pid; rejects with SpawnError. */
  request(owner: Cell, what: RemoteFunction, options: RemoteSpawnOptions): Promise<Pid> {
    const { onDown, ...rest } = options
    return new Promise<Pid>((resolve, reject) => {
      const onRefused = (reason: Term): void => reject(new SpawnError(reason))
      const listener = { onStarted: resolve, onRefused, ...(onDown === undefined ? {} : { onDown }) }
      this.open(owner, what, listener, rest)
    })
  }

  /** As `request`, for those who cannot wait for a promise, or give up. @throws EncodeError */
  open(
    owner: Cell,
    what: RemoteFunction,
    listener: SpawnListener,
    options: Omit<RemoteSpawnOptions, 'onDown'> = {},
  ): OpenSpawn {
    const { node, module, function: name, args } = what
    const spawn = new PendingSpawn(this.#monitors, this.#refs.next(), owner, node, listener)
    this.#pending.add(spawn)
    const asked: Atom[] = []
    if (options.link === true) asked.push(LINK)
    if (listener.onDown !== undefined) asked.push(MONITOR)
    try {
      this.#router.spawnRequest(node, {
        id: spawn.ref,
        parent: owner.pid,
        groupLeader: options.groupLeader ?? owner.groupLeader,
        module,
        function: name,
        args: args as Term[],
        options: asked,
      })
    } catch (error) {
      this.#pending.take(spawn.ref)
      throw error
    }
    return spawn
  }

  handleReply(ref: Reference, flags: number, result: Pid | Atom): void {
    const spawn = this.#pending.take(ref)
    if (spawn === undefined) return
    const { owner, listener } = spawn
    if (!(result instanceof Pid)) {
      this.#tell(listener?.onRefused, result)
      return
    }
    if (!owner.alive || listener === undefined) {
      // The owner ended or gave up while the request was under way, and the new process does not know it yet.
      if ((flags & SPAWN_LINKED) !== 0) this.#router.exit(owner.pid, result, ABANDONED)
      if ((flags & SPAWN_MONITORED) !== 0) this.#router.demonitor(owner.pid, result, ref)
      return
    }
    if ((flags & SPAWN_LINKED) !== 0) owner.links.handleLink(result)
    if ((flags & SPAWN_MONITORED) !== 0) {
      this.#monitors.adopt(
        owner,
        result,
        ref,
        (reason) => this.#tell(listener.onDown, reason),
        () => listener.onAbandoned?.(),
      )
    }
    this.#tell(listener.onStarted, result)
  }

  #tell<T>(listener: ((what: T) => void) | undefined, what: T): void {
    try {
      listener?.(what)
    } catch (error) {
      this.#logger.error({ error }, 'a callback for a process on another node threw')
    }
  }

  connectionLost(node: Atom): void {
    for (const spawn of this.#pending.values()) {
      if (spawn.node !== node) continue
      this.#pending.take(spawn.ref)
      this.#tell(spawn.listener?.onRefused, NOCONNECTION)
    }
  }
}
