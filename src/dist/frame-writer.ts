/**
 * Outgoing frames in one growing buffer: length, header, control, payload, cut into fragments where that was agreed on.
 * Protocol: sections 4.1 to 4.6.
 *
 * A frame counts from `end` on (`finished`); what a failed encoding left behind is written over by the next one.
 */
import { ByteWriter } from '../core/index.ts'
import { type Encodable, type EncodeOptions, TermWriter } from '../etf/index.ts'
import { DistError } from './errors.ts'
import { FRAGMENT_BYTES, writeFragments } from './fragments.ts'
import { DIST_HEADER, PASS_THROUGH, VERSION_MAGIC } from './header.ts'

/** Size of the buffer that frames are collected in. */
const SLAB_BYTES = 128 * 1024

/** With less room than this a new buffer is taken, rather than one that grows and is copied. */
const LOW_ROOM_BYTES = 80 * 1024

export interface FrameForm {
  readonly passThrough: boolean
  readonly fragments: boolean
}

export class FrameWriter {
  readonly out = new ByteWriter(SLAB_BYTES)
  readonly terms: TermWriter
  readonly #passThrough: boolean
  readonly #fragments: boolean
  /** Offset behind the last finished frame. */
  #finished = 0
  /** Offset behind the last byte that was taken. */
  #taken = 0
  #bodyStart = 0
  #controlEnd = 0
  #sequence = 0
  #inMessage = false

  constructor(form: FrameForm, codec: EncodeOptions) {
    this.#passThrough = form.passThrough
    this.#fragments = form.fragments
    this.terms = new TermWriter(this.out, codec)
  }

  /** Bytes of finished frames that nobody took yet. */
  get waiting(): number {
    return this.#finished - this.#taken
  }

  /** True while a message is encoded, which can run code of its classes: nothing may be written or taken then. */
  get inMessage(): boolean {
    return this.#inMessage
  }

  begin(): void {
    if (this.#inMessage) {
      throw new DistError(
        'ERR_DIST_REENTRANT',
        'code that encodes a message sends another one: send it afterwards',
      )
    }
    const { out } = this
    out.length = this.#finished
    out.reserve(64)
    const { bytes } = out
    let at = out.length + 4
    if (this.#passThrough) {
      bytes[at++] = PASS_THROUGH
      bytes[at++] = VERSION_MAGIC
    } else {
      bytes[at++] = VERSION_MAGIC
      bytes[at++] = DIST_HEADER
      // No atom references: atoms stand inline.
      bytes[at++] = 0
    }
    out.length = at
    this.#bodyStart = at
  }

  /** Writes a term that did not come from this package. */
  writeMessage(message: Encodable): void {
    this.#inMessage = true
    try {
      this.terms.writeTerm(message)
    } finally {
      this.#inMessage = false
    }
  }

  endControl(): void {
    this.#controlEnd = this.out.length
  }

  beginPayload(): void {
    if (this.#passThrough) this.out.writeU8(VERSION_MAGIC)
  }

  end(): void {
    const { out } = this
    const start = this.#finished
    const body = this.#bodyStart
    if (this.#fragments && out.length - body > FRAGMENT_BYTES) {
      this.#sequence++
      writeFragments(out, start, body, this.#controlEnd - body, this.#sequence)
    } else {
      out.view.setUint32(start, out.length - start - 4)
    }
    this.#finished = out.length
  }

  /** What is finished and was not taken, as a view that nobody writes to again. */
  take(): Uint8Array {
    const { out } = this
    const taken = out.bytes.subarray(this.#taken, this.#finished)
    this.#taken = this.#finished
    const isUsedUp = out.bytes.length - this.#finished < LOW_ROOM_BYTES
    if (isUsedUp || out.bytes.length > SLAB_BYTES) {
      // Not cleared: nothing is read from it before it was written.
      out.bytes = new Uint8Array(Buffer.allocUnsafeSlow(SLAB_BYTES).buffer)
      out.view = new DataView(out.bytes.buffer)
      out.length = 0
      this.#finished = 0
      this.#taken = 0
    }
    return taken
  }
}
