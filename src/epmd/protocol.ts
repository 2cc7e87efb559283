/**
 * What requests and responses of epmd share: opcodes, limits, and what is known about a node. Pure.
 * Spec: ERTS User's Guide, "Distribution Protocol", chapter "EPMD Protocol".
 */
import type { ByteReader, ByteWriter } from '../core/index.ts'

/** The port of every epmd unless `ERL_EPMD_PORT` says otherwise. */
export const DEFAULT_EPMD_PORT = 4369

// Requests
export const ALIVE2_REQ = 120
export const PORT_PLEASE2_REQ = 122
export const NAMES_REQ = 110
export const DUMP_REQ = 100
export const KILL_REQ = 107
export const STOP_REQ = 115

// Responses
/** To requesters of version 6, OTP 23 and newer: creation in 32 bits. */
export const ALIVE2_X_RESP = 118
/** To older requesters: creation in 16 bits. */
export const ALIVE2_RESP = 121
export const PORT2_RESP = 119

export const NODE_TYPE_VISIBLE = 77
export const NODE_TYPE_HIDDEN = 72
export const PROTOCOL_TCP = 0

/** The handshake of OTP 23 and newer, the only one of OTP 25 and newer. */
export const DIST_VERSION = 6

/** Longest node name in characters, and the bytes that they and the extra field may take. */
export const MAX_NAME_CHARACTERS = 255
export const MAX_FIELD_BYTES = 1020

/** What epmd knows about a registered node. */
export interface EpmdEntry {
  /** The part of the node name before `@`. */
  readonly name: string
  /** Where the node listens for distribution. */
  readonly port: number
  /** 77 `NODE_TYPE_VISIBLE`, 72 `NODE_TYPE_HIDDEN`; informational only. */
  readonly nodeType: number
  /** 0 `PROTOCOL_TCP`. */
  readonly protocol: number
  readonly highestVersion: number
  readonly lowestVersion: number
  /** Opaque bytes of the node's own; almost always empty. */
  readonly extra: Uint8Array
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of strict UTF-8, or undefined. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Why no node can have that name, or undefined when it is fine. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name.includes('\0')) return 'contains a NUL'
  if (/\p{Surrogate}/u.test(name)) return 'is not valid Unicode'
  // Counted by code point, as epmd does.
  if ([...name].length > MAX_NAME_CHARACTERS) return `has more than ${MAX_NAME_CHARACTERS} characters`
  return undefined
}

/**
 * The fields that ALIVE2_REQ and PORT2_RESP share:
 *   u16 port, u8 node type, u8 protocol, u16 highest version, u16 lowest version, u16 n, n bytes name,
 *   u16 e, e bytes extra
 */
export function writeEntry(writer: ByteWriter, entry: EpmdEntry): void {
  const name = new TextEncoder().encode(entry.name)
  writer.writeU16(entry.port).writeU8(entry.nodeType).writeU8(entry.protocol)
  writer.writeU16(entry.highestVersion).writeU16(entry.lowestVersion)
  writer.writeU16(name.length).writeBytes(name)
  writer.writeU16(entry.extra.length).writeBytes(entry.extra)
}

/** An entry as it came, its name not yet looked at. */
export interface RawEntry extends Omit<EpmdEntry, 'name'> {
  readonly nameBytes: Uint8Array
}

/** Reads what `writeEntry` writes; throws `OutOfBytesError` when the bytes end early. */
export function readEntry(reader: ByteReader): RawEntry {
  const port = reader.readU16()
  const nodeType = reader.readU8()
  const protocol = reader.readU8()
  const highestVersion = reader.readU16()
  const lowestVersion = reader.readU16()
  const nameBytes = reader.readBytes(reader.readU16())
  // A copy: an entry is kept for long, and a view would keep all of what was received. `slice` of a Buffer is a view.
  const extra = new Uint8Array(reader.readBytes(reader.readU16()))
  return { port, nodeType, protocol, highestVersion, lowestVersion, nameBytes, extra }
}
