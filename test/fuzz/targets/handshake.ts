/** Any bytes as a message of the handshake: a message, or a typed error. */
import { ChunkQueue } from '../../../src/core/index.ts'
import { takeHandshakeMessage } from '../../../src/dist/framing.ts'
import * as messages from '../../../src/dist/handshake/messages.ts'
import { handshakeVectors } from '../../dist/vectors.ts'

const DECODERS = [
  messages.decodeName,
  messages.decodeStatus,
  messages.decodeChallenge,
  messages.decodeComplement,
  messages.decodeChallengeReply,
  messages.decodeChallengeAck,
]

export const tokens: readonly Uint8Array[] = [
  'n',
  'N',
  's',
  'r',
  'a',
  'c',
  'sok',
  'snok',
  'salive',
  'snamed:',
].map((text) => new TextEncoder().encode(text))

export function* seeds(): Generator<Uint8Array> {
  for (const { messages: captured } of handshakeVectors()) {
    for (const { msg } of captured) yield Buffer.from(msg, 'hex')
  }
  yield messages.encodeStatus({ kind: 'named', name: 'x@h', creation: 1 })
  for (const token of tokens) yield token
}

export function run(bytes: Uint8Array): void {
  for (const decode of DECODERS) refuses(() => decode(bytes))
  for (const prefix of [2, 4] as const) {
    const chunks = new ChunkQueue()
    for (let at = 0; at < bytes.length; at += 5) chunks.append(bytes.subarray(at, at + 5))
    while (refuses(() => takeHandshakeMessage(chunks, prefix)) !== undefined) {
      // The next one.
    }
  }
}

function refuses<T>(body: () => T): T | undefined {
  try {
    return body()
  } catch (error) {
    if (!/^ERR_HANDSHAKE_/.test(String((error as { code?: unknown }).code))) throw error
    return undefined
  }
}
