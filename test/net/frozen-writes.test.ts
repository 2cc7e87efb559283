/** What leaves a socket while the event loop stands still comes between frames, and only then. */
import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'
import { TcpNetwork, type Transport } from '../../src/net/index.ts'
import { randomNumbers, seed } from '../support/arbitrary-terms.ts'

const READER = fileURLToPath(new URL('./frozen-reader.ts', import.meta.url))
const BEAT = new Uint8Array(4)

interface Seen {
  readonly frames: number
  readonly beats: number
  readonly bad: number
  readonly left: number
  readonly longestSilence: number
}

async function connected(t: Test): Promise<{ transport: Transport; seen: Promise<Seen> }> {
  const reader = spawn(process.execPath, ['--import=tsx', READER], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => reader.kill())
  const lines = createInterface({ input: reader.stdout })[Symbol.asyncIterator]()
  const port = Number((await lines.next()).value)
  const transport = await new TcpNetwork().connect({ host: '127.0.0.1', port })
  transport.handler = { onData: () => {}, onDrain: () => {}, onClose: () => {} }
  const seen = lines.next().then(({ value }) => JSON.parse(String(value)) as Seen)
  return { transport, seen }
}

function freeze(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

function frame(length: number): Uint8Array {
  const bytes = new Uint8Array(4 + length).fill(length & 255)
  new DataView(bytes.buffer).setUint32(0, length)
  return bytes
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('beats leave a frozen process, and none does when it is not frozen', async (t) => {
  const { transport, seen } = await connected(t)
  transport.writeWhenFrozen?.(BEAT, 100, 60_000)
  transport.write(frame(10))
  // The thread starts once the event loop has turned for a while; it needs a moment to come up.
  await pause(3000)
  const before = performance.now()
  freeze(2000)
  t.comment(`frozen for ${Math.round(performance.now() - before)} ms`)
  await pause(50)
  transport.write(frame(20))
  transport.end()
  const { frames, beats, bad, left, longestSilence } = await seen
  t.same({ frames, bad, left }, { frames: 2, bad: 0, left: 0 })
  t.ok(beats >= 5 && beats <= 25, `${beats} beats`)
  t.ok(longestSilence > 1000, 'the pause without a freeze was silent')
})

test('no beat ever comes within a frame, whatever is being written when the freeze begins', async (t) => {
  t.comment(`seed ${seed}`)
  const random = randomNumbers(seed)
  const { transport, seen } = await connected(t)
  transport.writeWhenFrozen?.(BEAT, 25, 60_000)
  await pause(2000)
  let frames = 0
  for (let round = 0; round < 60; round++) {
    for (let i = Math.floor(random() * 6); i > 0; i--) {
      transport.write(frame(1 + Math.floor(random() ** 4 * 3_000_000)))
      frames++
    }
    if (random() < 0.7) freeze(random() * 140)
    if (random() < 0.5) {
      transport.write(frame(1 + Math.floor(random() * 100)))
      frames++
    }
    await pause(random() * 20)
  }
  // Everything has left: beats are possible for sure.
  while (transport.bufferedBytes > 0) await pause(10)
  freeze(400)
  transport.end()
  const result = await seen
  t.same({ frames: result.frames, bad: result.bad, left: result.left }, { frames, bad: 0, left: 0 })
  t.ok(result.beats > 0, `${result.beats} beats among ${frames} frames`)
})

test('a closed socket gets nothing, and neither does the file that has its descriptor next', async (t) => {
  const { transport } = await connected(t)
  transport.writeWhenFrozen?.(BEAT, 25, 60_000)
  transport.write(frame(10))
  await pause(1500)
  transport.destroy()
  const path = `${t.testdir({ file: '' })}/file`
  await pause(100)
  const files = Array.from({ length: 50 }, () => openSync(path, 'r+'))
  freeze(500)
  t.equal(fstatSync(files[0] as number).size, 0)
  for (const file of files) closeSync(file)
})
