/**
 * A connection that is up: reads frames and hands their signals to the handler, writes signals, ticks. Protocol:
 * sections 2.8, 3 and 4. The shell around `FrameReader`, `Output` and `Ticker`.
 *
 * Nothing here rejects or throws out of the event loop: whatever ends the connection is told to `onClose`, once.
 */
import { type Clock, describeError, type Timer } from '../core/index.ts'
import { atom, DecodeError, type Pid, type Reference } from '../etf/index.ts'
import type { Transport } from '../net/index.ts'
import { capabilitiesOf } from './capabilities.ts'
import { type ConnectionOptions, resolveConnectionOptions } from './connection-options.ts'
import { ControlWriter } from './control-write.ts'
import { DistError } from './errors.ts'
import { FrameQueue } from './frame-queue.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import { TICK } from './framing.ts'
import type { PeerNode } from './handshake/machine.ts'
import type { HandshakeResult } from './handshake/run.ts'
import type { Receiver, Sender } from './lanes.ts'
import type { ConnectionLimits } from './limits.ts'
import { Linger } from './linger.ts'
import { Output } from './output.ts'
import { ReadPace } from './read-pace.ts'
import { type TickDecision, Ticker, type TrafficCounters } from './ticker.ts'

/** Traffic since the connection came up. */
export interface ConnectionStats {
  readonly in: { readonly frames: number; readonly bytes: number }
  readonly out: { readonly frames: number; readonly bytes: number }
}

/**
 * Sends with the methods of `ControlHandler`. Signals that are sent after the end go nowhere, as on the BEAM; a message
 * that has no term throws `EncodeError` and leaves no trace in the stream.
 *
 * @example
 * const connection = new Connection({ handshake, handler, onClose: (reason) => console.log(reason?.code) })
 * connection.start()
 * connection.sendName(pid, atom('my_server'), tuple(atom('$gen_cast'), atom('inc')))
 * connection.close()
 */
export class Connection extends ControlWriter {
  /** The peer as it introduced itself. */
  readonly peer: PeerNode
  /** What both sides can do. */
  readonly flags: bigint
  readonly #transport: Transport
  readonly #handshake: HandshakeResult
  readonly #options: ConnectionOptions
  readonly #clock: Clock
  readonly #limits: ConnectionLimits
  readonly #frames: FrameQueue
  readonly #reader: FrameReader
  readonly #pace: ReadPace
  readonly #output: Output
  readonly #ticker: Ticker
  readonly #tickInterval: number
  readonly #frozenTime: number
  #state: 'new' | 'up' | 'closing' | 'closed' = 'new'
  #reason: DistError | undefined
  #timer: Timer | undefined
  /** What waited when that was looked at last, while the connection closes. */
  #unsentBytes = 0
  #framesIn = 0
  #bytesIn = 0

  /** @throws OptionError for a limit or tick time that makes no sense. */
  constructor(options: ConnectionOptions) {
    const { handshake } = options
    const { clock, codec, frozenTime, limits, tickIntensity, tickInterval } =
      resolveConnectionOptions(options)
    const can = capabilitiesOf(handshake.flags)
    const frames = new FrameWriter(can, codec)
    super(frames, can)
    this.#options = options
    this.#handshake = handshake
    this.#transport = handshake.transport
    this.#clock = clock
    this.#limits = limits
    this.#output = new Output({
      frames,
      transport: handshake.transport,
      limits,
      sharedSender: options.sharedSender,
      onWritable: () => options.onWritable?.(),
      onOverflow: (bytes) => this.#giveUp(bytes),
    })
    this.#reader = new FrameReader(atom(handshake.peer.name), can, codec, limits, options.wantsExact)
    this.#frames = new FrameQueue(limits.frameBytes, this.#reader.placeRest)
    this.#pace = new ReadPace(clock)
    this.#ticker = new Ticker({ intensity: tickIntensity, hidden: !can.visible })
    this.#tickInterval = tickInterval
    this.#frozenTime = frozenTime
    this.peer = handshake.peer
    this.flags = handshake.flags
  }

  get stats(): ConnectionStats {
    return {
      in: { frames: this.#framesIn, bytes: this.#bytesIn },
      out: { frames: this.#output.framesOut, bytes: this.#output.bytesOut },
    }
  }

  /** Bytes of output that the peer has not taken yet. */
  get pendingBytes(): number {
    return this.#output.pendingBytes
  }

  /** More than `limits.highWaterMark` waits for the peer: who sends should wait until `onWritable`. */
  get isBusy(): boolean {
    return this.#output.isBusy
  }

  /** Begins to read and to tick. What arrived since the handshake is handled in a later turn of the event loop. */
  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'up'
    this.#transport.handler = {
      onData: (bytes) => this.#read(bytes, bytes.length),
      onLent: (memory, length) => this.#read(memory, length),
      onDrain: () => this.#output.handleDrain(),
      onClose: (error) => this.#handleClose(error),
    }
    // Nobody listened so far.
    this.#output.handleDrain()
    setImmediate(() => {
      this.#readLeftover()
      const { ended } = this.#handshake
      if (ended !== undefined) this.#handleClose(ended.error)
    })
    this.#transport.resume()
    this.#scheduleTick()
    // From now on everything that is written is whole frames.
    if (this.#frozenTime > 0) this.#transport.writeWhenFrozen?.(TICK, this.#tickInterval, this.#frozenTime)
  }

  /** Gives what was sent so far to the transport, without waiting for the end of the turn. */
  flush(): void {
    this.#output.flush()
  }

  /**
   * Sends what is queued, then closes; `onClose` follows, with `ERR_DIST_UNSENT` if the peer did not take everything within
   * `limits.closeStall` and `limits.closeTime`. Safe to call twice.
   */
  close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#output.finish()
    if (this.#isOver()) return
    this.#listenForEnd()
    this.#state = 'closing'
    this.#timer?.cancel()
    this.#transport.end()
    this.#linger(new Linger(this.#limits, this.#transport.progress))
  }

  /** Closes at once and drops what is queued; `onClose` follows, with `reason`. Safe to call twice. */
  destroy(reason?: DistError): void {
    if (this.#isOver()) return
    this.#listenForEnd()
    this.#state = 'closed'
    this.#reason = reason
    this.#timer?.cancel()
    this.#output.stop()
    this.#transport.destroy()
  }

  protected override beginFrame(op: number, from: Sender, to: Receiver): boolean {
    if (this.#state !== 'up' && this.#state !== 'new') return false
    this.#output.begin(op, from, to)
    return true
  }

  protected override endFrame(): void {
    this.#output.end()
  }

  /** What every peer without the capability amounts to. */
  protected override spawnUnsupported(id: Reference, parent: Pid): void {
    setImmediate(() => {
      if (!this.#isOver()) this.#options.handler.spawnReply(id, parent, 0, atom('notsup'))
    })
  }

  /** What arrived behind the handshake, and so before all else. */
  #readLeftover(): void {
    const { leftover } = this.#handshake
    if (leftover.length === 0) return
    const bytes = leftover.take(leftover.length)
    this.#read(bytes, bytes.length)
  }

  /** Handles the first `length` bytes, which were received at one time, and answers. */
  #read(bytes: Uint8Array, length: number): void {
    this.#readLeftover()
    if (this.#state !== 'up') return
    this.#bytesIn += length
    const { reads } = this.#options
    const framesBefore = this.#framesIn
    this.#output.beginBatch()
    reads?.begin()
    this.#readFrames(bytes, length)
    // First: while it rests there is time to handle what was read.
    if (this.#isUp()) this.#setPace(this.#framesIn - framesBefore, length)
    try {
      reads?.end()
    } finally {
      this.#output.endBatch()
    }
  }

  #readFrames(bytes: Uint8Array, length: number): void {
    const frames = this.#frames
    const { handler } = this.#options
    try {
      frames.append(bytes, length)
      while (this.#isUp() && frames.next()) {
        const { start, end } = frames
        if (start === end) {
          this.#decide(this.#ticker.handleTick(this.#counters()))
        } else {
          this.#framesIn++
          this.#reader.readFrame(frames.bytes, handler, frames.isLent, start, end)
        }
      }
    } catch (error) {
      this.destroy(blame(error, this.peer.name))
    }
  }

  #setPace(frames: number, bytes: number): void {
    const exchanges = this.#output.framesOut + this.#reader.requests
    if (this.#pace.shouldRest(frames, bytes, exchanges)) this.#transport.rest?.()
  }

  #scheduleTick(): void {
    this.#timer = this.#clock.after(this.#tickInterval, () => {
      this.#decide(this.#ticker.handleInterval(this.#counters()))
      if (this.#state === 'up') this.#scheduleTick()
    })
  }

  #decide(decision: TickDecision): void {
    switch (decision) {
      case 'none':
        break
      case 'tick':
        this.#output.write(TICK)
        break
      case 'drop': {
        const peer = this.peer.name
        const what = `${peer} was silent for the net tick time`
        this.destroy(new DistError('ERR_DIST_TICK_TIMEOUT', what, { peer }))
        break
      }
      default:
        decision satisfies never
    }
  }

  #counters(): TrafficCounters {
    const { bytesOut, pendingBytes } = this.#output
    return { bytesIn: this.#bytesIn, bytesOut, pendingBytes }
  }

  #giveUp(bytes: number): void {
    const { name } = this.peer
    const { pendingBytes } = this.#limits
    const what = `${name} reads too slowly: ${bytes} bytes wait for it, at most ${pendingBytes} may`
    const details = { peer: name, actual: bytes, expected: pendingBytes }
    this.destroy(new DistError('ERR_DIST_OUTPUT_LIMIT', `${what}: see limits.pendingBytes`, details))
  }

  /** Waits for the peer to take what is queued. */
  #linger(linger: Linger): void {
    this.#unsentBytes = this.pendingBytes
    this.#timer = this.#clock.after(linger.interval, () => {
      const limit = linger.look(this.#transport.progress)
      if (limit === undefined) return this.#linger(linger)
      this.#reason = this.#unsent(this.pendingBytes, `limits.${limit} is ${this.#limits[limit]} ms`)
      this.#transport.destroy()
    })
  }

  #unsent(bytes: number, why: string): DistError | undefined {
    if (bytes === 0) return undefined
    const peer = this.peer.name
    const what = `closed the connection to ${peer}, which had not taken the last ${bytes} bytes at most: ${why}`
    return new DistError('ERR_DIST_UNSENT', what, { peer, actual: bytes })
  }

  #isUp(): boolean {
    return this.#state === 'up'
  }

  #isOver(): boolean {
    return this.#state === 'closed'
  }

  /** Ended before `start`: nobody listens for the end yet. */
  #listenForEnd(): void {
    if (this.#state !== 'new') return
    const onClose = (error?: Error): void => this.#handleClose(error)
    this.#transport.handler = { onData: () => {}, onDrain: () => {}, onClose }
    this.#transport.resume()
    const { ended } = this.#handshake
    if (ended !== undefined) setImmediate(() => onClose(ended.error))
  }

  #handleClose(error: Error | undefined): void {
    this.#timer?.cancel()
    if (this.#state === 'closing') {
      // A stream that broke has forgotten what it still held.
      const bytes = error === undefined ? this.pendingBytes : Math.max(this.pendingBytes, this.#unsentBytes)
      this.#reason ??= this.#unsent(bytes, error?.message ?? 'it closed as well')
    }
    this.#output.stop()
    const ourDoing = this.#state === 'closed' || this.#state === 'closing'
    if (!ourDoing) {
      const peer = this.peer.name
      this.#reason =
        error === undefined
          ? new DistError('ERR_DIST_CLOSED', `${peer} closed the connection`, { peer })
          : new DistError('ERR_DIST_TRANSPORT', `connection to ${peer} lost: ${error.message}`, {
              peer,
              cause: error,
            })
    }
    this.#state = 'closed'
    this.#options.onClose?.(this.#reason)
  }
}

/** Whose fault an error on the way in is. */
function blame(error: unknown, peer: string): DistError {
  if (error instanceof DistError) {
    const { code, message, actual, expected } = error
    return new DistError(code, `${peer}: ${message}`, { peer, actual, expected, cause: error })
  }
  const what = describeError(error)
  if (error instanceof DecodeError) {
    return new DistError('ERR_DIST_BAD_TERM', `${peer} sent a term that is none: ${what}`, {
      peer,
      cause: error,
    })
  }
  const ours = `a signal of ${peer} could not be handled, which is a fault of this node: ${what}`
  return new DistError('ERR_DIST_INTERNAL', ours, { peer, cause: error })
}
