import type { Atom, Encodable, Pid, Reference, Term } from '../etf/index.ts'

/** A registered name on a node. */
export interface RemoteName {
  readonly name: Atom
  readonly node: Atom
}

/** What a monitor watches: a process, or whoever holds a registered name on a node. */
export type MonitorTarget = Pid | RemoteName

/** Module, function and arguments of a process that another node asks us to start, or we it. */
export interface SpawnRequest {
  /** The requester's reference; also the monitor reference when `monitor` is asked for. */
  readonly id: Reference
  readonly parent: Pid
  readonly groupLeader: Pid
  readonly module: Atom
  readonly function: Atom
  readonly args: Term
  /** The option list as it came: `link`, `monitor`, `{priority, high}` ... */
  readonly options: Term
}

/**
 * Signals that leave for other nodes. The runtime calls it, the node implements it; the target's own `node` (or the
 * one named beside a registered name) says where to. A node that cannot be reached answers links and monitors with
 * `noconnection` through `SignalSink`. Implementations throw only what encoding a message throws.
 */
export interface RemoteRouter {
  /** False when the message is dropped at once because too much waits for the node to be connected. */
  send(from: Pid, to: Pid, message: Encodable): boolean
  /** As `send`. */
  sendName(from: Pid, name: Atom, node: Atom, message: Encodable): boolean
  /** @param owner the process behind the alias, where it is known: the order with messages to its pid is kept then */
  sendAlias(from: Pid, alias: Reference, message: Encodable, owner?: Pid): void
  link(from: Pid, to: Pid): void
  unlink(id: bigint, from: Pid, to: Pid): void
  unlinkAck(id: bigint, from: Pid, to: Pid): void
  /** `from` ended; the link to `to` breaks with `reason`. */
  exit(from: Pid, to: Pid, reason: Encodable): void
  /** `exit/2`: asks `to` to end, linked or not. */
  exit2(from: Pid, to: Pid, reason: Encodable): void
  monitor(from: Pid, target: MonitorTarget, ref: Reference): void
  demonitor(from: Pid, target: MonitorTarget, ref: Reference): void
  /** What `to` watched under `ref` ended; `from` is the pid, or the name it was watched by. */
  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Encodable): void
  groupLeader(leader: Pid, member: Pid): void
  spawnRequest(node: Atom, request: SpawnRequest): void
  spawnReply(id: Reference, to: Pid, flags: number, result: Pid | Atom): void
}

/** Signals that arrive from other nodes. The runtime implements it, the node calls it. Never throws. */
export interface SignalSink {
  /** Signals follow that were read together: nobody runs before all of them are there. */
  beginBatch(): void
  /** All are there: whoever they concern runs now. */
  endBatch(): void
  /** Whether messages to this receiver are to be decoded without loss; see `Process.exactTerms`. */
  wantsExact(to: Pid | Atom): boolean
  send(to: Pid, message: Term): void
  sendName(name: Atom, message: Term): void
  sendAlias(alias: Reference, message: Term): void
  link(from: Pid, to: Pid): void
  unlink(id: bigint, from: Pid, to: Pid): void
  unlinkAck(id: bigint, from: Pid, to: Pid): void
  exit(from: Pid, to: Pid, reason: Term): void
  exit2(from: Pid, to: Pid, reason: Term): void
  /** `exit/2` to an alias, as OTP 28 and newer can send it. */
  exitAlias(from: Pid, alias: Reference, reason: Term): void
  monitor(from: Pid, target: Pid | Atom, ref: Reference): void
  demonitor(from: Pid, target: Pid | Atom, ref: Reference): void
  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Term): void
  groupLeader(leader: Pid, member: Pid): void
  /** The answer to our own spawn request: the new process, or an atom that says why there is none. */
  spawnReply(id: Reference, to: Pid, flags: number, result: Pid | Atom): void
  /** `from` has sent to a node that takes its messages too slowly: it is to wait until `release`. */
  hold(from: Pid, node: Atom): void
  /** The node can be sent to again, or there is no way to it any more. */
  release(node: Atom): void
  /** A node is gone: every link and monitor across it fires with `noconnection`. */
  connectionLost(node: Atom): void
}
