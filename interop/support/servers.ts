/** Servers that the interop tests run on our side. */
import {
  atom,
  type Encodable,
  type From,
  GenServer,
  noreply,
  type Pid,
  reply,
  stop,
  type Term,
  Tuple,
  tuple,
} from '../../src/index.ts'

/**
 * A counter. Calls: `:get`, `{:add, n}`, `{:echo, term}`, `:pid`, `:later` (answered by the cast `{:answer, term}`),
 * `:never`, `:crash`. Casts: `:inc`, `:crash`, `{:stop, reason}`, `{:answer, term}`. Messages: `{:ping, pid}`, else counted.
 */
export class Counter extends GenServer<number> {
  #waiting: From | undefined

  override init(args: unknown): number {
    const { start: first, handoff } = (args ?? {}) as { start?: Term; handoff?: Term }
    const start = handoff ?? first
    return typeof start === 'number' ? start : 0
  }

  override handleCall(request: Term, from: From, count: number) {
    if (request === atom('get')) return reply(count, count)
    if (request === atom('pid')) return reply(this.pid, count)
    if (request === atom('never')) return noreply(count)
    if (request === atom('crash')) throw new Error('asked to crash')
    if (request === atom('later')) {
      this.#waiting = from
      return noreply(count)
    }
    if (request instanceof Tuple && request[0] === atom('add')) {
      const sum = count + Number(request[1])
      return reply(sum, sum)
    }
    if (request instanceof Tuple && request[0] === atom('echo')) return reply(request[1] as Encodable, count)
    return reply(tuple(atom('error'), atom('unknown')), count)
  }

  override handleCast(request: Term, count: number) {
    if (request === atom('inc')) return noreply(count + 1)
    if (request === atom('crash')) throw new Error('asked to crash')
    if (request instanceof Tuple && request[0] === atom('stop')) return stop(request[1] as Encodable, count)
    if (request instanceof Tuple && request[0] === atom('answer') && this.#waiting !== undefined) {
      this.reply(this.#waiting, request[1] as Encodable)
    }
    return noreply(count)
  }

  override handleInfo(message: Term, count: number) {
    if (message instanceof Tuple && message[0] === atom('ping')) {
      this.self.send(message[1] as Pid, tuple(atom('pong'), this.pid))
      return noreply(count)
    }
    return noreply(count + 100)
  }
}
