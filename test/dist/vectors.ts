/** Captured bytes: see the README of the folder for where they come from. */
import { readFileSync } from 'node:fs'

export interface HandshakeVector {
  readonly acceptor_otp: string
  readonly cookie: string
  readonly messages: readonly {
    readonly dir: 'initiator->acceptor' | 'acceptor->initiator'
    readonly msg: string
  }[]
  readonly acceptor_challenge: number
  readonly initiator_digest: string
  readonly initiator_challenge: number
  readonly acceptor_digest: string
}

export interface FrameVector {
  readonly conn: string
  readonly seq: number
  readonly raw: string
  readonly control_etf?: string
  readonly message_etf?: string | null
  readonly incomplete_fragment?: boolean
}

export interface SignalVector {
  readonly conn: string
  /** Hexadecimal. */
  readonly flags: string
  readonly seq: number
  readonly dir: 'in' | 'out' | 'taken'
  readonly name: string
  readonly raw: string
  readonly control_etf?: string
  readonly message_etf?: string | null
  readonly signal_etf?: string
}

/** One JSON object a line. */
function readLines<T>(name: string): T[] {
  const text = readFileSync(new URL(`../vectors/dist/${name}`, import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

export function handshakeVectors(): HandshakeVector[] {
  return readLines('handshake_vectors.jsonl')
}

export function frameVectors(): FrameVector[] {
  return readLines('dist_frame_vectors.jsonl')
}

export function signalVectors(): SignalVector[] {
  return readLines('signal_vectors.jsonl')
}
