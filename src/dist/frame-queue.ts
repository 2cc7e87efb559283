/**
 * Frames out of the received stream. A frame that lies inside what was received is read there, without a view of its
 * own; the rest is copied, once, because received bytes are only lent: a fragment in pieces to its place in the message.
 * Protocol: section 4.1.
 *
 *     queue.append(received)
 *     while (queue.next()) read(queue.bytes, queue.start, queue.end, queue.isLent)
 */
import { allocateUncleared } from '../core/index.ts'
import { FRAGMENT_HEADER_BYTES } from './fragments.ts'
import { frameTooLong } from './framing.ts'

/** Of the length in front of a frame. */
const LENGTH_BYTES = 4

/** Memory of frames up to this size is used again; those of a BEAM are no longer, unless fragments are off. */
const SHARED_BYTES = 96 * 1024

/** Memory for the beginning of a frame of which little has arrived. */
const FIRST_BYTES = 512

/** Bytes of a frame, its length included, that tell where the rest of it belongs. */
const HEAD_BYTES = LENGTH_BYTES + FRAGMENT_HEADER_BYTES

/** Frames in pieces from this size on are asked for their place. */
const PLACED_BYTES = 4096

const NONE: Uint8Array = new Uint8Array(0)

/** The memory of a frame that was in pieces and has been read, for the next one on whichever connection. */
let spare: Uint8Array | undefined

/**
 * Memory for the rest of a frame whose first `FRAGMENT_HEADER_BYTES` are there, so that only these are handed out as the
 * frame; undefined when it is to be handed out whole.
 */
export type FramePlacer = (head: Uint8Array, restLength: number) => Uint8Array | undefined

export class FrameQueue {
  readonly #limit: number
  readonly #placer: FramePlacer
  /** The frame that `next` found: this part of these bytes. Empty for a tick. */
  bytes = NONE
  start = 0
  end = 0
  /** What was received last, how much that is, and how far it has been read. */
  #received = NONE
  #length = 0
  #at = 0
  /** Where each frame in pieces begins. */
  readonly #head = new Uint8Array(HEAD_BYTES)
  /** A frame in pieces, its length included: memory, bytes that are there, bytes that it has; 0 when not known yet. */
  #memory: Uint8Array = this.#head
  #have = 0
  #size = 0
  /** Where the rest of it goes, behind the head. */
  #place: Uint8Array | undefined
  /** Whether the frame that was handed out last is written over by the next call. */
  isLent = true

  /** @param limit bytes of the longest frame that is accepted */
  constructor(limit: number, placer: FramePlacer = nowhere) {
    this.#limit = limit
    this.#placer = placer
  }

  /** Bytes of a frame that is not complete. */
  get waiting(): number {
    return this.#have
  }

  /** Takes the first `length` bytes of what was received next. All before has been read. */
  append(received: Uint8Array, length = received.length): void {
    this.#received = received
    this.#length = length
    this.#at = 0
  }

  /**
   * Finds the next frame; false when the rest, which is kept, is no whole one.
   *
   * @throws DistError `ERR_DIST_FRAME_LIMIT` before anything is allocated for it.
   */
  next(): boolean {
    if (this.#have > 0) return this.#continue()
    const received = this.#received
    const at = this.#at
    const start = at + LENGTH_BYTES
    if (start > this.#length) return this.#keep(0)
    const end = start + this.#lengthAt(received, at)
    if (end > this.#length) return this.#keep(end - at)
    this.#at = end
    this.bytes = received
    this.start = start
    this.end = end
    this.isLent = true
    return true
  }

  /** What is left begins a frame of that size; 0 when it does not even say which. */
  #keep(size: number): false {
    this.#size = size
    this.#fill(this.#length - this.#at)
    this.#received = NONE
    this.#length = 0
    this.#at = 0
    this.bytes = NONE
    return false
  }

  #continue(): boolean {
    if (this.#size === 0) {
      this.#fill(Math.min(LENGTH_BYTES - this.#have, this.#length - this.#at))
      if (this.#have < LENGTH_BYTES) return this.#keep(0)
      this.#size = LENGTH_BYTES + this.#lengthAt(this.#memory, 0)
    }
    this.#fill(Math.min(this.#size - this.#have, this.#length - this.#at))
    if (this.#have < this.#size) return this.#keep(this.#size)
    this.bytes = this.#memory.subarray(LENGTH_BYTES, this.#place === undefined ? this.#size : HEAD_BYTES)
    this.start = 0
    this.end = this.bytes.length
    this.isLent = this.#size <= SHARED_BYTES
    if (this.#memory.length === SHARED_BYTES) spare = this.#memory
    this.#memory = this.#head
    this.#have = 0
    this.#place = undefined
    return true
  }

  /** Takes the next `count` bytes of the frame in pieces. */
  #fill(count: number): void {
    const headLeft = HEAD_BYTES - this.#have
    if (headLeft <= 0 || count < headLeft || this.#size < PLACED_BYTES || this.#size > SHARED_BYTES) {
      this.#copy(count)
      return
    }
    this.#copy(headLeft)
    this.#place = this.#placer(this.#head.subarray(LENGTH_BYTES), this.#size - HEAD_BYTES)
    this.#copy(count - headLeft)
  }

  #copy(count: number): void {
    if (count === 0) return
    const have = this.#have
    const place = this.#place
    if (place === undefined && have + count > this.#memory.length) this.#makeRoom(have + count)
    const bytes = this.#received.subarray(this.#at, this.#at + count)
    if (place === undefined) this.#memory.set(bytes, have)
    else place.set(bytes, have - HEAD_BYTES)
    this.#at += count
    this.#have = have + count
  }

  /** An announcement alone gets next to no memory; a long frame gets it as it arrives. */
  #makeRoom(needed: number): void {
    const before = this.#memory
    if (this.#size > SHARED_BYTES) this.#memory = allocateUncleared(Math.min(this.#size, needed * 2))
    else if (needed <= FIRST_BYTES) this.#memory = new Uint8Array(FIRST_BYTES)
    else this.#memory = takeSpare()
    this.#memory.set(before.subarray(0, this.#have))
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    const length =
      ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
    if (length > this.#limit) throw frameTooLong(length, this.#limit)
    return length
  }
}

function nowhere(): undefined {}

function takeSpare(): Uint8Array {
  const memory = spare ?? allocateUncleared(SHARED_BYTES)
  spare = undefined
  return memory
}
