import { inspect } from 'node:util'
import { test } from 'tap'
import { DistError } from '../../src/dist/errors.ts'
import { cookieDigest, digestsEqual, makeChallenge } from '../../src/dist/handshake/digest.ts'
import * as messages from '../../src/dist/handshake/messages.ts'
import { handshakeVectors } from './vectors.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('every captured message decodes and encodes to the same bytes', (t) => {
  for (const { acceptor_otp, messages: captured } of handshakeVectors()) {
    const [name, status, challenge, reply, ack] = captured.map(({ msg }) => bytes(msg))
    const decoded = messages.decodeName(name!)
    t.same({ name: decoded.name, legacy: decoded.legacy }, { name: 'vec@localhost', legacy: false })
    t.equal(hex(messages.encodeName(decoded)), hex(name!))
    t.equal(hex(messages.encodeStatus(messages.decodeStatus(status!))), hex(status!))
    t.equal(messages.decodeChallenge(challenge!).name, `n${acceptor_otp}@localhost`)
    t.equal(hex(messages.encodeChallenge(messages.decodeChallenge(challenge!))), hex(challenge!))
    t.equal(hex(messages.encodeChallengeReply(messages.decodeChallengeReply(reply!))), hex(reply!))
    t.equal(hex(messages.encodeChallengeAck(messages.decodeChallengeAck(ack!))), hex(ack!))
  }
  t.end()
})

test('the digests are those of the captured handshakes', (t) => {
  for (const vector of handshakeVectors()) {
    const digest = cookieDigest(vector.cookie)
    t.equal(hex(digest(vector.acceptor_challenge)), vector.initiator_digest)
    t.equal(hex(digest(vector.initiator_challenge)), vector.acceptor_digest)
  }
  t.equal(hex(cookieDigest('secret')(1382740016)), 'b0851bd1a527175e16a51c26711d5ab6')
  t.end()
})

test('digests of different length or content differ', (t) => {
  t.equal(digestsEqual(bytes('0102'), bytes('0102')), true)
  t.equal(digestsEqual(bytes('0102'), bytes('0103')), false)
  t.equal(digestsEqual(bytes('0102'), bytes('010203')), false)
  t.end()
})

test('a cookie is Latin-1, and printing its digest function does not show it', (t) => {
  t.throws(() => cookieDigest('sécret-日'), { code: 'ERR_INVALID_OPTION' })
  t.equal(hex(cookieDigest('\xe9')(0)).length, 32)
  t.notMatch(inspect({ digest: cookieDigest('hunter2') }, { depth: 9, showHidden: true }), /hunter2/)
  t.end()
})

test('challenges are whole numbers of 32 bits, and differ', (t) => {
  const challenges = new Set(Array.from({ length: 50 }, makeChallenge))
  t.ok(challenges.size > 45)
  for (const challenge of challenges)
    t.ok(Number.isInteger(challenge) && challenge >= 0 && challenge < 2 ** 32)
  t.end()
})

test('every status survives the way there and back', (t) => {
  const kinds = ['ok', 'ok_simultaneous', 'nok', 'not_allowed', 'alive', 'true', 'false'] as const
  for (const kind of kinds) {
    t.same(messages.decodeStatus(messages.encodeStatus({ kind })), { kind })
    t.equal(Buffer.from(messages.encodeStatus({ kind })).toString(), `s${kind}`)
  }
  const named = { kind: 'named', name: '2M3WA72UURK4K@localhost', creation: 0x0f3cd90f } as const
  const captured = `73 ${hex(Buffer.from('named:'))} 0017 ${hex(Buffer.from(named.name))} 0F3CD90F`
  t.same(messages.decodeStatus(bytes(captured)), named)
  t.equal(hex(messages.encodeStatus(named)), hex(bytes(captured)))
  t.end()
})

test('the legacy name message and its complement are understood', (t) => {
  const legacy = messages.decodeName(bytes(`6e 0005 05000000 ${hex(Buffer.from('old@host'))}`))
  t.same(legacy, { flags: 0x05000000n, creation: 0, name: 'old@host', legacy: true })
  t.same(messages.decodeComplement(bytes('63 0000000d 12345678')), {
    flagsHigh: 0xd_0000_0000n,
    creation: 0x12345678,
  })
  t.throws(() => messages.decodeName(bytes('6e 0004 05000000 6162')), { code: 'ERR_HANDSHAKE_BAD_MESSAGE' })
  t.end()
})

test('bytes behind the last field are ignored', (t) => {
  const extra = (message: Uint8Array): Uint8Array => Buffer.concat([message, bytes('ffff')])
  const name = { flags: 1n, creation: 2, name: 'a@b' }
  t.match(messages.decodeName(extra(messages.encodeName(name))), name)
  const challenge = { flags: 1n, challenge: 3, creation: 2, name: 'a@b' }
  t.same(messages.decodeChallenge(extra(messages.encodeChallenge(challenge))), challenge)
  const named = { kind: 'named', name: 'x@h', creation: 1 } as const
  t.same(messages.decodeStatus(extra(messages.encodeStatus(named))), named)
  t.end()
})

test('a message of another kind is an error that names the tags', (t) => {
  const decoders = [
    messages.decodeName,
    messages.decodeStatus,
    messages.decodeChallenge,
    messages.decodeComplement,
    messages.decodeChallengeReply,
    messages.decodeChallengeAck,
  ]
  for (const decode of decoders) {
    t.throws(() => decode(bytes('5a00')), { code: 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE', actual: 'tag 0x5a' })
    t.throws(() => decode(bytes('')), { code: 'ERR_HANDSHAKE_UNEXPECTED_MESSAGE' })
  }
  t.end()
})

test('a message that ends too early is an error at every length', (t) => {
  const name = { flags: 1n, creation: 2, name: 'a@b' }
  const cases: [Uint8Array, (bytes: Uint8Array) => unknown][] = [
    [messages.encodeName(name), messages.decodeName],
    [messages.encodeChallenge({ ...name, challenge: 1 }), messages.decodeChallenge],
    [messages.encodeStatus({ kind: 'named', name: 'x@h', creation: 1 }), messages.decodeStatus],
    [
      messages.encodeChallengeReply({ challenge: 1, digest: new Uint8Array(16) }),
      messages.decodeChallengeReply,
    ],
    [messages.encodeChallengeAck(new Uint8Array(16)), messages.decodeChallengeAck],
  ]
  for (const [message, decode] of cases) {
    for (let length = 1; length < message.length; length++) {
      t.throws(() => decode(message.subarray(0, length)), DistError, `${decode.name}, ${length} bytes`)
    }
  }
  t.throws(() => messages.decodeStatus(Buffer.from('soso')), { code: 'ERR_HANDSHAKE_BAD_MESSAGE' })
  t.end()
})

test('node names have one @ with something printable on both sides', (t) => {
  for (const good of ['a@b', 'ts@127.0.0.1', 'x-1_Y@host.example', 'v6@::1'])
    t.ok(messages.isNodeName(good), good)
  for (const bad of ['', 'a', '@', 'a@', '@b', 'a@b@c', 'a b@c', 'a@b\n', 'ä@b', `${'x'.repeat(255)}@h`]) {
    t.notOk(messages.isNodeName(bad), JSON.stringify(bad))
  }
  t.ok(messages.isHostName('localhost'))
  for (const bad of ['', 'a@b', 'a b']) t.notOk(messages.isHostName(bad))
  t.end()
})
