/**
 * Messages that leave in fragments, and what has to wait behind them. Protocol: sections 3.5, 4.4 and 4.5. Pure: the
 * connection asks for the next bytes when the stream has room.
 *
 * Signals from one process to another must arrive in the order in which they were sent. While a message of a pair is
 * unfinished, whatever follows from the same sender to the same receiver waits in its lane; everything else goes ahead.
 * A name and an alias may mean any process, so to be sure, signals to one of them wait behind those to a pid and the
 * other way round; a signal that may belong to several lanes makes one of them. The BEAM lets a sender do nothing else
 * until its message has left, which comes to the same order.
 *
 *   lane   [large, 5 fragments to come] <- frames of the same pair, and large messages that begin later
 *   lane   [large][large]               <- two pairs that a third signal may belong to
 */
import { Queue } from '../core/index.ts'
import { Atom, Pid, type Reference } from '../etf/index.ts'
import type { LargeMessage } from './large-message.ts'
import { SequenceIds } from './sequence-ids.ts'

/** Who sends: a process; a name stands for one that is not known, null for one that was left out. */
export type Sender = Pid | Atom | null

/** Who receives; null: the node, which starts a process. */
export type Receiver = Pid | Atom | Reference | null

/**
 * Lanes that take turns; those behind them wait for one to end. What has begun is in the memory of the peer until it is
 * complete, so it is better to end some than to go on with all.
 */
const WIDTH = 8

/** Frames that wait are collected up to this size, to leave in one piece. */
const CHUNK_BYTES = 64 * 1024

/** Pairs that a lane tells apart. Every signal is compared with all of them, so beyond that it holds back more than it must. */
const MAX_PAIRS = 64

/** Stands for all receivers of a sender. */
const ANY = Symbol('any receiver')

interface Pair {
  readonly from: Sender
  readonly to: Receiver | typeof ANY
}

/** Frames that wait behind a large message. */
class Chunk {
  readonly frames: Uint8Array[] = []
  length = 0

  add(frame: Uint8Array): void {
    this.frames.push(frame)
    this.length += frame.length
  }

  join(): Uint8Array {
    return this.frames.length === 1 ? this.frames[0]! : Buffer.concat(this.frames, this.length)
  }
}

export class Lane {
  pairs: Pair[]
  /** Begun and not finished; several when lanes were joined. */
  active: LargeMessage[] = []
  held: Queue<Chunk | LargeMessage> = new Queue()

  constructor(pair: Pair) {
    this.pairs = [pair]
  }

  add(pairs: readonly Pair[]): void {
    this.pairs.push(...pairs)
    if (this.pairs.length <= MAX_PAIRS) return
    const senders: Sender[] = []
    for (const { from } of this.pairs) if (!senders.some((one) => isSameSender(one, from))) senders.push(from)
    // A sender that is not known may be any.
    const few = senders.length <= MAX_PAIRS ? senders : [null]
    this.pairs = few.map((from) => ({ from, to: ANY }))
  }
}

export class Lanes {
  readonly #ids: SequenceIds
  readonly #spend: (memory: Uint8Array) => void
  readonly #shared: Pid | undefined
  /** In the order of their turns. */
  readonly #lanes: Lane[] = []
  #turn = 0
  #bytes = 0

  /**
   * @param shared a sender that stands for many who know nothing of each other: between its signals to a pid, a name
   *   and an alias there is no order
   * @param spend takes the memory of messages whose last fragment was handed out
   */
  constructor(shared?: Pid, spend: (memory: Uint8Array) => void = () => {}, ids = new SequenceIds()) {
    this.#spend = spend
    this.#shared = shared
    this.#ids = ids
  }

  get isEmpty(): boolean {
    return this.#lanes.length === 0
  }

  /** Bytes that wait here. */
  get bytes(): number {
    return this.#bytes
  }

  /** The lane that a signal has to wait in, if there is one. */
  find(from: Sender, to: Receiver): Lane | undefined {
    let found: Lane | undefined
    for (let i = 0; i < this.#lanes.length; i++) {
      const lane = this.#lanes[i]!
      if (lane === found || !this.#concerns(lane, from, to)) continue
      if (found === undefined) {
        found = lane
      } else {
        join(found, lane)
        this.#lanes.splice(i--, 1)
      }
    }
    if (found !== undefined && !found.pairs.some((pair) => covers(pair, from, to))) found.add([{ from, to }])
    return found
  }

  /** Begins a message that nothing stands in the way of. @returns its first fragment, in pieces */
  start(from: Sender, to: Receiver, message: LargeMessage): readonly Uint8Array[] {
    const lane = new Lane({ from, to })
    const first = this.#begin(lane, message, 0)
    // One that is all control has no other fragment.
    if (lane.active.length > 0) this.#lanes.push(lane)
    return first
  }

  /** Puts a frame, or a message to be cut, behind what the lane has. */
  hold(lane: Lane, what: Uint8Array | LargeMessage): void {
    if (!(what instanceof Uint8Array)) {
      this.#bytes += what.bytesLeft
      lane.held.push(what)
      return
    }
    this.#bytes += what.length
    const last = lane.held.length === 0 ? undefined : lane.held.at(lane.held.length - 1)
    if (last instanceof Chunk && last.length + what.length <= CHUNK_BYTES) {
      last.add(what)
    } else {
      const chunk = new Chunk()
      chunk.add(what)
      lane.held.push(chunk)
    }
  }

  /** The next bytes to write, in pieces, of each lane in turn; undefined when there is nothing left. */
  next(): readonly Uint8Array[] | undefined {
    if (this.#lanes.length === 0) return undefined
    if (this.#turn >= Math.min(this.#lanes.length, WIDTH)) this.#turn = 0
    const lane = this.#lanes[this.#turn]!
    const bytes = lane.active.length > 0 ? this.#continue(lane) : this.#release(lane)
    if (lane.active.length > 0 || lane.held.length > 0) this.#turn++
    else this.#lanes.splice(this.#turn, 1)
    return bytes
  }

  /** Forgets everything: the connection is gone. */
  clear(): void {
    this.#lanes.length = 0
    this.#bytes = 0
  }

  #begin(lane: Lane, message: LargeMessage, counted: number): readonly Uint8Array[] {
    message.sequence = this.#ids.take()
    lane.active.push(message)
    const frame = message.next()
    this.#bytes += message.bytesLeft - counted
    this.#finish(lane, message)
    return frame
  }

  #continue(lane: Lane): readonly Uint8Array[] {
    const message = lane.active.shift()!
    const before = message.bytesLeft
    const frame = message.next()
    this.#bytes += message.bytesLeft - before
    // To the end, so that joined messages take turns.
    lane.active.push(message)
    this.#finish(lane, message)
    return frame
  }

  #finish(lane: Lane, message: LargeMessage): void {
    if (!message.isFinished) return
    lane.active.splice(lane.active.indexOf(message), 1)
    this.#ids.give(message.sequence)
    this.#spend(message.memory)
  }

  /** Nothing is unfinished any more: the oldest of what waited leaves. */
  #release(lane: Lane): readonly Uint8Array[] {
    const first = lane.held.shift()!
    if (!(first instanceof Chunk)) return this.#begin(lane, first, first.bytesLeft)
    this.#bytes -= first.length
    return [first.join()]
  }

  #concerns(lane: Lane, from: Sender, to: Receiver): boolean {
    for (const pair of lane.pairs) {
      if (maySend(pair.from, from) && this.#mayReceive(pair.to, to, from)) return true
    }
    return false
  }

  #mayReceive(one: Pair['to'], other: Receiver, from: Sender): boolean {
    if (one === ANY) return true
    if (one === other) return one !== null
    if (one === null || other === null) return false
    if (one instanceof Pid && other instanceof Pid) return one.equals(other)
    // A process has one name at a time.
    if (one instanceof Atom && other instanceof Atom) return false
    return !this.#isShared(from) || isSameReceiver(one, other)
  }

  #isShared(from: Sender): boolean {
    return this.#shared !== undefined && from instanceof Pid && this.#shared.equals(from)
  }
}

/** Whether the lane of that pair holds back these two without being told of them. */
function covers(pair: Pair, from: Sender, to: Receiver): boolean {
  if (pair.to === ANY) return pair.from === null || isSameSender(pair.from, from)
  return isSameSender(pair.from, from) && isSameReceiver(pair.to, to)
}

function isSameSender(one: Sender, other: Sender): boolean {
  return one === other || (one instanceof Pid && one.equals(other))
}

/** Written the same way, at least. */
function isSameReceiver(one: Receiver, other: Receiver): boolean {
  return one === other || (one !== null && !(one instanceof Atom) && one.equals(other))
}

function maySend(one: Sender, other: Sender): boolean {
  if (one instanceof Pid && other instanceof Pid) return one.equals(other)
  return !(one instanceof Atom && other instanceof Atom) || one === other
}

/** Nothing is lost of the order: what waits in different lanes belongs to different pairs. */
function join(lane: Lane, other: Lane): void {
  lane.add(other.pairs)
  lane.active.push(...other.active)
  for (const each of other.held) lane.held.push(each)
}
