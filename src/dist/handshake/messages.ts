/**
 * The messages of the handshake, each with its two directions side by side, without the length prefix.
 * Protocol: section 2.2. Not supported: sending the legacy `n` and its complement `c`, which no node of ours needs;
 * both are read. What follows the last field is ignored, as the protocol demands.
 */
import { ByteReader, ByteWriter } from '../../core/index.ts'
import { DistError } from '../errors.ts'
import { DIGEST_LENGTH } from './digest.ts'

/** First byte of each message. */
const TAG_NAME = 0x4e // 'N': send_name and challenge
const TAG_LEGACY_NAME = 0x6e // 'n'
const TAG_STATUS = 0x73 // 's'
const TAG_COMPLEMENT = 0x63 // 'c'
const TAG_CHALLENGE_REPLY = 0x72 // 'r'
const TAG_CHALLENGE_ACK = 0x61 // 'a'

/** Version number inside the legacy name message. */
const LEGACY_VERSION = 5

/** A longer name cannot be an atom. */
const MAX_NAME_LENGTH = 255

export interface NameMessage {
  readonly flags: bigint
  readonly creation: number
  /** The full node name, or only the host of a node that asks for a name. */
  readonly name: string
  /** True for the form of OTP 23/24: high flags and creation follow in a complement. */
  readonly legacy: boolean
}

export type Status =
  /** Go on. */
  | { readonly kind: 'ok' }
  /** Go on; the acceptor has dropped its own attempt. */
  | { readonly kind: 'ok_simultaneous' }
  /** The acceptor's own attempt wins: give this one up and serve the other. */
  | { readonly kind: 'nok' }
  /** Refused. */
  | { readonly kind: 'not_allowed' }
  /** The acceptor believes to be connected already and waits for `true` (that one is dead) or `false`. */
  | { readonly kind: 'alive' }
  /** Go on under this name, which the acceptor made. */
  | { readonly kind: 'named'; readonly name: string; readonly creation: number }
  /** The answer to `alive`: the old connection is dead, go on. */
  | { readonly kind: 'true' }
  /** The answer to `alive`: the old connection lives, stop. */
  | { readonly kind: 'false' }

const PLAIN_STATUSES = ['ok', 'ok_simultaneous', 'nok', 'not_allowed', 'alive', 'true', 'false'] as const
const NAMED_PREFIX = 'named:'

export interface Challenge {
  readonly flags: bigint
  readonly challenge: number
  readonly creation: number
  readonly name: string
}

export interface Complement {
  readonly flagsHigh: bigint
  readonly creation: number
}

export interface ChallengeReply {
  readonly challenge: number
  readonly digest: Uint8Array
}

/** `N`: u64 flags, u32 creation, u16 length, name. */
export function encodeName(message: Omit<NameMessage, 'legacy'>): Uint8Array {
  const name = latin1Bytes(message.name)
  const out = new ByteWriter(32 + name.length).writeU8(TAG_NAME).writeU64(message.flags)
  return out.writeU32(message.creation).writeU16(name.length).writeBytes(name).view8()
}

/** `N` as above, or `n`: u16 version, u32 low flags, name up to the end. */
export function decodeName(bytes: Uint8Array): NameMessage {
  return decode('the name message', bytes, [TAG_NAME, TAG_LEGACY_NAME], (reader, tag) => {
    if (tag === TAG_NAME) {
      const flags = reader.readU64()
      const creation = reader.readU32()
      return { flags, creation, name: readName(reader, reader.readU16()), legacy: false }
    }
    const version = reader.readU16()
    if (version !== LEGACY_VERSION) throw badMessage('the legacy name message', `version ${version}`, bytes)
    const flags = BigInt(reader.readU32())
    return { flags, creation: 0, name: readName(reader, reader.left), legacy: true }
  })
}

/** `s`: text; or `s`, `named:`, u16 length, name, u32 creation. */
export function encodeStatus(status: Status): Uint8Array {
  const out = new ByteWriter(32).writeU8(TAG_STATUS)
  if (status.kind !== 'named') return out.writeText(status.kind).view8()
  const name = Buffer.from(status.name, 'utf8')
  out.writeText(NAMED_PREFIX).writeU16(name.length).writeBytes(name)
  return out.writeU32(status.creation).view8()
}

export function decodeStatus(bytes: Uint8Array): Status {
  return decode('the status message', bytes, [TAG_STATUS], (reader): Status => {
    const text = Buffer.from(reader.bytes.subarray(reader.offset)).toString('latin1')
    if (text.startsWith(NAMED_PREFIX)) {
      reader.readBytes(NAMED_PREFIX.length)
      const name = readName(reader, reader.readU16())
      return { kind: 'named', name, creation: reader.readU32() }
    }
    const kind = PLAIN_STATUSES.find((status) => status === text)
    if (kind === undefined) throw badMessage('the status message', 'an unknown status', bytes)
    return { kind }
  })
}

/** `N`: u64 flags, u32 challenge, u32 creation, u16 length, name. */
export function encodeChallenge(message: Challenge): Uint8Array {
  const name = latin1Bytes(message.name)
  const out = new ByteWriter(32 + name.length).writeU8(TAG_NAME).writeU64(message.flags)
  out.writeU32(message.challenge).writeU32(message.creation)
  return out.writeU16(name.length).writeBytes(name).view8()
}

export function decodeChallenge(bytes: Uint8Array): Challenge {
  return decode('the challenge', bytes, [TAG_NAME], (reader) => {
    const flags = reader.readU64()
    const challenge = reader.readU32()
    const creation = reader.readU32()
    return { flags, challenge, creation, name: readName(reader, reader.readU16()) }
  })
}

/** `c`: u32 high flags, u32 creation. */
export function decodeComplement(bytes: Uint8Array): Complement {
  return decode('the complement', bytes, [TAG_COMPLEMENT], (reader) => ({
    flagsHigh: BigInt(reader.readU32()) << 32n,
    creation: reader.readU32(),
  }))
}

/** `r`: u32 challenge, 16 bytes digest. */
export function encodeChallengeReply(message: ChallengeReply): Uint8Array {
  const out = new ByteWriter(32).writeU8(TAG_CHALLENGE_REPLY)
  return out.writeU32(message.challenge).writeBytes(message.digest).view8()
}

export function decodeChallengeReply(bytes: Uint8Array): ChallengeReply {
  return decode('the challenge reply', bytes, [TAG_CHALLENGE_REPLY], (reader) => ({
    challenge: reader.readU32(),
    digest: reader.readBytes(DIGEST_LENGTH),
  }))
}

/** `a`: 16 bytes digest. */
export function encodeChallengeAck(digest: Uint8Array): Uint8Array {
  return new ByteWriter(32).writeU8(TAG_CHALLENGE_ACK).writeBytes(digest).view8()
}

export function decodeChallengeAck(bytes: Uint8Array): Uint8Array {
  return decode('the challenge ack', bytes, [TAG_CHALLENGE_ACK], (reader) => reader.readBytes(DIGEST_LENGTH))
}

/** True for `name@host`: one `@`, something on both sides, printable ASCII, not too long for an atom. */
export function isNodeName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && /^[!-?A-~]+@[!-?A-~]+$/.test(name)
}

/** True for the host part alone, as a node sends it that asks for a name. */
export function isHostName(host: string): boolean {
  return host.length > 0 && host.length < MAX_NAME_LENGTH && /^[!-?A-~]+$/.test(host)
}

/** Reads the tag and the fields; whatever is wrong with them becomes one typed error. */
function decode<T>(
  what: string,
  bytes: Uint8Array,
  tags: readonly number[],
  read: (reader: ByteReader, tag: number) => T,
): T {
  const tag = bytes[0]
  if (tag === undefined || !tags.includes(tag)) {
    const actual = tag === undefined ? 'nothing' : `tag 0x${hex(tag)}`
    const expected = tags.map((allowed) => `0x${hex(allowed)}`).join(' or ')
    throw new DistError(
      'ERR_HANDSHAKE_UNEXPECTED_MESSAGE',
      `expected ${what} (tag ${expected}), got ${actual}`,
      {
        actual,
        expected,
      },
    )
  }
  try {
    return read(new ByteReader(bytes, 1), tag)
  } catch (cause) {
    if (cause instanceof DistError) throw cause
    throw badMessage(what, 'too few bytes', bytes)
  }
}

function badMessage(what: string, reason: string, bytes: Uint8Array): DistError {
  // The digests are not secrets that unlock anything, but the start of a message says enough.
  const actual = Buffer.from(bytes.subarray(0, 32)).toString('hex')
  return new DistError('ERR_HANDSHAKE_BAD_MESSAGE', `${what} has ${reason}: ${actual}`, { actual })
}

function readName(reader: ByteReader, length: number): string {
  return Buffer.from(reader.readBytes(length)).toString('latin1')
}

function latin1Bytes(name: string): Uint8Array {
  return Buffer.from(name, 'latin1')
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
