/**
 * Responses of epmd, both directions. Pure. They carry no length: a decoder answers undefined while bytes are missing,
 * and NAMES and DUMP end with the connection.
 * Spec: as protocol.ts; protocol 1.2, 1.5, 1.6.
 */
import { ByteReader, ByteWriter, OutOfBytesError } from '../core/index.ts'
import { EpmdError } from './errors.ts'
import {
  ALIVE2_RESP,
  ALIVE2_X_RESP,
  DIST_VERSION,
  decodeUtf8,
  type EpmdEntry,
  nameFault,
  PORT2_RESP,
  readEntry,
  writeEntry,
} from './protocol.ts'

export type AliveResponse = { readonly ok: true; readonly creation: number } | { readonly ok: false }

/** Stands where the creation would be when a registration is refused. */
const NO_CREATION = 99

/** u8 118, u8 result, u32 creation; to a requester older than version 6: u8 121, u8 result, u16 creation. */
export function encodeAliveResponse(response: AliveResponse, highestVersion: number): Uint8Array {
  const writer = new ByteWriter(6)
  const creation = response.ok ? response.creation : NO_CREATION
  const result = response.ok ? 0 : 1
  if (highestVersion >= DIST_VERSION) writer.writeU8(ALIVE2_X_RESP).writeU8(result).writeU32(creation)
  // A node of that age knows the creations 1 to 3 only.
  else {
    writer
      .writeU8(ALIVE2_RESP)
      .writeU8(result)
      .writeU16(response.ok ? (creation % 3) + 1 : NO_CREATION)
  }
  return writer.take()
}

/** Undefined while bytes are missing; throws `ERR_EPMD_BAD_RESPONSE`. */
export function decodeAliveResponse(bytes: Uint8Array): AliveResponse | undefined {
  return incompleteIsUndefined(() => {
    const reader = new ByteReader(bytes)
    const opcode = reader.readU8()
    if (opcode !== ALIVE2_X_RESP && opcode !== ALIVE2_RESP) {
      throw badResponse(`wanted ALIVE2_X_RESP (118) or ALIVE2_RESP (121), got ${describeByte(opcode)}`)
    }
    const ok = reader.readU8() === 0
    const creation = opcode === ALIVE2_X_RESP ? reader.readU32() : reader.readU16()
    if (!ok) return { ok }
    if (creation === 0) throw badResponse('the creation is 0, which no node may have')
    return { ok, creation }
  })
}

/** u8 119, u8 result, and the entry when there is one. */
export function encodePort2Response(entry: EpmdEntry | undefined): Uint8Array {
  const writer = new ByteWriter(64)
  writer.writeU8(PORT2_RESP).writeU8(entry === undefined ? 1 : 0)
  if (entry !== undefined) writeEntry(writer, entry)
  return writer.take()
}

/** `{ entry: undefined }` when there is no such node; undefined while bytes are missing; throws `ERR_EPMD_BAD_RESPONSE`. */
export function decodePort2Response(bytes: Uint8Array): { entry: EpmdEntry | undefined } | undefined {
  return incompleteIsUndefined(() => {
    const reader = new ByteReader(bytes)
    const opcode = reader.readU8()
    if (opcode !== PORT2_RESP) throw badResponse(`wanted PORT2_RESP (119), got ${describeByte(opcode)}`)
    if (reader.readU8() !== 0) return { entry: undefined }
    const { nameBytes, ...fields } = readEntry(reader)
    const name = decodeUtf8(nameBytes)
    if (name === undefined) throw badResponse('the node name is not valid UTF-8')
    const fault = nameFault(name)
    if (fault !== undefined) throw badResponse(`the node name ${fault}`)
    return { entry: { name, ...fields } }
  })
}

export interface NamesResponse {
  /** The port that epmd itself believes to have; an Erlang client insists that it is the one it dialed. */
  readonly epmdPort: number
  readonly names: readonly { readonly name: string; readonly port: number }[]
}

/** u32 epmd port, then a line for each name. */
export function encodeNamesResponse({ epmdPort, names }: NamesResponse): Uint8Array {
  const writer = new ByteWriter(256).writeU32(epmdPort)
  for (const { name, port } of names) writer.writeText(`name ${name} at port ${port}\n`)
  return writer.take()
}

// The greedy name leaves the last ` at port ` to be the port's, whatever the name holds.
const NAMES_LINE = /^name (.+) at port (\d{1,5})$/s

/** Takes everything up to the close of the connection; throws `ERR_EPMD_BAD_RESPONSE`. */
export function decodeNamesResponse(bytes: Uint8Array): NamesResponse {
  if (bytes.length < 4) throw badResponse(`wanted the 4 bytes of epmd's port, got ${bytes.length} bytes`)
  const epmdPort = new ByteReader(bytes).readU32()
  const text = decodeUtf8(bytes.subarray(4))
  if (text === undefined) throw badResponse('the list of names is not valid UTF-8')
  const lines = text.split('\n')
  if (lines.pop() !== '') throw badResponse('the list of names ends in the middle of a line')
  const names = lines.map((line) => {
    const [, name, port] = NAMES_LINE.exec(line) ?? []
    if (name === undefined || port === undefined) {
      throw badResponse(`wanted 'name NAME at port PORT', got '${line.slice(0, 80)}'`)
    }
    return { name, port: Number(port) }
  })
  return { epmdPort, names }
}

export interface DumpResponse {
  readonly epmdPort: number
  readonly active: readonly DumpLine[]
  /** Names that are not registered any more and still remembered. */
  readonly old: readonly DumpLine[]
}

export interface DumpLine {
  readonly name: string
  readonly port: number
  /** The descriptor of the node's connection; any number that tells connections apart. */
  readonly fd: number
}

/** u32 epmd port, then a line and a NUL for each name. Erlang has no reader for it but a person's eye. */
export function encodeDumpResponse({ epmdPort, active, old }: DumpResponse): Uint8Array {
  const writer = new ByteWriter(256).writeU32(epmdPort)
  for (const { name, port, fd } of active) {
    writer.writeText(`active name     <${name}> at port ${port}, fd = ${fd}\n\0`)
  }
  for (const { name, port, fd } of old) {
    writer.writeText(`old/unused name <${name}>, port = ${port}, fd = ${fd} \n\0`)
  }
  return writer.take()
}

const DUMP_ACTIVE = /^active name {5}<(.+)> at port (\d{1,5}), fd = (-?\d{1,10})\n$/s
const DUMP_OLD = /^old\/unused name <(.+)>, port = (\d{1,5}), fd = (-?\d{1,10}) \n$/s

/** Takes everything up to the close of the connection; throws `ERR_EPMD_BAD_RESPONSE`. */
export function decodeDumpResponse(bytes: Uint8Array): DumpResponse {
  if (bytes.length < 4) throw badResponse(`wanted the 4 bytes of epmd's port, got ${bytes.length} bytes`)
  const text = decodeUtf8(bytes.subarray(4))
  if (text === undefined) throw badResponse('the dump is not valid UTF-8')
  const pieces = text.split('\0')
  if (pieces.pop() !== '') throw badResponse('the dump ends in the middle of a line')
  const active: DumpLine[] = []
  const old: DumpLine[] = []
  for (const piece of pieces) {
    const isActive = piece.startsWith('active')
    const [, name, port, fd] = (isActive ? DUMP_ACTIVE : DUMP_OLD).exec(piece) ?? []
    if (name === undefined) throw badResponse(`the dump has a line of no known form: '${piece.slice(0, 80)}'`)
    const list = isActive ? active : old
    list.push({ name, port: Number(port), fd: Number(fd) })
  }
  return { epmdPort: new ByteReader(bytes).readU32(), active, old }
}

export type KillResponse = 'OK' | 'NO'
export type StopResponse = 'STOPPED' | 'NOEXIST'

/** `NO` when nodes are registered and the requester may not kill them. */
export function encodeKillResponse(response: KillResponse): Uint8Array {
  return new ByteWriter(2).writeText(response).take()
}

/** Takes everything up to the close of the connection; throws `ERR_EPMD_BAD_RESPONSE`. */
export function decodeKillResponse(bytes: Uint8Array): KillResponse {
  const text = latin1(bytes)
  if (text === 'OK' || text === 'NO') return text
  throw badResponse(`wanted OK or NO, got '${text}'`)
}

/** An unknown name is answered by both words, which is what epmd really sends. */
export function encodeStopResponse(response: StopResponse): Uint8Array {
  return new ByteWriter(14).writeText(response === 'NOEXIST' ? 'NOEXISTSTOPPED' : response).take()
}

/** Takes everything up to the close of the connection; throws `ERR_EPMD_BAD_RESPONSE`. */
export function decodeStopResponse(bytes: Uint8Array): StopResponse {
  const text = latin1(bytes)
  if (text === 'STOPPED') return text
  if (text === 'NOEXIST' || text === 'NOEXISTSTOPPED') return 'NOEXIST'
  throw badResponse(`wanted STOPPED or NOEXIST, got '${text}'`)
}

function incompleteIsUndefined<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof OutOfBytesError) return undefined
    throw error
  }
}

function badResponse(what: string): EpmdError {
  return new EpmdError('ERR_EPMD_BAD_RESPONSE', `malformed epmd response: ${what}`)
}

function describeByte(byte: number): string {
  return `${byte} (0x${byte.toString(16).padStart(2, '0')})`
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 32))
}
