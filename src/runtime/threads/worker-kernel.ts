/**
 * The kernel of a thread: processes run here as anywhere, but everything outside of the thread, names and pids included,
 * is elsewhere. Even a message of a process to itself goes by way of the node, so that all messages keep their order.
 */
import { type Atom, atom, type Encodable, Pid, type Reference, type Term } from '../../etf/index.ts'
import { Aliases } from '../aliases.ts'
import { type CallOptions, Calls } from '../calls.ts'
import type { Cell } from '../cell.ts'
import { Delivery } from '../delivery.ts'
import { type Destination, isLocalName, toAtom } from '../destination.ts'
import { CallError, ProcessError } from '../errors.ts'
import { Exits } from '../exits.ts'
import { Kernel, type KernelOptions } from '../kernel.ts'
import { Links } from '../links.ts'
import { LocalSpawner } from '../local-spawner.ts'
import { Monitors } from '../monitors.ts'
import { Names } from '../names.ts'
import { pidNumber, ReferenceAllocator } from '../pids.ts'
import { CellTable, ProcessTable } from '../process-table.ts'
import type { ServerClass } from '../server-callbacks.ts'
import type { MonitorTarget } from '../signals.ts'
import type { SpawnBody, Spawner, SpawnOptions, StartOptions, StartResult } from '../spawner.ts'
import { threadOf } from './thread.ts'
import type { NodePort } from './worker-port.ts'

/** No process is on it, so everything that is watched is watched elsewhere. */
const NOWHERE = atom('nonode@nohost')
const CALLING_SELF = atom('calling_self')

export class ThreadTable extends ProcessTable {
  readonly #port: NodePort
  readonly #byNumber = new CellTable()

  constructor(port: NodePort, node: Atom, creation: number) {
    super(node, creation, Number.MAX_SAFE_INTEGER)
    this.#port = port
  }

  override allocate(): Pid {
    return this.#port.takePid()
  }

  override add(cell: Cell): void {
    this.#byNumber.add(cell)
    this.#port.added(cell)
  }

  override remove(cell: Cell): void {
    this.#byNumber.take(pidNumber(cell.pid))
  }

  override get size(): number {
    return this.#byNumber.size
  }

  override isOurs(_pid: Pid): boolean {
    return false
  }

  override find(_pid: Pid): Cell | undefined {
    return undefined
  }

  /** The process of this thread that a signal from the node is for. */
  own(pid: Pid): Cell | undefined {
    return this.#byNumber.get(pidNumber(pid))
  }

  override cells(): Cell[] {
    return this.#byNumber.entries()
  }
}

class ThreadNames extends Names {
  readonly #port: NodePort

  constructor(port: NodePort) {
    super()
    this.#port = port
  }

  override whereis(name: Atom): Pid | undefined {
    return this.#port.whereis(name)
  }

  override register(name: Atom, cell: Cell): void {
    this.#port.register(name, cell.pid)
    cell.name = name
  }

  override unregister(name: Atom): boolean {
    return this.#port.unregister(name)
  }
}

class ThreadAliases extends Aliases {
  readonly #port: NodePort
  readonly #onReply = new Map<string, () => void>()

  constructor(port: NodePort) {
    super()
    this.#port = port
  }

  override activate(ref: Reference, cell: Cell, onReply?: () => void, bound = false): void {
    super.activate(ref, cell, onReply, bound)
    if (onReply !== undefined) this.#onReply.set(ref.key, onReply)
    this.#port.alias(cell.pid, ref, onReply !== undefined)
  }

  override deactivate(ref: Reference, cell: Cell): boolean {
    const wasActive = super.deactivate(ref, cell)
    this.#onReply.delete(ref.key)
    if (wasActive) this.#port.unalias(cell.pid, ref)
    return wasActive
  }

  /** The message that it was made for has come; the node has deactivated it. */
  used(ref: Reference, cell: Cell): void {
    const onReply = this.#onReply.get(ref.key)
    this.#onReply.delete(ref.key)
    if (super.deactivate(ref, cell)) onReply?.()
  }
}

class ThreadLinks extends Links {
  readonly #port: NodePort

  constructor(table: ProcessTable, exits: Exits, port: NodePort) {
    super(table, exits, port)
    this.#port = port
  }

  override link(cell: Cell, pid: Pid): void {
    if (!pid.equals(cell.pid)) this.#port.link(cell.pid, pid)
  }

  override unlink(cell: Cell, pid: Pid): void {
    this.#port.unlink(0n, cell.pid, pid)
  }
}

class ThreadExits extends Exits {
  /** The node gives the name back. */
  override terminate(cell: Cell, reason: Term): void {
    cell.name = undefined
    super.terminate(cell, reason)
  }
}

class ThreadDelivery extends Delivery {
  readonly #port: NodePort
  readonly #node: Atom

  constructor(kernel: Kernel, port: NodePort) {
    super(kernel)
    this.#node = kernel.node
    this.#port = port
  }

  override sendPid(from: Cell, to: Pid, message: Encodable): void {
    this.#port.send(from.pid, to, message)
  }

  override sendAlias(from: Cell, alias: Reference, message: Encodable): void {
    this.#port.sendAlias(from.pid, alias, message)
  }

  override call(
    owner: Cell,
    to: Destination,
    label: Atom,
    request: Encodable,
    options: CallOptions | undefined,
  ): Promise<Term> {
    if (to instanceof Pid && to.equals(owner.pid)) {
      return Promise.reject(
        new CallError('exit', CALLING_SELF, { destination: to, request, timeout: undefined }),
      )
    }
    return super.call(owner, to, label, request, options)
  }

  override locate(
    to: Exclude<Destination, Reference>,
  ): Cell | MonitorTarget | undefined | Promise<Cell | MonitorTarget | undefined> {
    if (to instanceof Pid) return to
    if (isLocalName(to)) return { name: toAtom(to), node: this.#node }
    if (Array.isArray(to)) return { name: toAtom(to[0]), node: toAtom(to[1]) }
    return super.locate(to)
  }
}

class ThreadSpawner implements Spawner {
  readonly #local: Spawner
  readonly #port: NodePort

  constructor(kernel: Kernel, port: NodePort) {
    this.#local = new LocalSpawner(kernel)
    this.#port = port
  }

  spawn(parent: Cell, body: SpawnBody, args: readonly unknown[], options?: SpawnOptions): Pid {
    return this.#local.spawn(parent, body, args, options)
  }

  start(
    parent: Cell,
    server: ServerClass,
    args: unknown,
    options: StartOptions & { readonly link?: boolean },
  ): Promise<StartResult> {
    const definition = threadOf(server)
    if (definition === undefined) return this.#local.start(parent, server, args, options)
    return this.#port.startThread(parent, definition, args, options)
  }
}

/** A global name belongs to a process for as long as it lives, which the node watches. */
function refuseGlobal(): never {
  throw new ProcessError(
    'ERR_RUNTIME_NO_GLOBAL',
    'a thread cannot take global names for what it starts: start the thread itself under the name',
  )
}

export class ThreadKernel extends Kernel {
  override readonly table: ThreadTable
  override readonly names: Names
  override readonly aliases: ThreadAliases
  override readonly refs: ReferenceAllocator
  override readonly exits: Exits
  override readonly links: Links
  override readonly monitors: Monitors
  override readonly calls: Calls
  override readonly delivery: Delivery

  /** @param number of the thread: its references differ from those of the node and of other threads by it */
  constructor(options: KernelOptions, port: NodePort, number: number) {
    super(options)
    const { node, creation, clock } = options
    this.table = new ThreadTable(port, node, creation)
    this.names = new ThreadNames(port)
    this.aliases = new ThreadAliases(port)
    this.refs = new ReferenceAllocator(node, creation, [0, 0, number])
    this.exits = new ThreadExits(this.table, this.names, this.aliases, port, this.holds)
    this.links = new ThreadLinks(this.table, this.exits, port)
    this.monitors = new Monitors(NOWHERE, this.table, this.names, this.aliases, port)
    this.calls = new Calls(this.refs, port, clock)
    this.delivery = new ThreadDelivery(this, port)
    this.delivery.resolver = {
      resolve: (name) => port.resolve(name),
      registerName: refuseGlobal,
      unregisterName: refuseGlobal,
    }
    this.spawner = new ThreadSpawner(this, port)
  }
}
