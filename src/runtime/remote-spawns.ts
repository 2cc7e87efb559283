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

interface PendingSpawn {
  readonly ref: Reference
  readonly owner: Cell
  readonly node: Atom
  readonly onDown: ((reason: Term) => void) | undefined
  resolve(pid: Pid): void
  reject(error: unknown): void
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
    const { node, module, function: name, args } = what
    const ref = this.#refs.next()
    const promise = new Promise<Pid>((resolve, reject) => {
      this.#pending.add({ ref, owner, node, onDown: options.onDown, resolve, reject })
    })
    const asked: Atom[] = []
    if (options.link === true) asked.push(LINK)
    if (options.onDown !== undefined) asked.push(MONITOR)
    try {
      this.#router.spawnRequest(node, {
        id: ref,
        parent: owner.pid,
        groupLeader: options.groupLeader ?? owner.groupLeader,
        module,
        function: name,
        args: args as Term[],
        options: asked,
      })
    } catch (error) {
      this.#pending.take(ref)?.reject(error)
    }
    return promise
  }

  handleReply(ref: Reference, flags: number, result: Pid | Atom): void {
    const spawn = this.#pending.take(ref)
    if (spawn === undefined) return
    if (!(result instanceof Pid)) {
      spawn.reject(new SpawnError(result))
      return
    }
    const { owner, onDown } = spawn
    if (!owner.alive) {
      // The owner ended while the request was under way, and the new process does not know it yet.
      if ((flags & SPAWN_LINKED) !== 0) this.#router.exit(owner.pid, result, ABANDONED)
      if ((flags & SPAWN_MONITORED) !== 0) this.#router.demonitor(owner.pid, result, ref)
      return
    }
    if ((flags & SPAWN_LINKED) !== 0) owner.links.handleLink(result)
    if ((flags & SPAWN_MONITORED) !== 0) {
      this.#monitors.adopt(owner, result, ref, (reason) => this.#tell(onDown, reason))
    }
    spawn.resolve(result)
  }

  #tell(onDown: ((reason: Term) => void) | undefined, reason: Term): void {
    try {
      onDown?.(reason)
    } catch (error) {
      this.#logger.error({ error }, 'a callback for the end of a process on another node threw')
    }
  }

  connectionLost(node: Atom): void {
    for (const spawn of this.#pending.values()) {
      if (spawn.node === node) this.#pending.take(spawn.ref)?.reject(new SpawnError(NOCONNECTION))
    }
  }
}
