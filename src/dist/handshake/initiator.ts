/**
 * The side that dials. Protocol: sections 2.1, 2.2, 2.6 and 2.7. Pure: bytes in, bytes and decisions out.
 *
 *   awaitStatus --ok, ok_simultaneous, named--> awaitChallenge --> awaitChallengeAck --> connected
 *        |
 *        +--alive--> awaitAliveDecision --old one is dead--> awaitChallenge
 *
 * Everything else leads to `failed`. Not supported: the legacy name message, which no node needs from us.
 */
import { DistError } from '../errors.ts'
import { DFLAG_NAME_ME, DFLAG_PUBLISHED, expandFlags, hasFlag, negotiate } from '../flags.ts'
import { type CookieDigest, digestsEqual } from './digest.ts'
import {
  attempt,
  type HandshakeEvent,
  type HandshakeOutcome,
  type HandshakeStep,
  interruptionError,
  type LocalNode,
  missingFlagsError,
} from './machine.ts'
import {
  type Challenge,
  decodeChallenge,
  decodeChallengeAck,
  decodeStatus,
  encodeChallengeReply,
  encodeName,
  encodeStatus,
  isNodeName,
  type Status,
} from './messages.ts'

export interface InitiatorConfig {
  readonly self: LocalNode
  /** Full name of the node that was dialled. */
  readonly peer: string
  readonly digest: CookieDigest
  /** Random, 32 bits. */
  readonly challenge: number
}

type Self = HandshakeOutcome['self']

export type InitiatorState = { readonly config: InitiatorConfig } & (
  | { readonly name: 'awaitStatus' }
  | { readonly name: 'awaitAliveDecision' }
  | { readonly name: 'awaitChallenge'; readonly self: Self }
  | { readonly name: 'awaitChallengeAck'; readonly outcome: HandshakeOutcome }
  | { readonly name: 'connected'; readonly outcome: HandshakeOutcome }
  | { readonly name: 'failed'; readonly error: DistError }
)

/** The peer says that we are connected already: is that connection dead? */
export type InitiatorQuestion = { readonly type: 'alive' }
export type InitiatorAnswer = { readonly dead: boolean }

export type InitiatorEvent = HandshakeEvent<InitiatorAnswer>
export type InitiatorStep = HandshakeStep<InitiatorState, InitiatorQuestion>

/** What each state waits for, for messages. */
const WHERE = {
  awaitStatus: 'waiting for its status',
  awaitAliveDecision: 'deciding about the connection that exists',
  awaitChallenge: 'waiting for its challenge',
  awaitChallengeAck: 'waiting for its answer to our challenge',
  connected: 'being connected',
  failed: 'failing',
} as const satisfies Record<InitiatorState['name'], string>

/** What it most often means that the peer closes in a state. */
const HINTS: Partial<Record<InitiatorState['name'], string>> = {
  awaitStatus: 'it may not be a distribution port, may want TLS, or reject our node name',
  awaitChallengeAck: 'the cookie of the two nodes may differ',
}

/** Introduces us. */
export function startInitiator(config: InitiatorConfig): InitiatorStep {
  const { self } = config
  const nameless = hasFlag(self.flags, DFLAG_NAME_ME)
  const flags = nameless ? self.flags & ~DFLAG_PUBLISHED : self.flags
  const bytes = encodeName({ flags, creation: nameless ? 0 : self.creation, name: self.name })
  return { state: { name: 'awaitStatus', config }, effects: [{ type: 'send', bytes }] }
}

export function stepInitiator(state: InitiatorState, event: InitiatorEvent): InitiatorStep {
  if (state.name === 'connected' || state.name === 'failed') return { state, effects: [] }
  switch (event.type) {
    case 'message':
      return handleMessage(state, event.bytes)
    case 'answer':
      return handleAnswer(state, event.answer)
    default:
      return fail(state, interruptionError(event, state.config.peer, WHERE[state.name], HINTS[state.name]))
  }
}

function handleMessage(state: InitiatorState, bytes: Uint8Array): InitiatorStep {
  switch (state.name) {
    case 'awaitStatus': {
      const status = attempt(decodeStatus, bytes)
      return status instanceof DistError ? fail(state, status) : handleStatus(state, status)
    }
    case 'awaitChallenge': {
      const challenge = attempt(decodeChallenge, bytes)
      if (challenge instanceof DistError) return fail(state, challenge)
      return handleChallenge(state, state.self, challenge)
    }
    case 'awaitChallengeAck': {
      const digest = attempt(decodeChallengeAck, bytes)
      return digest instanceof DistError ? fail(state, digest) : handleAck(state, state.outcome, digest)
    }
    case 'awaitAliveDecision':
    case 'connected':
    case 'failed':
      return fail(
        state,
        refusal(state, 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE', `sent a message while ${WHERE[state.name]}`),
      )
    default:
      return state satisfies never
  }
}

function handleStatus(state: InitiatorState, status: Status): InitiatorStep {
  const { self } = state.config
  const nameless = hasFlag(self.flags, DFLAG_NAME_ME)
  switch (status.kind) {
    case 'ok':
    case 'ok_simultaneous':
      if (nameless)
        return fail(
          state,
          refusal(state, 'ERR_HANDSHAKE_UNEXPECTED_NAMED', 'gave us no name though we asked for one'),
        )
      return awaitChallenge(state, { name: self.name, creation: self.creation })
    case 'named':
      if (!nameless)
        return fail(
          state,
          refusal(state, 'ERR_HANDSHAKE_UNEXPECTED_NAMED', 'gave us a name that we did not ask for'),
        )
      // The peer chooses the part before the @; the host is ours.
      if (!isNodeName(status.name) || !status.name.endsWith(`@${self.name}`)) {
        return fail(
          state,
          refusal(state, 'ERR_HANDSHAKE_BAD_NAME', `gave us a name that is not on ${self.name}`),
        )
      }
      return awaitChallenge(state, { name: status.name, creation: status.creation })
    case 'alive':
      return {
        state: { name: 'awaitAliveDecision', config: state.config },
        effects: [{ type: 'ask', question: { type: 'alive' } }],
      }
    case 'nok':
      return fail(
        state,
        refusal(state, 'ERR_HANDSHAKE_NOK', 'is dialling us at this moment, and its attempt wins'),
      )
    case 'not_allowed':
      return fail(
        state,
        refusal(
          state,
          'ERR_HANDSHAKE_NOT_ALLOWED',
          'refuses us: our name is not allowed there, or flags are missing',
        ),
      )
    case 'true':
    case 'false':
      return fail(
        state,
        refusal(
          state,
          'ERR_HANDSHAKE_UNEXPECTED_MESSAGE',
          `sent the status ${status.kind}, which is ours to send`,
        ),
      )
    default:
      return status satisfies never
  }
}

function handleAnswer(state: InitiatorState, { dead }: InitiatorAnswer): InitiatorStep {
  if (state.name !== 'awaitAliveDecision') return { state, effects: [] }
  const { name, creation } = state.config.self
  const reply = { type: 'send', bytes: encodeStatus({ kind: dead ? 'true' : 'false' }) } as const
  const next = dead
    ? awaitChallenge(state, { name, creation })
    : fail(state, refusal(state, 'ERR_HANDSHAKE_ALIVE', 'is connected to us already'), true)
  return { state: next.state, effects: [reply, ...next.effects] }
}

function handleChallenge(state: InitiatorState, self: Self, challenge: Challenge): InitiatorStep {
  const { config } = state
  if (challenge.name !== config.peer) {
    const error = new DistError(
      'ERR_HANDSHAKE_NAME_MISMATCH',
      `dialled ${config.peer}, but ${JSON.stringify(challenge.name)} answered`,
      { peer: config.peer, actual: challenge.name, expected: config.peer },
    )
    return fail(state, error)
  }
  const missing = missingFlagsError(challenge.flags, config.peer)
  if (missing !== undefined) return fail(state, missing)
  const { flags, creation, name } = challenge
  const peer = { name, creation, flags: expandFlags(flags) & ~DFLAG_NAME_ME }
  const offered = hasFlag(config.self.flags, DFLAG_NAME_ME)
    ? config.self.flags & ~DFLAG_PUBLISHED
    : config.self.flags
  const outcome = { self, peer, flags: negotiate(offered, flags) }
  const bytes = encodeChallengeReply({
    challenge: config.challenge,
    digest: config.digest(challenge.challenge),
  })
  return { state: { name: 'awaitChallengeAck', config, outcome }, effects: [{ type: 'send', bytes }] }
}

function handleAck(state: InitiatorState, outcome: HandshakeOutcome, digest: Uint8Array): InitiatorStep {
  const { config } = state
  if (!digestsEqual(digest, config.digest(config.challenge))) {
    return fail(state, refusal(state, 'ERR_HANDSHAKE_BAD_COOKIE', 'could not prove that it has our cookie'))
  }
  return { state: { name: 'connected', config, outcome }, effects: [{ type: 'connected', outcome }] }
}

function awaitChallenge(state: InitiatorState, self: Self): InitiatorStep {
  return { state: { name: 'awaitChallenge', config: state.config, self }, effects: [] }
}

function refusal(state: InitiatorState, code: string, what: string): DistError {
  const { peer } = state.config
  return new DistError(code, `${peer} ${what}`, { peer })
}

function fail(state: InitiatorState, error: DistError, flush = false): InitiatorStep {
  return {
    state: { name: 'failed', config: state.config, error },
    effects: [{ type: 'close', error, flush }],
  }
}
