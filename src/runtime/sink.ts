/** Signals that arrive from other nodes, handed to whoever keeps the tables they concern. Never throws. */
import type { Atom, Pid, Reference, Term, Tuple } from '../etf/index.ts'
import { repliedCall } from './gen-reply.ts'
import type { Kernel } from './kernel.ts'
import type { SignalSink } from './signals.ts'

export class IncomingSignals implements SignalSink {
  readonly #kernel: Kernel

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  beginBatch(): void {
    this.#kernel.scheduler.beginBatch()
  }

  endBatch(): void {
    this.#kernel.scheduler.endBatch()
  }

  wantsExact(to: Pid | Atom): boolean {
    const { names, table } = this.#kernel
    return 'name' in to ? names.find(to)?.exactTerms === true : table.wantsExact(to)
  }

  send(to: Pid, message: Term): void {
    const { table, calls, aliases, node } = this.#kernel
    const ref = repliedCall(message)
    if (ref !== undefined && ref.node === node) {
      if (calls.handleReply(ref, (message as Tuple)[1] as Term)) return
      // A reply that comes too late, to the pid because the server knows no aliases: it vanishes all the same.
      if (!aliases.isActive(ref)) return
    }
    table.find(to)?.deliver(message)
  }

  sendName(name: Atom, message: Term): void {
    this.#kernel.names.find(name)?.deliver(message)
  }

  sendAlias(alias: Reference, message: Term): void {
    const { calls, aliases } = this.#kernel
    const ref = repliedCall(message)
    if (ref?.equals(alias) && calls.handleReply(alias, (message as Tuple)[1] as Term)) return
    aliases.deliver(alias, message)
  }

  link(from: Pid, to: Pid): void {
    this.#kernel.links.handleLink(from, to)
  }

  unlink(id: bigint, from: Pid, to: Pid): void {
    this.#kernel.links.handleUnlink(id, from, to)
  }

  unlinkAck(id: bigint, from: Pid, to: Pid): void {
    this.#kernel.links.handleUnlinkAck(id, from, to)
  }

  exit(from: Pid, to: Pid, reason: Term): void {
    this.#kernel.links.handleExit(from, to, reason)
  }

  exit2(from: Pid, to: Pid, reason: Term): void {
    const cell = this.#kernel.table.find(to)
    if (cell !== undefined) this.#kernel.exits.request(cell, from, reason)
  }

  exitAlias(from: Pid, alias: Reference, reason: Term): void {
    const { aliases, exits } = this.#kernel
    const cell = aliases.find(alias)
    if (cell !== undefined) exits.request(cell, from, reason)
  }

  monitor(from: Pid, target: Pid | Atom, ref: Reference): void {
    this.#kernel.monitors.handleMonitor(from, target, ref)
  }

  demonitor(_from: Pid, _target: Pid | Atom, ref: Reference): void {
    this.#kernel.monitors.handleDemonitor(ref)
  }

  monitorExit(_from: Pid | Atom, to: Pid, ref: Reference, reason: Term): void {
    const { calls, table, monitors } = this.#kernel
    if (calls.handleMonitorExit(ref, reason)) return
    const cell = table.find(to)
    if (cell !== undefined) monitors.handleMonitorExit(cell, ref, reason)
  }

  groupLeader(leader: Pid, member: Pid): void {
    const cell = this.#kernel.table.find(member)
    if (cell !== undefined) cell.groupLeader = leader
  }

  spawnReply(id: Reference, _to: Pid, flags: number, result: Pid | Atom): void {
    this.#kernel.remoteSpawns.handleReply(id, flags, result)
  }

  hold(from: Pid, node: Atom): void {
    this.#kernel.holds.hold(from, node)
  }

  release(node: Atom): void {
    this.#kernel.holds.release(node)
  }

  connectionLost(node: Atom): void {
    const { links, monitors, calls, remoteSpawns } = this.#kernel
    links.connectionLost(node)
    monitors.connectionLost(node)
    calls.connectionLost(node)
    remoteSpawns.connectionLost(node)
  }
}
