/**
 * Messages in pieces: joining those that arrive; `large-message.ts` cuts those that leave. Protocol: section 4.4.
 *
 *   first:  131 69, u64 sequence id, u64 fragment id = pieces to come including this one, atom refs, control, data
 *   others: 131 70, u64 sequence id, u64 fragment id one less than before, data
 */
import type { Atom } from '../etf/index.ts'
import { DistError } from './errors.ts'

/** Bytes of control and payload in one fragment, as the BEAM cuts them; a longer control stays in one piece. */
export const FRAGMENT_BYTES = 64 * 1024

/** Magic, tag, and two ids of 64 bits. */
export const FRAGMENT_HEADER_BYTES = 18

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
  // Not cleared: the pieces fill it.
  const joined = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

function bad(id: bigint, fragment: bigint, why: string): DistError {
  const actual = `fragment ${fragment} of message ${id}`
  return new DistError('ERR_DIST_BAD_FRAGMENT', `${actual}: ${why}`, { actual })
}

function limit(what: string, allowed: number, name: string): DistError {
  const message = `more than ${allowed} ${what}: see limits.${name}`
  return new DistError('ERR_DIST_FRAGMENT_LIMIT', message, { expected: allowed })
}
