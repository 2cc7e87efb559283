/** Frames in a stream, wherever it is cut. */
import { test } from 'tap'
import { capabilitiesOf } from '../../src/dist/capabilities.ts'
import { FrameQueue } from '../../src/dist/frame-queue.ts'
import { FrameReader } from '../../src/dist/frame-reader.ts'
import { DEFAULT_CONNECTION_LIMITS } from '../../src/dist/limits.ts'
import { atom, Pid, type Term, termEquals, tuple } from '../../src/etf/index.ts'
import { randomFrom } from '../support/random.ts'
import { ALL, frame, HERE, MESSAGE, NAME, NO_HEADER, REF, TestWriter, THEM, US } from './control-frames.ts'
import { recorder, type Signal } from './recorder.ts'
import { signalTerm } from './signal-vectors.ts'

const LIMIT = DEFAULT_CONNECTION_LIMITS.frameBytes

/** The frame that was found last. */
function frameOf({ bytes, start, end }: FrameQueue): Uint8Array {
  return bytes.subarray(start, end)
}

function withLength(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** A message cut by hand into fragments of a few bytes, which a peer may do. */
function smallFragments(sequence: number): Buffer[] {
  const body = frame(tuple(22, US, THEM), MESSAGE).subarray(3)
  const controlEnd = frame(tuple(22, US, THEM)).length - 3
  const pieces = [
    body.subarray(0, controlEnd),
    body.subarray(controlEnd, controlEnd + 5),
    body.subarray(controlEnd + 5),
  ]
  return pieces.map((piece, i) => {
    const head = Buffer.alloc(i === 0 ? 19 : 18)
    head.writeUInt8(131, 0)
    head.writeUInt8(i === 0 ? 69 : 70, 1)
    head.writeUInt32BE(sequence, 6)
    head.writeUInt32BE(pieces.length - i, 14)
    return withLength(Buffer.concat([head, piece]))
  })
}

const TICK = Buffer.alloc(4)

/** A stream of everything: atoms that are new and known, ticks, fragments of two messages among other frames. */
function stream(negotiated: bigint): Buffer {
  const writer = new TestWriter(negotiated)
  writer.send(US, THEM, MESSAGE)
  writer.link(US, THEM)
  const first = writer.take()
  writer.sendName(US, NAME, MESSAGE)
  writer.monitor(US, NAME, REF)
  writer.exit(US, THEM, tuple(atom('shutdown'), 'x'.repeat(300)))
  const second = writer.take()
  if (negotiated === NO_HEADER) return Buffer.concat([first, TICK, second, TICK, TICK])
  const [a, b] = [smallFragments(1), smallFragments(7)]
  return Buffer.concat([first, a[0]!, TICK, b[0]!, b[1]!, second, a[1]!, b[2]!, a[2]!, TICK])
}

function readAll(negotiated: bigint, chunks: Iterable<Uint8Array>): Signal[] {
  const { handler, signals } = recorder()
  const reader = new FrameReader(HERE, capabilitiesOf(negotiated), {}, DEFAULT_CONNECTION_LIMITS)
  const queue = new FrameQueue(LIMIT, reader.placeRest)
  for (const chunk of chunks) {
    const lent = Uint8Array.from(chunk)
    queue.append(lent)
    while (queue.next()) {
      const { bytes, start, end } = queue
      if (start < end) reader.readFrame(bytes, handler, queue.isLent, start, end)
    }
    lent.fill(0xdb)
  }
  if (queue.waiting > 0) throw new Error(`${queue.waiting} bytes are left`)
  return signals
}

function isSame(found: readonly Signal[], wanted: readonly Signal[]): boolean {
  return termEquals(found.map(signalTerm) as Term, wanted.map(signalTerm) as Term)
}

for (const [form, negotiated] of [
  ['with headers', ALL],
  ['passed through', NO_HEADER],
] as const) {
  const bytes = stream(negotiated)
  const whole = readAll(negotiated, [bytes])

  test(`frames ${form} that are glued together are all read, in order`, (t) => {
    const methods = ['send', 'link', 'sendName', 'monitor', 'exit']
    if (negotiated === ALL) methods.push('send', 'send')
    t.same(
      whole.map(([method]) => method),
      methods,
    )
    t.end()
  })

  test(`a stream of frames ${form} means the same wherever it is cut in two`, (t) => {
    let different = 0
    for (let at = 1; at < bytes.length; at++) {
      if (!isSame(readAll(negotiated, [bytes.subarray(0, at), bytes.subarray(at)]), whole)) different++
    }
    t.equal(different, 0, `${bytes.length - 1} places`)
    t.end()
  })

  test(`a stream of frames ${form} means the same byte by byte, and in pieces of any one size`, (t) => {
    for (let size = 1; size <= 64; size++) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      )
      t.ok(isSame(readAll(negotiated, pieces), whole), `${size} bytes`)
    }
    t.end()
  })
}

test('large messages mean the same wherever the stream is cut, and whatever comes between their fragments', (t) => {
  const other = new Pid(HERE, 99, 0, 7)
  for (let seed = 1; seed <= 30; seed++) {
    const random = randomFrom(seed)
    const writer = new TestWriter(ALL)
    const bytes = () => Uint8Array.from({ length: 60_000 + random() * 300_000 }, () => (random() * 256) | 128)
    writer.send(US, THEM, tuple(bytes(), atom('after')))
    writer.send(other, THEM, bytes())
    writer.send(US, THEM, 'behind')
    writer.send(other, US, MESSAGE)
    const all = writer.take()
    const whole = readAll(ALL, [all])
    t.equal(whole.length, 4)
    const pieces: Uint8Array[] = []
    for (let at = 0; at < all.length; ) {
      const size = 1 + Math.floor(random() ** 3 * (seed % 2 === 0 ? 5000 : 100_000))
      pieces.push(all.subarray(at, at + size))
      at += size
    }
    t.ok(isSame(readAll(ALL, pieces), whole), `seed ${seed}`)
  }
  t.end()
})

test('what tells the place of a frame is asked once it is there, and gets all the rest', (t) => {
  const place = new Uint8Array(10_000)
  const asked: [string, number][] = []
  const queue = new FrameQueue(LIMIT, (head, rest) => {
    asked.push([Buffer.from(head).toString('latin1'), rest])
    return place.subarray(0, rest)
  })
  const bytes = withLength(Buffer.from(`head of 18 bytes -${'x'.repeat(5000)}`))
  const found: string[] = []
  for (let at = 0; at < bytes.length; at += 7) {
    queue.append(bytes.subarray(at, at + 7))
    while (queue.next()) found.push(Buffer.from(frameOf(queue)).toString())
  }
  t.same(asked, [['head of 18 bytes -', 5000]])
  t.same(found, ['head of 18 bytes -'])
  t.equal(Buffer.from(place.subarray(0, 5001)).toString(), `${'x'.repeat(5000)}\0`)
  // In one piece, and too short to be worth it.
  queue.append(bytes)
  t.equal(queue.next() && frameOf(queue).length, 5018)
  queue.append(withLength(Buffer.alloc(100)).subarray(0, 50))
  t.equal(queue.next(), false)
  t.equal(asked.length, 1)
  t.end()
})

test('a length above the limit is refused as soon as it is there, and nothing is allocated for it', (t) => {
  const queue = new FrameQueue(LIMIT)
  for (const byte of [0xff, 0xff, 0xff]) {
    queue.append(Uint8Array.of(byte))
    t.equal(queue.next(), false)
  }
  queue.append(Uint8Array.of(0xff))
  const before = process.memoryUsage().arrayBuffers
  t.throws(() => queue.next(), {
    code: 'ERR_DIST_FRAME_LIMIT',
    actual: 0xffffffff,
    expected: LIMIT,
  })
  t.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
  t.end()
})

test('frames of all sizes come out as they went in, whatever the sizes of what was received', (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomFrom(seed)
    const upTo = (most: number): number => Math.floor(random() ** 4 * most)
    const frames = Array.from({ length: 100 }, (_, i) =>
      Buffer.alloc(upTo(seed % 4 === 0 ? 300_000 : 3000), i),
    )
    const bytes = Buffer.concat(frames.map(withLength))
    const queues = [new FrameQueue(LIMIT), new FrameQueue(LIMIT)]
    const kept: Uint8Array[][] = [[], []]
    for (let at = 0, step = 0; at < bytes.length; at += step) {
      step = 1 + upTo(seed % 2 === 0 ? 100_000 : 2000)
      // Two connections, since some of the memory is one for all.
      queues.forEach((queue, i) => {
        const received = bytes.subarray(at, at + step)
        // Memory is longer than what was received.
        const lent = new Uint8Array(received.length + (i === 0 ? 0 : 9)).fill(0xdb)
        lent.set(received)
        queue.append(lent, received.length)
        while (queue.next()) {
          const found = frameOf(queue)
          kept[i]!.push(queue.isLent ? Uint8Array.from(found) : found)
        }
        lent.fill(0xdb)
      })
    }
    for (const found of kept) {
      t.equal(found.length, frames.length)
      t.ok(
        found.every((frame, i) => Buffer.compare(frame, frames[i]!) === 0),
        `seed ${seed}`,
      )
    }
  }
  t.end()
})

test('a frame that is announced as long gets no more memory than twice what has arrived', (t) => {
  const queue = new FrameQueue(LIMIT)
  const before = process.memoryUsage().arrayBuffers
  queue.append(Uint8Array.of(0x07, 0, 0, 0, 1, 2, 3))
  t.equal(queue.next(), false)
  t.ok(process.memoryUsage().arrayBuffers - before < 100_000)
  t.end()
})
