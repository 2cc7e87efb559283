/**
 * One message on its way out in fragments, of which each is made when the stream has room for it. Protocol: section 4.4;
 * `fragments.ts` has the layout, and joins those that arrive.
 */
import { FRAGMENT_BYTES, FRAGMENT_HEADER_BYTES } from './fragments.ts'
import { DIST_FRAG_CONT, DIST_FRAG_HEADER, VERSION_MAGIC } from './header.ts'

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
  /** What the body lies in. */
  readonly memory: Uint8Array
  readonly #body: Uint8Array
  readonly #controlLength: number
  readonly #refs: Uint8Array
  #sent = 0
  /** Fragments to come. */
  #left: number

  /**
   * @param body control and payload, which nobody writes to any more
   * @param controlLength bytes of it that are the control, which stays in one piece
   * @param refs the atom references, with their number in front
   * @param memory what the body lies in
   */
  constructor(body: Uint8Array, controlLength: number, refs: Uint8Array = NO_REFS, memory = body) {
    this.memory = memory
    this.#body = body
    this.#controlLength = controlLength
    this.#refs = refs
    this.#left = 1 + Math.ceil((body.length - this.#firstLength) / FRAGMENT_BYTES)
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
    const body = this.#body.subarray(this.#sent, this.#sent + size)
    this.#sent += size
    this.#left--
    return [head, body]
  }

  get #firstLength(): number {
    return Math.min(this.#body.length, Math.max(FIRST_BYTES, this.#controlLength))
  }
}
