import { test } from 'tap'
import { FragmentAssembler } from '../../src/dist/fragments.ts'

const LIMITS = { fragmentedMessages: 3, fragmentedBytes: 10_000 }
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

test('pieces are joined in order, and the first one says where the control must end', (t) => {
  const assembler = new FragmentAssembler(LIMITS)
  t.equal(assembler.start(7n, 3n, bytes(1, 2), []), undefined)
  t.equal(assembler.continue(7n, 2n, bytes()), undefined, 'an empty piece')
  const joined = assembler.continue(7n, 1n, bytes(3))
  t.same([...joined!.bytes], [1, 2, 3])
  t.equal(joined!.firstLength, 2)
  t.end()
})

test('a start with the id 1 is a whole message', (t) => {
  const joined = new FragmentAssembler(LIMITS).start(7n, 1n, bytes(1), [])
  t.same([...joined!.bytes], [1])
  t.end()
})

test('sequences interleave, and an id may be used again after its message', (t) => {
  const assembler = new FragmentAssembler(LIMITS)
  for (let round = 0; round < 3; round++) {
    assembler.start(1n, 2n, bytes(1), [])
    assembler.start(2n, 3n, bytes(2), [])
    assembler.start(2n ** 64n - 1n, 2n, bytes(3), [])
    assembler.continue(2n, 2n, bytes(2))
    t.same([...assembler.continue(1n, 1n, bytes(1))!.bytes], [1, 1])
    t.same([...assembler.continue(2n ** 64n - 1n, 1n, bytes(3))!.bytes], [3, 3])
    t.same([...assembler.continue(2n, 1n, bytes(2))!.bytes], [2, 2, 2])
  }
  t.end()
})

test('pieces do not keep the received chunk, and are not changed with it', (t) => {
  const assembler = new FragmentAssembler(LIMITS)
  const chunk = bytes(1, 2, 3)
  assembler.start(1n, 2n, chunk.subarray(0, 2), [])
  chunk.fill(9)
  t.same([...assembler.continue(1n, 1n, chunk.subarray(2))!.bytes], [1, 2, 9])
  t.end()
})

test('small pieces of a Buffer, as sockets give them, are copied too', (t) => {
  const assembler = new FragmentAssembler(LIMITS)
  const chunk = Buffer.from([1, 2, 3])
  assembler.start(1n, 2n, chunk.subarray(0, 2), [])
  chunk.fill(9)
  t.same([...assembler.continue(1n, 1n, chunk.subarray(2))!.bytes], [1, 2, 9])
  t.end()
})

test('ids that break the rules are errors', (t) => {
  const bad = { code: 'ERR_DIST_BAD_FRAGMENT' }
  const fresh = () => new FragmentAssembler(LIMITS)
  t.throws(() => fresh().start(0n, 2n, bytes(1), []), bad, 'sequence 0')
  t.throws(() => fresh().start(1n, 0n, bytes(1), []), bad, 'fragment 0')
  t.throws(() => fresh().continue(1n, 1n, bytes(1)), bad, 'unknown sequence')
  const started = fresh()
  started.start(1n, 3n, bytes(1), [])
  t.throws(() => started.start(1n, 3n, bytes(1), []), bad, 'started twice')
  t.throws(() => started.continue(1n, 1n, bytes(1)), bad, 'a gap')
  t.throws(() => started.continue(1n, 3n, bytes(1)), bad, 'no step')
  t.end()
})

test('a piece that is put in its place counts as soon as it has one, and joins the others when it is taken', (t) => {
  const assembler = new FragmentAssembler({ fragmentedMessages: 3, fragmentedBytes: 100_000 })
  t.equal(assembler.place(1n, 1n, 10), undefined, 'of no message')
  assembler.start(1n, 4n, bytes(1, 2), [])
  t.equal(assembler.place(1n, 2n, 10), undefined, 'not the next one')
  for (const id of [3n, 2n]) {
    const place = assembler.place(1n, id, 20_000)!
    t.equal(place.length, 20_000)
    place.fill(Number(id))
    t.equal(assembler.continue(1n, id, bytes()), undefined)
  }
  t.throws(() => assembler.place(1n, 1n, 100_000), { code: 'ERR_DIST_FRAGMENT_LIMIT' })
  const joined = assembler.continue(1n, 1n, bytes(9))!.bytes
  t.equal(joined.length, 40_003)
  t.ok(joined.every((byte, i) => byte === (i < 2 ? i + 1 : i < 20_002 ? 3 : i < 40_002 ? 2 : 9)))
  t.equal(assembler.start(1n, 2n, bytes(1), []), undefined, 'its bytes are free again')
  t.equal(assembler.place(1n, 1n, 90_000)?.length, 90_000)
  t.end()
})

test('unfinished messages are bounded in number and in bytes, whatever they announce', (t) => {
  const many = new FragmentAssembler(LIMITS)
  for (let id = 1n; id <= 3n; id++) many.start(id, 2n ** 63n, bytes(1), [])
  t.throws(() => many.start(4n, 2n, bytes(1), []), { code: 'ERR_DIST_FRAGMENT_LIMIT', expected: 3 })

  const large = new FragmentAssembler(LIMITS)
  large.start(1n, 9n, new Uint8Array(5000), [])
  large.start(2n, 9n, new Uint8Array(4000), [])
  t.throws(() => large.continue(1n, 8n, new Uint8Array(1000)), {
    code: 'ERR_DIST_FRAGMENT_LIMIT',
    expected: 10_000,
  })

  const tiny = new FragmentAssembler(LIMITS)
  tiny.start(1n, 2n ** 63n, bytes(1), [])
  let pieces = 0
  t.throws(
    () => {
      for (let id = 2n ** 63n - 1n; pieces < 10_000; id--, pieces++) tiny.continue(1n, id, bytes(1))
    },
    { code: 'ERR_DIST_FRAGMENT_LIMIT' },
  )
  t.ok(pieces < 100, 'a piece of one byte is charged for more')
  t.end()
})

test('an announcement gets a little memory, which counts, and what has arrived gets more', (t) => {
  const limits = { fragmentedMessages: 1000, fragmentedBytes: 100_000_000 }
  const assembler = new FragmentAssembler(limits)
  const piece = new Uint8Array(65_536)
  const before = process.memoryUsage().arrayBuffers
  for (let id = 1n; id <= 50n; id++) assembler.start(id, 2n ** 63n, piece, [])
  t.ok(process.memoryUsage().arrayBuffers - before < 60_000_000)
  t.throws(
    () => {
      for (let id = 51n; id <= 1000n; id++) assembler.start(id, 2n ** 63n, new Uint8Array(200_000), [])
    },
    { code: 'ERR_DIST_FRAGMENT_LIMIT', expected: 100_000_000 },
  )
  t.end()
})

test('messages of any number of pieces are joined, and nothing is behind them', (t) => {
  const assembler = new FragmentAssembler({ fragmentedMessages: 1, fragmentedBytes: 10_000_000 })
  for (const [size, count] of [
    [65_536, 2],
    [65_536, 4],
    [65_536, 30],
    [20_000, 100],
    [1000, 500],
    [1, 50],
  ] as const) {
    let joined = assembler.start(1n, BigInt(count), new Uint8Array(size).fill(1), [])
    for (let left = count - 1; left > 0; left--) {
      joined = assembler.continue(1n, BigInt(left), new Uint8Array(left === 1 ? 3 : size).fill(left & 0xff))
    }
    const { bytes } = joined!
    t.equal(bytes.length, size * (count - 1) + 3)
    t.ok(
      [...new Uint8Array(bytes.buffer, bytes.length)].every((byte) => byte === 0),
      'cleared behind',
    )
    for (let i = 0; i < count; i++) {
      const wanted = i === 0 ? 1 : (count - i) & 0xff
      t.equal(bytes[i * size], wanted)
    }
  }
  t.end()
})

test('finished messages give their bytes back to the limit', (t) => {
  const assembler = new FragmentAssembler(LIMITS)
  for (let i = 0; i < 100; i++) {
    assembler.start(1n, 2n, new Uint8Array(4000), [])
    t.equal(assembler.continue(1n, 1n, new Uint8Array(4000))!.bytes.length, 8000)
  }
  t.end()
})
