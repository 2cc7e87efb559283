/** A message that is to be sent later: what `erlang:send_after/3` gives. */
import type { Clock, Timer } from '../core/index.ts'

export class MessageTimer implements Timer {
  readonly #clock: Clock
  readonly #due: number
  readonly #timer: Timer
  #isOver = false
  /** Lets go of it. @internal */
  onCancel: (() => void) | undefined

  /** @internal */
  constructor(clock: Clock, ms: number, send: () => void) {
    this.#clock = clock
    this.#due = clock.now() + ms
    this.#timer = clock.after(ms, () => {
      this.#isOver = true
      send()
    })
  }

  /** Milliseconds until the message is sent; false when it was, or never will be. As `erlang:read_timer/1`. */
  get left(): number | false {
    return this.#isOver ? false : Math.max(0, Math.ceil(this.#due - this.#clock.now()))
  }

  /**
   * The message is not sent, unless it was already. As `erlang:cancel_timer/1`.
   *
   * @returns the milliseconds that were left, or false when it was too late
   */
  cancel(): number | false {
    const { left } = this
    this.#isOver = true
    this.#timer.cancel()
    this.onCancel?.()
    return left
  }
}
