/** The thread that writes for a frozen event loop; see frozen-writes.ts. */
import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import {
  BEAT,
  EVERY_MS,
  FD,
  HEADER_WORDS,
  LIMIT_MS,
  OPEN,
  OWED,
  SLOT_WORDS,
  STATE,
  WRITING,
} from './frozen-slots.ts'

const data = workerData as { readonly words: SharedArrayBuffer; readonly period: number }
const words = new Int32Array(data.words)
const bytes = new Uint8Array(data.words)
/** When each slot was written last in this freeze. */
const written = new Map<number, number>()
const BEAT_BYTES = 4

let lastTurn = Atomics.load(words, 0)
let lastTurnAt = performance.now()
let frozen = false

/** Two periods without a turn of the event loop are a freeze; one may be late by chance. */
function check(period: number): void {
  const now = performance.now()
  const turn = Atomics.load(words, 0)
  if (turn !== lastTurn) {
    lastTurn = turn
    lastTurnAt = now
    frozen = false
    return
  }
  const silence = now - lastTurnAt
  if (silence < 2 * period) return
  if (!frozen) written.clear()
  frozen = true
  for (let offset = HEADER_WORDS; offset < words.length; offset += SLOT_WORDS) {
    if (Atomics.load(words, offset + STATE) === OPEN) write(offset, now, silence)
  }
}

function write(offset: number, now: number, silence: number): void {
  const every = words[offset + EVERY_MS] as number
  const before = written.get(offset)
  if (silence > (words[offset + LIMIT_MS] as number) || (before !== undefined && now - before < every)) return
  if (Atomics.compareExchange(words, offset + STATE, OPEN, WRITING) !== OPEN) return
  // What was begun is finished first; the two together are one beat.
  const owed = (words[offset + OWED] as number) || BEAT_BYTES
  let taken = 0
  try {
    const end = (offset + BEAT + 1) * BEAT_BYTES
    taken = writeSync(words[offset + FD] as number, bytes.subarray(end - owed, end))
  } catch {
    // The peer does not read, or is gone: it is the socket's owner who finds out, when it can.
  }
  if (taken > 0) words[offset + OWED] = owed - taken
  written.set(offset, now)
  Atomics.store(words, offset + STATE, OPEN)
  Atomics.notify(words, offset + STATE)
}

let timer = setInterval(() => check(data.period), data.period)

parentPort?.on('message', (period: number) => {
  clearInterval(timer)
  timer = setInterval(() => check(period), period)
})
