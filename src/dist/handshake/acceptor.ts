/**
 * The side that is dialled. Protocol: sections 2.1, 2.2, 2.6 and 2.7. Pure: bytes in, bytes and questions out.
 *
 *   awaitName --> awaitNodeTable --ok, ok_simultaneous, named--> [awaitComplement] --> awaitChallengeReply --> connected
 *                      |
 *                      +--alive--> awaitAliveReply --true--> [awaitComplement] ...
 *
 * `awaitComplement` only after the legacy name message. Everything else leads to `failed`. Not checked: whether the
 * peer uses long or short names, which a BEAM node does not check either when it is dialled.
 */
import { DistError } from '../errors.ts'
import { DFLAG_NAME_ME, DFLAG_PUBLISHED, expandFlags, hasFlag, MANDATORY, negotiate } from '../flags.ts'
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
  type ChallengeReply,
  decodeChallengeReply,
  decodeComplement,
  decodeName,
  decodeStatus,
  encodeChallenge,
  encodeChallengeAck,
  encodeStatus,
  isHostName,
  isNodeName,
  type NameMessage,
} from './messages.ts'

export interface AcceptorConfig {
  readonly self: LocalNode
  /** Random, 32 bits. */
  readonly challenge: number
}

/** What the node says about a peer that introduced itself. */
export type AcceptDecision =
  /** No other connection: go on. */
  | 'ok'
  /** Our own attempt to dial the peer gives way. */
  | 'ok_simultaneous'
  /** Our own attempt wins; this one ends. */
  | 'nok'
  /** The peer may not connect. */
  | 'not_allowed'
  /** We are connected: the peer must say whether that connection is dead. */
  | 'alive'
  /** Another attempt of the same peer is being negotiated: close without a word, as BEAM nodes do. */
  | 'close'

interface Introduction {
  /** Full name, also of a peer that asked for one and got it. */
  readonly name: string
  readonly creation: number
  readonly flags: bigint
  readonly legacy: boolean
  /** True when the peer asked for its name: our challenge must repeat the flag. */
  readonly nameless: boolean
  readonly digest: CookieDigest
}

export type AcceptorState = { readonly config: AcceptorConfig } & (
  | { readonly name: 'awaitName' }
  | { readonly name: 'awaitNodeTable'; readonly message: NameMessage }
  | { readonly name: 'awaitAliveReply'; readonly peer: Introduction }
  | { readonly name: 'awaitComplement'; readonly peer: Introduction }
  | { readonly name: 'awaitChallengeReply'; readonly peer: Introduction }
  | { readonly name: 'connected'; readonly outcome: HandshakeOutcome }
  | { readonly name: 'failed'; readonly error: DistError }
)

export type AcceptorQuestion =
  /** May this peer connect? */
  | { readonly type: 'decide'; readonly peer: string }
  /** A peer on this host asks for a name. */
  | { readonly type: 'makeName'; readonly host: string }

export type AcceptorAnswer =
  /** `digest` is the one of the peer's cookie. */
  | { readonly type: 'decided'; readonly decision: AcceptDecision; readonly digest: CookieDigest }
  /** Without a name the peer is refused. */
  | { readonly type: 'named'; readonly given: GivenName | undefined; readonly digest: CookieDigest }

export interface GivenName {
  /** Full node name on the host that asked. */
  readonly name: string
  readonly creation: number
}

export type AcceptorEvent = HandshakeEvent<AcceptorAnswer>
export type AcceptorStep = HandshakeStep<AcceptorState, AcceptorQuestion>

type Deciding = Extract<AcceptorState, { readonly name: 'awaitNodeTable' }>

/** What each state waits for, for messages. */
const WHERE = {
  awaitName: 'waiting for its name',
  awaitNodeTable: 'deciding about it',
  awaitAliveReply: 'waiting for its word on the connection that exists',
  awaitComplement: 'waiting for the rest of its flags',
  awaitChallengeReply: 'waiting for its answer to our challenge',
  connected: 'being connected',
  failed: 'failing',
} as const satisfies Record<AcceptorState['name'], string>

/** What it most often means that the peer closes in a state. */
const HINTS: Partial<Record<AcceptorState['name'], string>> = {
  awaitChallengeReply: 'it may have dialled another name, or miss a flag of ours',
}

/** Nothing to send: the peer speaks first. */
export function startAcceptor(config: AcceptorConfig): AcceptorStep {
  return { state: { name: 'awaitName', config }, effects: [] }
}

export function stepAcceptor(state: AcceptorState, event: AcceptorEvent): AcceptorStep {
  if (state.name === 'connected' || state.name === 'failed') return { state, effects: [] }
  switch (event.type) {
    case 'message':
      return handleMessage(state, event.bytes)
    case 'answer':
      if (state.name !== 'awaitNodeTable') return { state, effects: [] }
      return event.answer.type === 'decided'
        ? handleDecided(state, event.answer.decision, event.answer.digest)
        : handleNamed(state, event.answer.given, event.answer.digest)
    default:
      return fail(state, interruptionError(event, peerName(state), WHERE[state.name], HINTS[state.name]))
  }
}

function handleMessage(state: AcceptorState, bytes: Uint8Array): AcceptorStep {
  switch (state.name) {
    case 'awaitName': {
      const message = attempt(decodeName, bytes)
      return message instanceof DistError ? fail(state, message) : handleName(state, message)
    }
    case 'awaitAliveReply': {
      const status = attempt(decodeStatus, bytes)
      if (status instanceof DistError) return fail(state, status)
      if (status.kind === 'true') return sendChallenge(state, state.peer)
      if (status.kind === 'false')
        return fail(state, refusal(state, 'ERR_HANDSHAKE_ALIVE', 'keeps the connection that exists'))
      return fail(
        state,
        refusal(state, 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE', `answered alive with the status ${status.kind}`),
      )
    }
    case 'awaitComplement': {
      const complement = attempt(decodeComplement, bytes)
      if (complement instanceof DistError) return fail(state, complement)
      const { flagsHigh, creation } = complement
      const peer = { ...state.peer, flags: state.peer.flags | flagsHigh, creation }
      const missing = missingFlagsError(peer.flags, peer.name)
      return missing === undefined ? awaitChallengeReply(state, peer) : fail(state, missing)
    }
    case 'awaitChallengeReply': {
      const reply = attempt(decodeChallengeReply, bytes)
      return reply instanceof DistError ? fail(state, reply) : handleChallengeReply(state, state.peer, reply)
    }
    case 'awaitNodeTable':
    case 'connected':
    case 'failed':
      return fail(
        state,
        refusal(
          state,
          'ERR_HANDSHAKE_UNEXPECTED_MESSAGE',
          `sent a message while we were ${WHERE[state.name]}`,
        ),
      )
    default:
      return state satisfies never
  }
}

function handleName(state: AcceptorState, message: NameMessage): AcceptorStep {
  const { name, flags } = message
  const nameless = hasFlag(flags, DFLAG_NAME_ME)
  if (!(nameless ? isHostName(name) : isNodeName(name))) {
    const error = new DistError('ERR_HANDSHAKE_BAD_NAME', `${JSON.stringify(name)} is no node name`, {
      actual: name,
    })
    return fail(state, error)
  }
  // The high half of a legacy peer's flags comes later; only what is low can be missed now.
  const missing = missingFlagsError(message.legacy ? flags | (MANDATORY & ~0xffff_ffffn) : flags, name)
  if (missing !== undefined) return refuse(state, missing)
  return {
    state: { name: 'awaitNodeTable', config: state.config, message },
    effects: [
      { type: 'ask', question: nameless ? { type: 'makeName', host: name } : { type: 'decide', peer: name } },
    ],
  }
}

function handleDecided(state: Deciding, decision: AcceptDecision, digest: CookieDigest): AcceptorStep {
  const { name, creation, flags, legacy } = state.message
  const peer: Introduction = { name, creation, flags, legacy, nameless: false, digest }
  switch (decision) {
    case 'ok':
    case 'ok_simultaneous':
      return withMessage(encodeStatus({ kind: decision }), sendChallenge(state, peer))
    case 'alive': {
      const next: AcceptorState = { name: 'awaitAliveReply', config: state.config, peer }
      return withMessage(encodeStatus({ kind: decision }), { state: next, effects: [] })
    }
    case 'nok': {
      const error = refusal(state, 'ERR_HANDSHAKE_NOK', 'and we dial each other, and our attempt wins')
      return withMessage(encodeStatus({ kind: decision }), fail(state, error, true))
    }
    case 'not_allowed':
      return refuse(state, refusal(state, 'ERR_HANDSHAKE_NOT_ALLOWED', 'may not connect to this node'))
    case 'close':
      return fail(state, refusal(state, 'ERR_HANDSHAKE_BUSY', 'has another connection in negotiation'))
    default:
      return decision satisfies never
  }
}

function handleNamed(state: Deciding, given: GivenName | undefined, digest: CookieDigest): AcceptorStep {
  if (given === undefined)
    return refuse(state, refusal(state, 'ERR_HANDSHAKE_NOT_ALLOWED', 'asks for a name, and we give none'))
  const { legacy } = state.message
  // Hidden whatever it says: such a node is no full member of the cluster.
  const flags = state.message.flags & ~DFLAG_PUBLISHED
  const peer: Introduction = { ...given, flags, legacy, nameless: true, digest }
  return withMessage(encodeStatus({ kind: 'named', ...given }), sendChallenge(state, peer))
}

function sendChallenge(state: AcceptorState, peer: Introduction): AcceptorStep {
  const { self, challenge } = state.config
  // A node that asked for its name stops working unless the challenge says that we understood.
  const flags = peer.nameless ? self.flags | DFLAG_NAME_ME : self.flags
  const bytes = encodeChallenge({ flags, challenge, creation: self.creation, name: self.name })
  const next: AcceptorStep = peer.legacy
    ? { state: { name: 'awaitComplement', config: state.config, peer }, effects: [] }
    : awaitChallengeReply(state, peer)
  return withMessage(bytes, next)
}

function handleChallengeReply(state: AcceptorState, peer: Introduction, reply: ChallengeReply): AcceptorStep {
  const { config } = state
  if (!digestsEqual(reply.digest, peer.digest(config.challenge))) {
    // Closing without a message is all the answer that a wrong cookie gets.
    return fail(state, refusal(state, 'ERR_HANDSHAKE_BAD_COOKIE', 'does not have our cookie'))
  }
  const outcome: HandshakeOutcome = {
    self: { name: config.self.name, creation: config.self.creation },
    peer: { name: peer.name, creation: peer.creation, flags: expandFlags(peer.flags) & ~DFLAG_NAME_ME },
    flags: negotiate(config.self.flags, peer.flags),
  }
  return withMessage(encodeChallengeAck(peer.digest(reply.challenge)), {
    state: { name: 'connected', config, outcome },
    effects: [{ type: 'connected', outcome }],
  })
}

function awaitChallengeReply(state: AcceptorState, peer: Introduction): AcceptorStep {
  return { state: { name: 'awaitChallengeReply', config: state.config, peer }, effects: [] }
}

function withMessage(bytes: Uint8Array, step: AcceptorStep): AcceptorStep {
  return { state: step.state, effects: [{ type: 'send', bytes }, ...step.effects] }
}

/** Says `not_allowed` and ends. */
function refuse(state: AcceptorState, error: DistError): AcceptorStep {
  return withMessage(encodeStatus({ kind: 'not_allowed' }), fail(state, error, true))
}

function fail(state: AcceptorState, error: DistError, flush = false): AcceptorStep {
  return {
    state: { name: 'failed', config: state.config, error },
    effects: [{ type: 'close', error, flush }],
  }
}

function peerName(state: AcceptorState): string | undefined {
  if (state.name === 'awaitNodeTable') return state.message.name
  return 'peer' in state ? state.peer.name : undefined
}

function refusal(state: AcceptorState, code: string, what: string): DistError {
  const peer = peerName(state)
  return new DistError(code, `${peer ?? 'a node'} ${what}`, { peer })
}
