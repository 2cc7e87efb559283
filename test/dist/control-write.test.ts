import { test } from 'tap'
import * as flags from '../../src/dist/flags.ts'
import * as OP from '../../src/dist/op.ts'
import { atom, type Encodable, EncodeError, Pid, RecordTerm, tuple } from '../../src/etf/index.ts'
import {
  ALL,
  HERE,
  MESSAGE,
  MFA,
  NAME,
  NO_HEADER,
  opOf,
  REF,
  receive,
  sameSignal,
  split,
  TestWriter,
  THEM,
  US,
} from './control-frames.ts'
import type { Signal } from './recorder.ts'

/** Each signal, what it is written as with everything negotiated, and the flags without which it has another form. */
const SENT: readonly [Signal, number, (readonly [bigint, number | undefined])[]][] = [
  [['send', US, THEM, MESSAGE], OP.SEND_SENDER, [[flags.DFLAG_SEND_SENDER, OP.SEND]]],
  [['send', null, THEM, MESSAGE], OP.SEND, []],
  [['sendName', US, NAME, MESSAGE], OP.REG_SEND, []],
  [
    ['sendAlias', US, REF, MESSAGE],
    OP.ALTACT_SIG_SEND,
    [
      [flags.DFLAG_ALTACT_SIG, OP.ALIAS_SEND],
      [flags.DFLAG_ALTACT_SIG | flags.DFLAG_ALIAS, undefined],
    ],
  ],
  [['link', US, THEM], OP.LINK, []],
  [['unlink', 2n ** 64n - 1n, US, THEM], OP.UNLINK_ID, []],
  [['unlinkAck', 1n, US, THEM], OP.UNLINK_ID_ACK, []],
  [['exit', US, THEM, MESSAGE], OP.PAYLOAD_EXIT, [[flags.DFLAG_EXIT_PAYLOAD, OP.EXIT]]],
  [['exit2', US, THEM, MESSAGE], OP.PAYLOAD_EXIT2, [[flags.DFLAG_EXIT_PAYLOAD, OP.EXIT2]]],
  [['exitAlias', US, REF, MESSAGE], OP.ALTACT_SIG_SEND, [[flags.DFLAG_ALTACT_SIG, undefined]]],
  [['monitor', US, THEM, REF], OP.MONITOR_P, [[flags.DFLAG_DIST_MONITOR, undefined]]],
  [['monitor', US, NAME, REF], OP.MONITOR_P, [[flags.DFLAG_DIST_MONITOR_NAME, undefined]]],
  [['demonitor', US, NAME, REF], OP.DEMONITOR_P, [[flags.DFLAG_DIST_MONITOR, undefined]]],
  [
    ['monitorExit', NAME, THEM, REF, MESSAGE],
    OP.PAYLOAD_MONITOR_P_EXIT,
    [
      [flags.DFLAG_EXIT_PAYLOAD, OP.MONITOR_P_EXIT],
      [flags.DFLAG_DIST_MONITOR, undefined],
    ],
  ],
  [['groupLeader', US, THEM], OP.GROUP_LEADER, []],
  [
    ['spawnRequest', REF, US, US, MFA, [atom('link'), tuple(atom('priority'), atom('high'))], [1]],
    OP.SPAWN_REQUEST,
    [[flags.DFLAG_SPAWN, undefined]],
  ],
  [['spawnReply', REF, THEM, 3, US], OP.SPAWN_REPLY, [[flags.DFLAG_SPAWN, undefined]]],
  [['spawnReply', REF, THEM, 0, atom('badopt')], OP.SPAWN_REPLY, []],
]

function write(writer: TestWriter, [method, ...args]: Signal): void {
  const send = writer[method] as (...args: unknown[]) => void
  send.call(writer, ...args)
}

/** A message without sender arrives without one, whatever was passed. */
function arriving(signal: Signal, op: number): Signal {
  return op === OP.SEND ? ['send', null, ...signal.slice(2)] : signal
}

for (const [signal, op, variants] of SENT) {
  const what = `${signal[0]}${signal[0] === 'monitor' ? ` of a ${signal[2] instanceof Pid ? 'pid' : 'name'}` : ''}`
  test(`${what} survives the way there and back in every form`, (t) => {
    const forms: (readonly [bigint, number | undefined])[] = [[0n, op], ...variants]
    for (const base of [ALL, NO_HEADER]) {
      for (const [without, expectedOp] of forms) {
        const negotiated = base & ~without
        const writer = new TestWriter(negotiated)
        write(writer, signal)
        const frames = split(writer.take())
        if (expectedOp === undefined) {
          t.equal(frames.length, 0, 'a peer that cannot take it gets nothing')
          continue
        }
        t.equal(opOf(frames[0]!), expectedOp)
        const received = receive(negotiated, frames, HERE)
        t.equal(received.length, 1)
        t.ok(sameSignal(received[0], arriving(signal, expectedOp)), `as operation ${expectedOp}`)
      }
    }
    t.end()
  })
}

test('a message above 64 KiB leaves in fragments and arrives whole', (t) => {
  const big = new Uint8Array(200_000).map((_, i) => i)
  for (const negotiated of [
    ALL,
    ALL & ~flags.DFLAG_DIST_HDR_ATOM_CACHE,
    ALL & ~flags.DFLAG_FRAGMENTS,
    NO_HEADER,
  ]) {
    const writer = new TestWriter(negotiated)
    writer.send(US, THEM, MESSAGE)
    writer.send(US, THEM, tuple(atom('big'), big))
    writer.exit2(US, THEM, [big])
    writer.link(US, THEM)
    const frames = split(writer.take())
    const cut = (negotiated & flags.DFLAG_FRAGMENTS) !== 0n
    t.equal(frames.length, cut ? 1 + 5 + 5 + 1 : 4)
    const received = receive(negotiated, frames, HERE)
    t.same(
      received.map(([method]) => method),
      ['send', 'send', 'exit2', 'link'],
    )
    t.ok(sameSignal(received[1], ['send', US, THEM, tuple(atom('big'), big)]))
    t.ok(sameSignal(received[2], ['exit2', US, THEM, [big]]))
  }
  t.end()
})

test('a control above 64 KiB stays in the first fragment', (t) => {
  const writer = new TestWriter(ALL)
  const options = [tuple(atom('x'), 'y'.repeat(70_000))]
  writer.spawnRequest(REF, US, US, MFA, options, ['z'.repeat(70_000)])
  const frames = split(writer.take())
  t.equal(frames.length, 3)
  t.ok(
    sameSignal(receive(ALL, frames, HERE)[0], [
      'spawnRequest',
      REF,
      US,
      US,
      MFA,
      options,
      ['z'.repeat(70_000)],
    ]),
  )
  t.end()
})

test('a message that cannot be encoded leaves nothing in the stream', (t) => {
  const writer = new TestWriter(ALL)
  writer.link(US, THEM)
  const bad = ['x'.repeat(1000), () => {}] as unknown as Encodable
  t.throws(() => writer.send(US, THEM, bad), EncodeError)
  t.throws(() => writer.exit(US, THEM, { at: Symbol('x') } as unknown as Encodable), EncodeError)
  writer.send(US, THEM, MESSAGE)
  const received = receive(ALL, split(writer.take()), HERE)
  t.same(
    received.map(([method]) => method),
    ['link', 'send'],
  )
  t.equal(writer.take().length, 0)
  t.end()
})

test('what was taken is not written to again', (t) => {
  const writer = new TestWriter(ALL)
  const taken: [Uint8Array, string][] = []
  for (let i = 0; i < 2000; i++) {
    writer.send(US, THEM, `${i}${'x'.repeat((i * 37) % 900)}`)
    if (i % 7 === 0) {
      const bytes = writer.take()
      taken.push([bytes, Buffer.from(bytes).toString('hex')])
    }
  }
  const rest = writer.take()
  t.ok(taken.every(([bytes, before]) => Buffer.from(bytes).toString('hex') === before))
  const received = receive(ALL, [...taken.flatMap(([bytes]) => split(bytes)), ...split(rest)], HERE)
  t.same(
    received.map(([, , , message]) => Number.parseInt(String(message), 10)),
    Array.from({ length: 2000 }, (_, i) => i),
  )
  t.end()
})

test('a spawn request to a peer that cannot spawn is reported', (t) => {
  const writer = new TestWriter(ALL & ~flags.DFLAG_SPAWN)
  writer.spawnRequest(REF, US, US, MFA, [], [])
  t.same(writer.unsupported, [[REF, US]])
  t.equal(writer.take().length, 0)
  t.end()
})

test('a native record is sent to a peer that takes it, and refused for any other, which hears nothing', (t) => {
  const record = new RecordTerm(atom('m'), atom('point'), true, [atom('x')], [1])
  const writer = new TestWriter(ALL)
  writer.send(US, THEM, record)
  t.ok(sameSignal(receive(ALL, split(writer.take()), HERE)[0], ['send', US, THEM, record]))
  const older = new TestWriter(ALL & ~flags.DFLAG_NATIVE_RECORDS)
  t.throws(() => older.send(US, THEM, [record]), { code: 'ERR_ETF_RECORD', path: ['[0]'] })
  t.equal(older.take().length, 0)
  t.end()
})

test('a reason above 64 KiB that stands in the control, for a peer of old, arrives', (t) => {
  const negotiated = ALL & ~flags.DFLAG_EXIT_PAYLOAD
  const writer = new TestWriter(negotiated)
  const reason = 'x'.repeat(100_000)
  writer.exit(US, THEM, reason)
  writer.send(US, THEM, MESSAGE)
  const signals = receive(negotiated, split(writer.take()), HERE)
  t.ok(sameSignal(signals[0], ['exit', US, THEM, reason]))
  t.ok(sameSignal(signals[1], ['send', US, THEM, MESSAGE]))
  t.end()
})
