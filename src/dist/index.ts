/** Layer 2: the distribution protocol between two nodes: handshake, frames, control messages, ticks. */
export { Connection, type ConnectionStats } from './connection.ts'
export type { ConnectionOptions } from './connection-options.ts'
export type { ControlHandler, Mfa } from './control.ts'
export { DistError, type DistErrorDetails } from './errors.ts'
export {
  DFLAG_ALIAS,
  DFLAG_ALTACT_SIG,
  DFLAG_DIST_HDR_ATOM_CACHE,
  DFLAG_FRAGMENTS,
  DFLAG_NAME_ME,
  DFLAG_NATIVE_RECORDS,
  DFLAG_PUBLISHED,
  DFLAG_SPAWN,
  DFLAG_UNLINK_ID,
  DFLAG_V4_NC,
  hasFlag,
  missingMandatory,
  negotiate,
  OUR_FLAGS,
  ourFlags,
} from './flags.ts'
export type { LengthPrefix } from './framing.ts'
export type { AcceptDecision, GivenName } from './handshake/acceptor.ts'
export type { HandshakeOutcome, LocalNode, PeerNode } from './handshake/machine.ts'
export {
  type AcceptOptions,
  acceptHandshake,
  type HandshakeResult,
  type InitiateOptions,
  initiate,
} from './handshake/run.ts'
export { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS } from './limits.ts'
