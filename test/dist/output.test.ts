/** The way out: what leaves when, and what waits. */
import { test } from 'tap'
import { DEFAULT_CONNECTION_LIMITS } from '../../src/dist/limits.ts'
import { atom, Pid, type Term, termEquals, tuple } from '../../src/etf/index.ts'
import { randomFrom } from '../support/random.ts'
import { ALL, HERE, receive, split, TestWriter, THEM, US } from './control-frames.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const OTHER = new Pid(HERE, 99, 0, 7)
const LARGE = new Uint8Array(1_000_000).fill(255)

/** What each frame is: a header, a first fragment, a later one. A write may end within a frame. */
function kinds(written: readonly Uint8Array[]): string {
  return split(Buffer.concat(written))
    .map((frame) => ({ 68: 'h', 69: 'F', 70: 'f' })[frame[1]!])
    .join('')
}

test('what is sent in a batch leaves at its end in one go, and then things are as before', async (t) => {
  const writer = new TestWriter(ALL)
  const { output, sink } = writer
  output.beginBatch()
  writer.link(US, THEM)
  writer.link(OTHER, THEM)
  await turn()
  t.equal(sink.written.length, 0)
  output.endBatch()
  t.equal(sink.written.length, 1)
  t.equal(kinds(sink.written), 'hh')
  output.beginBatch()
  output.endBatch()
  t.equal(sink.written.length, 1)
  writer.link(US, THEM)
  await Promise.resolve()
  t.equal(sink.written.length, 2)
})

test('fragments leave while the transport has room, and again when it has drained', async (t) => {
  const writer = new TestWriter(ALL)
  const { sink } = writer
  writer.send(US, THEM, LARGE)
  t.equal(kinds(sink.written), 'F', 'the first one at once')
  sink.bufferedBytes = 300_000
  await turn()
  await turn()
  const before = sink.written.length
  t.ok(kinds(sink.written).length < 4)
  writer.link(OTHER, THEM)
  await turn()
  t.equal(kinds(sink.written.slice(before)), 'h', 'a frame of another goes ahead')
  sink.bufferedBytes = 0
  writer.output.handleDrain()
  t.equal(kinds(sink.written).replaceAll('h', ''), `F${'f'.repeat(16)}`)
  const received = receive(ALL, split(Buffer.concat(sink.written)), HERE)
  t.same(
    received.map(([method]) => method),
    ['link', 'send'],
  )
})

test('nothing is written over before the transport has passed it on, and then the memory is used again', async (t) => {
  const writer = new TestWriter(ALL)
  const { sink } = writer
  const given: Uint8Array[] = []
  sink.write = (bytes) => {
    given.push(bytes)
    return true
  }
  const send = async (fill: number): Promise<void> => {
    writer.send(US, THEM, new Uint8Array(500_000).fill(fill))
    writer.send(OTHER, THEM, new Uint8Array(1000).fill(fill))
    for (let turns = 0; turns < 5; turns++) await turn()
  }
  sink.bufferedBytes = 1
  await send(0xfe)
  const before = Buffer.concat(given)
  await send(0xff)
  const memory = new Set(given.map(({ buffer }) => buffer))
  t.equal(Buffer.concat(given).subarray(0, before.length).compare(before), 0)
  sink.bufferedBytes = 0
  writer.output.handleDrain()
  given.length = 0
  await send(0xff)
  t.ok(given.some(({ buffer, length }) => length > 1000 && memory.has(buffer)))
  t.equal(writer.output.pendingBytes, 0)
})

test('a fast transport gets so many fragments in one turn and no more', async (t) => {
  const writer = new TestWriter(ALL)
  writer.send(US, THEM, new Uint8Array(4_000_000).fill(255))
  const perTurn: number[] = []
  for (let i = 0; i < 5; i++) {
    const before = kinds(writer.sink.written).length
    await turn()
    perTurn.push(kinds(writer.sink.written).length - before)
  }
  t.ok(
    perTurn.every((count) => count <= 16),
    perTurn.join(', '),
  )
  t.equal(kinds(writer.sink.written).length, 63)
})

test('the fragments of one turn, the first one too, leave with one call of the system, and nothing stays corked', async (t) => {
  const writer = new TestWriter(ALL)
  const { sink } = writer
  const calls: string[] = []
  const { write } = sink
  sink.write = (bytes) => {
    calls.push('w')
    return write.call(sink, bytes)
  }
  Object.assign(sink, { cork: () => calls.push('('), uncork: () => calls.push(')') })
  writer.send(US, THEM, LARGE)
  for (let i = 0; i < 5; i++) await turn()
  t.match(calls.join(''), /^\((ww){17}\)(\(\))*$/)
  t.equal(kinds(sink.written), `F${'f'.repeat(16)}`)
})

test('frames behind a large message of the same pair follow it with their atoms inline', async (t) => {
  const writer = new TestWriter(ALL)
  writer.send(US, THEM, LARGE)
  writer.send(US, THEM, atom('some_long_atom'))
  writer.exit(US, THEM, atom('some_long_atom'))
  writer.send(OTHER, THEM, atom('some_long_atom'))
  const frames = split(writer.take())
  const signals = receive(ALL, frames, HERE)
  t.same(
    signals.map(([method, from]) => `${method} ${(from as Pid).id}`),
    ['send 99', 'send 1', 'send 1', 'exit 1'],
  )
  t.same(
    frames.slice(-2).map((frame) => [frame[1], frame[2]]),
    [
      [68, 0],
      [68, 0],
    ],
    'they refer to nothing',
  )
})

test('what is above the mark makes it busy, and it says when that is over', async (t) => {
  const limits = { ...DEFAULT_CONNECTION_LIMITS, highWaterMark: 500_000 }
  const writer = new TestWriter(ALL, { limits })
  const { output, sink } = writer
  sink.bufferedBytes = 300_000
  writer.send(US, THEM, 'x'.repeat(60_000))
  output.flush()
  t.equal(output.isBusy, false)
  writer.send(US, THEM, LARGE)
  t.equal(output.isBusy, true)
  t.equal(writer.drained, 0)
  sink.bufferedBytes = 0
  output.handleDrain()
  await turn()
  t.equal(output.isBusy, false)
  t.equal(writer.drained, 1)
  t.equal(output.pendingBytes, 0)
})

test('a mark below what a transport takes in one go is looked after as well', async (t) => {
  const limits = { ...DEFAULT_CONNECTION_LIMITS, highWaterMark: 10 }
  const writer = new TestWriter(ALL, { limits })
  writer.sink.write = (bytes) => {
    writer.sink.bufferedBytes += bytes.length
    // It never asks to wait, so it will not tell either.
    return true
  }
  writer.link(US, THEM)
  await turn()
  t.equal(writer.output.isBusy, true)
  writer.sink.bufferedBytes = 0
  await turn()
  await turn()
  t.equal(writer.output.isBusy, false)
  t.equal(writer.drained, 1)
})

test('above the hard limit nothing more is taken, and it is told', async (t) => {
  const limits = { ...DEFAULT_CONNECTION_LIMITS, pendingBytes: 1_500_000 }
  const writer = new TestWriter(ALL, { limits })
  writer.sink.bufferedBytes = 400_000
  writer.send(US, THEM, LARGE)
  writer.send(OTHER, THEM, LARGE)
  t.same(writer.overflows, [], 'one message may go beyond it')
  writer.send(US, THEM, 'behind')
  t.equal(writer.overflows.length, 1)
  t.ok(writer.overflows[0]! > 1_500_000)
})

test('finish gives everything to the transport, and stop drops it', async (t) => {
  const writer = new TestWriter(ALL)
  writer.sink.bufferedBytes = 1_000_000
  writer.send(US, THEM, LARGE)
  writer.send(US, THEM, 'behind')
  writer.send(OTHER, THEM, 'ahead')
  writer.output.finish()
  const signals = receive(ALL, split(Buffer.concat(writer.sink.written)), HERE)
  t.equal(signals.length, 3)
  const stopped = new TestWriter(ALL)
  stopped.send(US, THEM, LARGE)
  stopped.send(OTHER, THEM, 'ahead')
  stopped.output.stop()
  await turn()
  await turn()
  t.equal(kinds(stopped.sink.written), 'F')
})

test('a large message finds its lane again when that could have ended meanwhile', async (t) => {
  const writer = new TestWriter(ALL)
  writer.send(US, THEM, new Uint8Array(100_000).fill(255))
  // This one waits to be written when the next message is taken out of the same buffer.
  writer.link(OTHER, THEM)
  writer.send(US, THEM, new Uint8Array(100_001).fill(255))
  writer.send(US, THEM, 'behind')
  const signals = receive(ALL, split(writer.take()), HERE)
  t.same(
    signals.map(([method, , , message]) => (method === 'send' ? (message as Uint8Array).length : method)),
    ['link', 100_000, 100_001, 6],
  )
  t.equal(writer.output.pendingBytes, 0)
})

test('code that tries to send while a message is encoded does not take its place in the line', async (t) => {
  const writer = new TestWriter(ALL)
  writer.send(US, THEM, new Uint8Array(100_000).fill(255))
  const nosy = {
    get value() {
      t.throws(() => writer.link(OTHER, THEM), { code: 'ERR_DIST_REENTRANT' })
      return 1
    },
  }
  writer.send(US, THEM, nosy)
  writer.send(OTHER, THEM, nosy)
  const signals = receive(ALL, split(writer.take()), HERE)
  t.same(
    signals.map(([, from, , message]) => `${(from as Pid).id} ${message instanceof Map ? 'small' : 'large'}`),
    ['99 small', '1 large', '1 small'],
  )
})

test('what a lane holds never overtakes what its sender sent to another receiver before, which may be the same process', async (t) => {
  for (const drain of [false, true]) {
    const writer = new TestWriter(ALL)
    const { output, sink } = writer
    const third = new Pid(THEM.node, 44, 0, 7)
    writer.send(US, third, new Uint8Array(100_000).fill(255))
    if (drain) {
      sink.bufferedBytes = 300_000
      await turn()
    }
    writer.send(US, THEM, 'first')
    // This waits behind the large message, for the name may be anybody's.
    writer.sendName(US, atom('name'), 'second')
    writer.send(US, THEM, 'third')
    sink.bufferedBytes = 0
    if (drain) output.handleDrain()
    for (let i = 0; i < 4; i++) await turn()
    const signals = receive(ALL, split(Buffer.concat(sink.written)), HERE)
    t.same(
      signals.map((signal) => signal.at(-1)).filter((message) => typeof message === 'string'),
      ['first', 'second', 'third'],
      drain ? 'when the transport has drained' : 'in the next turn',
    )
  }
})

test('what was sent before a message whose encoding ends the connection still leaves', (t) => {
  const writer = new TestWriter(ALL)
  const nosy = {
    get value() {
      writer.output.finish()
      return 1
    },
  }
  writer.send(US, THEM, 'before')
  writer.send(US, THEM, nosy)
  const signals = receive(ALL, split(Buffer.concat(writer.sink.written)), HERE)
  t.same(
    signals.map((signal) => signal.at(-1)),
    ['before'],
  )
  t.end()
})

/** A writer whose kernel takes some of what it is offered, and what went through it in order. */
function withKernel(take: (offered: number) => number) {
  const writer = new TestWriter(ALL)
  const { sink } = writer
  const offers: { readonly pieces: readonly Uint8Array[]; readonly taken: number }[] = []
  const tryWrite = (pieces: readonly Uint8Array[]): number => {
    const bytes = Buffer.concat(pieces)
    const taken = take(bytes.length)
    offers.push({ pieces, taken })
    sink.written.push(bytes.subarray(0, taken))
    return taken
  }
  Object.assign(sink, { tryWrite })
  const messages = () =>
    receive(ALL, split(Buffer.concat(sink.written)), HERE).map((signal) => signal.at(-1) as Term)
  return { writer, sink, offers, messages }
}

test('a large binary that the kernel takes at once leaves from where its sender has it', (t) => {
  const { writer, sink, offers, messages } = withKernel((offered) => offered)
  writer.link(US, THEM)
  writer.send(US, THEM, tuple(atom('here'), LARGE))
  t.equal(writer.output.pendingBytes, 0)
  t.equal(kinds(sink.written), `hF${'f'.repeat(16)}`, 'behind what was sent before')
  t.equal(offers.length, 5, 'some fragments with each call')
  const own = offers.flatMap(({ pieces }) => pieces).filter(({ buffer }) => buffer !== LARGE.buffer)
  t.ok(own.reduce((sum, { length }) => sum + length, 0) < 3000)
  t.ok(termEquals(messages().at(-1)!, tuple(atom('here'), LARGE)))
  t.equal(writer.output.bytesOut, Buffer.concat(sink.written).length)
  t.end()
})

test('what the kernel does not take at once is copied before the call that sends it returns', async (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomFrom(seed)
    const { writer, sink, messages } = withKernel((offered) =>
      random() < 0.5 ? offered : Math.floor(random() * offered),
    )
    const wanted: Term[] = []
    for (let i = 0; i < 6; i++) {
      const bytes = new Uint8Array(60_000 + Math.floor(random() * 600_000)).fill(128 + i)
      const message = random() < 0.5 ? bytes : tuple(atom('some'), bytes, i, bytes)
      const copy = Uint8Array.from(bytes)
      wanted.push(message === bytes ? copy : tuple(atom('some'), copy, i, copy))
      writer.send(random() < 0.5 ? US : OTHER, THEM, message)
      bytes.fill(0)
      if (random() < 0.5) await turn()
    }
    sink.bufferedBytes = 0
    while (writer.output.pendingBytes > 0) writer.output.handleDrain()
    const found = messages()
    t.ok(
      found.length === wanted.length &&
        wanted.every((message) => found.some((one) => termEquals(one, message))),
      `seed ${seed}`,
    )
  }
})

test('bytes of a class with views of its own leave like others', (t) => {
  class Shy extends Uint8Array {
    override subarray(): Uint8Array<ArrayBuffer> {
      return new Uint8Array(3)
    }
  }
  const { writer, messages } = withKernel((offered) => Math.min(offered, 300_000))
  writer.send(US, THEM, new Shy(1_000_000).fill(255))
  writer.output.handleDrain()
  t.ok(termEquals(messages()[0]!, LARGE))
  t.end()
})

test('bytes that lie in shared memory leave like others', (t) => {
  const { writer, messages } = withKernel((offered) => Math.min(offered, 300_000))
  const shared = new Uint8Array(new SharedArrayBuffer(1_000_000)).fill(200)
  writer.send(US, THEM, shared)
  writer.output.handleDrain()
  t.ok(termEquals(messages()[0]!, Uint8Array.from(shared)))
  t.end()
})

test('while something waits already nothing is offered past it', async (t) => {
  const { writer, sink, offers, messages } = withKernel((offered) => offered - 1)
  writer.send(US, THEM, LARGE)
  t.equal(offers.length, 1)
  writer.send(US, THEM, tuple(1, LARGE))
  writer.send(OTHER, THEM, tuple(2, LARGE))
  sink.bufferedBytes = 1
  writer.send(OTHER, US, tuple(3, LARGE))
  t.equal(offers.length, 1)
  sink.bufferedBytes = 0
  while (writer.output.pendingBytes > 0) writer.output.handleDrain()
  await turn()
  t.equal(messages().length, 4)
})

test('bytes that a getter makes are copied at once: the next one may use their memory', (t) => {
  const { writer, messages } = withKernel((offered) => offered)
  const scratch = new Uint8Array(100_000)
  const message = {
    get a() {
      return scratch.fill(1)
    },
    get b() {
      return tuple(scratch.fill(2))
    },
  }
  writer.send(US, THEM, message)
  const map = messages()[0] as ReadonlyMap<Term, Term>
  t.ok(termEquals(map.get(atom('a'))!, new Uint8Array(100_000).fill(1)))
  t.ok(termEquals(map.get(atom('b'))!, tuple(new Uint8Array(100_000).fill(2))))
  t.end()
})

test('a binary whose memory is given away while it is encoded is an error, which leaves no trace', (t) => {
  const { writer, sink, messages } = withKernel((offered) => offered)
  const bytes = new Uint8Array(100_000).fill(255)
  const thief = {
    get a() {
      structuredClone(bytes, { transfer: [bytes.buffer] })
      return 1
    },
  }
  t.throws(() => writer.send(US, THEM, tuple(bytes, thief)), { code: 'ERR_ETF_UNREADABLE' })
  t.equal(sink.written.length, 0)
  writer.send(US, THEM, LARGE)
  t.ok(termEquals(messages()[0]!, LARGE))
  t.end()
})
