/**
 * The way out of a connection: collects frames, gives them to the transport at the end of the read that has caused them,
 * else once per turn of the event loop, one alone in a microtask of its own, and at 64 KiB; cuts large messages and lets
 * small ones go ahead of them, and says when too much waits. Protocol: sections 4.4, 4.5 and 4.7.
 *
 *   frames ---------------------------------> transport        small messages, in the order of sending
 *   large messages -> lanes -> fragments ---> transport        a few at a time, while the transport is nearly empty
 *
 * What the kernel takes of a large message at once leaves from where the sender has it; the rest is copied.
 */
import type { Pid } from '../etf/index.ts'
import type { Transport } from '../net/index.ts'
import type { FrameWriter } from './frame-writer.ts'
import { type Lane, Lanes, type Receiver, type Sender } from './lanes.ts'
import type { LargeMessage } from './large-message.ts'
import type { ConnectionLimits } from './limits.ts'

/** Finished output that is given to the transport without waiting for the end of the turn. */
const FLUSH_BYTES = 64 * 1024

/** Fragments follow while less than this waits in the transport: what is sent meanwhile waits behind no more. */
const WINDOW_BYTES = 256 * 1024

/** Fragments in one turn of the event loop, however fast the transport takes them. */
const FRAGMENTS_PER_TURN = 16

/** Fragments that are offered to the kernel with one call: if it takes none of them, so much is copied once more. */
const FRAGMENTS_PER_TRY = 4

const NO_BYTES = new Uint8Array(0)

const RESOLVED = Promise.resolve()

type TryWrite = NonNullable<Transport['tryWrite']>

export interface OutputOptions {
  readonly frames: FrameWriter
  readonly transport: Transport
  readonly limits: ConnectionLimits
  /** See `Lanes`. */
  readonly sharedSender: Pid | undefined
  /** `isBusy` is false again. */
  readonly onWritable: () => void
  /** More waits than `limits.pendingBytes`: so many bytes. */
  readonly onOverflow: (bytes: number) => void
}

export class Output {
  /** More than `limits.highWaterMark` waits for the peer: who sends should wait until `onWritable`. */
  isBusy = false
  /** Frames that were finished, each message as one. */
  framesOut = 0
  /** Bytes given to the transport. */
  bytesOut = 0
  readonly #frames: FrameWriter
  readonly #transport: Transport
  readonly #limits: ConnectionLimits
  readonly #lanes: Lanes
  readonly #options: OutputOptions
  readonly #flushSoon = (): void => this.#flushSingle()
  readonly #flushNow = (): void => this.flush()
  readonly #moveOn = (): void => this.#handleTurn()
  #flushScheduled = false
  /** `framesOut` at that time. */
  #scheduledAt = 0
  #inBatch = false
  #turnScheduled = false
  /** Until the turn that is scheduled. */
  #isCorked = false
  /** The transport asked to wait, and will tell when it is empty. */
  #drainExpected = false
  #over = false
  #from: Sender = null
  #to: Receiver = null
  /** Where the frame at hand has to wait. */
  #lane: Lane | undefined

  constructor(options: OutputOptions) {
    this.#options = options
    this.#frames = options.frames
    this.#transport = options.transport
    this.#limits = options.limits
    this.#lanes = new Lanes(options.sharedSender, this.#frames.memory.spend)
  }

  /** Bytes that the peer has not taken yet. */
  get pendingBytes(): number {
    return this.#frames.waiting + this.#transport.bufferedBytes + this.#lanes.bytes
  }

  begin(op: number, from: Sender, to: Receiver): void {
    const lane = this.#lanes.isEmpty ? undefined : this.#lanes.find(from, to)
    // Throws in the middle of another message, whose place must not be forgotten.
    this.#frames.begin(op, lane !== undefined)
    this.#from = from
    this.#to = to
    this.#lane = lane
  }

  /** Control and payload are written. */
  end(): void {
    const frames = this.#frames
    const start = frames.position
    const fits = frames.end()
    this.framesOut++
    if (fits && this.#lane === undefined) {
      if (frames.waiting >= FLUSH_BYTES) this.flush()
      else if (!this.#flushScheduled && !this.#inBatch) this.#scheduleFlush()
    } else {
      this.#queue(fits, start)
    }
  }

  /** What is sent until `endBatch` leaves then, in one go. */
  beginBatch(): void {
    this.#inBatch = true
  }

  endBatch(): void {
    this.#inBatch = false
    if (this.#frames.waiting > 0) this.flush()
  }

  /** Gives what is finished to the transport. */
  flush(): void {
    if (this.#frames.inMessage) return
    this.#flushScheduled = false
    if (this.#over || this.#frames.waiting === 0 || this.#overflows()) return
    this.write(this.#frames.take())
    if (!this.#lanes.isEmpty) this.#pump()
    this.#reclaim()
    this.#checkBusy()
  }

  /** Gives everything to the transport, fragments included: nothing is sent any more. */
  finish(): void {
    this.flush()
    this.#uncork()
    if (this.#over) return
    // What was sent before a message whose encoding ends the connection.
    this.#writeWaiting()
    for (let next = this.#lanes.next(); next !== undefined; next = this.#lanes.next()) this.#writeAll(next)
    this.#over = true
  }

  /** Drops what waits here: the connection is gone. */
  stop(): void {
    this.#over = true
    this.#lanes.clear()
  }

  /** The transport is empty. */
  handleDrain(): void {
    this.#drainExpected = false
    this.#reclaim()
    this.#continue()
  }

  /** Past all that waits here. */
  write(bytes: Uint8Array): void {
    this.bytesOut += bytes.length
    if (!this.#transport.write(bytes)) this.#drainExpected = true
  }

  #scheduleFlush(): void {
    this.#flushScheduled = true
    this.#scheduledAt = this.framesOut
    // Not in a tick: after each of them Node looks through rejected promises, which costs more than the rest.
    RESOLVED.then(this.#flushSoon)
  }

  /**
   * A frame that is still alone when the code that sent it has run leaves at once, an answer most often. Where there are
   * more, others are likely to follow in this turn, and leave together.
   */
  #flushSingle(): void {
    if (this.framesOut === this.#scheduledAt) this.flush()
    else if (this.#flushScheduled) setImmediate(this.#flushNow)
  }

  /** The frame at hand is large, or has to wait behind a large one. */
  #queue(fits: boolean, start: number): void {
    const frames = this.#frames
    const lane = this.#lane
    // Asked before it is counted: one message above the limit may wait when nothing else does.
    if (this.#over || this.#overflows()) return
    if (fits) {
      this.#lanes.hold(lane!, frames.withdraw(start))
    } else {
      // The first fragment brings new atoms, so it must not come before the frames that it may take a slot from.
      const before = frames.waiting > 0 ? [frames.take()] : []
      this.#queueLarge(before, frames.detach())
    }
    this.#checkBusy()
    if (!this.#turnScheduled && (this.#isCorked || !this.#lanes.isEmpty)) this.#scheduleTurn()
  }

  #queueLarge(before: readonly Uint8Array[], message: LargeMessage): void {
    const lane = this.#lane
    const { bufferedBytes, tryWrite } = this.#transport
    if (tryWrite !== undefined && bufferedBytes === 0 && !this.#isCorked && this.#lanes.isEmpty) {
      this.#send(before, message, tryWrite)
      this.#reclaim()
      return
    }
    // What is written here leaves together with the fragments that follow in this turn.
    this.#cork()
    message.own()
    this.#writeAll(before)
    if (lane !== undefined) this.#lanes.hold(lane, message)
    else this.#writeAll(this.#lanes.start(this.#from, this.#to, message))
  }

  /**
   * Sends of a message that has to wait for nothing what the kernel takes at once, and queues the rest. Others have to
   * wait for all of that, but no longer than if it was copied.
   */
  #send(before: readonly Uint8Array[], message: LargeMessage, tryWrite: TryWrite): void {
    let pieces = [...before, ...this.#lanes.start(this.#from, this.#to, message)]
    for (let fragments = 1; ; fragments = 0) {
      for (; fragments < FRAGMENTS_PER_TRY && !message.isFinished; fragments++) {
        pieces.push(...this.#lanes.next()!)
      }
      const taken = tryWrite(pieces)
      this.bytesOut += taken
      const rest = joinFrom(pieces, taken)
      if (rest.length > 0) {
        message.own()
        this.write(rest)
        return
      }
      if (message.isFinished) return
      pieces = []
    }
  }

  /** Without fragments of those that wait: that may end the lane of the frame at hand. */
  #writeWaiting(): void {
    if (this.#frames.waiting > 0) this.write(this.#frames.take())
  }

  /** Writes fragments while there is room; the rest follows when the transport is empty, or in the next turn. */
  #pump(): void {
    this.#cork()
    const mayGoOn = this.#writeFragments()
    this.#uncork()
    this.#reclaim()
    if (mayGoOn && !this.#turnScheduled) this.#scheduleTurn()
  }

  /** @returns whether only the turn of the event loop is used up */
  #writeFragments(): boolean {
    for (let i = 0; i < FRAGMENTS_PER_TURN; i++) {
      if (this.#transport.bufferedBytes >= WINDOW_BYTES && this.#drainExpected) return false
      const pieces = this.#lanes.next()
      if (pieces === undefined) return false
      this.#writeAll(pieces)
    }
    return true
  }

  /** Pieces that nothing may come between: nobody is called from inside of a write. */
  #writeAll(pieces: readonly Uint8Array[]): void {
    for (let i = 0; i < pieces.length; i++) this.write(pieces[i]!)
  }

  #scheduleTurn(): void {
    this.#turnScheduled = true
    setImmediate(this.#moveOn)
  }

  #handleTurn(): void {
    this.#turnScheduled = false
    this.#continue()
    this.#uncork()
  }

  #continue(): void {
    // First what is finished: it was sent before what has come to wait in a lane since.
    if (this.#frames.waiting > 0) this.flush()
    else if (!this.#over) this.#pump()
    if (!this.#over) this.#checkWritable()
  }

  /** What the transport has passed on is in the kernel, and its memory can be used again. */
  #reclaim(): void {
    if (this.#transport.bufferedBytes > 0) return
    this.#frames.memory.reclaim()
    this.#frames.rewind()
  }

  #cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#transport.cork?.()
  }

  #uncork(): void {
    if (!this.#isCorked) return
    this.#isCorked = false
    this.#transport.uncork?.()
  }

  #checkBusy(): void {
    if (this.isBusy || this.pendingBytes <= this.#limits.highWaterMark) return
    this.isBusy = true
    // Nothing else would look again.
    if (!this.#drainExpected && !this.#turnScheduled) this.#scheduleTurn()
  }

  #checkWritable(): void {
    if (!this.isBusy) return
    if (this.pendingBytes <= this.#limits.highWaterMark) {
      this.isBusy = false
      this.#options.onWritable()
    } else if (!this.#drainExpected && !this.#turnScheduled) {
      this.#scheduleTurn()
    }
  }

  #overflows(): boolean {
    const bytes = this.#transport.bufferedBytes + this.#lanes.bytes
    if (bytes <= this.#limits.pendingBytes) return false
    this.#options.onOverflow(bytes)
    return true
  }
}

/** A copy of what the pieces hold from that offset on. */
function joinFrom(pieces: readonly Uint8Array[], offset: number): Uint8Array {
  let length = -offset
  for (let i = 0; i < pieces.length; i++) length += pieces[i]!.length
  if (length === 0) return NO_BYTES
  const joined = new Uint8Array(length)
  let at = -offset
  for (const piece of pieces) {
    if (at + piece.length > 0) joined.set(at < 0 ? piece.subarray(-at) : piece, Math.max(at, 0))
    at += piece.length
  }
  return joined
}
