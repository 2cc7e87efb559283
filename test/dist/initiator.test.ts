import { inspect } from 'node:util'
import { test } from 'tap'
import { DFLAG_NAME_ME, DFLAG_PUBLISHED, DFLAG_V4_NC, OUR_FLAGS } from '../../src/dist/flags.ts'
import { cookieDigest } from '../../src/dist/handshake/digest.ts'
import {
  type InitiatorConfig,
  type InitiatorState,
  startInitiator,
  stepInitiator,
} from '../../src/dist/handshake/initiator.ts'
import * as messages from '../../src/dist/handshake/messages.ts'
import { handshakeVectors } from './vectors.ts'

const digest = cookieDigest('secret')

const CONFIG: InitiatorConfig = {
  self: { name: 'us@here', flags: OUR_FLAGS, creation: 7 },
  peer: 'them@there',
  digest,
  challenge: 111,
}
const NAMELESS: InitiatorConfig = {
  ...CONFIG,
  self: { name: 'here', flags: OUR_FLAGS | DFLAG_NAME_ME, creation: 7 },
}
const CHALLENGE = { flags: OUR_FLAGS, challenge: 222, creation: 9, name: 'them@there' }

const message = (bytes: Uint8Array) => ({ type: 'message', bytes }) as const
const status = (value: messages.Status) => message(messages.encodeStatus(value))
const challenge = (change: Partial<messages.Challenge> = {}) =>
  message(messages.encodeChallenge({ ...CHALLENGE, ...change }))
const ack = (bytes: Uint8Array) => message(messages.encodeChallengeAck(bytes))

type Event = Parameters<typeof stepInitiator>[1]

/** The effects of the last event, and the state after it. */
function play(config: InitiatorConfig, ...events: Event[]) {
  let step = startInitiator(config)
  for (const event of events) step = stepInitiator(step.state, event)
  return step
}

function sent(effects: ReturnType<typeof play>['effects']): Uint8Array[] {
  return effects.flatMap((effect) => (effect.type === 'send' ? [effect.bytes] : []))
}

function failure(config: InitiatorConfig, ...events: Event[]) {
  const { state, effects } = play(config, ...events)
  const close = effects.at(-1)
  if (state.name !== 'failed' || close?.type !== 'close') throw new Error(`not failed but ${state.name}`)
  return { error: state.error, code: state.error.code, flush: close.flush, sent: sent(effects) }
}

test('the captured handshakes are replayed byte by byte', (t) => {
  for (const vector of handshakeVectors()) {
    const [name, ok, theirs, reply, theirAck] = vector.messages.map(({ msg }) => Buffer.from(msg, 'hex'))
    const { flags, creation } = messages.decodeName(name!)
    const config = {
      self: { name: 'vec@localhost', flags, creation },
      peer: `n${vector.acceptor_otp}@localhost`,
      digest: cookieDigest(vector.cookie),
      challenge: vector.initiator_challenge,
    }
    t.same(sent(play(config).effects), [name])
    t.same(play(config, message(ok!)).effects, [])
    t.same(sent(play(config, message(ok!), message(theirs!)).effects), [reply])
    const { state } = play(config, message(ok!), message(theirs!), message(theirAck!))
    t.equal(state.name, 'connected')
    t.match(state, { outcome: { peer: { name: config.peer }, self: { name: 'vec@localhost' } } })
    t.equal(state.name === 'connected' && state.outcome.flags & DFLAG_PUBLISHED, 0n, 'we were hidden')
  }
  t.end()
})

for (const kind of ['ok', 'ok_simultaneous'] as const) {
  test(`after ${kind} the challenge is awaited`, (t) => {
    const { state, effects } = play(CONFIG, status({ kind }))
    t.equal(state.name, 'awaitChallenge')
    t.same(effects, [])
    t.end()
  })
}

test('nok, not_allowed, an unwanted name, a wrong digest and a refused alive are five different errors', (t) => {
  const codes = [
    failure(CONFIG, status({ kind: 'nok' })).code,
    failure(CONFIG, status({ kind: 'not_allowed' })).code,
    failure(CONFIG, status({ kind: 'named', name: 'x@here', creation: 3 })).code,
    failure(CONFIG, status({ kind: 'ok' }), challenge(), ack(digest(5))).code,
    failure(CONFIG, status({ kind: 'alive' }), { type: 'answer', answer: { dead: false } }).code,
  ]
  t.same(codes, [
    'ERR_HANDSHAKE_NOK',
    'ERR_HANDSHAKE_NOT_ALLOWED',
    'ERR_HANDSHAKE_UNEXPECTED_NAMED',
    'ERR_HANDSHAKE_BAD_COOKIE',
    'ERR_HANDSHAKE_ALIVE',
  ])
  t.end()
})

test('alive asks; a dead connection is answered true, and the challenge is awaited', (t) => {
  t.same(play(CONFIG, status({ kind: 'alive' })).effects, [{ type: 'ask', question: { type: 'alive' } }])
  const { state, effects } = play(CONFIG, status({ kind: 'alive' }), {
    type: 'answer',
    answer: { dead: true },
  })
  t.equal(state.name, 'awaitChallenge')
  t.same(sent(effects), [Buffer.from('strue')])
  t.end()
})

test('alive with a living connection is answered false, and that must still leave', (t) => {
  const failed = failure(CONFIG, status({ kind: 'alive' }), { type: 'answer', answer: { dead: false } })
  t.same(failed.sent, [Buffer.from('sfalse')])
  t.equal(failed.flush, true)
  t.end()
})

test('a status that only the initiator may send is an error', (t) => {
  for (const kind of ['true', 'false'] as const) {
    t.equal(failure(CONFIG, status({ kind })).code, 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE')
  }
  t.end()
})

test('a name that was asked for is taken over, with its creation', (t) => {
  const asked = sent(play(NAMELESS).effects)[0]!
  t.match(messages.decodeName(asked), { name: 'here', creation: 0 })
  t.equal(messages.decodeName(asked).flags & DFLAG_PUBLISHED, 0n)
  const named = status({ kind: 'named', name: '2M3@here', creation: 44 })
  const { state } = play(NAMELESS, named, challenge(), ack(digest(111)))
  t.match(state, { name: 'connected', outcome: { self: { name: '2M3@here', creation: 44 } } })
  if (state.name === 'connected') t.equal(state.outcome.flags & (DFLAG_NAME_ME | DFLAG_PUBLISHED), 0n)
  t.equal(failure(NAMELESS, status({ kind: 'ok' })).code, 'ERR_HANDSHAKE_UNEXPECTED_NAMED')
  const elsewhere = status({ kind: 'named', name: '2M3@elsewhere', creation: 44 })
  t.equal(failure(NAMELESS, elsewhere).code, 'ERR_HANDSHAKE_BAD_NAME')
  t.end()
})

test('another name than the dialled one is an error with both', (t) => {
  const failed = failure(CONFIG, status({ kind: 'ok' }), challenge({ name: 'other@there' }))
  t.match(failed.error, {
    code: 'ERR_HANDSHAKE_NAME_MISMATCH',
    actual: 'other@there',
    expected: 'them@there',
  })
  t.end()
})

test('missing mandatory flags are named', (t) => {
  const failed = failure(CONFIG, status({ kind: 'ok' }), challenge({ flags: OUR_FLAGS & ~DFLAG_V4_NC }))
  t.match(failed.error, { code: 'ERR_HANDSHAKE_MISSING_FLAGS', expected: 'V4_NC' })
  t.match(failed.error.message, /them@there lacks .* V4_NC/)
  t.end()
})

test('a peer that closes after our digest gets the hint that the cookie may differ', (t) => {
  const cause = new Error('reset')
  const failed = failure(CONFIG, status({ kind: 'ok' }), challenge(), { type: 'closed', cause })
  t.match(failed.error, { code: 'ERR_HANDSHAKE_CLOSED', peer: 'them@there', cause })
  t.match(failed.error.message, /cookie of the two nodes may differ/)
  t.end()
})

test('timeout, abort and close end every state with their own error', (t) => {
  const paths: Event[][] = [
    [],
    [status({ kind: 'alive' })],
    [status({ kind: 'ok' })],
    [status({ kind: 'ok' }), challenge()],
  ]
  for (const path of paths) {
    t.equal(failure(CONFIG, ...path, { type: 'timeout' }).code, 'ERR_HANDSHAKE_TIMEOUT')
    t.equal(failure(CONFIG, ...path, { type: 'aborted' }).code, 'ERR_HANDSHAKE_ABORTED')
    t.equal(failure(CONFIG, ...path, { type: 'closed' }).code, 'ERR_HANDSHAKE_CLOSED')
  }
  t.end()
})

test('a message out of turn or garbage ends every state with a typed error', (t) => {
  const paths: Event[][] = [[], [status({ kind: 'ok' })], [status({ kind: 'ok' }), challenge()]]
  for (const path of paths) {
    const { code } = failure(CONFIG, ...path, message(Buffer.from('ff00', 'hex')))
    t.equal(code, 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE')
  }
  t.equal(failure(CONFIG, status({ kind: 'alive' }), challenge()).code, 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE')
  t.end()
})

test('nothing happens after the end', (t) => {
  const ends: InitiatorState[] = [
    play(CONFIG, { type: 'timeout' }).state,
    play(CONFIG, status({ kind: 'ok' }), challenge(), ack(digest(111))).state,
  ]
  for (const state of ends) {
    for (const event of [status({ kind: 'nok' }), { type: 'closed' }, { type: 'timeout' }] as const) {
      t.same(stepInitiator(state, event), { state, effects: [] })
    }
  }
  t.end()
})

test('the cookie is in no state and no error', (t) => {
  const config = { ...CONFIG, digest: cookieDigest('hunter2') }
  const { state, effects } = play(config, status({ kind: 'ok' }), challenge(), ack(digest(1)))
  t.notMatch(inspect([state, effects], { depth: 20, showHidden: true }), /hunter2/)
  t.end()
})
