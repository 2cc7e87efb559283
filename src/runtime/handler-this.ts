/** What the handlers of `defineServer` see as `this`. */
import type { Pid } from '../etf/index.ts'
import type { From } from './gen-reply.ts'
import type { Process } from './process.ts'

export interface HandlerThis {
  readonly self: Process
  readonly pid: Pid
  /** Of the call that is being handled, to reply later with `this.self.reply(from, value)`. Not after an `await`. */
  readonly from: From | undefined
}
