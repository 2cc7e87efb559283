/**
 * Arriving frames: header, atoms, fragments, control and payload, each decoded once and handed to the handler.
 * Protocol: sections 4.2 to 4.6. Whatever is wrong with a frame is thrown, as DistError or DecodeError.
 */
import { type Atom, type DecodeOptions, EXACT, type Pid, type Term, TermReader } from '../etf/index.ts'
import { AtomCache } from './atom-cache.ts'
import type { ControlHandler } from './control.ts'
import { type ControlFrame, dispatchControl } from './control-read.ts'
import { DistError } from './errors.ts'
import {
  FRAGMENT_HEADER_BYTES,
  FragmentAssembler,
  type FragmentLimits,
  type JoinedMessage,
} from './fragments.ts'
import type { FrameForm } from './frame-writer.ts'
import {
  DIST_FRAG_CONT,
  DIST_FRAG_HEADER,
  DIST_HEADER,
  PASS_THROUGH,
  readAtomRefs,
  VERSION_MAGIC,
} from './header.ts'
import { giveMessageMemory } from './message-memory.ts'
import { MONITOR_P, SPAWN_REQUEST } from './op.ts'

const SMALL_TUPLE_EXT = 104

/** The bytes of a frame from this size on are let go of when it was read; smaller ones stay until the next frame. */
const LARGE_FRAME = 64 * 1024

const NO_ATOMS: readonly Atom[] = []
const NO_BYTES: Uint8Array = new Uint8Array(0)

export class FrameReader implements ControlFrame {
  readonly peer: Atom
  /** Messages so far after which the peer waits for something: all kinds of calls begin with one of them. */
  requests = 0
  readonly #form: FrameForm
  readonly #terms: TermReader
  /** For receivers that want every term as it was sent, whatever the codec options say. */
  readonly #exactTerms: TermReader
  readonly #wantsExact: (to: Pid | Atom) => boolean
  readonly #cache = new AtomCache()
  readonly #fragments: FragmentAssembler
  /** The atoms of the frame at hand; one array for all frames. */
  readonly #atoms: Atom[] = []
  /** The elements of the control tuple at hand; one array for all frames. */
  readonly #control: Term[] = []
  readonly #readAtom = (bytes: Uint8Array, start: number, end: number): Atom => {
    this.#terms.reset(bytes, start)
    return this.#terms.readAtomText(end - start)
  }
  /** What the terms are read from: this part of it. */
  #bytes = NO_BYTES
  #start = 0
  #end = 0
  #frameAtoms = NO_ATOMS
  /** They are written over when the frame has been read. */
  #lent = false

  /** @param wantsExact whether messages to this receiver are decoded as `EXACT` says */
  constructor(
    peer: Atom,
    form: FrameForm,
    codec: DecodeOptions,
    limits: FragmentLimits,
    wantsExact: (to: Pid | Atom) => boolean = never,
  ) {
    this.peer = peer
    this.#form = form
    this.#wantsExact = wantsExact
    this.#terms = new TermReader(codec)
    this.#exactTerms = new TermReader({ ...codec, ...EXACT })
    this.#fragments = new FragmentAssembler(limits)
  }

  /**
   * Decodes one frame; when it completes a message, the handler gets it.
   *
   * @param lent its bytes are written over afterwards
   * @param start where it begins in the bytes
   */
  readFrame(bytes: Uint8Array, handler: ControlHandler, lent = false, start = 0, end = bytes.length): void {
    this.#lent = lent
    const tag = end - start > 1 && bytes[start] === VERSION_MAGIC ? bytes[start + 1] : undefined
    if (tag === DIST_HEADER && !this.#form.passThrough) {
      const offset = readAtomRefs(bytes, start + 2, this.#cache, this.#atoms, this.#readAtom, end)
      this.#use(bytes, start, end)
      this.#readMessage(offset, end, this.#atoms, handler)
    } else {
      this.#readOther(bytes.subarray(start, end), handler)
    }
  }

  /** A fragment, or a frame of a connection with neither fragments nor a cache. */
  #readOther(frame: Uint8Array, handler: ControlHandler): void {
    if (this.#form.passThrough) {
      if (frame[0] !== PASS_THROUGH || frame[1] !== VERSION_MAGIC) throw badStart(frame, '70 83')
      this.#use(frame, 0, frame.length)
      this.#readMessage(2, frame.length, NO_ATOMS, handler)
      return
    }
    const tag = frame[0] === VERSION_MAGIC ? frame[1] : undefined
    if (tag === DIST_FRAG_HEADER && this.#form.fragments) {
      this.#readJoined(this.#startFragments(frame), handler)
    } else if (tag === DIST_FRAG_CONT && this.#form.fragments) {
      this.#readJoined(this.#continueFragments(frame), handler)
    } else {
      throw badStart(frame, this.#form.fragments ? '83 44, 83 45 or 83 46' : '83 44')
    }
  }

  /**
   * Where the rest of a frame belongs of which the first `FRAGMENT_HEADER_BYTES` are there; `readFrame` takes these alone
   * when the rest has arrived. Undefined for all but fragments that go on with a message.
   */
  readonly placeRest = (head: Uint8Array, length: number): Uint8Array | undefined => {
    if (head[0] !== VERSION_MAGIC || head[1] !== DIST_FRAG_CONT || !this.#form.fragments) return undefined
    const ids = fragmentIds(head)
    return this.#fragments.place(ids.sequence, ids.fragment, length)
  }

  #use(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  #letGo(): void {
    this.#use(NO_BYTES, 0, 0)
    this.#terms.reset(NO_BYTES, 0)
    this.#control.length = 0
  }

  readPayload(): Term {
    return this.#readPayload(this.#terms)
  }

  readMessage(to: Pid | Atom): Term {
    const terms = this.#terms
    if (!this.#wantsExact(to)) return this.#readPayload(terms)
    const exact = this.#exactTerms
    exact.reset(this.#bytes, terms.offset, this.#frameAtoms, this.#start, this.#end)
    exact.lent = this.#lent
    const message = this.#readPayload(exact)
    exact.reset(NO_BYTES, 0)
    return message
  }

  #readPayload(terms: TermReader): Term {
    if (this.#form.passThrough && this.#bytes[terms.offset++] !== VERSION_MAGIC) {
      throw noPayload(terms.offset - 1 - this.#start)
    }
    const payload = terms.readTerm()
    this.#expectEnd(terms)
    return payload
  }

  expectEnd(): void {
    this.#expectEnd(this.#terms)
  }

  #expectEnd(terms: TermReader): void {
    const left = this.#end - terms.offset
    if (left !== 0) throw bytesLeft(left)
  }

  #startFragments(frame: Uint8Array): JoinedMessage | undefined {
    const ids = fragmentIds(frame)
    const offset = readAtomRefs(frame, FRAGMENT_HEADER_BYTES, this.#cache, this.#atoms, this.#readAtom)
    return this.#fragments.start(ids.sequence, ids.fragment, frame.subarray(offset), this.#atoms)
  }

  #continueFragments(frame: Uint8Array): JoinedMessage | undefined {
    const ids = fragmentIds(frame)
    return this.#fragments.continue(ids.sequence, ids.fragment, frame.subarray(FRAGMENT_HEADER_BYTES))
  }

  #readJoined(message: JoinedMessage | undefined, handler: ControlHandler): void {
    if (message === undefined) return
    const { bytes, memory, firstLength, atoms } = message
    if (memory !== undefined) this.#lent = false
    this.#terms.hasViews = this.#exactTerms.hasViews = false
    this.#use(bytes, 0, bytes.length)
    this.#readMessage(0, firstLength, atoms, handler)
    if (memory !== undefined && !this.#terms.hasViews && !this.#exactTerms.hasViews) giveMessageMemory(memory)
  }

  /**
   * @param offset of the control
   * @param controlLimit the offset that it must not go beyond
   */
  #readMessage(offset: number, controlLimit: number, atoms: readonly Atom[], handler: ControlHandler): void {
    const terms = this.#terms
    const bytes = this.#bytes
    const start = this.#start
    const end = this.#end
    this.#frameAtoms = atoms
    // The tuple is taken apart here, because nobody needs it as a tuple.
    if (bytes[offset] !== SMALL_TUPLE_EXT || offset + 1 >= end)
      throw noControl(bytes.subarray(start, end), offset - start)
    const arity = bytes[offset + 1]!
    terms.reset(bytes, offset + 2, atoms, start, end)
    terms.lent = this.#lent
    const control = this.#control
    for (let i = 0; i < arity; i++) control[i] = terms.readTerm()
    if (terms.offset > controlLimit) throw beyondFragment(terms.offset - start, controlLimit - start)
    if (control[0] === MONITOR_P || control[0] === SPAWN_REQUEST) this.requests++
    dispatchControl(control, arity, this, handler)
    if (end - start >= LARGE_FRAME) this.#letGo()
  }
}

function never(): boolean {
  return false
}

function fragmentIds(frame: Uint8Array): { sequence: bigint; fragment: bigint } {
  if (frame.length < FRAGMENT_HEADER_BYTES) throw badStart(frame, 'a fragment header')
  const view = new DataView(frame.buffer, frame.byteOffset, FRAGMENT_HEADER_BYTES)
  return { sequence: view.getBigUint64(2), fragment: view.getBigUint64(10) }
}

function noPayload(offset: number): DistError {
  const details = { expected: VERSION_MAGIC }
  return new DistError('ERR_DIST_BAD_FRAME', `no payload at offset ${offset} of a frame`, details)
}

function bytesLeft(left: number): DistError {
  const what = `${left} bytes are left behind the last term of a message`
  return new DistError('ERR_DIST_BAD_FRAME', what, { actual: left, expected: 0 })
}

function noControl(bytes: Uint8Array, offset: number): DistError {
  const details = { actual: bytes[offset], expected: SMALL_TUPLE_EXT }
  return new DistError('ERR_DIST_BAD_CONTROL', `a frame holds no control tuple at offset ${offset}`, details)
}

function beyondFragment(actual: number, expected: number): DistError {
  const what = 'a control message goes beyond its first fragment'
  return new DistError('ERR_DIST_BAD_FRAGMENT', what, { actual, expected })
}

function badStart(frame: Uint8Array, expected: string): DistError {
  const actual = Buffer.from(frame.subarray(0, 4)).toString('hex')
  return new DistError('ERR_DIST_BAD_FRAME', `a frame begins with ${actual}, expected ${expected}`, {
    actual,
    expected,
  })
}
