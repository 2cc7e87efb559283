/**
 * Outgoing frames in one growing buffer: length, header, control, payload. Protocol: sections 4.1 to 4.6.
 *
 * Which atoms a header has is known when the message behind it is written. So room is left for a header as long as the
 * last one of the same operation had, which is right nearly always; otherwise the message moves a little.
 *
 * The memory comes from `output-memory.ts` and goes back there when the transport has taken what is in it.
 *
 * A frame counts from `end` on (`finished`); what a failed encoding left behind is written over by the next one.
 */
import { ByteWriter } from '../core/index.ts'
import { type Encodable, EncodeError, type EncodeOptions, TermWriter } from '../etf/index.ts'
import { DistError } from './errors.ts'
import { FRAGMENT_BYTES } from './fragments.ts'
import { DIST_HEADER, PASS_THROUGH, VERSION_MAGIC } from './header.ts'
import { LargeMessage } from './large-message.ts'
import { type LentBytes, MessageBody } from './message-body.ts'
import { OutgoingAtoms } from './outgoing-atoms.ts'
import { OutputMemory, SLAB_BYTES } from './output-memory.ts'

/** With less room than this other memory is taken, rather than some that grows and is copied. */
const LOW_ROOM_BYTES = 80 * 1024

/** Of the frame. */
const LENGTH_BYTES = 4

/** In front of the atom references: magic and tag; in front of a control without them: 112 and magic. */
const TAG_BYTES = 2

const NO_BYTES: Uint8Array = new Uint8Array(0)

const NOTHING_LENT: readonly LentBytes[] = []

/** A guess takes one byte. */
const MAX_GUESS = 255

/** Operations are small numbers. */
const OPERATIONS = 64

/** A move of fewer bytes is done by a loop: the call of `copyWithin` costs more. */
const SHORT_MOVE = 64

export interface FrameForm {
  readonly passThrough: boolean
  readonly fragments: boolean
  /** Atoms may be told once and be referred to afterwards. */
  readonly atomCache: boolean
  /** The peer takes native records. Default true. */
  readonly records?: boolean
}

/** Has no memory but while frames wait in it. */
class FrameBuffer extends ByteWriter {
  readonly #memory: OutputMemory
  readonly #fragments: boolean
  /** What the memory has room for, but not the bytes; of the frame at hand. */
  #lent: LentBytes[] | undefined

  /** @param fragments whether a large message leaves in fragments: its binaries need not be copied then */
  constructor(memory: OutputMemory, fragments: boolean) {
    super(0)
    this.#memory = memory
    this.#fragments = fragments
  }

  override writeLendable(bytes: Uint8Array): void {
    // A message with so much in it fits into no frame.
    if (!this.#fragments || bytes.length < FRAGMENT_BYTES) {
      super.writeLendable(bytes)
      return
    }
    this.reserve(bytes.length)
    this.#lent ??= []
    this.#lent.push({ start: this.length, bytes, length: bytes.length })
    this.length += bytes.length
  }

  /** @throws EncodeError when code of the message has taken away what it lent before */
  checkLent(): void {
    const gone = this.#lent?.find(({ length, bytes }) => bytes.length !== length)
    if (gone === undefined) return
    const problem = 'the memory of a binary was given away while the message that it is in was encoded'
    throw new EncodeError('ERR_ETF_UNREADABLE', problem, gone.bytes)
  }

  /** What was lent since the last call, in a body that starts at that offset. */
  takeLent(bodyStart: number): readonly LentBytes[] {
    const lent = this.#lent
    if (lent === undefined) return NOTHING_LENT
    this.#lent = undefined
    return lent.map(({ start, length, bytes }) => ({ start: start - bodyStart, length, bytes }))
  }

  forgetLent(): void {
    this.#lent = undefined
  }

  protected override allocate(capacity: number): Uint8Array {
    this.spend()
    return this.#memory.take(capacity)
  }

  spend(): void {
    if (this.bytes.length > 0) this.#memory.spend(this.bytes)
  }

  clear(): void {
    this.use(NO_BYTES)
    this.length = 0
  }
}

export class FrameWriter {
  readonly memory = new OutputMemory()
  readonly out: FrameBuffer
  readonly terms: TermWriter
  readonly #passThrough: boolean
  readonly #fragments: boolean
  readonly #atoms: OutgoingAtoms | undefined
  /** By operation: how long its last header was. */
  readonly #guesses = new Uint8Array(OPERATIONS).fill(TAG_BYTES + 1)
  /** Offset behind the last finished frame. */
  #finished = 0
  /** Offset behind the last byte that was taken. */
  #taken = 0
  #op = 0
  #bodyStart = 0
  #controlEnd = 0
  #inMessage = false

  constructor(form: FrameForm, codec: EncodeOptions) {
    this.#passThrough = form.passThrough
    this.#fragments = form.fragments
    this.out = new FrameBuffer(this.memory, form.fragments)
    this.#atoms = form.atomCache ? new OutgoingAtoms() : undefined
    const atoms = this.#atoms === undefined ? {} : { atomRef: this.#atoms.ref }
    this.terms = new TermWriter(this.out, { ...codec, ...atoms, records: form.records !== false })
  }

  /** Bytes of finished frames that nobody took yet. */
  get waiting(): number {
    return this.#finished - this.#taken
  }

  /** True while a message is encoded, which can run code of its classes: nothing may be written or taken then. */
  get inMessage(): boolean {
    return this.#inMessage
  }

  /**
   * Begins a frame; its control follows.
   *
   * @param op the operation
   * @param inline atoms stand in the terms: for a frame that is withdrawn, to leave later than those behind it
   */
  begin(op: number, inline = false): void {
    if (this.#inMessage) {
      throw new DistError(
        'ERR_DIST_REENTRANT',
        'code that encodes a message sends another one: send it afterwards',
      )
    }
    const { out } = this
    this.#atoms?.begin(inline)
    this.#op = op
    // One that failed may have left something.
    out.forgetLent()
    out.length = this.#finished
    out.reserve(LENGTH_BYTES + MAX_GUESS)
    const tagAt = out.length + LENGTH_BYTES
    if (this.#passThrough) {
      out.bytes[tagAt] = PASS_THROUGH
      out.bytes[tagAt + 1] = VERSION_MAGIC
      out.length = tagAt + TAG_BYTES
    } else {
      out.length = tagAt + this.#guesses[op]!
    }
    this.#bodyStart = out.length
  }

  /** Writes a term that did not come from this package. */
  writeMessage(message: Encodable): void {
    this.#inMessage = true
    try {
      this.terms.writeTerm(message)
      this.out.checkLent()
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

  /** Finishes the frame; false when the message is too large for one: `detach` it. */
  end(): boolean {
    const { out } = this
    if (this.#fragments && out.length - this.#bodyStart > FRAGMENT_BYTES) return false
    if (!this.#passThrough) this.#writeHeader()
    const start = this.#finished
    const length = out.length - start - LENGTH_BYTES
    const { bytes } = out
    bytes[start] = length >>> 24
    bytes[start + 1] = length >>> 16
    bytes[start + 2] = length >>> 8
    bytes[start + 3] = length
    this.#finished = out.length
    return true
  }

  /** Takes the frame that was finished last back out, as a copy. */
  withdraw(start: number): Uint8Array {
    const frame = this.out.bytes.slice(start, this.#finished)
    this.#finished = start
    return frame
  }

  /** Offset of the frame that is begun next. */
  get position(): number {
    return this.#finished
  }

  /** Takes out the message that `end` found too large. What was finished before it must have been taken. */
  detach(): LargeMessage {
    const { out } = this
    let refs: Uint8Array | undefined
    if (this.#atoms !== undefined) {
      refs = new Uint8Array(this.#atoms.headerBytes)
      this.#atoms.finish(refs, 0)
    }
    const start = this.#bodyStart
    const { bytes } = out
    const body = new MessageBody(bytes.subarray(start, out.length), out.takeLent(start), bytes)
    const message = new LargeMessage(body, this.#controlEnd - start, refs)
    this.#clear()
    return message
  }

  /** What is finished and was not taken, as a view that nobody writes to until its memory is reclaimed. */
  take(): Uint8Array {
    const { out } = this
    const taken = out.bytes.subarray(this.#taken, this.#finished)
    this.#taken = this.#finished
    const isUsedUp = out.bytes.length - this.#finished < LOW_ROOM_BYTES
    // Behind the last frame may be a message that is still to be detached.
    if ((isUsedUp || out.bytes.length > SLAB_BYTES) && out.length === this.#finished) this.#letGo()
    return taken
  }

  /** Lets go of the memory when nothing waits in it. All that was taken from it has left. */
  rewind(): void {
    if (this.#inMessage || this.#taken < this.#finished || this.out.bytes.length === 0) return
    this.#letGo()
    this.memory.reclaim()
  }

  #writeHeader(): void {
    const { out } = this
    const atoms = this.#atoms
    const size = TAG_BYTES + (atoms === undefined ? 1 : atoms.headerBytes)
    if (size !== this.#guesses[this.#op]) this.#makeRoom(size)
    const { bytes } = out
    const at = this.#finished + LENGTH_BYTES
    bytes[at] = VERSION_MAGIC
    bytes[at + 1] = DIST_HEADER
    if (atoms === undefined) bytes[at + TAG_BYTES] = 0
    else atoms.finish(bytes, at + TAG_BYTES)
  }

  /** The guess was wrong: moves what was written behind it. */
  #makeRoom(size: number): void {
    const { out } = this
    const by = size - this.#guesses[this.#op]!
    this.#guesses[this.#op] = Math.min(size, MAX_GUESS)
    if (by > 0) out.reserve(by)
    const { bytes, length } = out
    const start = this.#bodyStart
    if (length - start > SHORT_MOVE) bytes.copyWithin(start + by, start, length)
    else if (by < 0) for (let i = start; i < length; i++) bytes[i + by] = bytes[i]!
    else for (let i = length - 1; i >= start; i--) bytes[i + by] = bytes[i]!
    out.length = length + by
  }

  #letGo(): void {
    this.out.spend()
    this.#clear()
  }

  #clear(): void {
    this.out.clear()
    this.#finished = 0
    this.#taken = 0
  }
}
