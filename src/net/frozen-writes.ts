/**
 * Bytes that leave a socket while the event loop stands still: a thread of its own writes them, to the file descriptor.
 *
 * They must never come between two halves of what this thread writes, nor go to a descriptor that has been closed and
 * given to another file. A word in shared memory says for each socket who may write:
 *
 *   free -> open <-> busy        this thread: busy while it writes, and until the kernel has taken everything
 *           open <-> writing     the other one, for the time of one system call
 *
 * Both sides go from `open` by compare-and-exchange, so one of them waits, for microseconds. Whoever closes the socket
 * makes it `free` first, by way of `busy`. Should the kernel take only a part of the bytes, the rest is `owed`, and is
 * written before anything else, by whichever side is next.
 *
 * Needs descriptors, which sockets of Windows and TLS do not have; there nothing is written.
 */
import type { Socket } from 'node:net'
import type { Worker } from 'node:worker_threads'
import { openWorker } from '../core/worker.ts'
import {
  BEAT,
  BUSY,
  EVERY_MS,
  FD,
  FREE,
  HEADER_WORDS,
  LIMIT_MS,
  OPEN,
  OWED,
  SLOT_WORDS,
  STATE,
  WRITING,
} from './frozen-slots.ts'

const SLOTS = 2048

/** How long the other thread may take to write four bytes to a socket that never blocks; then it is taken for dead. */
const WRITE_LIMIT_MS = 5000

const SHORTEST_PERIOD_MS = 25
const LONGEST_PERIOD_MS = 1000

export interface FrozenWritesOptions {
  /** What is written: four bytes. */
  readonly bytes: Uint8Array
  /** Milliseconds between two writes. */
  readonly every: number
  /** Milliseconds of one freeze after which no more is written: nobody should wait for ever for what does not come back. */
  readonly limit: number
}

/** One for all sockets of this thread: what freezes is its event loop. */
class FrozenWrites {
  readonly words = new Int32Array(new SharedArrayBuffer((HEADER_WORDS + SLOTS * SLOT_WORDS) * 4))
  readonly #free: number[] = []
  #used = 0
  #inUse = 0
  #period = LONGEST_PERIOD_MS
  #timer: ReturnType<typeof setInterval> | undefined
  #worker: Worker | undefined

  /** @returns the offset of a slot; undefined when there is none left */
  take(every: number): number | undefined {
    const slot = this.#free.pop() ?? (this.#used < SLOTS ? this.#used++ : undefined)
    if (slot === undefined) return undefined
    this.#inUse++
    const period = Math.min(Math.max(every / 8, SHORTEST_PERIOD_MS), LONGEST_PERIOD_MS)
    if (this.#timer === undefined || period < this.#period) this.#watch(Math.floor(period))
    return HEADER_WORDS + slot * SLOT_WORDS
  }

  giveBack(offset: number): void {
    this.#free.push((offset - HEADER_WORDS) / SLOT_WORDS)
    if (--this.#inUse === 0) this.#stop()
  }

  /** Who lives only for a moment needs no thread: it starts with the second turn of the timer. */
  #watch(period: number): void {
    clearInterval(this.#timer)
    this.#period = period
    this.#worker?.postMessage(period)
    let turns = 0
    this.#timer = setInterval(() => {
      Atomics.add(this.words, 0, 1)
      if (++turns === 2) this.#worker ??= this.#start()
    }, period)
    this.#timer.unref()
  }

  #start(): Worker {
    const workerData = { words: this.words.buffer, period: this.#period }
    const worker = openWorker('./frozen-writes-worker', import.meta.url, {
      workerData,
      name: 'beamjoin ticks',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    })
    worker.unref()
    // Without it connections are as they were before there was one.
    worker.on('error', () => {})
    return worker
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    void this.#worker?.terminate()
    this.#worker = undefined
  }
}

const frozenWrites = new FrozenWrites()

/** The right to write to one socket, as this thread has it. */
export class WriteGuard {
  readonly #socket: Socket
  readonly #offset: number
  readonly #bytes: Uint8Array
  #isFree = false
  /** Given to every write: the kernel has taken what was written. */
  readonly onTaken = (): void => {
    if (this.#isFree || this.#socket.writableLength > 0 || this.#socket.destroyed) return
    // Several writes that end together call this in a row; after the first one the other thread may be writing.
    Atomics.compareExchange(frozenWrites.words, this.#offset + STATE, BUSY, OPEN)
  }

  private constructor(socket: Socket, offset: number, bytes: Uint8Array) {
    this.#socket = socket
    this.#offset = offset
    this.#bytes = bytes
  }

  /** Undefined when there are too many of them. */
  static create(socket: Socket, descriptor: number, options: FrozenWritesOptions): WriteGuard | undefined {
    const { bytes, every, limit } = options
    const offset = frozenWrites.take(every)
    if (offset === undefined) return undefined
    const guard = new WriteGuard(socket, offset, bytes)
    const { words } = frozenWrites
    words[offset + FD] = descriptor
    words[offset + OWED] = 0
    words[offset + EVERY_MS] = Math.ceil(every)
    words[offset + LIMIT_MS] = Math.min(limit, 2 ** 31 - 1)
    new Uint8Array(words.buffer, (offset + BEAT) * 4, 4).set(bytes)
    guard.#set(BUSY)
    // Every way of closing the descriptor leads through here, before it is closed.
    const destroy = socket._destroy
    socket._destroy = (error, callback) => {
      guard.free()
      destroy.call(socket, error, callback)
    }
    if (socket.writableLength === 0) guard.#set(OPEN)
    return guard
  }

  /** Nobody else writes until the kernel has taken all that is written now. @returns bytes that have to go first */
  acquire(): Uint8Array | undefined {
    if (this.#isFree) return undefined
    const { words } = frozenWrites
    const state = this.#offset + STATE
    for (;;) {
      const before = Atomics.compareExchange(words, state, OPEN, BUSY)
      if (before !== WRITING) break
      // Nobody would ever wake us if it had died in the middle.
      if (Atomics.wait(words, state, WRITING, WRITE_LIMIT_MS) === 'timed-out') {
        Atomics.compareExchange(words, state, WRITING, OPEN)
      }
    }
    const owed = words[this.#offset + OWED] as number
    if (owed === 0) return undefined
    words[this.#offset + OWED] = 0
    return this.#bytes.subarray(this.#bytes.length - owed)
  }

  /** Nothing is written any more, for good. */
  free(): void {
    if (this.#isFree) return
    this.acquire()
    this.#isFree = true
    this.#set(FREE)
    frozenWrites.giveBack(this.#offset)
  }

  #set(state: number): void {
    Atomics.store(frozenWrites.words, this.#offset + STATE, state)
  }
}
