/**
 * The negotiated flags as the questions that the connection asks per message. Protocol: sections 3.1, 3.4, 4.2.
 */
import {
  DFLAG_ALIAS,
  DFLAG_ALTACT_SIG,
  DFLAG_DIST_HDR_ATOM_CACHE,
  DFLAG_DIST_MONITOR,
  DFLAG_DIST_MONITOR_NAME,
  DFLAG_EXIT_PAYLOAD,
  DFLAG_FRAGMENTS,
  DFLAG_NATIVE_RECORDS,
  DFLAG_PUBLISHED,
  DFLAG_SEND_SENDER,
  DFLAG_SPAWN,
  hasFlag,
} from './flags.ts'

export interface Capabilities {
  /** Both nodes are visible. */
  readonly visible: boolean
  /** Frames are bare terms, because neither the atom cache nor fragments were agreed on. */
  readonly passThrough: boolean
  readonly fragments: boolean
  readonly atomCache: boolean
  readonly sendSender: boolean
  readonly exitPayload: boolean
  readonly monitors: boolean
  readonly aliases: boolean
  readonly altactSignals: boolean
  readonly spawn: boolean
  /** Native records of OTP 29. */
  readonly records: boolean
}

export function capabilitiesOf(flags: bigint): Capabilities {
  const has = (flag: bigint): boolean => hasFlag(flags, flag)
  return {
    visible: has(DFLAG_PUBLISHED),
    passThrough: !has(DFLAG_DIST_HDR_ATOM_CACHE) && !has(DFLAG_FRAGMENTS),
    fragments: has(DFLAG_FRAGMENTS),
    atomCache: has(DFLAG_DIST_HDR_ATOM_CACHE),
    sendSender: has(DFLAG_SEND_SENDER),
    exitPayload: has(DFLAG_EXIT_PAYLOAD),
    // The BEAM sends none of them unless both are set, so we neither.
    monitors: has(DFLAG_DIST_MONITOR) && has(DFLAG_DIST_MONITOR_NAME),
    aliases: has(DFLAG_ALIAS),
    altactSignals: has(DFLAG_ALTACT_SIG),
    spawn: has(DFLAG_SPAWN),
    records: has(DFLAG_NATIVE_RECORDS),
  }
}
