import { test } from 'tap'
import { LargeMessage } from '../../src/dist/large-message.ts'
import { MessageBody } from '../../src/dist/message-body.ts'
import { SequenceIds } from '../../src/dist/sequence-ids.ts'

/** A frame taken apart: tag, ids, what follows the header. */
function parse(frame: Uint8Array) {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  return {
    length: view.getUint32(0),
    magic: frame[4],
    tag: frame[5],
    sequence: view.getBigUint64(6),
    fragment: view.getBigUint64(14),
    rest: frame.subarray(22),
  }
}

function framesOf(message: LargeMessage, sequence = 5) {
  message.sequence = sequence
  const frames = []
  while (!message.isFinished) frames.push(Buffer.concat(message.next()))
  return frames
}

for (const [size, control, expected] of [
  [65_537, 20, [1024, 64_513]],
  [200_027, 20, [1024, 65_536, 65_536, 65_536, 2395]],
  [132_096, 20, [1024, 65_536, 65_536]],
  [132_097, 20, [1024, 65_536, 65_536, 1]],
  [100_000, 70_000, [70_000, 30_000]],
  [70_000, 70_000, [70_000]],
  [5, 5, [5]],
] as const) {
  test(`${size} bytes with a control of ${control} leave in pieces of ${expected.join(', ')}`, (t) => {
    const data = Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 0xff)
    const refs = Uint8Array.of(1, 0x08, 0x11, 1, 0x61)
    const frames = framesOf(new LargeMessage(new MessageBody(data), control, refs))
    const parsed = frames.map(parse)
    t.same(
      parsed.map(({ tag }) => tag),
      expected.map((_, i) => (i === 0 ? 69 : 70)),
    )
    t.same(
      parsed.map(({ fragment }) => Number(fragment)),
      expected.map((_, i) => expected.length - i),
    )
    t.ok(parsed.every(({ magic, sequence }) => magic === 131 && sequence === 5n))
    t.ok(parsed.every(({ length }, i) => length + 4 === frames[i]!.length))
    t.same([...parsed[0]!.rest.subarray(0, refs.length)], [...refs], 'the references are in the first one')
    const pieces = parsed.map(({ rest }, i) => rest.subarray(i === 0 ? refs.length : 0))
    t.same(
      pieces.map(({ length }) => length),
      expected,
    )
    t.ok(Buffer.concat(pieces).equals(data), 'nothing is lost')
    t.end()
  })
}

test('without references their number is 0', (t) => {
  const [first] = framesOf(new LargeMessage(new MessageBody(Uint8Array.of(1, 2, 3)), 3))
  t.same([...parse(first!).rest], [0, 1, 2, 3])
  t.end()
})

test('a sequence id of more than 32 bits is written whole', (t) => {
  const sequence = 0x1_2345_6789_abcd
  t.equal(
    parse(framesOf(new LargeMessage(new MessageBody(new Uint8Array(9)), 9), sequence)[0]!).sequence,
    0x1_2345_6789_abcdn,
  )
  t.end()
})

// A virtual machine of OTP 25 crashes on either id being 0.
test('no sequence id and no fragment id is ever 0, at the wrap-around neither', (t) => {
  const ids = new SequenceIds(Number.MAX_SAFE_INTEGER - 3)
  const seen = Array.from({ length: 7 }, () => ids.take())
  t.same(
    seen.slice(0, 3),
    [2, 1, 0].map((n) => Number.MAX_SAFE_INTEGER - n),
  )
  t.same(seen.slice(3), [1, 2, 3, 4])
  for (const sequence of seen) {
    for (const size of [1, 65_536, 65_537, 131_072, 131_073, 300_000]) {
      const frames = framesOf(new LargeMessage(new MessageBody(new Uint8Array(size)), 1), sequence).map(parse)
      t.ok(frames.every((frame) => frame.sequence > 0n && frame.fragment > 0n))
      t.equal(frames.at(-1)!.fragment, 1n)
    }
  }
  t.end()
})

test('an id that an unfinished message has is not given out again', (t) => {
  const ids = new SequenceIds(Number.MAX_SAFE_INTEGER - 1)
  t.equal(ids.take(), Number.MAX_SAFE_INTEGER)
  t.same([ids.take(), ids.take()], [1, 2])
  ids.give(2)
  const again = new SequenceIds()
  again.take()
  t.equal(again.take(), 2)
  const wrapped = new SequenceIds(Number.MAX_SAFE_INTEGER - 1)
  wrapped.take()
  const one = wrapped.take()
  for (let i = 0; i < 5; i++) wrapped.give(wrapped.take())
  t.equal(one, 1)
  t.end()
})
