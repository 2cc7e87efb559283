/**
 * The shell around the two handshake machines: feeds them what arrives, does what they decide, and holds the one
 * deadline of the whole set-up. Protocol: sections 2.1, 2.8 and 2.9. It decides nothing about the protocol itself.
 */
import { ChunkQueue, type Clock, describeError, systemClock, type Timer } from '../../core/index.ts'
import type { Transport } from '../../net/index.ts'
import { DistError } from '../errors.ts'
import { encodeHandshakeFrame, HANDSHAKE_LIMIT, type LengthPrefix, takeHandshakeMessage } from '../framing.ts'
import {
  type AcceptDecision,
  type AcceptorAnswer,
  type GivenName,
  startAcceptor,
  stepAcceptor,
} from './acceptor.ts'
import { cookieDigest, makeChallenge } from './digest.ts'
import { startInitiator, stepInitiator } from './initiator.ts'
import type {
  HandshakeEffect,
  HandshakeEvent,
  HandshakeOutcome,
  HandshakeStep,
  LocalNode,
} from './machine.ts'

/** Default of the deadline: `net_setuptime` of the BEAM. */
const DEFAULT_TIMEOUT_MS = 7000

/** How long a refusal may take to leave before the stream is cut. */
const LINGER_MS = 1000

/** A finished handshake: what was agreed, and the stream it was agreed on. */
export interface HandshakeResult extends HandshakeOutcome {
  /** Paused; belongs to the `Connection` that is made from this result, or to the caller to destroy. */
  readonly transport: Transport
  /** What arrived behind the last handshake message: the first frames, or part of one. */
  readonly leftover: ChunkQueue
  /** Set when the stream has ended meanwhile. */
  ended: { readonly error: Error | undefined } | undefined
}

interface CommonOptions {
  readonly self: LocalNode
  /** Default: the system's. */
  readonly clock?: Clock
  /** For the whole handshake, in ms. Default 7000. */
  readonly timeout?: number
  /** Gives up with `ERR_HANDSHAKE_ABORTED`. */
  readonly signal?: AbortSignal | undefined
  /** 4 on TLS, where lengths have four bytes from the start. Default 2. */
  readonly lengthPrefix?: LengthPrefix
}

export interface InitiateOptions extends CommonOptions {
  /** Full name of the node that the transport was dialled for. */
  readonly peerName: string
  readonly cookie: string
  /** The peer believes to be connected to us: true when that connection is dead and this one replaces it. */
  readonly onAlive: () => boolean | Promise<boolean>
}

export interface AcceptOptions extends CommonOptions {
  /** The cookie for a peer. */
  readonly cookieFor: (peerName: string) => string
  /** What a peer hears that introduces itself; a promise holds the handshake up meanwhile. */
  readonly decide: (peerName: string) => AcceptDecision | Promise<AcceptDecision>
  /** Makes a name on `host` for a node that asks for one. Default: such nodes are refused. */
  readonly nameFor?: (host: string) => GivenName | undefined
}

/**
 * Shakes hands on a transport that we dialled.
 *
 * @returns what was agreed; make a `Connection` of it.
 * @throws (rejects with) DistError of a code `ERR_HANDSHAKE_...`; the transport is closed then.
 * @example
 * const result = await initiate(transport, {
 *   self: { name: 'ts@127.0.0.1', flags: ourFlags(), creation: 1 },
 *   peerName: 'n1@127.0.0.1', cookie: 'secret', onAlive: () => false,
 * })
 * result.peer.name // 'n1@127.0.0.1'
 */
export function initiate(transport: Transport, options: InitiateOptions): Promise<HandshakeResult> {
  const { self, peerName, cookie, onAlive } = options
  const config = { self, peer: peerName, digest: cookieDigest(cookie), challenge: makeChallenge() }
  return drive(transport, options, {
    first: startInitiator(config),
    step: stepInitiator,
    answer: async () => ({ dead: await onAlive() }),
  })
}

/**
 * Shakes hands on a transport that a peer dialled.
 *
 * @returns what was agreed; make a `Connection` of it.
 * @throws (rejects with) DistError of a code `ERR_HANDSHAKE_...`; the transport is closed then.
 */
export function acceptHandshake(transport: Transport, options: AcceptOptions): Promise<HandshakeResult> {
  const { self, cookieFor, decide, nameFor } = options
  return drive(transport, options, {
    first: startAcceptor({ self, challenge: makeChallenge() }),
    step: stepAcceptor,
    answer: async (question): Promise<AcceptorAnswer> => {
      if (question.type === 'decide') {
        const { peer } = question
        return { type: 'decided', decision: await decide(peer), digest: cookieDigest(cookieFor(peer)) }
      }
      const given = nameFor?.(question.host)
      return { type: 'named', given, digest: cookieDigest(given === undefined ? '' : cookieFor(given.name)) }
    },
  })
}

interface Machine<State, Question, Answer> {
  readonly first: HandshakeStep<State, Question>
  readonly step: (state: State, event: HandshakeEvent<Answer>) => HandshakeStep<State, Question>
  readonly answer: (question: Question) => Promise<Answer>
}

function drive<State, Question, Answer>(
  transport: Transport,
  options: CommonOptions,
  machine: Machine<State, Question, Answer>,
): Promise<HandshakeResult> {
  return new Promise((resolve, reject) => {
    new HandshakeDriver(transport, options, machine, resolve, reject).start()
  })
}

class HandshakeDriver<State, Question, Answer> {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  readonly #prefix: LengthPrefix
  readonly #machine: Machine<State, Question, Answer>
  readonly #resolve: (result: HandshakeResult) => void
  readonly #reject: (error: DistError) => void
  readonly #chunks = new ChunkQueue()
  readonly #deadline: Timer
  readonly #abort = (): void => this.#handle({ type: 'aborted' })
  #state: State
  /** While the node is asked something, later messages wait. */
  #asking = false
  #settled = false

  constructor(
    transport: Transport,
    options: CommonOptions,
    machine: Machine<State, Question, Answer>,
    resolve: (result: HandshakeResult) => void,
    reject: (error: DistError) => void,
  ) {
    this.#transport = transport
    this.#clock = options.clock ?? systemClock
    this.#signal = options.signal
    this.#prefix = options.lengthPrefix ?? 2
    this.#machine = machine
    this.#state = machine.first.state
    this.#resolve = resolve
    this.#reject = reject
    const timeout = options.timeout ?? DEFAULT_TIMEOUT_MS
    this.#deadline = this.#clock.after(timeout, () => this.#handle({ type: 'timeout' }))
  }

  start(): void {
    this.#transport.handler = {
      onData: (bytes) => {
        if (this.#settled) return
        this.#chunks.append(bytes)
        if (this.#asking && this.#chunks.length > HANDSHAKE_LIMIT)
          this.#fail(tooEarly(this.#chunks.length), false)
        else this.#readMessages()
      },
      onDrain: () => {},
      onClose: (cause) => this.#handle({ type: 'closed', cause }),
    }
    this.#signal?.addEventListener('abort', this.#abort, { once: true })
    this.#perform(this.#machine.first.effects)
    if (this.#signal?.aborted === true) this.#abort()
  }

  #handle(event: HandshakeEvent<Answer>): void {
    if (this.#settled) return
    try {
      const { state, effects } = this.#machine.step(this.#state, event)
      this.#state = state
      this.#perform(effects)
    } catch (cause) {
      // Not the peer's doing: a crypto library that has no MD5, for one.
      this.#fail(failure('this node failed in a handshake', cause), false)
    }
  }

  #perform(effects: readonly HandshakeEffect<Question>[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#transport.write(encodeHandshakeFrame(effect.bytes, this.#prefix))
          break
        case 'ask':
          this.#ask(effect.question)
          break
        case 'connected':
          this.#succeed(effect.outcome)
          break
        case 'close':
          this.#fail(effect.error, effect.flush)
          break
        default:
          effect satisfies never
      }
    }
  }

  #ask(question: Question): void {
    this.#asking = true
    this.#machine.answer(question).then(
      (answer) => {
        this.#asking = false
        this.#handle({ type: 'answer', answer })
        this.#readMessages()
      },
      (cause: unknown) => {
        this.#fail(failure('this node could not decide about a handshake', cause), false)
      },
    )
  }

  #readMessages(): void {
    try {
      while (!this.#settled && !this.#asking) {
        const bytes = takeHandshakeMessage(this.#chunks, this.#prefix)
        if (bytes === undefined) return
        this.#handle({ type: 'message', bytes })
      }
    } catch (error) {
      if (!(error instanceof DistError)) throw error
      this.#fail(error, false)
    }
  }

  #succeed(outcome: HandshakeOutcome): void {
    if (!this.#settle()) return
    const transport = this.#transport
    const leftover = this.#chunks
    const result: HandshakeResult = { ...outcome, transport, leftover, ended: undefined }
    transport.handler = {
      onData: (bytes) => leftover.append(bytes),
      onDrain: () => {},
      onClose: (error) => {
        result.ended = { error }
      },
    }
    transport.pause()
    this.#resolve(result)
  }

  #fail(error: DistError, flush: boolean): void {
    if (!this.#settle()) return
    if (flush) endSlowly(this.#transport, this.#clock)
    else this.#transport.destroy()
    this.#reject(error)
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#deadline.cancel()
    this.#signal?.removeEventListener('abort', this.#abort)
    return true
  }
}

function failure(what: string, cause: unknown): DistError {
  return new DistError('ERR_DIST_INTERNAL', `${what}: ${describeError(cause)}`, { cause })
}

function tooEarly(length: number): DistError {
  const what = `a peer that has to wait for an answer sent ${length} bytes, at most ${HANDSHAKE_LIMIT} are kept`
  return new DistError('ERR_HANDSHAKE_BAD_MESSAGE', what, { actual: length, expected: HANDSHAKE_LIMIT })
}

/** Lets a last message leave, then closes; a peer that does not take it is cut off. */
function endSlowly(transport: Transport, clock: Clock): void {
  const timer = clock.after(LINGER_MS, () => transport.destroy())
  transport.handler = { onData: () => {}, onDrain: () => {}, onClose: () => timer.cancel() }
  transport.end()
}
