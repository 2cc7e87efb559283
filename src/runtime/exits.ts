/**
 * Exit signals and the end of processes (protocol.md 3.6, 3.8; "Receiving Exit Signals" in the Erlang reference).
 *
 *   what arrives             not trapping exits        trapping exits
 *   exit/2, kill             ends with `killed`        ends with `killed`
 *   exit/2, normal           ignored, unless from      message
 *                            the process itself
 *   link broke, normal       ignored                   message
 *   anything else            ends with that reason     message
 *
 * A message is `{'EXIT', From, Reason}`. A process that ends sets off more exit signals: those wait in a queue, so that
 * a long chain of links does not fill the stack.
 */

import { processExitChannel } from '../core/diagnostics.ts'
import { Queue } from '../core/index.ts'
import { type Pid, type Term, Tuple, tuple } from '../etf/index.ts'
import type { Aliases } from './aliases.ts'
import { EXIT, KILL, KILLED, NORMAL } from './atoms.ts'
import type { Cell } from './cell.ts'
import type { Holds } from './holds.ts'
import type { Names } from './names.ts'
import type { ProcessTable } from './process-table.ts'
import type { RemoteRouter } from './signals.ts'

interface Ended {
  readonly cell: Cell
  readonly reason: Term
}

export class Exits {
  readonly #table: ProcessTable
  readonly #names: Names
  readonly #aliases: Aliases
  readonly #router: RemoteRouter
  readonly #holds: Holds
  readonly #ended = new Queue<Ended>()
  #propagating = false
  /** Told after a process has ended and everybody concerned has been told. */
  onEnded: ((cell: Cell, reason: Term) => void) | undefined

  constructor(table: ProcessTable, names: Names, aliases: Aliases, router: RemoteRouter, holds: Holds) {
    this.#table = table
    this.#names = names
    this.#aliases = aliases
    this.#router = router
    this.#holds = holds
  }

  /** Sends an `exit/2` signal, to a process here or elsewhere. */
  send(from: Cell, pid: Pid, reason: Term): void {
    const cell = this.#table.find(pid)
    if (cell !== undefined) this.request(cell, from.pid, reason)
    else if (!this.#table.isOurs(pid)) this.#router.exit2(from.pid, pid, reason)
  }

  /** An `exit/2` signal arrives. */
  request(cell: Cell, from: Pid, reason: Term): void {
    if (cell.permanent) cell.deliver(exitMessage(from, reason === KILL ? KILLED : reason))
    else if (reason === KILL) this.terminate(cell, KILLED)
    else if (cell.trapExit) cell.deliver(exitMessage(from, reason))
    else if (reason !== NORMAL || from.equals(cell.pid)) this.terminate(cell, reason)
  }

  /** A link breaks; the entry is gone already. */
  linkBroke(cell: Cell, from: Pid, reason: Term): void {
    if (cell.trapExit) cell.deliver(exitMessage(from, reason))
    else if (reason !== NORMAL) this.terminate(cell, reason)
  }

  /** Ends a process now, whatever it is doing. */
  terminate(cell: Cell, reason: Term): void {
    if (!cell.alive) return
    cell.alive = false
    this.#table.remove(cell)
    if (cell.name !== undefined) this.#names.unregister(cell.name)
    this.#ended.push({ cell, reason })
    if (this.#propagating) return
    this.#propagating = true
    try {
      for (let next = this.#ended.shift(); next !== undefined; next = this.#ended.shift())
        this.#propagate(next)
    } finally {
      // Should a bug get this far, the ends of later processes are told all the same.
      this.#propagating = false
    }
  }

  #propagate({ cell, reason }: Ended): void {
    cell.ended(reason)
    cell.mailbox.clear()
    this.#release(cell)
    for (const watcher of cell.watchers.values()) {
      cell.watchers.take(watcher.ref)
      watcher.fire(reason)
    }
    for (const pid of cell.links.pids()) this.#breakLink(cell, pid, reason)
    cell.abort?.abort(reason)
    if (processExitChannel.hasSubscribers)
      processExitChannel.publish({ pid: cell.pid, reason, label: cell.label })
    this.onEnded?.(cell, reason)
  }

  /** What only the process itself cared about. */
  #release(cell: Cell): void {
    if (cell.isHeld) this.#holds.forget(cell)
    this.#aliases.dropAll(cell)
    for (const call of cell.calls?.values() ?? []) call.abandon()
    for (const timer of cell.timers ?? []) timer.cancel()
    for (const monitor of cell.monitors.values()) {
      cell.monitors.take(monitor.ref)
      monitor.cancel()
    }
  }

  #breakLink(cell: Cell, pid: Pid, reason: Term): void {
    if (!this.#table.isOurs(pid)) {
      this.#router.exit(cell.pid, pid, reason)
      return
    }
    const other = this.#table.find(pid)
    if (other?.links.handleExit(cell.pid)) this.linkBroke(other, cell.pid, reason)
  }
}

function exitMessage(from: Pid, reason: Term): Term {
  return tuple(EXIT, from, reason)
}

/** Whether the message is the exit of that process. */
export function isExitOf(message: Term, pid: Pid): boolean {
  return message instanceof Tuple && message.length === 3 && message[0] === EXIT && pid.equals(message[1])
}
