import { inspect } from 'node:util'
import { test } from 'tap'
import * as flags from '../../src/dist/flags.ts'
import { OUR_FLAGS, ourFlags } from '../../src/dist/flags.ts'
import { cookieDigest } from '../../src/dist/handshake/digest.ts'
import * as messages from '../../src/dist/handshake/messages.ts'
import { acceptHandshake, initiate } from '../../src/dist/handshake/run.ts'
import { FakeClock } from '../../src/testing/index.ts'
import { ALICE, BOB, connectedPair, RawPeer, shakeHands, transportPair } from './pair.ts'

const digest = cookieDigest('secret')

function reasons(results: PromiseSettledResult<unknown>[]): (string | undefined)[] {
  return results.map((result) => (result.status === 'rejected' ? result.reason.code : undefined))
}

/** We dial a peer of raw bytes. */
async function dialRaw(
  options: { cookie?: string; alive?: boolean; clock?: FakeClock; signal?: AbortSignal } = {},
) {
  const [dialled, accepted] = await transportPair(options.clock === undefined ? {} : { clock: options.clock })
  const shaking = initiate(dialled, {
    self: ALICE,
    peerName: BOB.name,
    cookie: options.cookie ?? 'secret',
    onAlive: () => options.alive ?? false,
    signal: options.signal,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  })
  shaking.catch(() => {})
  return { shaking, peer: new RawPeer(accepted), dialled }
}

const STATUS_OK = messages.encodeStatus({ kind: 'ok' })
const CHALLENGE = messages.encodeChallenge({ flags: OUR_FLAGS, challenge: 5, creation: 22, name: BOB.name })

test('two nodes agree on who they are and what they can do', async (t) => {
  const [ours, theirs] = await connectedPair()
  t.match(ours, {
    self: { name: ALICE.name, creation: 11 },
    peer: { name: BOB.name, creation: 22 },
    flags: OUR_FLAGS,
  })
  t.match(theirs, { self: { name: BOB.name }, peer: { name: ALICE.name, creation: 11 }, flags: OUR_FLAGS })
  t.equal(ours.leftover.length, 0)
  ours.transport.destroy()
})

test('a hidden node makes a hidden connection on both sides', async (t) => {
  const self = { ...ALICE, flags: ourFlags({ hidden: true }) }
  const [ours, theirs] = await connectedPair({ initiate: { self } })
  t.equal(ours.flags & 1n, 0n)
  t.equal(theirs.flags & 1n, 0n)
  ours.transport.destroy()
})

test('the handshake works when every byte arrives alone', async (t) => {
  const [ours] = await connectedPair({ network: { chunkBytes: 1 } })
  t.equal(ours.peer.name, BOB.name)
  ours.transport.destroy()
})

test('the handshake works with four-byte lengths, as over TLS', async (t) => {
  const [ours] = await connectedPair({ initiate: { lengthPrefix: 4 }, accept: { lengthPrefix: 4 } })
  t.equal(ours.peer.name, BOB.name)
  ours.transport.destroy()
})

test('different cookies fail on both sides, and neither shows a cookie', async (t) => {
  const results = await shakeHands({
    initiate: { cookie: 'hunter2' },
    accept: { cookieFor: () => 'hunter3' },
  })
  t.same(reasons(results), ['ERR_HANDSHAKE_CLOSED', 'ERR_HANDSHAKE_BAD_COOKIE'])
  t.notMatch(inspect(results, { depth: 20, showHidden: true }), /hunter/)
  t.match((results[0] as PromiseRejectedResult).reason.message, /cookie of the two nodes may differ/)
})

test('an acceptor that cannot prove the cookie is refused', async (t) => {
  const { shaking, peer } = await dialRaw()
  await peer.nextMessage()
  peer.message(STATUS_OK)
  peer.message(CHALLENGE)
  const reply = messages.decodeChallengeReply(await peer.nextMessage())
  peer.message(messages.encodeChallengeAck(cookieDigest('other')(reply.challenge)))
  await t.rejects(shaking, { code: 'ERR_HANDSHAKE_BAD_COOKIE', peer: BOB.name })
  await peer.untilClosed()
})

for (const decision of ['nok', 'not_allowed', 'close'] as const) {
  test(`the decision ${decision} ends both sides with an error`, async (t) => {
    const codes = {
      nok: 'ERR_HANDSHAKE_NOK',
      not_allowed: 'ERR_HANDSHAKE_NOT_ALLOWED',
      close: 'ERR_HANDSHAKE_BUSY',
    }
    const theirs = codes[decision]
    const ours = decision === 'close' ? 'ERR_HANDSHAKE_CLOSED' : theirs
    t.same(reasons(await shakeHands({ accept: { decide: () => decision } })), [ours, theirs])
  })
}

test('alive: the answer really leaves, and true goes on', async (t) => {
  const options = {
    initiate: { onAlive: async () => true },
    accept: { decide: async () => 'alive' as const },
  }
  const [ours] = await connectedPair(options)
  t.equal(ours.peer.name, BOB.name)
  ours.transport.destroy()
})

test('alive: false reaches the peer before the end', async (t) => {
  const results = await shakeHands({ initiate: { onAlive: () => false }, accept: { decide: () => 'alive' } })
  t.same(reasons(results), ['ERR_HANDSHAKE_ALIVE', 'ERR_HANDSHAKE_ALIVE'])
})

test('a node without a name is named', async (t) => {
  const self = { name: 'somewhere', flags: OUR_FLAGS | (1n << 33n), creation: 0 }
  const nameFor = (host: string) => ({ name: `K1@${host}`, creation: 77 })
  const [ours, theirs] = await connectedPair({ initiate: { self }, accept: { nameFor } })
  t.same(ours.self, { name: 'K1@somewhere', creation: 77 })
  t.match(theirs.peer, { name: 'K1@somewhere', creation: 77 })
  ours.transport.destroy()
})

test('a node without a name is refused where none are given', async (t) => {
  const self = { name: 'somewhere', flags: OUR_FLAGS | (1n << 33n), creation: 0 }
  t.same(reasons(await shakeHands({ initiate: { self } })), [
    'ERR_HANDSHAKE_NOT_ALLOWED',
    'ERR_HANDSHAKE_NOT_ALLOWED',
  ])
})

test('a decision that fails is an internal error, and ends the handshake', async (t) => {
  const decide = () => Promise.reject(new Error('no table'))
  t.same(reasons(await shakeHands({ accept: { decide } })), ['ERR_HANDSHAKE_CLOSED', 'ERR_DIST_INTERNAL'])
})

test('one deadline bounds the whole handshake, however busy the peer is', async (t) => {
  const clock = new FakeClock()
  const { shaking, peer } = await dialRaw({ clock })
  await peer.nextMessage()
  await clock.elapse(4000)
  peer.message(STATUS_OK)
  await clock.elapse(2999)
  peer.message(CHALLENGE)
  await peer.nextMessage()
  await clock.elapse(1)
  await t.rejects(shaking, { code: 'ERR_HANDSHAKE_TIMEOUT', peer: BOB.name })
  await peer.untilClosed()
  t.equal(clock.pending, 0)
})

test('an acceptor does not wait for ever for a silent peer', async (t) => {
  const clock = new FakeClock()
  const [dialled, accepted] = await transportPair({ clock })
  const peer = new RawPeer(dialled)
  const options = { self: BOB, cookieFor: () => '', decide: () => 'ok' as const, clock, timeout: 50 }
  const shaking = acceptHandshake(accepted, options)
  shaking.catch(() => {})
  await clock.elapse(50)
  await t.rejects(shaking, { code: 'ERR_HANDSHAKE_TIMEOUT' })
  await peer.untilClosed()
})

test('a peer that does not take the refusal is cut off', async (t) => {
  const clock = new FakeClock()
  const { shaking, dialled } = await dialRaw({ clock, alive: false })
  const ended = t.capture(dialled, 'end', () => {})
  const destroyed = t.capture(dialled, 'destroy')
  dialled.handler?.onData(Buffer.from('000673616c697665', 'hex'))
  await t.rejects(shaking, { code: 'ERR_HANDSHAKE_ALIVE' })
  t.equal(ended().length, 1)
  await clock.elapse(1000)
  t.equal(destroyed().length, 1)
})

test('the caller can give up', async (t) => {
  const controller = new AbortController()
  const { shaking, peer } = await dialRaw({ signal: controller.signal })
  await peer.nextMessage()
  controller.abort()
  await t.rejects(shaking, { code: 'ERR_HANDSHAKE_ABORTED' })
  await peer.untilClosed()
  const again = await dialRaw({ signal: controller.signal })
  await t.rejects(again.shaking, { code: 'ERR_HANDSHAKE_ABORTED' }, 'before it began, too')
})

test('an announced message that is too long is refused before it arrives', async (t) => {
  const { shaking, peer } = await dialRaw()
  peer.transport.write(Buffer.from('ffff73', 'hex'))
  await t.rejects(shaking, { code: 'ERR_HANDSHAKE_BAD_MESSAGE', actual: 0xffff })
})

test('what follows the ack is kept, wherever the stream is cut', async (t) => {
  const frames = Buffer.from('00000000 00000003 834400 00'.replaceAll(' ', ''), 'hex')
  for (let cut = 0; cut <= 19 + frames.length; cut++) {
    const { shaking, peer, dialled } = await dialRaw()
    await peer.nextMessage()
    peer.message(STATUS_OK)
    peer.message(CHALLENGE)
    const { challenge } = messages.decodeChallengeReply(await peer.nextMessage())
    const ack = Buffer.concat([Buffer.from([0, 17]), messages.encodeChallengeAck(digest(challenge)), frames])
    peer.transport.write(ack.subarray(0, cut))
    peer.transport.write(ack.subarray(cut))
    const result = await shaking
    dialled.resume()
    while (result.leftover.length < frames.length) await new Promise((resolve) => setImmediate(resolve))
    t.same(Buffer.from(result.leftover.take(frames.length)), frames, `cut at ${cut}`)
    dialled.destroy()
  }
})

test('a stream that ends between handshake and connection is remembered', async (t) => {
  const [ours, theirs] = await connectedPair()
  theirs.transport.destroy()
  ours.transport.resume()
  while (ours.ended === undefined) await new Promise((resolve) => setImmediate(resolve))
  t.same(ours.ended, { error: undefined })
})

test('a message that arrives while the node decides waits for the decision', async (t) => {
  const [dialled, accepted] = await transportPair()
  const peer = new RawPeer(dialled)
  let answer: (decision: 'alive') => void = () => {}
  const asked = new Promise<void>((resolve) => {
    const decide = () => {
      resolve()
      return new Promise<'alive'>((decided) => {
        answer = decided
      })
    }
    const shaking = acceptHandshake(accepted, { self: BOB, cookieFor: () => 'secret', decide })
    shaking.catch(() => {})
  })
  peer.message(messages.encodeName({ flags: OUR_FLAGS, creation: 1, name: 'early@x' }))
  await asked
  // Too early, but no reason to fail.
  peer.message(Buffer.from('strue'))
  answer('alive')
  t.equal((await peer.nextMessage()).toString(), 'salive')
  t.equal(messages.decodeChallenge(await peer.nextMessage()).name, BOB.name)
  dialled.destroy()
})

test('a peer that floods us while the node decides is dropped', async (t) => {
  const [dialled, accepted] = await transportPair({ chunkBytes: 1000 })
  const peer = new RawPeer(dialled)
  const shaking = acceptHandshake(accepted, {
    self: BOB,
    cookieFor: () => 'secret',
    decide: () => new Promise(() => {}),
  })
  peer.message(messages.encodeName({ flags: OUR_FLAGS, creation: 1, name: 'flood@x' }))
  dialled.write(new Uint8Array(10_000))
  await t.rejects(shaking, { code: 'ERR_HANDSHAKE_BAD_MESSAGE', expected: 4096 })
  await peer.untilClosed()
})

test('a named node is hidden, whatever it says', async (t) => {
  const nameMe = flags.DFLAG_NAME_ME | OUR_FLAGS
  const [dialled, accepted] = await transportPair()
  const peer = new RawPeer(dialled)
  const shaking = acceptHandshake(accepted, {
    self: BOB,
    cookieFor: () => 'secret',
    decide: () => 'ok',
    nameFor: (host) => ({ name: `given@${host}`, creation: 9 }),
  })
  peer.message(messages.encodeName({ flags: nameMe, creation: 0, name: 'x' }))
  await peer.nextMessage()
  const { challenge } = messages.decodeChallenge(await peer.nextMessage())
  peer.message(messages.encodeChallengeReply({ challenge: 1, digest: digest(challenge) }))
  const result = await shaking
  t.equal(flags.hasFlag(result.flags, flags.DFLAG_PUBLISHED), false)
  t.equal(flags.hasFlag(result.peer.flags, flags.DFLAG_PUBLISHED), false)
  result.transport.destroy()
})
