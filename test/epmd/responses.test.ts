/** Responses of epmd: bytes captured from OTP's, both directions, cut off anywhere, and garbage. */
import { test } from 'tap'
import { type EpmdEntry, NODE_TYPE_HIDDEN, NODE_TYPE_VISIBLE } from '../../src/epmd/protocol.ts'
import {
  decodeAliveResponse,
  decodeDumpResponse,
  decodeKillResponse,
  decodeNamesResponse,
  decodePort2Response,
  decodeStopResponse,
  encodeAliveResponse,
  encodeDumpResponse,
  encodeKillResponse,
  encodeNamesResponse,
  encodePort2Response,
  encodeStopResponse,
} from '../../src/epmd/responses.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const unhex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex')
const text = (value: string): Uint8Array => Buffer.from(value)
const BAD = { name: 'EpmdError', code: 'ERR_EPMD_BAD_RESPONSE' }

test('a registration is answered by the version of the requester', (t) => {
  const ok = { ok: true, creation: 0x6b03f50c } as const
  t.equal(hex(encodeAliveResponse(ok, 6)), '76006b03f50c')
  t.equal(hex(encodeAliveResponse(ok, 7)), '76006b03f50c')
  t.equal(hex(encodeAliveResponse({ ok: false }, 6)), '760100000063')
  t.equal(hex(encodeAliveResponse({ ok: false }, 5)), '79010063')
  // Captured from a counter that stood at 0x6b04690c.
  t.equal(hex(encodeAliveResponse({ ok: true, creation: 0x6b04690c }, 5)), '79000001')
  t.end()
})

test('both answers to a registration are understood, and undefined means that bytes are missing', (t) => {
  t.same(decodeAliveResponse(unhex('76 00 6b03f50c')), { ok: true, creation: 0x6b03f50c })
  t.same(decodeAliveResponse(unhex('76 01 00000063')), { ok: false })
  t.same(decodeAliveResponse(unhex('79 00 0003')), { ok: true, creation: 3 })
  t.same(decodeAliveResponse(unhex('79 01 0063')), { ok: false })
  for (const whole of ['76006b03f50c', '760100000063', '79000003']) {
    for (let length = 0; length < whole.length / 2; length++) {
      t.equal(decodeAliveResponse(unhex(whole).subarray(0, length)), undefined)
    }
  }
  t.throws(() => decodeAliveResponse(unhex('77 00')), { ...BAD, message: /got 119 \(0x77\)/ })
  t.throws(() => decodeAliveResponse(unhex('76 00 00000000')), { ...BAD, message: /creation is 0/ })
  t.end()
})

const entry: EpmdEntry = {
  name: 'b',
  port: 4000,
  nodeType: NODE_TYPE_HIDDEN,
  protocol: 0,
  highestVersion: 6,
  lowestVersion: 6,
  extra: text('xyz'),
}

test('a lookup is answered by the entry or by nothing', (t) => {
  const captured = '77 00 0fa0 48 00 0006 0006 0001 62 0003 78797a'
  t.equal(hex(encodePort2Response(entry)), captured.replaceAll(' ', ''))
  const { extra, ...fields } = decodePort2Response(unhex(captured))?.entry ?? entry
  t.same({ ...fields, extra: hex(extra) }, { ...entry, extra: '78797a' })
  t.equal(hex(encodePort2Response(undefined)), '7701')
  t.same(decodePort2Response(unhex('7701')), { entry: undefined })
  const whole = unhex(captured)
  for (let length = 0; length < whole.length; length++) {
    t.equal(decodePort2Response(whole.subarray(0, length)), undefined)
  }
  t.throws(() => decodePort2Response(unhex('76 00')), BAD)
  t.throws(() => decodePort2Response(unhex('77 00 0fa0 48 00 0006 0006 0001 ff 0000')), BAD)
  t.throws(() => decodePort2Response(unhex('77 00 0fa0 48 00 0006 0006 0000 0000')), BAD)
  t.end()
})

test('the list of names is a port and a line each', (t) => {
  const names = [
    { name: 'v5', port: 4000 },
    { name: 'odd at port 1', port: 65535 },
    { name: '日本', port: 1 },
  ]
  const captured = Buffer.concat([
    unhex('000060c9'),
    text('name v5 at port 4000\nname odd at port 1 at port 65535\nname 日本 at port 1\n'),
  ])
  t.equal(hex(encodeNamesResponse({ epmdPort: 24777, names })), hex(captured))
  t.same(decodeNamesResponse(captured), { epmdPort: 24777, names })
  t.same(decodeNamesResponse(unhex('00001111')), { epmdPort: 4369, names: [] })
  for (const garbage of [
    '',
    '000011',
    '00001111 61',
    '00001111 610a',
    '00001111 ff0a',
    '00001111 6e616d650a',
  ]) {
    t.throws(() => decodeNamesResponse(unhex(garbage)), BAD, garbage)
  }
  t.end()
})

test('a dump has active and remembered names, each line ended by a NUL', (t) => {
  const captured = Buffer.concat([
    unhex('000060ca'),
    text('active name     <b> at port 4000, fd = 5\n\0old/unused name <a>, port = 4001, fd = 4 \n\0'),
  ])
  const dump = {
    epmdPort: 24778,
    active: [{ name: 'b', port: 4000, fd: 5 }],
    old: [{ name: 'a', port: 4001, fd: 4 }],
  }
  t.equal(hex(encodeDumpResponse(dump)), hex(captured))
  t.same(decodeDumpResponse(captured), dump)
  for (const garbage of ['', '000060ca 61', '000060ca 6100', '000060ca ff00']) {
    t.throws(() => decodeDumpResponse(unhex(garbage)), BAD, garbage)
  }
  t.end()
})

test('kill and stop are answered in words', (t) => {
  for (const answer of ['OK', 'NO'] as const) {
    t.same(Buffer.from(encodeKillResponse(answer)).toString(), answer)
    t.equal(decodeKillResponse(text(answer)), answer)
  }
  t.same(Buffer.from(encodeStopResponse('STOPPED')).toString(), 'STOPPED')
  t.same(Buffer.from(encodeStopResponse('NOEXIST')).toString(), 'NOEXISTSTOPPED')
  t.equal(decodeStopResponse(text('STOPPED')), 'STOPPED')
  t.equal(decodeStopResponse(text('NOEXISTSTOPPED')), 'NOEXIST')
  t.throws(() => decodeKillResponse(text('MAYBE')), { ...BAD, message: /wanted OK or NO, got 'MAYBE'/ })
  t.throws(() => decodeStopResponse(text('')), BAD)
  t.end()
})

test('the two node types are those of the specification', (t) => {
  t.same([NODE_TYPE_VISIBLE, NODE_TYPE_HIDDEN], [77, 72])
  t.end()
})
