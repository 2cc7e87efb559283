/**
 * Messages in pieces: joining those that arrive; `large-message.ts` cuts those that leave. Protocol: section 4.4.
 *
 *   first:  131 69, u64 sequence id, u64 fragment id = pieces to come including this one, atom refs, control, data
 *   others: 131 70, u64 sequence id, u64 fragment id one less than before, data
 */
import { type EntryKeys, EntryTable } from '../core/index.ts'
import type { Atom } from '../etf/index.ts'
import { DistError } from './errors.ts'
import { giveMessageMemory, takeMessageMemory } from './message-memory.ts'

/** Bytes of control and payload in one fragment, as the BEAM cuts them; a longer control stays in one piece. */
export const FRAGMENT_BYTES = 64 * 1024

/** Magic, tag, and two ids of 64 bits. */
export const FRAGMENT_HEADER_BYTES = 18

/** Charged per piece besides its bytes, for the objects that hold it. */
const PIECE_OVERHEAD = 128

/** Memory is charged by what is in it, or this part of all of it. */
const UNCHARGED = 2

/** Pieces from this size on say how long the others are: they are those of a peer that cuts as the BEAM does. */
const TELLING_BYTES = 16 * 1024

/**
 * Memory for a message that is announced as longer: this much at once, enough for a mebibyte and what is around it, then
 * some times what has arrived.
 */
const FIRST_ROOM = 1024 * 1024 + FRAGMENT_BYTES
const MORE_ROOM = 4

/** Pieces of which the last gets memory when it is there, but for so much of it. */
const FEW_PIECES = 3
const LAST_ROOM = 1024

const NO_BYTES: Uint8Array = new Uint8Array(0)

export interface FragmentLimits {
  /** Unfinished messages at one time. */
  readonly fragmentedMessages: number
  /** Bytes in unfinished messages together. */
  readonly fragmentedBytes: number
}

/** A message whose last piece arrived. */
export interface JoinedMessage {
  /** Control and payload, without header. */
  readonly bytes: Uint8Array
  /** What they lie in, which is nobody else's; undefined where they are those of the frame. */
  readonly memory: Uint8Array | undefined
  /** How many of them came with the first piece: the control must end there. */
  readonly firstLength: number
  /** The atoms of the first piece's header; later changes of the cache do not touch them. */
  readonly atoms: readonly Atom[]
}

interface Sequence {
  readonly id: bigint
  /** Memory for the message, as far as it is there. */
  memory: Uint8Array
  readonly firstLength: number
  readonly atoms: readonly Atom[]
  length: number
  pieces: number
  /** What its pieces count against `fragmentedBytes`. */
  charged: number
  /** Id that the next piece must have. */
  next: bigint
}

const KEYS: EntryKeys<bigint, Sequence> = {
  of: (sequence) => sequence.id,
  hash: (id) => Number(BigInt.asUintN(32, id)),
  equal: (a, b) => a === b,
}

/** Joins the fragments of one connection; sequences may interleave. */
export class FragmentAssembler {
  readonly #limits: FragmentLimits
  readonly #sequences = new EntryTable(KEYS)
  #charged = 0
  /** Bytes of the piece that is arriving in its place. */
  #placed = 0

  constructor(limits: FragmentLimits) {
    this.#limits = limits
  }

  /** Takes the first piece; the message is complete at once when there is only one. */
  start(id: bigint, fragment: bigint, data: Uint8Array, atoms: readonly Atom[]): JoinedMessage | undefined {
    // BEAM nodes never send an id of 0, and OTP 25 crashes on one.
    if (id === 0n || fragment === 0n) throw bad(id, fragment, 'neither id of a first fragment may be 0')
    if (this.#sequences.get(id) !== undefined)
      throw bad(id, fragment, 'that message is unfinished, and starts again')
    if (fragment === 1n) return { bytes: data, memory: undefined, firstLength: data.length, atoms }
    if (this.#sequences.size >= this.#limits.fragmentedMessages) {
      throw limit('unfinished messages', this.#limits.fragmentedMessages, 'fragmentedMessages')
    }
    const sequence: Sequence = {
      id,
      memory: NO_BYTES,
      firstLength: data.length,
      atoms: [...atoms],
      length: 0,
      pieces: 0,
      charged: 0,
      next: fragment - 1n,
    }
    this.#sequences.add(sequence)
    this.#add(sequence, data, fragment - 1n)
    return undefined
  }

  /**
   * Where a later piece belongs that is about to arrive; when it is there, `continue` takes it with empty `data`. Undefined
   * for one that `continue` would refuse.
   */
  place(id: bigint, fragment: bigint, length: number): Uint8Array | undefined {
    const sequence = this.#sequences.get(id)
    if (fragment !== sequence?.next) return undefined
    this.#makeRoom(sequence, length, fragment - 1n)
    this.#placed = length
    return sequence.memory.subarray(sequence.length, sequence.length + length)
  }

  /** Takes a later piece; gives the message when it was the last one. */
  continue(id: bigint, fragment: bigint, data: Uint8Array): JoinedMessage | undefined {
    const sequence = this.#sequences.get(id)
    if (sequence === undefined) throw bad(id, fragment, 'no such message has started')
    if (fragment !== sequence.next) throw bad(id, fragment, `fragment ${sequence.next} is next`)
    this.#add(sequence, data, fragment - 1n)
    sequence.length += this.#placed
    this.#placed = 0
    sequence.next--
    if (fragment !== 1n) return undefined
    this.#sequences.take(id)
    this.#charged -= sequence.charged
    const { memory, length, firstLength, atoms } = sequence
    // Whoever looks behind a view of the message must not find what was in the memory before.
    memory.fill(0, length)
    return { bytes: memory.subarray(0, length), memory, firstLength, atoms }
  }

  #add(sequence: Sequence, data: Uint8Array, toCome: bigint): void {
    if (data.length === 0) return
    this.#makeRoom(sequence, data.length, toCome)
    sequence.memory.set(data, sequence.length)
    sequence.length += data.length
  }

  /** Charges for one more piece, and has memory for it. */
  #makeRoom(sequence: Sequence, pieceLength: number, toCome: bigint): void {
    const { length, memory } = sequence
    const needed = length + pieceLength
    // What is still charged for this message when all it has is charged again.
    const others = this.#charged - sequence.charged
    sequence.pieces++
    const left = this.#limits.fragmentedBytes - others - sequence.pieces * PIECE_OVERHEAD
    if (needed > left)
      throw limit('bytes in unfinished messages', this.#limits.fragmentedBytes, 'fragmentedBytes')
    if (needed > memory.length) {
      const wanted = roomFor(needed, pieceLength, Number(toCome))
      sequence.memory = takeMessageMemory(Math.min(wanted, left * UNCHARGED))
      sequence.memory.set(memory.subarray(0, length))
      giveMessageMemory(memory)
    }
    sequence.charged = Math.max(needed, sequence.memory.length / UNCHARGED) + sequence.pieces * PIECE_OVERHEAD
    this.#charged = others + sequence.charged
  }
}

/**
 * Bytes of memory for a message of which `needed` are there with the piece at hand: for all that is to come, so that
 * nothing is copied again, as far as that is not too much to take on trust.
 */
function roomFor(needed: number, pieceLength: number, toCome: number): number {
  if (pieceLength < TELLING_BYTES) return toCome === 0 ? needed : needed * 2
  if (toCome === 0) return needed
  // The last piece is shorter. Of a few it would be a large part, and who keeps the message would keep that as well.
  const rest = toCome > FEW_PIECES ? toCome * pieceLength : (toCome - 1) * pieceLength + LAST_ROOM
  return Math.min(needed + rest, Math.max(FIRST_ROOM, needed * MORE_ROOM))
}

function bad(id: bigint, fragment: bigint, why: string): DistError {
  const actual = `fragment ${fragment} of message ${id}`
  return new DistError('ERR_DIST_BAD_FRAGMENT', `${actual}: ${why}`, { actual })
}

function limit(what: string, allowed: number, name: string): DistError {
  const message = `more than ${allowed} ${what}: see limits.${name}`
  return new DistError('ERR_DIST_FRAGMENT_LIMIT', message, { expected: allowed })
}
