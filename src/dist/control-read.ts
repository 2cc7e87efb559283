/**
 * Arriving control messages: every variant of protocol section 3.1, checked and handed to the handler as one signal.
 * Trace tokens are dropped, priorities too. Not supported: dead operations (5), which are errors.
 */
import type { Atom, Pid, Term } from '../etf/index.ts'
import { ALTACT, type ControlHandler } from './control.ts'
import {
  atomAt,
  badElement,
  describeKind,
  expectArity,
  expectAtLeast,
  lowBitsAt,
  mfaAt,
  peerPidAt,
  pidAt,
  pidOrAtomAt,
  referenceAt,
  unlinkIdAt,
} from './control-elements.ts'
import { DistError } from './errors.ts'
import * as OP from './op.ts'

/** The frame that a control tuple came in. */
export interface ControlFrame {
  /** Node name of the peer. */
  readonly peer: Atom
  /** Reads the payload, which must be there and be all that is left. */
  readPayload(): Term
  /** As `readPayload`, for a message: the receiver decides how it is decoded. */
  readMessage(to: Pid | Atom): Term
  /** Checks that nothing is left. */
  expectEnd(): void
}

/**
 * Hands one control message to the handler.
 *
 * @param control the elements of the tuple; only the first `arity` count.
 * @throws DistError `ERR_DIST_UNKNOWN_OP` or `ERR_DIST_BAD_CONTROL`, and what the frame throws.
 */
export function dispatchControl(
  control: readonly Term[],
  arity: number,
  frame: ControlFrame,
  handler: ControlHandler,
): void {
  const op = control[0]
  switch (op) {
    // What calls and casts are made of.
    case OP.SEND_SENDER:
      expectArity(op, arity, 3)
      sendToPid(pidAt(control, 1), control, frame, handler)
      break
    case OP.REG_SEND:
      expectArity(op, arity, 4)
      sendToName(control, 1, frame, handler)
      break
    case OP.ALIAS_SEND:
      expectArity(op, arity, 3)
      sendToAlias(control, frame, handler)
      break
    case OP.MONITOR_P:
      expectArity(op, arity, 4)
      frame.expectEnd()
      handler.monitor(pidAt(control, 1), pidOrAtomAt(control, 2), referenceAt(control, 3))
      break
    case OP.DEMONITOR_P:
      expectArity(op, arity, 4)
      frame.expectEnd()
      handler.demonitor(pidAt(control, 1), pidOrAtomAt(control, 2), referenceAt(control, 3))
      break
    default:
      dispatchMessage(op, control, arity, frame, handler)
  }
}

/** The other messages. */
function dispatchMessage(
  op: Term | undefined,
  control: readonly Term[],
  arity: number,
  frame: ControlFrame,
  handler: ControlHandler,
): void {
  switch (op) {
    case OP.SEND:
      expectArity(op, arity, 3)
      sendToPid(null, control, frame, handler)
      break
    case OP.ALTACT_SIG_SEND:
      dispatchAltact(control, arity, frame, handler)
      break
    case OP.SEND_SENDER_TT:
      expectArity(op, arity, 4)
      sendToPid(pidAt(control, 1), control, frame, handler)
      break
    case OP.SEND_TT:
      expectArity(op, arity, 4)
      sendToPid(null, control, frame, handler)
      break
    case OP.REG_SEND_TT:
      expectArity(op, arity, 5)
      sendToName(control, 1, frame, handler)
      break
    case OP.ALIAS_SEND_TT:
      expectArity(op, arity, 4)
      sendToAlias(control, frame, handler)
      break
    default:
      dispatchRelation(op, control, arity, frame, handler)
  }
}

function sendToPid(
  from: Pid | null,
  control: readonly Term[],
  frame: ControlFrame,
  handler: ControlHandler,
): void {
  const to = pidAt(control, 2)
  handler.send(from, to, frame.readMessage(to))
}

/** @param sender where the sender stands; the name is the fourth element */
function sendToName(
  control: readonly Term[],
  sender: number,
  frame: ControlFrame,
  handler: ControlHandler,
): void {
  const name = atomAt(control, 3)
  handler.sendName(pidAt(control, sender), name, frame.readMessage(name))
}

function sendToAlias(control: readonly Term[], frame: ControlFrame, handler: ControlHandler): void {
  handler.sendAlias(pidAt(control, 1), referenceAt(control, 2), frame.readPayload())
}

/** Links, exits. */
function dispatchRelation(
  op: Term | undefined,
  control: readonly Term[],
  arity: number,
  frame: ControlFrame,
  handler: ControlHandler,
): void {
  switch (op) {
    case OP.LINK:
      expectArity(op, arity, 3)
      frame.expectEnd()
      handler.link(peerPidAt(control, 1, frame.peer), pidAt(control, 2))
      break
    case OP.UNLINK:
      expectArity(op, arity, 3)
      frame.expectEnd()
      handler.unlink(0n, peerPidAt(control, 1, frame.peer), pidAt(control, 2))
      break
    case OP.UNLINK_ID:
      expectArity(op, arity, 4)
      frame.expectEnd()
      handler.unlink(unlinkIdAt(control, 1), peerPidAt(control, 2, frame.peer), pidAt(control, 3))
      break
    case OP.UNLINK_ID_ACK:
      expectArity(op, arity, 4)
      frame.expectEnd()
      handler.unlinkAck(unlinkIdAt(control, 1), pidAt(control, 2), pidAt(control, 3))
      break
    case OP.EXIT:
    case OP.EXIT_TT:
    case OP.PAYLOAD_EXIT:
    case OP.PAYLOAD_EXIT_TT:
      handler.exit(
        peerPidAt(control, 1, frame.peer),
        pidAt(control, 2),
        exitReason(op, control, arity, frame),
      )
      break
    case OP.EXIT2:
    case OP.EXIT2_TT:
    case OP.PAYLOAD_EXIT2:
    case OP.PAYLOAD_EXIT2_TT:
      handler.exit2(pidAt(control, 1), pidAt(control, 2), exitReason(op, control, arity, frame))
      break
    case OP.MONITOR_P_EXIT:
    case OP.PAYLOAD_MONITOR_P_EXIT: {
      const reason = exitReason(op, control, arity, frame)
      handler.monitorExit(pidOrAtomAt(control, 1), pidAt(control, 2), referenceAt(control, 3), reason)
      break
    }
    default:
      dispatchRest(op, control, arity, frame, handler)
  }
}

/** What is rare. */
function dispatchRest(
  op: Term | undefined,
  control: readonly Term[],
  arity: number,
  frame: ControlFrame,
  handler: ControlHandler,
): void {
  switch (op) {
    case OP.GROUP_LEADER:
      expectArity(op, arity, 3)
      frame.expectEnd()
      handler.groupLeader(pidAt(control, 1), pidAt(control, 2))
      break
    case OP.SPAWN_REQUEST:
      expectArity(op, arity, 6)
      spawnRequest(control, frame, handler)
      break
    case OP.SPAWN_REQUEST_TT:
      expectArity(op, arity, 7)
      spawnRequest(control, frame, handler)
      break
    case OP.SPAWN_REPLY:
      expectArity(op, arity, 5)
      spawnReply(control, frame, handler)
      break
    case OP.SPAWN_REPLY_TT:
      expectArity(op, arity, 6)
      spawnReply(control, frame, handler)
      break
    default: {
      const actual = typeof op === 'number' ? op : describeKind(op)
      throw new DistError('ERR_DIST_UNKNOWN_OP', `control message with the unknown operation ${actual}`, {
        actual,
      })
    }
  }
}

/** Flags, sender, receiver, and perhaps a token; newer releases may append more. */
function dispatchAltact(
  control: readonly Term[],
  arity: number,
  frame: ControlFrame,
  handler: ControlHandler,
): void {
  expectAtLeast(OP.ALTACT_SIG_SEND, arity, 4)
  const flags = lowBitsAt(control, 1)
  if ((flags & ALTACT.TOKEN) !== 0) expectAtLeast(OP.ALTACT_SIG_SEND, arity, 5)
  const from = pidAt(control, 2)
  const isExit = (flags & ALTACT.EXIT) !== 0
  switch (flags & (ALTACT.ALIAS | ALTACT.NAME)) {
    case 0: {
      const to = pidAt(control, 3)
      if (isExit) handler.exit2(from, to, frame.readPayload())
      else handler.send(from, to, frame.readMessage(to))
      break
    }
    case ALTACT.ALIAS: {
      const to = referenceAt(control, 3)
      const payload = frame.readPayload()
      if (isExit) handler.exitAlias(from, to, payload)
      else handler.sendAlias(from, to, payload)
      break
    }
    case ALTACT.NAME:
      if (isExit) throw badElement(control, 1, 'flags that do not send an exit signal to a name')
      sendToName(control, 2, frame, handler)
      break
    default:
      throw badElement(control, 1, 'flags for an alias or for a name, not both')
  }
}

/** The reason: last in the tuple, or behind it. What the arity must be follows from the operation. */
function exitReason(op: number, control: readonly Term[], arity: number, frame: ControlFrame): Term {
  switch (op) {
    case OP.PAYLOAD_EXIT:
    case OP.PAYLOAD_EXIT2:
      expectArity(op, arity, 3)
      return frame.readPayload()
    case OP.PAYLOAD_EXIT_TT:
    case OP.PAYLOAD_EXIT2_TT:
    case OP.PAYLOAD_MONITOR_P_EXIT:
      expectArity(op, arity, 4)
      return frame.readPayload()
    case OP.EXIT:
    case OP.EXIT2:
      expectArity(op, arity, 4)
      break
    default:
      // EXIT_TT, EXIT2_TT, MONITOR_P_EXIT.
      expectArity(op, arity, 5)
  }
  frame.expectEnd()
  return control[arity - 1]!
}

function spawnRequest(control: readonly Term[], frame: ControlFrame, handler: ControlHandler): void {
  const mfa = mfaAt(control, 4)
  const options = control[5]
  if (!Array.isArray(options)) throw badElement(control, 5, 'a list of options')
  const id = referenceAt(control, 1)
  handler.spawnRequest(id, pidAt(control, 2), pidAt(control, 3), mfa, options, frame.readPayload())
}

function spawnReply(control: readonly Term[], frame: ControlFrame, handler: ControlHandler): void {
  frame.expectEnd()
  const flags = control[3]
  if (typeof flags !== 'number') throw badElement(control, 3, 'flags')
  handler.spawnReply(referenceAt(control, 1), pidAt(control, 2), flags, pidOrAtomAt(control, 4))
}
