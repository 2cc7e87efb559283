/**
 * What goes between a thread and its node: batches of operations, each a tuple with the number of the operation in
 * front, some followed by a term, the payload. Everything is in the external term format, without version bytes.
 *
 * Measured against structured cloning (docs/threads.md): terms of many parts cross six times as fast, atoms come out
 * interned, and what has no term is found by whoever sends it.
 */
import { ByteWriter } from '../../core/index.ts'
import {
  type DecodeOptions,
  type Encodable,
  type EncodeOptions,
  EXACT,
  type Term,
  TermReader,
  TermWriter,
  type Tuple,
  tuple,
} from '../../etf/index.ts'

/** From the node to the thread; the payload is named last. */
export const TO_THREAD = {
  /** pid, message */
  message: 1,
  /** pid, ref, reason: what `pid` watched has ended. */
  down: 2,
  /** pid, reason: a process of the thread has ended from outside. */
  kill: 3,
  /** pid, leader */
  groupLeader: 4,
  /** pid, ref: an alias for one message had it. */
  aliasUsed: 5,
} as const

/** From the thread to the node; `from` is a process of the thread. */
export const TO_NODE = {
  /** The first process serves. */
  started: 1,
  /** status, reason: the first process does not start; `ended` follows. */
  failed: 2,
  /** pid, parent, ancestors, leader, label: the thread has another process. */
  spawned: 3,
  /** pid, reason */
  ended: 4,
  /** from, to, message */
  send: 5,
  /** from, name, node, message */
  sendName: 6,
  /** from, alias, message */
  sendAlias: 7,
  /** from, to */
  link: 8,
  /** from, to */
  unlink: 9,
  /** from, to, reason */
  exit: 10,
  /** from, pid or {name, node}, ref */
  monitor: 11,
  /** from, ref */
  demonitor: 12,
  /** from, ref, whether it is for one message */
  alias: 13,
  /** from, ref */
  unalias: 14,
  /** from, whether it traps exits */
  trapExit: 15,
  /** leader, pid, which may be of any node */
  groupLeader: 16,
  /** How many messages the thread has taken. */
  received: 17,
} as const

/** A batch that is this long is sent at once. */
const FLUSH_BYTES = 64 * 1024
/** Longer batches are handed over, shorter ones copied, which costs less than a new buffer. */
const HAND_OVER_BYTES = 16 * 1024
const SLAB_BYTES = 32 * 1024

/** The end of a `MessagePort`, or a worker. */
export interface BatchPort {
  postMessage(batch: Uint8Array, transfer: ArrayBuffer[]): void
}

export class BatchWriter {
  #out = new ByteWriter(SLAB_BYTES)
  #terms: TermWriter
  readonly #port: BatchPort
  readonly #codec: EncodeOptions
  #isPlanned = false
  #isWriting = false
  /** Operations that code in a payload, such as a getter, asked for while it was written. */
  #nested: Uint8Array[] = []
  readonly #flushPlanned = (): void => this.flush()

  constructor(port: BatchPort, codec: EncodeOptions) {
    this.#port = port
    this.#codec = codec
    this.#terms = new TermWriter(this.#out, codec)
  }

  /** @throws EncodeError for a payload that has no term; nothing is sent then. */
  write(header: readonly Encodable[], payload?: readonly [Encodable]): void {
    if (this.#isWriting) {
      const out = new ByteWriter()
      writeOperation(new TermWriter(out, this.#codec), header, payload)
      this.#nested.push(out.finish())
      return
    }
    const start = this.#out.length
    this.#isWriting = true
    try {
      writeOperation(this.#terms, header, payload)
    } catch (error) {
      this.#out.length = start
      throw error
    } finally {
      this.#isWriting = false
      if (this.#nested.length > 0) this.#writeNested()
      this.#plan()
    }
  }

  #writeNested(): void {
    for (const operation of this.#nested.splice(0)) this.#out.writeBytes(operation)
  }

  #plan(): void {
    if (this.#out.length >= FLUSH_BYTES) {
      this.flush()
    } else if (!this.#isPlanned) {
      this.#isPlanned = true
      queueMicrotask(this.#flushPlanned)
    }
  }

  flush(): void {
    // What is written now is sent when it is complete.
    if (this.#isWriting) return
    this.#isPlanned = false
    const { length } = this.#out
    if (length === 0) return
    if (length < HAND_OVER_BYTES) {
      const batch = this.#out.bytes.slice(0, length)
      this.#out.length = 0
      this.#port.postMessage(batch, [batch.buffer])
      return
    }
    const batch = this.#out.view8()
    this.#out = new ByteWriter(SLAB_BYTES)
    this.#terms = new TermWriter(this.#out, this.#codec)
    this.#port.postMessage(batch, [batch.buffer as ArrayBuffer])
  }
}

function writeOperation(
  terms: TermWriter,
  header: readonly Encodable[],
  payload: readonly [Encodable] | undefined,
): void {
  terms.writeTerm(tuple(...header))
  if (payload !== undefined) terms.writeTerm(payload[0])
}

export class BatchReader {
  readonly #terms: TermReader
  readonly #exact: TermReader
  #bytes: Uint8Array = new Uint8Array()
  #offset = 0

  /** @param codec how payloads become terms */
  constructor(codec: DecodeOptions) {
    const limits = { ...codec.limits, atoms: Number.MAX_SAFE_INTEGER }
    this.#terms = new TermReader({ ...codec, limits })
    this.#exact = new TermReader({ ...EXACT, limits })
  }

  begin(batch: Uint8Array): void {
    this.#bytes = batch
    this.#offset = 0
  }

  /** The next operation; undefined at the end of the batch. */
  next(): Tuple | undefined {
    return this.#offset === this.#bytes.length ? undefined : (this.#read(this.#exact) as Tuple)
  }

  payload(): Term {
    return this.#read(this.#terms)
  }

  /** As `payload`, such that nothing is lost when it is encoded again. */
  exactPayload(): Term {
    return this.#read(this.#exact)
  }

  #read(reader: TermReader): Term {
    reader.reset(this.#bytes, this.#offset)
    const term = reader.readTerm()
    this.#offset = reader.offset
    return term
  }
}
