/**
 * Outgoing control messages: each signal in the variant that was negotiated, encoded straight into the output buffer.
 * Protocol: sections 3.1, 3.2, 3.4. What the peer cannot take is left out, as the BEAM does.
 */
import type { ByteWriter } from '../core/index.ts'
import { type Atom, atom, type Encodable, type Pid, type Reference, type TermWriter } from '../etf/index.ts'
import type { Capabilities } from './capabilities.ts'
import { ALTACT, type ControlHandler, type Mfa, OP } from './control.ts'
import type { FrameWriter } from './frame-writer.ts'

const SMALL_TUPLE_EXT = 104
const SMALL_INTEGER_EXT = 97

/** Where other protocols had the cookie. */
const UNUSED: Atom = atom('')

/**
 * Writes control messages as frames.
 *
 * Each method throws `EncodeError` when the message holds something that has no term; the stream stays intact then,
 * because a frame counts only once it is finished.
 */
export abstract class ControlWriter implements ControlHandler<Encodable> {
  readonly #frames: FrameWriter
  readonly #out: ByteWriter
  readonly #terms: TermWriter
  readonly #can: Capabilities

  constructor(frames: FrameWriter, can: Capabilities) {
    this.#frames = frames
    this.#out = frames.out
    this.#terms = frames.terms
    this.#can = can
  }

  /** Called before each frame: false drops it. */
  protected abstract beforeFrame(): boolean
  /** Called after each finished frame. */
  protected abstract afterFrame(): void
  /** Called for a spawn request that the peer cannot take. */
  protected abstract spawnUnsupported(id: Reference, parent: Pid): void

  send(from: Pid | null, to: Pid, message: Encodable): void {
    if (from !== null && this.#can.sendSender) {
      if (!this.#begin(OP.SEND_SENDER, 3)) return
      this.#terms.writeTerm(from)
    } else {
      if (!this.#begin(OP.SEND, 3)) return
      this.#terms.writeTerm(UNUSED)
    }
    this.#terms.writeTerm(to)
    this.#finishWith(message)
  }

  sendName(from: Pid, name: Atom, message: Encodable): void {
    if (!this.#begin(OP.REG_SEND, 4)) return
    this.#terms.writeTerm(from)
    this.#terms.writeTerm(UNUSED)
    this.#terms.writeTerm(name)
    this.#finishWith(message)
  }

  sendAlias(from: Pid, alias: Reference, message: Encodable): void {
    if (this.#can.altactSignals) {
      this.#altact(ALTACT.ALIAS, from, alias, message)
    } else if (this.#can.aliases && this.#begin(OP.ALIAS_SEND, 3)) {
      this.#terms.writeTerm(from)
      this.#terms.writeTerm(alias)
      this.#finishWith(message)
    }
  }

  link(from: Pid, to: Pid): void {
    if (this.#begin(OP.LINK, 3)) this.#finishPair(from, to)
  }

  unlink(id: bigint, from: Pid, to: Pid): void {
    if (!this.#begin(OP.UNLINK_ID, 4)) return
    this.#terms.writeTerm(id)
    this.#finishPair(from, to)
  }

  unlinkAck(id: bigint, from: Pid, to: Pid): void {
    if (!this.#begin(OP.UNLINK_ID_ACK, 4)) return
    this.#terms.writeTerm(id)
    this.#finishPair(from, to)
  }

  exit(from: Pid, to: Pid, reason: Encodable): void {
    this.#exit(OP.PAYLOAD_EXIT, OP.EXIT, from, to, reason)
  }

  exit2(from: Pid, to: Pid, reason: Encodable): void {
    this.#exit(OP.PAYLOAD_EXIT2, OP.EXIT2, from, to, reason)
  }

  exitAlias(from: Pid, alias: Reference, reason: Encodable): void {
    if (this.#can.altactSignals) this.#altact(ALTACT.ALIAS | ALTACT.EXIT, from, alias, reason)
  }

  monitor(from: Pid, target: Pid | Atom, ref: Reference): void {
    if (this.#can.monitors && this.#begin(OP.MONITOR_P, 4)) this.#finishMonitor(from, target, ref)
  }

  demonitor(from: Pid, target: Pid | Atom, ref: Reference): void {
    if (this.#can.monitors && this.#begin(OP.DEMONITOR_P, 4)) this.#finishMonitor(from, target, ref)
  }

  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Encodable): void {
    if (!this.#can.monitors) return
    const { exitPayload } = this.#can
    if (!this.#begin(exitPayload ? OP.PAYLOAD_MONITOR_P_EXIT : OP.MONITOR_P_EXIT, exitPayload ? 4 : 5)) return
    this.#terms.writeTerm(from)
    this.#terms.writeTerm(to)
    this.#terms.writeTerm(ref)
    this.#finishReason(reason)
  }

  groupLeader(leader: Pid, member: Pid): void {
    if (this.#begin(OP.GROUP_LEADER, 3)) this.#finishPair(leader, member)
  }

  spawnRequest(
    id: Reference,
    parent: Pid,
    groupLeader: Pid,
    mfa: Mfa,
    options: Encodable,
    args: Encodable,
  ): void {
    if (!this.#can.spawn) {
      this.spawnUnsupported(id, parent)
      return
    }
    if (!this.#begin(OP.SPAWN_REQUEST, 6)) return
    this.#terms.writeTerm(id)
    this.#terms.writeTerm(parent)
    this.#terms.writeTerm(groupLeader)
    this.#out.writeU8(SMALL_TUPLE_EXT).writeU8(3)
    this.#terms.writeTerm(mfa.module)
    this.#terms.writeTerm(mfa.function)
    this.#terms.writeTerm(mfa.arity)
    this.#frames.writeMessage(options)
    this.#finishWith(args)
  }

  spawnReply(id: Reference, to: Pid, flags: number, result: Pid | Atom): void {
    if (!this.#can.spawn || !this.#begin(OP.SPAWN_REPLY, 5)) return
    this.#terms.writeTerm(id)
    this.#terms.writeTerm(to)
    this.#terms.writeTerm(flags)
    this.#terms.writeTerm(result)
    this.#finish()
  }

  #exit(payloadOp: number, plainOp: number, from: Pid, to: Pid, reason: Encodable): void {
    const { exitPayload } = this.#can
    if (!this.#begin(exitPayload ? payloadOp : plainOp, exitPayload ? 3 : 4)) return
    this.#terms.writeTerm(from)
    this.#terms.writeTerm(to)
    this.#finishReason(reason)
  }

  #altact(flags: number, from: Pid, to: Reference, payload: Encodable): void {
    if (!this.#begin(OP.ALTACT_SIG_SEND, 4)) return
    this.#out.writeU8(SMALL_INTEGER_EXT).writeU8(flags)
    this.#terms.writeTerm(from)
    this.#terms.writeTerm(to)
    this.#finishWith(payload)
  }

  /** Begins a frame and its control tuple: the arity and the operation; the other elements follow. */
  #begin(op: number, arity: number): boolean {
    if (!this.beforeFrame()) return false
    this.#frames.begin()
    this.#out.writeU8(SMALL_TUPLE_EXT).writeU8(arity)
    this.#out.writeU8(SMALL_INTEGER_EXT).writeU8(op)
    return true
  }

  #finish(): void {
    this.#frames.endControl()
    this.#frames.end()
    this.afterFrame()
  }

  #finishWith(payload: Encodable): void {
    this.#frames.endControl()
    this.#frames.beginPayload()
    this.#frames.writeMessage(payload)
    this.#frames.end()
    this.afterFrame()
  }

  #finishReason(reason: Encodable): void {
    if (this.#can.exitPayload) {
      this.#finishWith(reason)
    } else {
      this.#frames.writeMessage(reason)
      this.#finish()
    }
  }

  #finishPair(from: Pid, to: Pid): void {
    this.#terms.writeTerm(from)
    this.#terms.writeTerm(to)
    this.#finish()
  }

  #finishMonitor(from: Pid, target: Pid | Atom, ref: Reference): void {
    this.#terms.writeTerm(from)
    this.#terms.writeTerm(target)
    this.#terms.writeTerm(ref)
    this.#finish()
  }
}
