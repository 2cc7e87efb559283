/**
 * The signals that control messages stand for; their operation numbers are in `op.ts`. Protocol: section 3.
 *
 * The variants of one signal (with a trace token, with its payload behind or inside the control tuple, with priority)
 * are folded together: `control-read.ts` accepts all of them at any time, `control-write.ts` picks by what was
 * negotiated. Not supported: propagating trace tokens, which are dropped, and receiving by priority.
 */
import type { Atom, Pid, Reference, Term } from '../etf/index.ts'

/** Flags of ALTACT_SIG_SEND; other bits are ignored. */
export const ALTACT = {
  PRIORITY: 1,
  TOKEN: 2,
  /** The receiver is an alias; without this and `NAME`, a pid. */
  ALIAS: 4,
  /** The receiver is a registered name. */
  NAME: 8,
  /** An exit signal; the payload is the reason. */
  EXIT: 16,
} as const

/** What a spawn request wants to run. The argument list wins over `arity`. */
export interface Mfa {
  readonly module: Atom
  readonly function: Atom
  readonly arity: number
}

/**
 * The signals between two nodes. A handler of arriving signals implements it with `M` = `Term`; `Connection` implements
 * it with `M` = `Encodable` to send them.
 *
 * As a handler: called once per signal, in the order of arrival, inside the event loop turn in which it arrived. It must
 * not throw; an error that escapes closes the connection as `ERR_DIST_INTERNAL`.
 */
export interface ControlHandler<M = Term> {
  /** A message to a process; `from` is null when the sender was left out. */
  send(from: Pid | null, to: Pid, message: M): void
  /** A message to a registered name. */
  sendName(from: Pid, name: Atom, message: M): void
  /** A message to an alias. `owner`, for who sends: the process behind it, where that is known. */
  sendAlias(from: Pid, alias: Reference, message: M, owner?: Pid): void
  link(from: Pid, to: Pid): void
  /** Removes a link. `id` is to be repeated in `unlinkAck`; with id 0 (peers of old) no answer is expected. */
  unlink(id: bigint, from: Pid, to: Pid): void
  unlinkAck(id: bigint, from: Pid, to: Pid): void
  /** A link broke: `from` ended with `reason`. */
  exit(from: Pid, to: Pid, reason: M): void
  /** `exit/2`: linked or not. */
  exit2(from: Pid, to: Pid, reason: M): void
  /** `exit/2` to an alias (OTP 28 and newer). */
  exitAlias(from: Pid, alias: Reference, reason: M): void
  /** `target` is a process or a registered name of the receiving node. Must always be answered. */
  monitor(from: Pid, target: Pid | Atom, ref: Reference): void
  demonitor(from: Pid, target: Pid | Atom, ref: Reference): void
  /** What `to` monitored ended; `from` is what the monitor was set on: a process or a name. */
  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: M): void
  groupLeader(leader: Pid, member: Pid): void
  /** Run a function in a new process; `id` is also the reference of the monitor, if one is asked for. */
  spawnRequest(id: Reference, parent: Pid, groupLeader: Pid, mfa: Mfa, options: M, args: M): void
  /** `flags`: 1 linked, 2 monitored. `result` is the new process, or an atom that says why there is none. */
  spawnReply(id: Reference, to: Pid, flags: number, result: Pid | Atom): void
}
