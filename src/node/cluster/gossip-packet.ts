/**
 * The packets of libcluster's strategy `Gossip`, by which nodes tell their names on the local network:
 *
 *   "heartbeat::" term_to_binary(%{node: Name})
 *   IV (16)  AES-256-CBC(the same, PKCS #7)           key: SHA-256 of the secret
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import {
  type Atom,
  type AtomBudget,
  Atom as AtomClass,
  atom,
  decode,
  EXACT,
  encode,
} from '../../etf/index.ts'

const PRELUDE = Buffer.from('heartbeat::')
const CIPHER = 'aes-256-cbc'
const IV_BYTES = 16
const NODE: Atom = atom('node')
/** A name has at most 255 characters; a term with more in it is none of ours. */
const LIMITS = { depth: 8, elements: 64 }

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

/**
 * The name that a packet tells; undefined for everything else: another secret, none, or no packet of this kind.
 *
 * @param atoms how many atoms packets may introduce
 */
export function decodeGossip(
  packet: Uint8Array,
  key: GossipKey | undefined,
  atoms: AtomBudget,
): string | undefined {
  const plain = key === undefined ? Buffer.from(packet) : decrypt(packet, key)
  if (plain === undefined || !plain.subarray(0, PRELUDE.length).equals(PRELUDE)) return undefined
  try {
    const term = decode(plain.subarray(PRELUDE.length), { ...EXACT, limits: LIMITS, atomBudget: atoms })
    const name = term instanceof Map ? term.get(NODE) : undefined
    return name instanceof AtomClass ? name.name : undefined
  } catch {
    return undefined
  }
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
