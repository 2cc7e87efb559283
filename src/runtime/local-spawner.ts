/** Makes the two kinds of processes that users start: functions and servers. */
import type { Timer } from '../core/index.ts'
import type { Pid } from '../etf/index.ts'
import { KILLED, SYSTEM_LIMIT, TIMEOUT } from './atoms.ts'
import { timeoutMs } from './calls.ts'
import type { Cell, Origin } from './cell.ts'
import { FunctionCell } from './function-cell.ts'
import { GenServer } from './gen-server.ts'
import type { Kernel } from './kernel.ts'
import type { Process } from './process.ts'
import type { ServerClass } from './server-callbacks.ts'
import { ServerCell } from './server-cell.ts'
import type { ServerPlan } from './server-start.ts'
import type { SpawnBody, Spawner, SpawnOptions, StartOptions, StartResult } from './spawner.ts'
import { threadOf } from './threads/thread.ts'
import { ThreadHost } from './threads/thread-host.ts'

function isServerClass(body: SpawnBody): body is ServerClass {
  return body.prototype instanceof GenServer
}

export class LocalSpawner implements Spawner {
  readonly #kernel: Kernel

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  spawn(parent: Cell, body: SpawnBody, args: readonly unknown[], options: SpawnOptions = {}): Pid {
    const kernel = this.#kernel
    const origin = kernel.originOf(parent, body.name || 'anonymous function', options.groupLeader)
    const cell = isServerClass(body)
      ? this.#serverCell(origin, { server: body, args: args[0], name: undefined, onStarted: undefined })
      : new FunctionCell(kernel, origin, body as (self: Process, ...rest: unknown[]) => unknown, args)
    this.#run(cell, parent, options.link === true)
    return cell.pid
  }

  start(
    parent: Cell,
    server: ServerClass,
    args: unknown,
    options: StartOptions & { readonly link?: boolean },
  ): Promise<StartResult> {
    const kernel = this.#kernel
    if (kernel.table.isFull) return Promise.resolve({ status: 'error', reason: SYSTEM_LIMIT })
    const timeout = timeoutMs(options.timeout, Number.POSITIVE_INFINITY)
    const origin = kernel.originOf(parent, server.name, options.groupLeader)
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const onStarted = (result: StartResult): void => {
        timer?.cancel()
        resolve(result)
      }
      const cell = this.#serverCell(origin, { server, args, name: options.name, onStarted })
      if (timeout !== undefined) timer = kernel.clock.after(timeout, () => this.#tooSlow(cell, onStarted))
      this.#run(cell, parent, options.link === true)
    })
  }

  #serverCell(origin: Origin, plan: ServerPlan): Cell {
    const definition = threadOf(plan.server)
    if (definition === undefined) return new ServerCell(this.#kernel, origin, plan)
    return new ThreadHost(this.#kernel, origin, { ...plan, definition }).cell
  }

  #run(cell: Cell, parent: Cell, link: boolean): void {
    this.#kernel.table.add(cell)
    if (link) this.#kernel.links.link(parent, cell.pid)
    cell.wake()
  }

  #tooSlow(cell: Cell, onStarted: (result: StartResult) => void): void {
    const { links, exits } = this.#kernel
    links.unlink(cell, cell.parent)
    onStarted({ status: 'error', reason: TIMEOUT })
    exits.terminate(cell, KILLED)
  }
}
