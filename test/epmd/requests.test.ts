/** Requests to epmd: golden bytes, both directions, and hostile ones. */
import { test } from 'tap'
import { EpmdError } from '../../src/epmd/errors.ts'
import type { EpmdEntry } from '../../src/epmd/protocol.ts'
import { decodeRequest, type EpmdRequest, encodeRequest } from '../../src/epmd/requests.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const unhex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')

const entry: EpmdEntry = {
  name: 'a',
  port: 4000,
  nodeType: 77,
  protocol: 0,
  highestVersion: 6,
  lowestVersion: 6,
  extra: new Uint8Array(0),
}

const GOLDEN: readonly { request: EpmdRequest; bytes: string }[] = [
  { request: { type: 'alive2', entry }, bytes: '000e 78 0fa0 4d 00 0006 0006 0001 61 0000' },
  {
    request: {
      type: 'alive2',
      entry: { ...entry, name: 'né', nodeType: 72, lowestVersion: 5, extra: Uint8Array.of(1, 2, 3) },
    },
    bytes: '0013 78 0fa0 48 00 0006 0005 0003 6ec3a9 0003 010203',
  },
  { request: { type: 'port2', name: 'n1' }, bytes: '0003 7a 6e31' },
  { request: { type: 'names' }, bytes: '0001 6e' },
  { request: { type: 'dump' }, bytes: '0001 64' },
  { request: { type: 'kill' }, bytes: '0001 6b' },
  { request: { type: 'stop', name: 'n1' }, bytes: '0003 73 6e31' },
]

/** ALIVE2_REQ with these name and extra fields. */
function alive2(name: Uint8Array, extra = new Uint8Array(0), highest = 6): Uint8Array {
  const head = Buffer.from([120, 0x0f, 0xa0, 77, 0, 0, highest, 0, highest])
  const lengths = [name, extra].map(({ length }) => Buffer.from([length >> 8, length & 255]))
  return Buffer.concat([head, lengths[0]!, name, lengths[1]!, extra])
}

for (const { request, bytes } of GOLDEN) {
  test(`${request.type} is encoded and decoded as ${bytes}`, (t) => {
    t.equal(hex(encodeRequest(request)), bytes.replaceAll(' ', ''))
    t.same(decodeRequest(unhex(bytes).subarray(2)), request)
    t.end()
  })
}

test('a request that was cut off anywhere is malformed, unless it is one without a name to miss', (t) => {
  const whole = alive2(Buffer.from('node'), Buffer.from('xy'))
  for (let length = 0; length < whole.length; length++) {
    t.throws(
      () => decodeRequest(whole.subarray(0, length)),
      { code: 'ERR_EPMD_BAD_REQUEST' },
      `${length} bytes`,
    )
  }
  t.match(decodeRequest(whole), { type: 'alive2', entry: { name: 'node' } })
  t.end()
})

test('bytes after the last field are ignored, as OTP does', (t) => {
  t.match(decodeRequest(Buffer.concat([alive2(Buffer.from('a')), Buffer.from('zz')])), { type: 'alive2' })
  t.same(decodeRequest(unhex('6e 7a7a')), { type: 'names' })
  t.same(decodeRequest(unhex('64 7a')), { type: 'dump' })
  t.same(decodeRequest(unhex('6b 7a')), { type: 'kill' })
  t.end()
})

test('one NUL may end the name of port2 and stop, two may not', (t) => {
  t.same(decodeRequest(unhex('7a 6e31 00')), { type: 'port2', name: 'n1' })
  t.same(decodeRequest(unhex('73 6e31 00')), { type: 'stop', name: 'n1' })
  t.throws(() => decodeRequest(unhex('7a 6e31 0000')), { code: 'ERR_EPMD_BAD_REQUEST' })
  t.end()
})

test('what OTP does not answer is malformed, and the message says why', (t) => {
  const hostile: readonly [body: Uint8Array, message: RegExp][] = [
    [unhex('51'), /unknown opcode 0x51/],
    [unhex('7a'), /name is empty/],
    [unhex('73'), /name is empty/],
    [unhex('7a ff'), /not valid UTF-8/],
    [unhex('7a 610062'), /contains a NUL/],
    [Buffer.concat([unhex('7a'), Buffer.alloc(256, 'n')]), /more than 255 characters/],
    [alive2(new Uint8Array(0)), /name is empty/],
    [alive2(Buffer.from('a\0b')), /contains a NUL/],
    [alive2(Buffer.from('\0')), /contains a NUL/],
    [unhex('78 0fa0 4d 00 0006 0006 00c8 6e6e 0000'), /wanted 200 more bytes at offset 11/],
    [unhex('78 0fa0 4d 00 0006 0006 0002 6e6e 00c8'), /wanted 200 more bytes at offset 15/],
  ]
  for (const [body, message] of hostile) {
    t.throws(() => decodeRequest(body), { name: 'EpmdError', code: 'ERR_EPMD_BAD_REQUEST', message })
  }
  t.end()
})

test('a registration that must be refused in words is told apart from a malformed one', (t) => {
  const refused: readonly [body: Uint8Array, reason: RegExp][] = [
    [alive2(unhex('ff fe')), /not valid UTF-8/],
    [alive2(Buffer.alloc(256, 'n')), /more than 255 characters/],
    [alive2(Buffer.from('😀'.repeat(256))), /more than 255 characters/],
    [alive2(Buffer.from('a'), Buffer.alloc(1021)), /extra field has 1021 bytes/],
  ]
  for (const [body, reason] of refused) {
    t.match(decodeRequest(body), { type: 'refused_alive2', highestVersion: 6, reason })
  }
  t.match(decodeRequest(alive2(unhex('ff'), undefined, 5)), { type: 'refused_alive2', highestVersion: 5 })
  t.end()
})

test('names are counted in characters: 255 of four bytes each are fine', (t) => {
  const name = '😀'.repeat(255)
  t.match(decodeRequest(alive2(Buffer.from(name))), { type: 'alive2', entry: { name } })
  t.same(decodeRequest(encodeRequest({ type: 'port2', name }).subarray(2)), { type: 'port2', name })
  t.end()
})

test('the extra bytes are a copy, so a small entry does not keep a large received chunk', (t) => {
  const received = Buffer.from(alive2(Buffer.from('a'), Buffer.from('xyz')))
  const request = decodeRequest(received)
  received.fill(0)
  t.match(request, { entry: { extra: Buffer.from('xyz') } })
  t.end()
})

test('no random bytes make the decoder fail otherwise than with an EpmdError', (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.comment(`seed ${seed}`)
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >> 8) % below
  }
  const opcodes = [120, 122, 110, 100, 107, 115, 0, 255]
  for (let round = 0; round < 5000; round++) {
    const body = Uint8Array.from({ length: random(40) }, () => random(256) >> random(9))
    if (body.length > 0) body[0] = opcodes[random(opcodes.length)]!
    try {
      decodeRequest(body)
    } catch (error) {
      if (!(error instanceof EpmdError)) t.fail(`${hex(body)}: ${error}`)
    }
  }
  t.pass('5000 rounds')
  t.end()
})
