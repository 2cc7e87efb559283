/**
 * One message on its way out in fragments, of which each is made when the stream has room for it. Protocol: section 4.4;
 * `fragments.ts` has the layout, and joins those that arrive.
 */
import { FRAGMENT_BYTES, FRAGMENT_HEADER_BYTES } from './fragments.ts'
import { DIST_FRAG_CONT, DIST_FRAG_HEADER, VERSION_MAGIC } from './header.ts'
import type { MessageBody } from './message-body.ts'

/**
 * Of the body in the first fragment, unless the control is longer. It leaves at once, for it brings the atoms; so it is
 * short, and nobody waits behind it.
 */
const FIRST_BYTES = 1024

/** The number of references: none. */
const NO_REFS: Uint8Array = new Uint8Array(1)

export class LargeMessage {
  /** 0 until it is started. */
  sequence = 0
  readonly #body: MessageBody
  readonly #controlLength: number
  readonly #refs: Uint8Array
  #sent = 0
  /** Fragments to come. */
  #left: number

  /**
   * @param body control and payload; what is lent of it must be out, or owned, before the call that sends it returns
   * @param controlLength bytes of it that are the control, which stays in one piece
   * @param refs the atom references, with their number in front
   */
  constructor(body: MessageBody, controlLength: number, refs: Uint8Array = NO_REFS) {
    this.#body = body
    this.#controlLength = controlLength
    this.#refs = refs
    this.#left = 1 + Math.ceil((body.length - this.#firstLength) / FRAGMENT_BYTES)
  }

  /** What the body lies in. */
  get memory(): Uint8Array {
    return this.#body.memory
  }

  /** Bytes of the body that no fragment has taken yet. */
  get bytesLeft(): number {
    return this.#body.length - this.#sent
  }

  /** Whether the last fragment was made. */
  get isFinished(): boolean {
    return this.#left === 0
  }

  /**
   * The next fragment as a whole frame, with its length in front, in pieces that follow each other: what is in the body
   * is not copied. Set `sequence` before the first one.
   */
  next(): readonly Uint8Array[] {
    const isFirst = this.#sent === 0
    const size = isFirst ? this.#firstLength : Math.min(FRAGMENT_BYTES, this.bytesLeft)
    const refs = isFirst ? this.#refs.length : 0
    const head = new Uint8Array(4 + FRAGMENT_HEADER_BYTES + refs)
    const view = new DataView(head.buffer)
    view.setUint32(0, FRAGMENT_HEADER_BYTES + refs + size)
    head[4] = VERSION_MAGIC
    head[5] = isFirst ? DIST_FRAG_HEADER : DIST_FRAG_CONT
    view.setUint32(6, Math.floor(this.sequence / 0x1_0000_0000))
    view.setUint32(10, this.sequence % 0x1_0000_0000)
    view.setUint32(14, 0)
    view.setUint32(18, this.#left)
    if (isFirst) head.set(this.#refs, 4 + FRAGMENT_HEADER_BYTES)
    const pieces: Uint8Array[] = [head]
    this.#body.addPieces(this.#sent, this.#sent + size, pieces)
    this.#sent += size
    this.#left--
    return pieces
  }

  /** Copies what no fragment has taken yet and is still the sender's. */
  own(): void {
    this.#body.own(this.#sent)
  }

  get #firstLength(): number {
    return Math.min(this.#body.length, Math.max(FIRST_BYTES, this.#controlLength))
  }
}
