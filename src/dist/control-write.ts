/**
 * Outgoing control messages: each signal in the variant that was negotiated, encoded straight into the output buffer.
 * Protocol: sections 3.1, 3.2, 3.4. What the peer cannot take is left out, as the BEAM does.
 */
import type { ByteWriter } from '../core/index.ts'
import { type Atom, atom, type Encodable, Pid, type Reference, type TermWriter } from '../etf/index.ts'
import type { Capabilities } from './capabilities.ts'
import { ALTACT, type ControlHandler, type Mfa } from './control.ts'
import type { FrameWriter } from './frame-writer.ts'
import type { Receiver, Sender } from './lanes.ts'
import * as OP from './op.ts'

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

  /** Begins a frame: false drops it. Who sends it to whom is what the order of signals depends on. */
  protected abstract beginFrame(op: number, from: Sender, to: Receiver): boolean
  /** Control and payload are written. */
  protected abstract endFrame(): void
  /** Called for a spawn request that the peer cannot take. */
  protected abstract spawnUnsupported(id: Reference, parent: Pid): void

  send(from: Pid | null, to: Pid, message: Encodable): void {
    if (from !== null && this.#can.sendSender) {
      if (!this.#begin(OP.SEND_SENDER, 3, from, to)) return
      this.#terms.writePid(from)
    } else {
      if (!this.#begin(OP.SEND, 3, from, to)) return
      this.#terms.writeAtom(UNUSED)
    }
    this.#terms.writePid(to)
    this.#finishWith(message)
  }

  sendName(from: Pid, name: Atom, message: Encodable): void {
    if (!this.#begin(OP.REG_SEND, 4, from, name)) return
    this.#terms.writePid(from)
    this.#terms.writeAtom(UNUSED)
    this.#terms.writeAtom(name)
    this.#finishWith(message)
  }

  /** @param owner the process behind the alias, where it is known: it keeps the order with messages to its pid */
  sendAlias(from: Pid, alias: Reference, message: Encodable, owner?: Pid): void {
    if (this.#can.altactSignals) {
      this.#altact(ALTACT.ALIAS, from, alias, message, owner)
    } else if (this.#can.aliases && this.#begin(OP.ALIAS_SEND, 3, from, owner ?? alias)) {
      this.#terms.writePid(from)
      this.#terms.writeReference(alias)
      this.#finishWith(message)
    }
  }

  link(from: Pid, to: Pid): void {
    if (this.#begin(OP.LINK, 3, from, to)) this.#finishPair(from, to)
  }

  unlink(id: bigint, from: Pid, to: Pid): void {
    if (!this.#begin(OP.UNLINK_ID, 4, from, to)) return
    this.#terms.writeTerm(id)
    this.#finishPair(from, to)
  }

  unlinkAck(id: bigint, from: Pid, to: Pid): void {
    if (!this.#begin(OP.UNLINK_ID_ACK, 4, from, to)) return
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
    if (!this.#can.monitors || !this.#begin(OP.MONITOR_P, 4, from, target)) return
    this.#finishMonitor(from, target, ref)
  }

  demonitor(from: Pid, target: Pid | Atom, ref: Reference): void {
    if (!this.#can.monitors || !this.#begin(OP.DEMONITOR_P, 4, from, target)) return
    this.#finishMonitor(from, target, ref)
  }

  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Encodable): void {
    if (!this.#can.monitors) return
    const { exitPayload } = this.#can
    const op = exitPayload ? OP.PAYLOAD_MONITOR_P_EXIT : OP.MONITOR_P_EXIT
    if (!this.#begin(op, exitPayload ? 4 : 5, from, to)) return
    if (from instanceof Pid) this.#terms.writePid(from)
    else this.#terms.writeAtom(from)
    this.#terms.writePid(to)
    this.#terms.writeReference(ref)
    this.#finishReason(reason)
  }

  groupLeader(leader: Pid, member: Pid): void {
    // Who asks for it is not said.
    if (this.#begin(OP.GROUP_LEADER, 3, null, member)) this.#finishPair(leader, member)
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
    if (!this.#begin(OP.SPAWN_REQUEST, 6, parent, null)) return
    this.#terms.writeReference(id)
    this.#terms.writePid(parent)
    this.#terms.writePid(groupLeader)
    this.#out.writeU8(SMALL_TUPLE_EXT).writeU8(3)
    this.#terms.writeAtom(mfa.module)
    this.#terms.writeAtom(mfa.function)
    this.#terms.writeTerm(mfa.arity)
    this.#frames.writeMessage(options)
    this.#finishWith(args)
  }

  spawnReply(id: Reference, to: Pid, flags: number, result: Pid | Atom): void {
    // Before everything else of the new process.
    const from = result instanceof Pid ? result : null
    if (!this.#can.spawn || !this.#begin(OP.SPAWN_REPLY, 5, from, to)) return
    this.#terms.writeReference(id)
    this.#terms.writePid(to)
    this.#terms.writeTerm(flags)
    this.#terms.writeTerm(result)
    this.#finish()
  }

  #exit(payloadOp: number, plainOp: number, from: Pid, to: Pid, reason: Encodable): void {
    const { exitPayload } = this.#can
    if (!this.#begin(exitPayload ? payloadOp : plainOp, exitPayload ? 3 : 4, from, to)) return
    this.#terms.writePid(from)
    this.#terms.writePid(to)
    this.#finishReason(reason)
  }

  #altact(flags: number, from: Pid, to: Reference, payload: Encodable, owner?: Pid): void {
    if (!this.#begin(OP.ALTACT_SIG_SEND, 4, from, owner ?? to)) return
    this.#out.writeU8(SMALL_INTEGER_EXT).writeU8(flags)
    this.#terms.writePid(from)
    this.#terms.writeReference(to)
    this.#finishWith(payload)
  }

  /** Begins a frame and its control tuple: the arity and the operation; the other elements follow. */
  #begin(op: number, arity: number, from: Sender, to: Receiver): boolean {
    if (!this.beginFrame(op, from, to)) return false
    const out = this.#out
    out.reserve(4)
    const { bytes, length } = out
    bytes[length] = SMALL_TUPLE_EXT
    bytes[length + 1] = arity
    bytes[length + 2] = SMALL_INTEGER_EXT
    bytes[length + 3] = op
    out.length = length + 4
    return true
  }

  #finish(): void {
    this.#frames.endControl()
    this.endFrame()
  }

  #finishWith(payload: Encodable): void {
    this.#frames.endControl()
    this.#frames.beginPayload()
    this.#frames.writeMessage(payload)
    this.endFrame()
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
    this.#terms.writePid(from)
    this.#terms.writePid(to)
    this.#finish()
  }

  #finishMonitor(from: Pid, target: Pid | Atom, ref: Reference): void {
    this.#terms.writePid(from)
    if (target instanceof Pid) this.#terms.writePid(target)
    else this.#terms.writeAtom(target)
    this.#terms.writeReference(ref)
    this.#finish()
  }
}
