import { test } from 'tap'
import { capabilitiesOf } from '../../src/dist/capabilities.ts'
import { FrameReader } from '../../src/dist/frame-reader.ts'
import { DEFAULT_CONNECTION_LIMITS } from '../../src/dist/limits.ts'
import { type Encodable, encode, type Term } from '../../src/etf/index.ts'
import { randomFrom } from '../support/random.ts'
import { ALL, split, TestWriter, THEM, THERE, US } from './control-frames.ts'
import { recorder } from './recorder.ts'

function openReader(): (message: Encodable) => Term {
  const writer = new TestWriter(ALL)
  const reader = new FrameReader(THERE, capabilitiesOf(ALL), {}, DEFAULT_CONNECTION_LIMITS)
  const { handler, signals } = recorder()
  return (message) => {
    writer.send(THEM, US, message)
    for (const frame of split(writer.take())) reader.readFrame(frame, handler)
    return signals.pop()!.at(-1) as Term
  }
}

test('what is kept of messages in fragments is not written over by those that follow', async (t) => {
  const seed = Math.trunc(Math.random() * 2 ** 31)
  t.comment(`SEED=${seed}`)
  const random = randomFrom(seed)
  const read = openReader()
  const kept: { readonly message: Term; readonly sent: Uint8Array }[] = []
  for (let i = 0; i < 120; i++) {
    const size = [70_000, 200_000, 1_100_000][Math.floor(random() * 3)]!
    const text = String.fromCharCode(97 + (i % 26)).repeat(size)
    const bytes = new Uint8Array(size).fill(128 + (i % 128))
    const message = [text, bytes, [text, bytes], [i, [bytes.subarray(5000)]]][Math.floor(random() * 4)]!
    kept.push({ message: read(message), sent: encode(message) })
    if (kept.length > 20) kept.shift()
    // Each time, because what is overwritten may be so only for a while.
    const wrong = kept.findIndex(({ message, sent }) => Buffer.compare(encode(message), sent) !== 0)
    if (wrong !== -1) t.fail(`message ${i} changed the one ${kept.length - 1 - wrong} before it`)
  }
  t.pass('nothing has changed')
})

test('memory of messages of which nothing is kept as it lay there is used again', async (t) => {
  const read = openReader()
  const allocate = Buffer.allocUnsafeSlow
  t.teardown(() => {
    Buffer.allocUnsafeSlow = allocate
  })
  const allocationsFor = (message: Encodable): number => {
    let count = 0
    Buffer.allocUnsafeSlow = (size) => {
      if (size > 500_000) count++
      return allocate(size)
    }
    for (let i = 0; i < 20; i++) read(message)
    Buffer.allocUnsafeSlow = allocate
    return count
  }
  // The way out has memory of its own, which is used again, too.
  t.ok(allocationsFor('a'.repeat(1_000_000)) <= 3, 'text')
  t.ok(allocationsFor(Array.from({ length: 150_000 }, (_, i) => 1000 + i)) <= 6, 'integers')
  t.ok(allocationsFor(new Uint8Array(1_000_000).fill(255)) >= 20, 'bytes are kept where they are')
})
