/**
 * Capability flags of the handshake: the bits, the sets, and what two nodes agree on.
 * Protocol: section 2.5 (distribution flags). The obsolete bits 0x2 and 0x40, atom caches of old, are never set.
 */

/** The node is visible; the connection is when both sides set it. Optional. */
export const DFLAG_PUBLISHED = 0x1n
/** References of three words. Mandatory since OTP 25 at the latest. */
export const DFLAG_EXTENDED_REFERENCES = 0x4n
/** Monitors of processes. Optional; without it a monitor only reports the loss of the connection. */
export const DFLAG_DIST_MONITOR = 0x8n
/** Funs have tags of their own. Mandatory since OTP 25. */
export const DFLAG_FUN_TAGS = 0x10n
/** Monitors of registered names; goes with `DIST_MONITOR`. Optional. */
export const DFLAG_DIST_MONITOR_NAME = 0x20n
/** NEW_FUN_EXT. Mandatory since OTP 25. */
export const DFLAG_NEW_FUN_TAGS = 0x80n
/** Pids and ports with more bits. Mandatory since OTP 25 at the latest. */
export const DFLAG_EXTENDED_PIDS_PORTS = 0x100n
/** EXPORT_EXT. Mandatory since OTP 25. */
export const DFLAG_EXPORT_PTR_TAG = 0x200n
/** BIT_BINARY_EXT. Mandatory since OTP 25. */
export const DFLAG_BIT_BINARIES = 0x400n
/** NEW_FLOAT_EXT. Mandatory since OTP 25. */
export const DFLAG_NEW_FLOATS = 0x800n
/** I/O requests say their encoding. Optional. */
export const DFLAG_UNICODE_IO = 0x1000n
/** Distribution headers with an atom cache. Optional. */
export const DFLAG_DIST_HDR_ATOM_CACHE = 0x2000n
/** SMALL_ATOM_EXT. Optional; the UTF-8 tags replaced it. */
export const DFLAG_SMALL_ATOM_TAGS = 0x4000n
/** Atoms in UTF-8. Mandatory since OTP 25. */
export const DFLAG_UTF8_ATOMS = 0x10000n
/** MAP_EXT. Mandatory since OTP 25. */
export const DFLAG_MAP_TAG = 0x20000n
/** Creations of 32 bits. Mandatory since OTP 25. */
export const DFLAG_BIG_CREATION = 0x40000n
/** SEND_SENDER in place of SEND. Optional. */
export const DFLAG_SEND_SENDER = 0x80000n
/** Any term as label of a trace token. Optional. */
export const DFLAG_BIG_SEQTRACE_LABELS = 0x100000n
/** Exit reasons follow the control message in place of being in it. Optional. */
export const DFLAG_EXIT_PAYLOAD = 0x400000n
/** Messages above 64 KiB in pieces. Optional. */
export const DFLAG_FRAGMENTS = 0x800000n
/** Version 6 of the handshake, the only one still spoken. Mandatory since OTP 25. */
export const DFLAG_HANDSHAKE_23 = 0x1000000n
/** Unlinking with an id and an acknowledgement. Mandatory since OTP 26. */
export const DFLAG_UNLINK_ID = 0x2000000n
/** Stands for everything that OTP 25 made mandatory. Bit 26, whatever older prose says. */
export const DFLAG_MANDATORY_25_DIGEST = 0x4000000n
/** Spawn requests. Optional; without it `spawn/4` and `erpc` fail with `notsup`. */
export const DFLAG_SPAWN = 1n << 32n
/** "Give me a name": a request, no capability. */
export const DFLAG_NAME_ME = 1n << 33n
/** All 32 bits of a pid's id and serial, ports of 64 bits, references of five words. Mandatory since OTP 26. */
export const DFLAG_V4_NC = 1n << 34n
/** Messages to process aliases. Optional; to be folded into `ALTACT_SIG` by OTP 30. */
export const DFLAG_ALIAS = 1n << 35n
/** ALTACT_SIG_SEND: priority and alias signals, OTP 28 and newer. Optional. */
export const DFLAG_ALTACT_SIG = 1n << 37n
/** RECORD_EXT, OTP 29 and newer. Optional; OTP 29 sends it regardless. */
export const DFLAG_NATIVE_RECORDS = 1n << 38n

/** What OTP 25 made mandatory, by name. */
const MANDATORY_25_NAMES = {
  EXTENDED_REFERENCES: DFLAG_EXTENDED_REFERENCES,
  FUN_TAGS: DFLAG_FUN_TAGS,
  EXTENDED_PIDS_PORTS: DFLAG_EXTENDED_PIDS_PORTS,
  UTF8_ATOMS: DFLAG_UTF8_ATOMS,
  NEW_FUN_TAGS: DFLAG_NEW_FUN_TAGS,
  BIG_CREATION: DFLAG_BIG_CREATION,
  NEW_FLOATS: DFLAG_NEW_FLOATS,
  MAP_TAG: DFLAG_MAP_TAG,
  EXPORT_PTR_TAG: DFLAG_EXPORT_PTR_TAG,
  BIT_BINARIES: DFLAG_BIT_BINARIES,
  HANDSHAKE_23: DFLAG_HANDSHAKE_23,
}

/** And what OTP 26 added. */
const MANDATORY_NAMES = { ...MANDATORY_25_NAMES, V4_NC: DFLAG_V4_NC, UNLINK_ID: DFLAG_UNLINK_ID }

/** What `MANDATORY_25_DIGEST` stands for. */
export const MANDATORY_25: bigint = union(Object.values(MANDATORY_25_NAMES))

/** What we ask of every peer: the mandatory set of OTP 26 and newer, which OTP 25 fulfils as well. */
export const MANDATORY: bigint = union(Object.values(MANDATORY_NAMES))

/** What a visible node of ours offers: everything that OTP 29 does. */
export const OUR_FLAGS: bigint = union([
  MANDATORY,
  DFLAG_PUBLISHED,
  DFLAG_DIST_MONITOR,
  DFLAG_DIST_MONITOR_NAME,
  DFLAG_UNICODE_IO,
  DFLAG_DIST_HDR_ATOM_CACHE,
  DFLAG_SMALL_ATOM_TAGS,
  DFLAG_SEND_SENDER,
  DFLAG_BIG_SEQTRACE_LABELS,
  DFLAG_EXIT_PAYLOAD,
  DFLAG_FRAGMENTS,
  DFLAG_MANDATORY_25_DIGEST,
  DFLAG_SPAWN,
  DFLAG_ALIAS,
  DFLAG_ALTACT_SIG,
  DFLAG_NATIVE_RECORDS,
])

/** The flags that a node of ours offers: a hidden one does not set `PUBLISHED`. */
export function ourFlags(options: { readonly hidden?: boolean } = {}): bigint {
  return options.hidden === true ? OUR_FLAGS & ~DFLAG_PUBLISHED : OUR_FLAGS
}

/** The flags as if the peer had set each one that `MANDATORY_25_DIGEST` stands for. */
export function expandFlags(flags: bigint): bigint {
  return hasFlag(flags, DFLAG_MANDATORY_25_DIGEST) ? flags | MANDATORY_25 : flags
}

/** What both sides can do; `NAME_ME` is no capability and drops out. */
export function negotiate(ours: bigint, theirs: bigint): bigint {
  return expandFlags(ours) & expandFlags(theirs) & ~DFLAG_NAME_ME
}

/** Names of the mandatory flags that a peer does not offer; empty when it may connect. */
export function missingMandatory(flags: bigint): string[] {
  const expanded = expandFlags(flags)
  return Object.entries(MANDATORY_NAMES)
    .filter(([, bit]) => !hasFlag(expanded, bit))
    .map(([name]) => name)
}

export function hasFlag(flags: bigint, flag: bigint): boolean {
  return (flags & flag) === flag
}

function union(bits: readonly bigint[]): bigint {
  return bits.reduce((all, bit) => all | bit, 0n)
}
