/** What the interop tests run in a thread. Calls: `:pid`, `:loop`, `{:add, n}`, `{:call, pid, term}`, `{:call_global, name, term}`, `:eat`. */
import {
  atom,
  type Encodable,
  type From,
  GenServer,
  noreply,
  type Pid,
  reply,
  type Term,
  Tuple,
} from '../../src/index.ts'

export default class Worker extends GenServer<number> {
  override init(args: unknown) {
    return (args as { start?: number } | undefined)?.start ?? 0
  }

  override async handleCall(request: Term, _from: From, count: number) {
    const [tag, first, second] = request instanceof Tuple ? [...request] : [request]
    if (tag === atom('loop')) for (;;);
    if (tag === atom('add')) return reply(count + Number(first), count + Number(first))
    if (tag === atom('call')) return reply(await this.self.call(first as Pid, second as Encodable), count)
    if (tag === atom('call_global')) {
      return reply(await this.self.call({ global: first as Encodable }, second as Encodable), count)
    }
    if (tag === atom('eat')) {
      const eaten: unknown[] = []
      for (;;) eaten.push(new Array(1000).fill(eaten.length))
    }
    return reply(this.pid, count)
  }

  override handleCast(request: Term, count: number) {
    if (request === atom('crash')) throw new Error('crashed in a thread')
    return noreply(count)
  }

  override handleInfo(message: Term, count: number) {
    if (message instanceof Tuple) this.self.send(message[0] as Pid, message[1] as Encodable)
    return noreply(count)
  }
}
