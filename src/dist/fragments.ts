/**
 * Messages in pieces: joining those that arrive, cutting those that leave. Protocol: section 4.4.
 *
 *   first:  131 69, u64 sequence id, u64 fragment id = pieces to come including this one, atom refs, control, data
 *   others: 131 70, u64 sequence id, u64 fragment id one less than before, data
 */
import type { ByteWriter } from '../core/index.ts'
import type { Atom } from '../etf/index.ts'
import { DistError } from './errors.ts'
import { DIST_FRAG_CONT, DIST_FRAG_HEADER, VERSION_MAGIC } from './header.ts'

/** Bytes of control and payload in one fragment, as the BEAM cuts them; a longer control stays in one piece. */
export const FRAGMENT_BYTES = 64 * 1024

/** Magic, tag, and two ids of 64 bits. */
export const FRAGMENT_HEADER_BYTES = 18

/** With the length before it and the number of atom references behind. */
const FIRST_HEADER_BYTES = 4 + FRAGMENT_HEADER_BYTES + 1

/** With the length before it. */
const OTHER_HEADER_BYTES = 4 + FRAGMENT_HEADER_BYTES

/** Pieces below this are copied out of the received chunk, which would be kept alive by them otherwise. */
const VIEW_BYTES = 32 * 1024

/** Charged per piece besides its bytes, for the objects that hold it. */
const PIECE_OVERHEAD = 128

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
  /** How many of them came with the first piece: the control must end there. */
  readonly firstLength: number
  /** The atoms of the first piece's header; later changes of the cache do not touch them. */
  readonly atoms: readonly Atom[]
}

interface Sequence {
  readonly pieces: Uint8Array[]
  readonly firstLength: number
  readonly atoms: readonly Atom[]
  length: number
  /** What its pieces count against `fragmentedBytes`. */
  charged: number
  /** Id that the next piece must have. */
  next: bigint
}

/** Joins the fragments of one connection; sequences may interleave. */
export class FragmentAssembler {
  readonly #limits: FragmentLimits
  readonly #sequences = new Map<bigint, Sequence>()
  #charged = 0

  constructor(limits: FragmentLimits) {
    this.#limits = limits
  }

  /** Takes the first piece; the message is complete at once when there is only one. */
  start(id: bigint, fragment: bigint, data: Uint8Array, atoms: readonly Atom[]): JoinedMessage | undefined {
    // BEAM nodes never send an id of 0, and OTP 25 crashes on one.
    if (id === 0n || fragment === 0n) throw bad(id, fragment, 'neither id of a first fragment may be 0')
    if (this.#sequences.has(id)) throw bad(id, fragment, 'that message is unfinished, and starts again')
    if (fragment === 1n) return { bytes: data, firstLength: data.length, atoms }
    if (this.#sequences.size >= this.#limits.fragmentedMessages) {
      throw limit('unfinished messages', this.#limits.fragmentedMessages, 'fragmentedMessages')
    }
    const sequence: Sequence = {
      pieces: [],
      firstLength: data.length,
      atoms: [...atoms],
      length: 0,
      charged: 0,
      next: fragment - 1n,
    }
    this.#sequences.set(id, sequence)
    this.#add(sequence, data)
    return undefined
  }

  /** Takes a later piece; gives the message when it was the last one. */
  continue(id: bigint, fragment: bigint, data: Uint8Array): JoinedMessage | undefined {
    const sequence = this.#sequences.get(id)
    if (sequence === undefined) throw bad(id, fragment, 'no such message has started')
    if (fragment !== sequence.next) throw bad(id, fragment, `fragment ${sequence.next} is next`)
    this.#add(sequence, data)
    sequence.next--
    if (fragment !== 1n) return undefined
    this.#sequences.delete(id)
    this.#charged -= sequence.charged
    return { bytes: join(sequence), firstLength: sequence.firstLength, atoms: sequence.atoms }
  }

  #add(sequence: Sequence, data: Uint8Array): void {
    if (data.length === 0) return
    const charge = data.length + PIECE_OVERHEAD
    if (this.#charged + charge > this.#limits.fragmentedBytes) {
      throw limit('bytes in unfinished messages', this.#limits.fragmentedBytes, 'fragmentedBytes')
    }
    this.#charged += charge
    sequence.charged += charge
    sequence.length += data.length
    // Not `slice`, which is no copy of a Buffer.
    sequence.pieces.push(data.length < VIEW_BYTES ? Uint8Array.from(data) : data)
  }
}

function join({ pieces, length }: Sequence): Uint8Array {
  const joined = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

/**
 * Turns the last frame in `out` into fragments, in place.
 *
 * @param frame where the frame begins, with its length.
 * @param body where its control and payload begin, which go on to the end of `out`.
 * @param controlLength how many bytes of the body are the control, which must not be cut.
 * @param sequence number of this message, unique among unfinished ones, not 0.
 */
export function writeFragments(
  out: ByteWriter,
  frame: number,
  body: number,
  controlLength: number,
  sequence: number,
): void {
  const length = out.length - body
  const first = Math.min(length, Math.max(FRAGMENT_BYTES, controlLength))
  const others = Math.ceil((length - first) / FRAGMENT_BYTES)
  out.reserve(FIRST_HEADER_BYTES + others * OTHER_HEADER_BYTES)
  const { bytes, view } = out
  const end = frame + FIRST_HEADER_BYTES + length + others * OTHER_HEADER_BYTES
  // From the end, so that nothing is overwritten before it was moved.
  for (let i = others - 1; i >= 0; i--) {
    const skipped = first + i * FRAGMENT_BYTES
    const size = Math.min(FRAGMENT_BYTES, length - skipped)
    const at = frame + FIRST_HEADER_BYTES + skipped + i * OTHER_HEADER_BYTES
    bytes.copyWithin(at + OTHER_HEADER_BYTES, body + skipped, body + skipped + size)
    writeFragmentHeader(view, at, FRAGMENT_HEADER_BYTES + size, DIST_FRAG_CONT, sequence, others - i)
  }
  bytes.copyWithin(frame + FIRST_HEADER_BYTES, body, body + first)
  writeFragmentHeader(view, frame, FRAGMENT_HEADER_BYTES + 1 + first, DIST_FRAG_HEADER, sequence, others + 1)
  // No atom references.
  bytes[frame + FIRST_HEADER_BYTES - 1] = 0
  out.length = end
}

function writeFragmentHeader(
  view: DataView,
  at: number,
  frameLength: number,
  tag: number,
  sequence: number,
  fragment: number,
): void {
  view.setUint32(at, frameLength)
  view.setUint8(at + 4, VERSION_MAGIC)
  view.setUint8(at + 5, tag)
  view.setBigUint64(at + 6, BigInt(sequence))
  view.setBigUint64(at + 14, BigInt(fragment))
}

function bad(id: bigint, fragment: bigint, why: string): DistError {
  const actual = `fragment ${fragment} of message ${id}`
  return new DistError('ERR_DIST_BAD_FRAGMENT', `${actual}: ${why}`, { actual })
}

function limit(what: string, allowed: number, name: string): DistError {
  const message = `more than ${allowed} ${what}: see limits.${name}`
  return new DistError('ERR_DIST_FRAGMENT_LIMIT', message, { expected: allowed })
}
