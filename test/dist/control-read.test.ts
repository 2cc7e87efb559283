import { test } from 'tap'
import { pidAt } from '../../src/dist/control-elements.ts'
import * as flags from '../../src/dist/flags.ts'
import * as OP from '../../src/dist/op.ts'
import { atom, type Encodable, ImproperList, Pid, Tuple, tuple } from '../../src/etf/index.ts'
import {
  ALL,
  frame,
  MESSAGE,
  MFA,
  NAME,
  NO_HEADER,
  REF,
  receive,
  sameSignal,
  THEM,
  THERE,
  TOKEN,
  US,
} from './control-frames.ts'
import type { Signal } from './recorder.ts'

/** Each form in which a peer may say something, and what it means. */
const RECEIVED: readonly [Encodable, Encodable | undefined, Signal][] = [
  [tuple(OP.LINK, THEM, US), undefined, ['link', THEM, US]],
  [tuple(OP.SEND, atom(''), US), MESSAGE, ['send', null, US, MESSAGE]],
  [tuple(OP.EXIT, THEM, US, MESSAGE), undefined, ['exit', THEM, US, MESSAGE]],
  [tuple(OP.UNLINK, THEM, US), undefined, ['unlink', 0n, THEM, US]],
  [tuple(OP.REG_SEND, THEM, atom('cookie'), NAME), MESSAGE, ['sendName', THEM, NAME, MESSAGE]],
  [tuple(OP.GROUP_LEADER, THEM, US), undefined, ['groupLeader', THEM, US]],
  [tuple(OP.EXIT2, THEM, US, MESSAGE), undefined, ['exit2', THEM, US, MESSAGE]],
  [tuple(OP.SEND_TT, atom(''), US, TOKEN), MESSAGE, ['send', null, US, MESSAGE]],
  [tuple(OP.EXIT_TT, THEM, US, TOKEN, MESSAGE), undefined, ['exit', THEM, US, MESSAGE]],
  [tuple(OP.REG_SEND_TT, THEM, atom(''), NAME, TOKEN), MESSAGE, ['sendName', THEM, NAME, MESSAGE]],
  [tuple(OP.EXIT2_TT, THEM, US, TOKEN, MESSAGE), undefined, ['exit2', THEM, US, MESSAGE]],
  [tuple(OP.MONITOR_P, THEM, US, REF), undefined, ['monitor', THEM, US, REF]],
  [tuple(OP.DEMONITOR_P, THEM, US, REF), undefined, ['demonitor', THEM, US, REF]],
  [tuple(OP.MONITOR_P_EXIT, THEM, US, REF, MESSAGE), undefined, ['monitorExit', THEM, US, REF, MESSAGE]],
  [tuple(OP.SEND_SENDER, THEM, US), MESSAGE, ['send', THEM, US, MESSAGE]],
  [tuple(OP.SEND_SENDER_TT, THEM, US, TOKEN), MESSAGE, ['send', THEM, US, MESSAGE]],
  [tuple(OP.PAYLOAD_EXIT, THEM, US), MESSAGE, ['exit', THEM, US, MESSAGE]],
  [tuple(OP.PAYLOAD_EXIT_TT, THEM, US, TOKEN), MESSAGE, ['exit', THEM, US, MESSAGE]],
  [tuple(OP.PAYLOAD_EXIT2, THEM, US), MESSAGE, ['exit2', THEM, US, MESSAGE]],
  [tuple(OP.PAYLOAD_EXIT2_TT, THEM, US, TOKEN), MESSAGE, ['exit2', THEM, US, MESSAGE]],
  [tuple(OP.PAYLOAD_MONITOR_P_EXIT, NAME, US, REF), MESSAGE, ['monitorExit', NAME, US, REF, MESSAGE]],
  [
    tuple(OP.SPAWN_REQUEST, REF, THEM, THEM, tuple(atom('m'), atom('f'), 1), [atom('link')]),
    [1],
    ['spawnRequest', REF, THEM, THEM, MFA, [atom('link')], [1]],
  ],
  [
    tuple(OP.SPAWN_REQUEST_TT, REF, THEM, THEM, tuple(atom('m'), atom('f'), 1), [], TOKEN),
    [1],
    ['spawnRequest', REF, THEM, THEM, MFA, [], [1]],
  ],
  [tuple(OP.SPAWN_REPLY, REF, US, 1, THEM), undefined, ['spawnReply', REF, US, 1, THEM]],
  [tuple(OP.SPAWN_REPLY_TT, REF, US, 0, NAME, TOKEN), undefined, ['spawnReply', REF, US, 0, NAME]],
  [tuple(OP.ALIAS_SEND, THEM, REF), MESSAGE, ['sendAlias', THEM, REF, MESSAGE]],
  [tuple(OP.ALIAS_SEND_TT, THEM, REF, TOKEN), MESSAGE, ['sendAlias', THEM, REF, MESSAGE]],
  [tuple(OP.UNLINK_ID, 2n ** 64n - 1n, THEM, US), undefined, ['unlink', 2n ** 64n - 1n, THEM, US]],
  [tuple(OP.UNLINK_ID_ACK, 1, THEM, US), undefined, ['unlinkAck', 1n, THEM, US]],
  [tuple(OP.ALTACT_SIG_SEND, 0, THEM, US), MESSAGE, ['send', THEM, US, MESSAGE]],
  [tuple(OP.ALTACT_SIG_SEND, 3, THEM, US, TOKEN), MESSAGE, ['send', THEM, US, MESSAGE]],
  [tuple(OP.ALTACT_SIG_SEND, 4, THEM, REF), MESSAGE, ['sendAlias', THEM, REF, MESSAGE]],
  [tuple(OP.ALTACT_SIG_SEND, 9, THEM, NAME), MESSAGE, ['sendName', THEM, NAME, MESSAGE]],
  [tuple(OP.ALTACT_SIG_SEND, 17, THEM, US), MESSAGE, ['exit2', THEM, US, MESSAGE]],
  [tuple(OP.ALTACT_SIG_SEND, 20, THEM, REF), MESSAGE, ['exitAlias', THEM, REF, MESSAGE]],
  [tuple(OP.ALTACT_SIG_SEND, 2n ** 70n + 4n, THEM, REF, 0, 0, 0), MESSAGE, ['sendAlias', THEM, REF, MESSAGE]],
]

for (const [control, payload, wanted] of RECEIVED) {
  const [op, detail] = control as Tuple
  test(`operation ${String(op)}${typeof detail === 'number' ? ` with ${detail}` : ''} is ${wanted[0]}`, (t) => {
    for (const negotiated of [ALL, NO_HEADER]) {
      const bytes = frame(control, payload, negotiated === NO_HEADER)
      const received = receive(negotiated, [bytes])
      t.ok(sameSignal(received[0], wanted))
      t.equal(received.length, 1)
    }
    t.end()
  })

  test(`operation ${String(op)} ${String(detail)} with too few elements, or without its payload, is an error`, (t) => {
    const elements = [...(control as Tuple)]
    // This one may grow, so only what it cannot do without counts.
    const short = new Tuple(elements.slice(0, op === OP.ALTACT_SIG_SEND ? 3 : -1))
    t.throws(() => receive(ALL, [frame(short, payload)]), { code: /^ERR_(DIST|ETF)_/ })
    if (payload !== undefined) t.throws(() => receive(ALL, [frame(control)]), { code: 'ERR_ETF_TRUNCATED' })
    else t.throws(() => receive(ALL, [frame(control, MESSAGE)]), { code: 'ERR_DIST_BAD_FRAME' })
    if (payload !== undefined)
      t.throws(() => receive(NO_HEADER, [frame(control, undefined, true)]), { code: /./ })
    t.throws(() => receive(ALL, [Buffer.concat([frame(control, payload), Buffer.from([106])])]), {
      code: 'ERR_DIST_BAD_FRAME',
    })
    t.end()
  })

  if (op !== OP.ALTACT_SIG_SEND) {
    test(`operation ${String(op)} ${String(detail)} with an element too many is an error`, (t) => {
      const long = new Tuple([...(control as Tuple), 0])
      t.throws(() => receive(ALL, [frame(long, payload)]), { code: 'ERR_DIST_BAD_CONTROL' })
      t.end()
    })
  }
}

test('every operation is received in the table above, except the dead one', (t) => {
  const covered = new Set(RECEIVED.map(([control]) => (control as Tuple)[0]))
  for (const [name, op] of Object.entries(OP)) t.equal(covered.has(op), op !== OP.NODE_LINK, name)
  t.end()
})

test('operations that are unknown or dead are errors with the number', (t) => {
  for (const op of [0, 5, 9, 10, 11, 14, 15, 17, 38, 255, 70_000, -1]) {
    t.throws(() => receive(ALL, [frame(tuple(op, US, THEM))]), { code: 'ERR_DIST_UNKNOWN_OP', actual: op })
  }
  for (const op of [atom('x'), 1.5, 2n ** 70n, [], 'text', null]) {
    t.throws(() => receive(ALL, [frame(tuple(op, US, THEM))]), { code: 'ERR_DIST_UNKNOWN_OP' })
  }
  t.end()
})

test('elements of the wrong kind are errors that say which and what', (t) => {
  const bad: Encodable[] = [
    tuple(OP.LINK, NAME, US),
    tuple(OP.SEND_SENDER, THEM, NAME),
    tuple(OP.REG_SEND, THEM, atom(''), 'printer'),
    tuple(OP.REG_SEND, THEM, atom(''), THEM),
    tuple(OP.ALIAS_SEND, THEM, US),
    tuple(OP.MONITOR_P, THEM, REF, REF),
    tuple(OP.MONITOR_P, THEM, US, US),
    tuple(OP.UNLINK_ID, 0, THEM, US),
    tuple(OP.UNLINK_ID, -1, THEM, US),
    tuple(OP.UNLINK_ID, 2n ** 64n, THEM, US),
    tuple(OP.UNLINK_ID, 1.5, THEM, US),
    tuple(OP.UNLINK_ID, NAME, THEM, US),
    tuple(OP.SPAWN_REQUEST, REF, THEM, THEM, tuple(atom('m'), atom('f')), []),
    tuple(OP.SPAWN_REQUEST, REF, THEM, THEM, tuple('m', atom('f'), 1), []),
    tuple(OP.SPAWN_REQUEST, REF, THEM, THEM, tuple(atom('m'), atom('f'), 'x'), []),
    tuple(OP.SPAWN_REQUEST, REF, THEM, THEM, NAME, []),
    tuple(OP.SPAWN_REQUEST, REF, THEM, THEM, tuple(atom('m'), atom('f'), 1), new ImproperList([1], 2)),
    tuple(OP.SPAWN_REPLY, REF, US, NAME, THEM),
    tuple(OP.SPAWN_REPLY, REF, US, 0, 5),
    tuple(OP.ALTACT_SIG_SEND, 12, THEM, REF),
    tuple(OP.ALTACT_SIG_SEND, 24, THEM, NAME),
    tuple(OP.ALTACT_SIG_SEND, 1.5, THEM, US),
    tuple(OP.ALTACT_SIG_SEND, 0, THEM, REF),
    tuple(OP.ALTACT_SIG_SEND, 2, THEM, US),
    tuple(OP.ALTACT_SIG_SEND, 4, THEM, US),
    tuple(OP.ALTACT_SIG_SEND, NAME, THEM, US),
  ]
  for (const control of bad) {
    t.throws(
      () => receive(ALL, [frame(control, undefined)]),
      { code: 'ERR_DIST_BAD_CONTROL' },
      String(control),
    )
  }
  t.throws(() => receive(ALL, [frame(tuple(OP.LINK, NAME, US))]), {
    message: 'element 2 of control message 1 is a Atom, expected a pid',
  })
  t.end()
})

test('links and exits in the name of a third node are errors', (t) => {
  const third = new Pid(atom('third@node'), 1, 0, 1)
  const bad: [Encodable, Encodable?][] = [
    [tuple(OP.LINK, third, US)],
    [tuple(OP.UNLINK, third, US)],
    [tuple(OP.UNLINK_ID, 1, third, US)],
    [tuple(OP.EXIT, third, US, MESSAGE)],
    [tuple(OP.PAYLOAD_EXIT, third, US), MESSAGE],
  ]
  for (const [control, payload] of bad) {
    t.throws(() => receive(ALL, [frame(control, payload)]), {
      code: 'ERR_DIST_BAD_CONTROL',
      actual: 'a pid of third@node',
      expected: 'a pid of them@there',
    })
  }
  t.equal(
    receive(ALL, [frame(tuple(OP.REG_SEND, third, atom(''), NAME), MESSAGE)]).length,
    1,
    'messages are not',
  )
  const reborn = new Pid(THERE, 1, 0, 12345)
  t.equal(receive(ALL, [frame(tuple(OP.LINK, reborn, US))]).length, 1, 'nor another creation')
  t.end()
})

test('a control that is no tuple is an error', (t) => {
  for (const control of [NAME, [1], 5]) {
    t.throws(() => receive(ALL, [frame(control, MESSAGE)]), { code: 'ERR_DIST_BAD_CONTROL' })
  }
  t.throws(() => receive(ALL, [frame(tuple(), MESSAGE)]), { code: /^ERR_DIST/ })
  t.end()
})

test('names that arrive as JavaScript values are atoms again', (t) => {
  const [signal] = receive(ALL, [frame(tuple(OP.MONITOR_P, THEM, null, REF))])
  t.equal(signal![2], atom('nil'))
  const request = tuple(OP.SPAWN_REQUEST, REF, THEM, THEM, tuple(true, false, 0), [])
  t.match(receive(ALL, [frame(request, [])])[0]![4], { module: atom('true'), function: atom('false') })
  t.end()
})

test('frames of the other form are errors', (t) => {
  const link = tuple(OP.LINK, THEM, US)
  t.throws(() => receive(ALL, [frame(link, undefined, true)]), {
    code: 'ERR_DIST_BAD_FRAME',
    actual: '70836803',
  })
  t.throws(() => receive(NO_HEADER, [frame(link)]), { code: 'ERR_DIST_BAD_FRAME', actual: '83440068' })
  for (const bytes of [[131], [131, 67], [131, 69], [131, 70, 1], [112], [0]]) {
    t.throws(() => receive(ALL, [Uint8Array.from(bytes)]), { code: 'ERR_DIST_BAD_FRAME' })
    t.throws(() => receive(NO_HEADER, [Uint8Array.from(bytes)]), { code: /^ERR_DIST/ })
  }
  const fragment = Buffer.from(`8345${'01'.padStart(16, '0').repeat(2)}00`, 'hex')
  t.throws(() => receive(ALL & ~flags.DFLAG_FRAGMENTS, [fragment]), { code: 'ERR_DIST_BAD_FRAME' })
  t.end()
})

test('a control that goes beyond the first fragment is an error', (t) => {
  const whole = frame(tuple(OP.LINK, THEM, US))
  const id = Buffer.alloc(8)
  id.writeUInt8(5, 7)
  const fragment = (value: number): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt8(value, 7)
    return bytes
  }
  const body = whole.subarray(3)
  const first = Buffer.concat([
    Buffer.from([131, 69]),
    id,
    fragment(2),
    Buffer.from([0]),
    body.subarray(0, 10),
  ])
  const second = Buffer.concat([Buffer.from([131, 70]), id, fragment(1), body.subarray(10)])
  t.throws(() => receive(ALL, [first, second]), { code: 'ERR_DIST_BAD_FRAGMENT' })
  t.end()
})

test('a map that arrives as an object with the key constructor is refused like any other', (t) => {
  const object = Object.fromEntries([['constructor', null]])
  const expected = { code: 'ERR_DIST_BAD_CONTROL', actual: 'a Object' }
  t.throws(() => pidAt([OP.LINK, object], 1), expected)
  t.end()
})
