/**
 * The process that stands for plain code: it calls, sends, links and monitors for code that runs in no process. It
 * traps exits and cannot be killed; what arrives for it is handed to callbacks.
 */
import type { Logger } from '../core/index.ts'
import { Reference, type Term, Tuple } from '../etf/index.ts'
import { Cell, type CellHost, type Origin } from './cell.ts'
import { RefMap } from './ref-map.ts'

interface ExpectedDown {
  readonly ref: Reference
  readonly notify: (reason: Term) => void
}

export class ClientCell extends Cell {
  override readonly permanent = true
  readonly #logger: Logger
  readonly #onDown = new RefMap<ExpectedDown>()
  onMessage: ((message: Term) => void) | undefined

  constructor(host: CellHost, origin: Origin, logger: Logger) {
    super(host, origin)
    this.#logger = logger
    this.trapExit = true
    this.idle = true
  }

  /** The `DOWN` message of this monitor goes to `notify` instead of `onMessage`. */
  expectDown(ref: Reference, notify: (reason: Term) => void): void {
    this.#onDown.add({ ref, notify })
  }

  forgetDown(ref: Reference): void {
    this.#onDown.take(ref)
  }

  protected work(limit: number): number {
    let handled = 0
    while (handled < limit && this.mailbox.length > 0 && this.alive) {
      handled++
      this.#hand(this.mailbox.shift() as Term)
    }
    if (this.mailbox.length > 0) this.wake()
    return handled
  }

  #hand(message: Term): void {
    try {
      const notify = this.#takeDown(message)
      if (notify !== undefined) notify((message as Tuple)[4] as Term)
      else this.onMessage?.(message)
    } catch (error) {
      this.#logger.error({ error }, 'a callback for a message to plain code threw')
    }
  }

  #takeDown(message: Term): ((reason: Term) => void) | undefined {
    if (!(message instanceof Tuple) || message.length !== 5) return undefined
    const ref = message[1]
    if (!(ref instanceof Reference)) return undefined
    return this.#onDown.take(ref)?.notify
  }
}
