/**
 * Requests to epmd, both directions. Pure. On the wire each is preceded by its length in a u16.
 * Spec: as protocol.ts; protocol 1.1, 1.2, 1.6.
 */
import { ByteReader, ByteWriter, OutOfBytesError } from '../core/index.ts'
import { EpmdError } from './errors.ts'
import {
  ALIVE2_REQ,
  DUMP_REQ,
  decodeUtf8,
  type EpmdEntry,
  KILL_REQ,
  MAX_FIELD_BYTES,
  NAMES_REQ,
  nameFault,
  PORT_PLEASE2_REQ,
  readEntry,
  STOP_REQ,
  writeEntry,
} from './protocol.ts'

export type EpmdRequest =
  /** Register this node for as long as the connection lasts. */
  | { readonly type: 'alive2'; readonly entry: EpmdEntry }
  /** Where does that node listen? */
  | { readonly type: 'port2'; readonly name: string }
  /** Which nodes are registered? */
  | { readonly type: 'names' }
  /** As names, with remembered ones and details. */
  | { readonly type: 'dump' }
  /** End yourself. */
  | { readonly type: 'kill' }
  /** Unregister that node. */
  | { readonly type: 'stop'; readonly name: string }

/** A registration that is complete and yet must be refused, in the response that its version expects. */
export interface RefusedAlive2 {
  readonly type: 'refused_alive2'
  readonly highestVersion: number
  readonly reason: string
}

/** The whole packet, length included. */
export function encodeRequest(request: EpmdRequest): Uint8Array {
  const writer = new ByteWriter(64)
  writer.writeU16(0)
  writeBody(writer, request)
  writer.view.setUint16(0, writer.length - 2)
  return writer.take()
}

function writeBody(writer: ByteWriter, request: EpmdRequest): void {
  switch (request.type) {
    case 'alive2':
      writer.writeU8(ALIVE2_REQ)
      writeEntry(writer, request.entry)
      return
    case 'port2':
      writer.writeU8(PORT_PLEASE2_REQ).writeText(request.name)
      return
    case 'names':
      writer.writeU8(NAMES_REQ)
      return
    case 'dump':
      writer.writeU8(DUMP_REQ)
      return
    case 'kill':
      writer.writeU8(KILL_REQ)
      return
    case 'stop':
      writer.writeU8(STOP_REQ).writeText(request.name)
      return
    default:
      request satisfies never
  }
}

/**
 * Decodes a packet without its length. Bytes after the last field are ignored, as epmd does.
 * Throws `EpmdError` with `ERR_EPMD_BAD_REQUEST` for what epmd does not answer.
 */
export function decodeRequest(body: Uint8Array): EpmdRequest | RefusedAlive2 {
  const reader = new ByteReader(body)
  try {
    const opcode = reader.readU8()
    switch (opcode) {
      case ALIVE2_REQ:
        return decodeAlive2(reader)
      case PORT_PLEASE2_REQ:
        return { type: 'port2', name: readName(reader) }
      case NAMES_REQ:
        return { type: 'names' }
      case DUMP_REQ:
        return { type: 'dump' }
      case KILL_REQ:
        return { type: 'kill' }
      case STOP_REQ:
        return { type: 'stop', name: readName(reader) }
      default:
        throw badRequest(`unknown opcode 0x${opcode.toString(16).padStart(2, '0')}`)
    }
  } catch (error) {
    if (error instanceof OutOfBytesError) throw badRequest(error.message, error)
    throw error
  }
}

function decodeAlive2(reader: ByteReader): EpmdRequest | RefusedAlive2 {
  const { nameBytes, ...fields } = readEntry(reader)
  // These two get no answer at all; everything else that is wrong is refused in words.
  if (nameBytes.length === 0) throw badRequest('the node name is empty')
  if (nameBytes.includes(0)) throw badRequest('the node name contains a NUL')
  const refuse = (reason: string): RefusedAlive2 => {
    return { type: 'refused_alive2', highestVersion: fields.highestVersion, reason }
  }
  const name = decodeUtf8(nameBytes)
  if (name === undefined) return refuse('the node name is not valid UTF-8')
  const fault = nameFault(name)
  if (fault !== undefined) return refuse(`the node name ${fault}`)
  if (fields.extra.length > MAX_FIELD_BYTES) {
    return refuse(`the extra field has ${fields.extra.length} bytes, at most ${MAX_FIELD_BYTES} are allowed`)
  }
  return { type: 'alive2', entry: { name, ...fields } }
}

/** The rest of the packet as a name; one NUL may end it. */
function readName(reader: ByteReader): string {
  const bytes = reader.readBytes(reader.left)
  const name = decodeUtf8(bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes)
  if (name === undefined) throw badRequest('the node name is not valid UTF-8')
  const fault = nameFault(name)
  if (fault !== undefined) throw badRequest(`the node name ${fault}`)
  return name
}

function badRequest(what: string, cause?: unknown): EpmdError {
  return new EpmdError('ERR_EPMD_BAD_REQUEST', `malformed epmd request: ${what}`, { cause })
}
