import { test } from 'tap'
import { DFLAG_NAME_ME, DFLAG_PUBLISHED, DFLAG_V4_NC, MANDATORY_25, OUR_FLAGS } from '../../src/dist/flags.ts'
import {
  type AcceptDecision,
  type AcceptorConfig,
  startAcceptor,
  stepAcceptor,
} from '../../src/dist/handshake/acceptor.ts'
import { cookieDigest } from '../../src/dist/handshake/digest.ts'
import * as messages from '../../src/dist/handshake/messages.ts'

const digest = cookieDigest('secret')
const CONFIG: AcceptorConfig = { self: { name: 'us@here', flags: OUR_FLAGS, creation: 7 }, challenge: 111 }
const NAME = { flags: OUR_FLAGS, creation: 9, name: 'them@there' }

type Event = Parameters<typeof stepAcceptor>[1]

const message = (bytes: Uint8Array) => ({ type: 'message', bytes }) as const
const name = (change: Partial<typeof NAME> = {}) => message(messages.encodeName({ ...NAME, ...change }))
const decided = (decision: AcceptDecision): Event => ({
  type: 'answer',
  answer: { type: 'decided', decision, digest },
})
const named = (given: { name: string; creation: number } | undefined): Event => ({
  type: 'answer',
  answer: { type: 'named', given, digest },
})
const status = (kind: 'true' | 'false' | 'ok') => message(messages.encodeStatus({ kind }))
const reply = (bytes = digest(111)) =>
  message(messages.encodeChallengeReply({ challenge: 222, digest: bytes }))

function play(...events: Event[]) {
  let step = startAcceptor(CONFIG)
  for (const event of events) step = stepAcceptor(step.state, event)
  return step
}

function sent({ effects }: ReturnType<typeof play>): Buffer[] {
  return effects.flatMap((effect) => (effect.type === 'send' ? [Buffer.from(effect.bytes)] : []))
}

function failure(...events: Event[]) {
  const step = play(...events)
  const close = step.effects.at(-1)
  if (step.state.name !== 'failed' || close?.type !== 'close')
    throw new Error(`not failed but ${step.state.name}`)
  return { error: step.state.error, code: step.state.error.code, flush: close.flush, sent: sent(step) }
}

test('a node that introduces itself is decided about', (t) => {
  t.same(play().effects, [])
  const ask = { type: 'ask', question: { type: 'decide', peer: 'them@there' } }
  t.same(play(name()).effects, [ask])
  t.end()
})

for (const decision of ['ok', 'ok_simultaneous'] as const) {
  test(`${decision} is followed by the challenge, the proof of the peer by ours`, (t) => {
    const [said, challenge] = sent(play(name(), decided(decision)))
    t.equal(said?.toString(), `s${decision}`)
    t.same(messages.decodeChallenge(challenge!), {
      flags: OUR_FLAGS,
      challenge: 111,
      creation: 7,
      name: 'us@here',
    })
    const done = play(name(), decided(decision), reply())
    t.same(messages.decodeChallengeAck(sent(done)[0]!), digest(222))
    t.match(done.state, {
      name: 'connected',
      outcome: { peer: { name: 'them@there', creation: 9, flags: OUR_FLAGS }, flags: OUR_FLAGS },
    })
    t.equal(done.effects.at(-1)?.type, 'connected')
    t.end()
  })
}

test('nok and not_allowed are said before the end', (t) => {
  const nok = failure(name(), decided('nok'))
  t.same([nok.code, nok.flush, nok.sent.join()], ['ERR_HANDSHAKE_NOK', true, 'snok'])
  const refused = failure(name(), decided('not_allowed'))
  t.same(
    [refused.code, refused.flush, refused.sent.join()],
    ['ERR_HANDSHAKE_NOT_ALLOWED', true, 'snot_allowed'],
  )
  t.end()
})

test('close ends without a word', (t) => {
  t.match(failure(name(), decided('close')), { code: 'ERR_HANDSHAKE_BUSY', sent: [] })
  t.end()
})

test('alive waits for true before the challenge', (t) => {
  const asked = play(name(), decided('alive'))
  t.equal(sent(asked).join(), 'salive')
  t.equal(asked.state.name, 'awaitAliveReply')
  const going = play(name(), decided('alive'), status('true'))
  t.equal(messages.decodeChallenge(sent(going)[0]!).challenge, 111)
  t.equal(play(name(), decided('alive'), status('true'), reply()).state.name, 'connected')
  t.end()
})

test('alive ends on false, and on any other status', (t) => {
  t.equal(failure(name(), decided('alive'), status('false')).code, 'ERR_HANDSHAKE_ALIVE')
  t.equal(failure(name(), decided('alive'), status('ok')).code, 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE')
  t.equal(failure(name(), decided('alive'), reply()).code, 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE')
  t.end()
})

test('a node without a name gets one, and NAME_ME back in the challenge', (t) => {
  const asks = name({ name: 'there', flags: (OUR_FLAGS & ~DFLAG_PUBLISHED) | DFLAG_NAME_ME, creation: 0 })
  t.same(play(asks).effects, [{ type: 'ask', question: { type: 'makeName', host: 'there' } }])
  const given = { name: 'X1@there', creation: 5 }
  const [said, challenge] = sent(play(asks, named(given)))
  t.same(messages.decodeStatus(said!), { kind: 'named', ...given })
  t.equal(messages.decodeChallenge(challenge!).flags, OUR_FLAGS | DFLAG_NAME_ME)
  const { state } = play(asks, named(given), reply())
  t.match(state, { name: 'connected', outcome: { peer: { name: 'X1@there', creation: 5 } } })
  if (state.name === 'connected') {
    t.equal(state.outcome.flags & (DFLAG_NAME_ME | DFLAG_PUBLISHED), 0n)
    t.equal(state.outcome.peer.flags & DFLAG_NAME_ME, 0n)
  }
  t.match(failure(asks, named(undefined)), { code: 'ERR_HANDSHAKE_NOT_ALLOWED', flush: true })
  t.equal(failure(name({ name: 'a@b', flags: OUR_FLAGS | DFLAG_NAME_ME })).code, 'ERR_HANDSHAKE_BAD_NAME')
  t.end()
})

test('missing mandatory flags are answered not_allowed', (t) => {
  const failed = failure(name({ flags: OUR_FLAGS & ~DFLAG_V4_NC }))
  t.match(failed.error, { code: 'ERR_HANDSHAKE_MISSING_FLAGS', expected: 'V4_NC' })
  t.same([failed.flush, failed.sent.join()], [true, 'snot_allowed'])
  t.end()
})

test('the legacy name message brings the rest of its flags in a complement', (t) => {
  const low = (flags: bigint) => {
    const bytes = Buffer.from('6e000500000000', 'hex')
    bytes.writeUInt32BE(Number(flags & 0xffffffffn), 3)
    return message(Buffer.concat([bytes, Buffer.from('them@there')]))
  }
  const high = (flags: bigint) => {
    const bytes = Buffer.from('630000000000000009', 'hex')
    bytes.writeUInt32BE(Number(flags >> 32n), 1)
    return message(bytes)
  }
  const waiting = play(low(OUR_FLAGS), decided('ok'))
  t.equal(waiting.state.name, 'awaitComplement')
  t.equal(sent(waiting).length, 2, 'the status and the challenge')
  const { state } = play(low(OUR_FLAGS), decided('ok'), high(OUR_FLAGS), reply())
  t.match(state, { name: 'connected', outcome: { peer: { creation: 9, flags: OUR_FLAGS } } })
  t.equal(failure(low(OUR_FLAGS), decided('ok'), high(0n)).code, 'ERR_HANDSHAKE_MISSING_FLAGS')
  t.equal(failure(low(OUR_FLAGS), decided('ok'), reply()).code, 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE')
  t.equal(failure(low(MANDATORY_25 & ~0x10n)).code, 'ERR_HANDSHAKE_MISSING_FLAGS')
  t.end()
})

test('a name that is none ends without a word', (t) => {
  for (const bad of ['', 'x', '@', 'x@', '@y', 'x@y@z', 'x y@z']) {
    t.match(failure(name({ name: bad })), { code: 'ERR_HANDSHAKE_BAD_NAME', sent: [] }, JSON.stringify(bad))
  }
  t.end()
})

test('short and long names are both accepted', (t) => {
  for (const good of ['py@foo.bar', 'py@127.0.0.1', 'py@host']) {
    t.equal(play(name({ name: good })).state.name, 'awaitNodeTable', good)
  }
  t.end()
})

test('a wrong digest ends without a word', (t) => {
  const failed = failure(name(), decided('ok'), reply(digest(112)))
  t.match(failed, { code: 'ERR_HANDSHAKE_BAD_COOKIE', sent: [], flush: false })
  t.end()
})

test('timeout, abort and close end every state with their own error', (t) => {
  const paths: Event[][] = [[], [name()], [name(), decided('alive')], [name(), decided('ok')]]
  for (const path of paths) {
    t.equal(failure(...path, { type: 'timeout' }).code, 'ERR_HANDSHAKE_TIMEOUT')
    t.equal(failure(...path, { type: 'aborted' }).code, 'ERR_HANDSHAKE_ABORTED')
    t.equal(failure(...path, { type: 'closed' }).code, 'ERR_HANDSHAKE_CLOSED')
  }
  t.end()
})

test('nothing happens after the end, and an answer nobody waits for is dropped', (t) => {
  const { state } = play(name(), decided('close'))
  t.same(stepAcceptor(state, name()), { state, effects: [] })
  const fresh = play().state
  t.same(stepAcceptor(fresh, decided('ok')), { state: fresh, effects: [] })
  t.end()
})
