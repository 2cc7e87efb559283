/**
 * Frames on the stream: a length, then that many bytes. Protocol: sections 2.1 and 4.1. During the handshake the length
 * has two bytes (four over TLS), afterwards four. Not all bytes there yet is `undefined`; too many announced is an
 * error, before anything is allocated for them.
 */
import { ByteWriter, type ChunkQueue } from '../core/index.ts'
import { DistError } from './errors.ts'

/** Bytes of a length: 2 during a handshake on plain TCP, else 4. */
export type LengthPrefix = 2 | 4

/** No handshake message comes near it, whatever a later version may append. */
export const HANDSHAKE_LIMIT = 4096

/** A frame without contents: the peer lives. */
export const TICK: Uint8Array = new Uint8Array(4)

/** The next handshake message, or undefined while it is incomplete. */
export function takeHandshakeMessage(chunks: ChunkQueue, prefix: LengthPrefix): Uint8Array | undefined {
  const length = prefix === 2 ? chunks.peekU16() : chunks.peekU32()
  if (length === undefined) return undefined
  if (length > HANDSHAKE_LIMIT) {
    throw new DistError(
      'ERR_HANDSHAKE_BAD_MESSAGE',
      `a handshake message of ${length} bytes is announced, at most ${HANDSHAKE_LIMIT} are allowed: is it a node, and one without TLS?`,
      { actual: length, expected: HANDSHAKE_LIMIT },
    )
  }
  if (chunks.length < prefix + length) return undefined
  chunks.skip(prefix)
  return chunks.take(length)
}

export function encodeHandshakeFrame(message: Uint8Array, prefix: LengthPrefix): Uint8Array {
  const out = new ByteWriter(prefix + message.length)
  if (prefix === 2) out.writeU16(message.length)
  else out.writeU32(message.length)
  return out.writeBytes(message).view8()
}

export function frameTooLong(length: number, limit: number): DistError {
  return new DistError(
    'ERR_DIST_FRAME_LIMIT',
    `a frame of ${length} bytes is announced, at most ${limit} are allowed: see limits.frameBytes`,
    { actual: length, expected: limit },
  )
}
