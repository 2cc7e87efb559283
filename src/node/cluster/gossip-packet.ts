/**
 * The packets of libcluster's strategy `Gossip`, by which nodes tell their names on the local network:
 *
 *   "heartbeat::" term_to_binary(%{node: Name})
 *   IV (16)  AES-256-CBC(the same, PKCS #7)           key: SHA-256 of the secret
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { atom, encode } from '../../etf/index.ts'

const PRELUDE = Buffer.from('heartbeat::')
const CIPHER = 'aes-256-cbc'
const IV_BYTES = 16
const NODE = atom('node')
/** Names are read by hand, not by the codec: anybody may send them, and an atom would stay for good. */
const VERSION = 131
const MAP_EXT = 116
const ATOM_EXT = 100
const SMALL_ATOM_EXT = 115
const ATOM_UTF8_EXT = 118
const SMALL_ATOM_UTF8_EXT = 119
/** A map with more in it is none of libcluster's. */
const MOST_PAIRS = 16

export type GossipKey = Uint8Array

export function keyOf(secret: string): GossipKey {
  return createHash('sha256').update(secret).digest()
}

export function encodeGossip(name: string, key: GossipKey | undefined): Uint8Array {
  const plain = Buffer.concat([PRELUDE, encode(new Map([[NODE, atom(name)]]))])
  if (key === undefined) return plain
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, key, iv)
  return Buffer.concat([iv, cipher.update(plain), cipher.final()])
}

/** The name that a packet tells; undefined for everything else: another secret, none, or no packet of this kind. */
export function decodeGossip(packet: Uint8Array, key: GossipKey | undefined): string | undefined {
  const plain = key === undefined ? Buffer.from(packet) : decrypt(packet, key)
  if (plain === undefined || !plain.subarray(0, PRELUDE.length).equals(PRELUDE)) return undefined
  try {
    return nodeIn(plain, PRELUDE.length)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** The value of the key `node` in a map from atoms to atoms. @throws RangeError where the bytes end before it does */
function nodeIn(bytes: Buffer, start: number): string | undefined {
  if (bytes.readUInt8(start) !== VERSION || bytes.readUInt8(start + 1) !== MAP_EXT) return undefined
  const pairs = bytes.readUInt32BE(start + 2)
  if (pairs > MOST_PAIRS) return undefined
  let [at, node]: [number, string | undefined] = [start + 6, undefined]
  for (let i = 0; i < pairs; i++) {
    const key = atomAt(bytes, at)
    const value = key && atomAt(bytes, key.end)
    if (value === undefined) return undefined
    if (key?.name === NODE.name) node = value.name
    at = value.end
  }
  return at === bytes.length ? node : undefined
}

function atomAt(bytes: Buffer, at: number): { readonly name: string; readonly end: number } | undefined {
  const tag = bytes.readUInt8(at)
  const isSmall = tag === SMALL_ATOM_EXT || tag === SMALL_ATOM_UTF8_EXT
  if (!isSmall && tag !== ATOM_EXT && tag !== ATOM_UTF8_EXT) return undefined
  const length = isSmall ? bytes.readUInt8(at + 1) : bytes.readUInt16BE(at + 1)
  const from = at + (isSmall ? 2 : 3)
  const end = from + length
  if (end > bytes.length) return undefined
  const isUtf8 = tag === ATOM_UTF8_EXT || tag === SMALL_ATOM_UTF8_EXT
  return { name: bytes.toString(isUtf8 ? 'utf8' : 'latin1', from, end), end }
}

function decrypt(packet: Uint8Array, key: GossipKey): Buffer | undefined {
  if (packet.length < 2 * IV_BYTES) return undefined
  try {
    const decipher = createDecipheriv(CIPHER, key, packet.subarray(0, IV_BYTES))
    return Buffer.concat([decipher.update(packet.subarray(IV_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}
