import { test } from 'tap'
import { FRAGMENT_BYTES } from '../../src/dist/fragments.ts'
import { Lanes, type Receiver, type Sender } from '../../src/dist/lanes.ts'
import { LargeMessage } from '../../src/dist/large-message.ts'
import { MessageBody } from '../../src/dist/message-body.ts'
import { atom, Pid, Reference } from '../../src/etf/index.ts'

const US = atom('us@here')
const THEM = atom('them@there')
const pid = (id: number): Pid => new Pid(US, id, 0, 1)
const far = (id: number): Pid => new Pid(THEM, id, 0, 1)
const ref = (id: number): Reference => new Reference(THEM, 1, [id, 0, 0])
/** The first fragment is short. */
const large = (fragments: number): LargeMessage =>
  new LargeMessage(new MessageBody(new Uint8Array(1024 + (fragments - 1) * FRAGMENT_BYTES)), 10)
const frame = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)

/** What a piece of output is: the sequence and the fragment to come, or the bytes of frames that waited. */
function name(pieces: readonly Uint8Array[]): string {
  const bytes = Buffer.concat(pieces)
  if (bytes.length < 22) return [...bytes].join(' ')
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return `#${view.getUint32(10)}:${view.getUint32(18)}`
}

function rest(lanes: Lanes): string[] {
  const names: string[] = []
  for (let next = lanes.next(); next !== undefined; next = lanes.next()) names.push(name(next))
  return names
}

test('fragments of several messages take turns', (t) => {
  const lanes = new Lanes()
  t.equal(name(lanes.start(pid(1), far(1), large(3))), '#1:3')
  t.equal(name(lanes.start(pid(2), far(1), large(4))), '#2:4')
  t.same(rest(lanes), ['#1:2', '#2:3', '#1:1', '#2:2', '#2:1'])
  t.ok(lanes.isEmpty)
  t.equal(lanes.bytes, 0)
  t.end()
})

test('what follows from the same sender to the same receiver waits, in order, also large messages', (t) => {
  const lanes = new Lanes()
  lanes.start(pid(1), far(1), large(2))
  const lane = lanes.find(pid(1), far(1))!
  lanes.hold(lane, frame(1))
  lanes.hold(lane, frame(2))
  lanes.hold(lanes.find(pid(1), far(1))!, large(2))
  lanes.hold(lanes.find(pid(1), far(1))!, frame(3))
  t.equal(lane.pairs.length, 1, 'a pair is kept once')
  t.equal(lanes.bytes, FRAGMENT_BYTES + 2 + (1024 + FRAGMENT_BYTES) + 1)
  t.same(rest(lanes), ['#1:1', '1 2', '#2:2', '#2:1', '3'])
  t.equal(lanes.find(pid(1), far(1)), undefined, 'then nothing stands in the way')
  t.equal(lanes.bytes, 0)
  t.end()
})

/** Whether a signal waits behind an unfinished message. */
const PAIRS: readonly [what: string, [Sender, Receiver], [Sender, Receiver], waits: boolean][] = [
  ['same pids', [pid(1), far(1)], [pid(1), far(1)], true],
  ['another sender', [pid(1), far(1)], [pid(2), far(1)], false],
  ['another receiver', [pid(1), far(1)], [pid(1), far(2)], false],
  ['a name behind a pid', [pid(1), far(1)], [pid(1), atom('name')], true],
  ['a pid behind a name', [pid(1), atom('name')], [pid(1), far(1)], true],
  ['the same name', [pid(1), atom('name')], [pid(1), atom('name')], true],
  ['another name', [pid(1), atom('name')], [pid(1), atom('other')], false],
  ['an alias behind a pid', [pid(1), far(1)], [pid(1), ref(1)], true],
  ['another alias', [pid(1), ref(1)], [pid(1), ref(2)], true],
  ['another sender to a name', [pid(1), far(1)], [pid(2), atom('name')], false],
  ['a spawn request', [pid(1), far(1)], [pid(1), null], false],
  ['a signal behind a spawn request', [pid(1), null], [pid(1), far(1)], false],
  ['two spawn requests', [pid(1), null], [pid(1), null], false],
  ['an unknown sender', [pid(1), far(1)], [null, far(1)], true],
  ['a sender known by name', [pid(1), far(1)], [atom('name'), far(1)], true],
  ['two senders known by names', [atom('one'), far(1)], [atom('other'), far(1)], false],
  ['an unknown sender to somebody else', [pid(1), far(1)], [null, far(2)], false],
]

for (const [what, first, second, waits] of PAIRS) {
  test(`${what}: ${waits ? 'waits' : 'goes ahead'}`, (t) => {
    const lanes = new Lanes()
    lanes.start(...first, large(2))
    t.equal(lanes.find(...second) !== undefined, waits)
    t.end()
  })
}

test('a message that is all control leaves in one fragment, and nothing stays behind', (t) => {
  const lanes = new Lanes()
  const frame = lanes.start(pid(1), far(1), new LargeMessage(new MessageBody(new Uint8Array(70_000)), 70_000))
  t.equal(name(frame), '#1:1')
  t.ok(lanes.isEmpty)
  t.equal(lanes.bytes, 0)
  t.equal(lanes.next(), undefined)
  t.end()
})

test('a shared sender keeps the order for each receiver as it is written only', (t) => {
  const shared = pid(9)
  const lanes = new Lanes(shared)
  lanes.start(shared, far(1), large(2))
  t.equal(lanes.find(shared, atom('name')), undefined)
  t.equal(lanes.find(shared, ref(1)), undefined)
  t.ok(lanes.find(shared, far(1)))
  lanes.start(shared, ref(1), large(2))
  t.ok(lanes.find(shared, ref(1)))
  t.equal(lanes.find(shared, ref(2)), undefined)
  lanes.start(pid(1), far(1), large(2))
  t.ok(lanes.find(pid(1), atom('name')), 'others keep all of it')
  t.end()
})

test('a signal that may belong to two lanes waits for both', (t) => {
  const lanes = new Lanes()
  lanes.start(pid(1), far(1), large(2))
  lanes.start(pid(1), far(2), large(4))
  lanes.start(pid(2), far(1), large(2))
  lanes.hold(lanes.find(pid(1), far(1))!, frame(1))
  lanes.hold(lanes.find(pid(1), atom('name'))!, frame(2))
  lanes.hold(lanes.find(pid(1), far(2))!, frame(3))
  const order = rest(lanes)
  t.same([...order].sort(), ['#1:1', '#2:1', '#2:2', '#2:3', '#3:1', '1 2 3'])
  t.equal(order.at(-1), '1 2 3')
  t.end()
})

test('eight messages take turns, the others wait until one of them has ended', (t) => {
  const lanes = new Lanes()
  for (let i = 1; i <= 10; i++) lanes.start(pid(i), far(1), large(i === 3 ? 2 : 3))
  const order = rest(lanes)
  const turn = (fragment: number, ids: number[]): string[] => ids.map((id) => `#${id}:${fragment}`)
  t.same(order.slice(0, 8), [...turn(2, [1, 2]), '#3:1', ...turn(2, [4, 5, 6, 7, 8])])
  t.ok(order.indexOf('#9:2') > order.indexOf('#3:1'))
  t.ok(order.indexOf('#10:2') > order.indexOf('#1:1'))
  t.equal(order.length, 19)
  t.end()
})

test('frames that wait leave in pieces of 64 KiB at most', (t) => {
  const lanes = new Lanes()
  lanes.start(pid(1), far(1), large(2))
  const lane = lanes.find(pid(1), far(1))!
  for (let i = 0; i < 10; i++) lanes.hold(lane, new Uint8Array(20_000))
  const sizes: number[] = []
  for (let next = lanes.next(); next !== undefined; next = lanes.next()) {
    sizes.push(next.reduce((sum, piece) => sum + piece.length, 0))
  }
  t.same(sizes, [FRAGMENT_BYTES + 22, 60_000, 60_000, 60_000, 20_000])
  t.end()
})

test('a connection that is gone forgets what waited', (t) => {
  const lanes = new Lanes()
  lanes.start(pid(1), far(1), large(9))
  lanes.clear()
  t.ok(lanes.isEmpty)
  t.equal(lanes.bytes, 0)
  t.equal(lanes.next(), undefined)
  t.end()
})

test('what a sender sends to many waits in order, and the pairs that are told apart stay few', (t) => {
  const lanes = new Lanes()
  lanes.start(pid(1), far(0), large(2))
  lanes.hold(lanes.find(pid(1), atom('name'))!, frame(0))
  for (let i = 1; i <= 200; i++) {
    const lane = lanes.find(pid(1), far(i))!
    t.ok(lane.pairs.length <= 64)
    lanes.hold(lane, frame(i))
  }
  t.equal(lanes.find(pid(2), far(1)), undefined, 'another sender goes ahead')
  const order = Array.from({ length: 201 }, (_, i) => i)
  const [fragment, held] = [lanes.next()!, lanes.next()!]
  t.equal(name(fragment), '#1:1')
  t.same([...Buffer.concat(held)], order)
  t.ok(lanes.isEmpty)
  t.end()
})

test('the pairs of many senders stay few as well, and nothing goes ahead of them', (t) => {
  const lanes = new Lanes()
  lanes.start(null, far(0), large(2))
  for (let i = 1; i <= 200; i++) {
    const lane = lanes.find(pid(i), far(0))!
    t.ok(lane.pairs.length <= 64)
    lanes.hold(lane, frame(i))
  }
  t.ok(lanes.find(pid(300), far(5)), 'also what could have')
  t.same(rest(lanes).length, 2)
  t.ok(lanes.isEmpty)
  t.end()
})
