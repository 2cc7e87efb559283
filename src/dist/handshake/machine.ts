/**
 * What the two handshake machines have in common: who we are, what a finished handshake yields, and how a machine is
 * interrupted. Protocol: section 2.1.
 */
import { DistError } from '../errors.ts'
import { missingMandatory } from '../flags.ts'

/** Our side of a handshake. */
export interface LocalNode {
  /** Full node name; with `NAME_ME` in the flags only the host, and the peer makes the name. */
  readonly name: string
  /** What we offer; see `ourFlags`. */
  readonly flags: bigint
  /** Our incarnation as epmd gave it; ignored with `NAME_ME`. */
  readonly creation: number
}

/** The peer as it introduced itself. */
export interface PeerNode {
  readonly name: string
  readonly creation: number
  /** Its complete offer, `MANDATORY_25_DIGEST` expanded. */
  readonly flags: bigint
}

/** What a finished handshake is worth. */
export interface HandshakeOutcome {
  /** Our name and creation: those of `LocalNode`, or what the peer gave us. */
  readonly self: { readonly name: string; readonly creation: number }
  readonly peer: PeerNode
  /** What both sides can do. */
  readonly flags: bigint
}

/** Ends a handshake from outside, in whatever state it is. */
export type Interruption =
  /** The one deadline passed. */
  | { readonly type: 'timeout' }
  /** The caller gave up. */
  | { readonly type: 'aborted' }
  /** The stream ended. */
  | { readonly type: 'closed'; readonly cause?: Error | undefined }

/** What happens to a machine; `Answer` is what comes back for its questions. */
export type HandshakeEvent<Answer> =
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  | { readonly type: 'answer'; readonly answer: Answer }
  | Interruption

/** What a machine asks for. */
export type HandshakeEffect<Question> =
  /** Send this message, framed. */
  | { readonly type: 'send'; readonly bytes: Uint8Array }
  /** Ask the node; later messages wait until its answer was handled. */
  | { readonly type: 'ask'; readonly question: Question }
  /** Done: everything that follows on the stream is frames. */
  | { readonly type: 'connected'; readonly outcome: HandshakeOutcome }
  /** Give the transport up. With `flush`, what was sent before must still reach the peer. */
  | { readonly type: 'close'; readonly error: DistError; readonly flush: boolean }

export interface HandshakeStep<State, Question> {
  readonly state: State
  readonly effects: readonly HandshakeEffect<Question>[]
}

/** The error of an interrupted handshake; `where` is the state in words, `hint` why a peer closes in it. */
export function interruptionError(
  event: Interruption,
  peer: string | undefined,
  where: string,
  hint?: string,
): DistError {
  const who = peer ?? 'a node that has not said its name'
  switch (event.type) {
    case 'timeout':
      return new DistError('ERR_HANDSHAKE_TIMEOUT', `handshake with ${who} timed out while ${where}`, {
        peer,
      })
    case 'aborted':
      return new DistError('ERR_HANDSHAKE_ABORTED', `handshake with ${who} was given up while ${where}`, {
        peer,
      })
    case 'closed': {
      const why = hint === undefined ? '' : `: ${hint}`
      return new DistError('ERR_HANDSHAKE_CLOSED', `${who} closed the connection while ${where}${why}`, {
        peer,
        cause: event.cause,
      })
    }
  }
}

/** Runs a decoder on peer input; its typed error becomes a value, since machines never throw for input. */
export function attempt<T>(decode: (bytes: Uint8Array) => T, bytes: Uint8Array): T | DistError {
  try {
    return decode(bytes)
  } catch (error) {
    if (error instanceof DistError) return error
    throw error
  }
}

/** The error when `flags` lack something mandatory, else undefined. */
export function missingFlagsError(flags: bigint, peer: string): DistError | undefined {
  const missing = missingMandatory(flags)
  if (missing.length === 0) return undefined
  return new DistError(
    'ERR_HANDSHAKE_MISSING_FLAGS',
    `${peer} lacks the mandatory flags ${missing.join(', ')}; OTP 25 or newer is needed there`,
    { peer, actual: `0x${flags.toString(16)}`, expected: missing.join(', ') },
  )
}
