/** What the tests of threads run in a thread. */
import { atom, type Encodable, Pid, type Term, Tuple, tuple } from '../../../src/etf/index.ts'
import { ExitError, type From, GenServer, ignore, noreply, reply, stop } from '../../../src/runtime/index.ts'

interface Args {
  readonly mode?: 'ignore' | 'stop' | 'throw' | 'hang' | 'loop' | 'exit'
  readonly trap?: boolean
  readonly tag?: Term
  readonly tell?: Pid
}

interface State {
  readonly args: Args
  waiting: From | undefined
}

export default class Worker extends GenServer<State> {
  override init(args: Args = {}) {
    if (args.trap === true) this.self.trapExit = true
    switch (args.mode) {
      case 'ignore':
        return ignore()
      case 'stop':
        return stop(tuple(atom('no'), 'good'))
      case 'throw':
        throw new TypeError('init threw')
      case 'hang':
        return new Promise<State>(() => {})
      case 'loop':
        for (;;);
      case 'exit':
        process.exit(7)
    }
    return { args, waiting: undefined } as State
  }

  override async handleCall(request: Term, from: From, state: State) {
    const [tag, first, second] = request instanceof Tuple ? [...request] : [request]
    const { self } = this
    switch (String(tag)) {
      case 'echo':
        return reply(first as Encodable, state)
      case 'is_atom':
        return reply(first === atom('an_atom_of_main') ? true : String(first), state)
      case 'pid':
        return reply(self.pid, state)
      case 'parent_tag':
        return reply(state.args.tag as Encodable, state)
      case 'call':
        return reply(await self.call(first as Pid, second as Encodable), state)
      case 'call_fails':
        try {
          await self.call(first as Pid, second as Encodable, { timeout: 300 })
          return reply('no', state)
        } catch (error) {
          const { code, reason } = error as { code: string; reason: Encodable }
          return reply(tuple(code, reason ?? null), state)
        }
      case 'send':
        self.send(first as Pid, second as Encodable)
        return reply(atom('ok'), state)
      case 'send_after':
        self.sendAfter(first as Pid, second as Encodable, 5)
        return reply(atom('ok'), state)
      case 'monitor':
        return reply(self.monitor(first as Pid), state)
      case 'demonitor':
        return reply(self.demonitor(first as never), state)
      case 'link':
        self.link(first as Pid)
        return reply(atom('ok'), state)
      case 'unlink':
        self.unlink(first as Pid)
        return reply(atom('ok'), state)
      case 'register':
        try {
          self.register(first as never)
          return reply(atom('ok'), state)
        } catch (error) {
          return reply((error as { code: string }).code, state)
        }
      case 'unregister':
        return reply(self.unregister(first as never), state)
      case 'whereis':
        return reply(self.whereis(first as never) ?? null, state)
      case 'exit':
        self.exit(first as Pid, second as Encodable)
        return reply(atom('ok'), state)
      case 'alias':
        return reply(self.alias({ reply: first === true }), state)
      case 'later':
        state.waiting = from
        return noreply(state)
      case 'spawn': {
        const child = self.spawn(async (inner) => {
          inner.register('in_thread')
          for (;;) {
            const message = await inner.receive()
            if (message === atom('stop')) throw new ExitError(atom('told_to'))
            if (message instanceof Tuple) inner.send(message[0] as Pid, tuple(inner.pid, message[1] as Term))
          }
        })
        return reply(child, state)
      }
      case 'throw_later':
        setTimeout(() => {
          throw new RangeError('outside of a callback')
        })
        return noreply(state)
      case 'exit_process':
        process.exit(3)
        return noreply(state)
      case 'eat': {
        const eaten: unknown[] = []
        for (;;) eaten.push(new Array(1000).fill(eaten.length))
      }
      case 'loop':
        for (;;);
      case 'log':
        self.logger.warn({ answer: 42 }, 'from the thread')
        return reply(atom('ok'), state)
      case 'not_a_term':
        return reply((() => {}) as never, state)
    }
    return reply(tuple(atom('unknown'), request), state)
  }

  override handleCast(request: Term, state: State) {
    if (request === atom('loop')) for (;;);
    if (request instanceof Tuple && request[0] === atom('answer') && state.waiting !== undefined) {
      this.reply(state.waiting, request[1] as Encodable)
    }
    if (request instanceof Tuple && request[0] === atom('stop')) return stop(request[1] as Term, state)
    if (request === atom('crash')) throw new Error('crashed in the thread')
    return noreply(state)
  }

  override handleInfo(message: Term, state: State) {
    if (state.args.tell instanceof Pid) this.self.send(state.args.tell, tuple(atom('info'), message))
    return noreply(state)
  }

  override terminate(reason: Term, state: State) {
    if (state.args.tell instanceof Pid) this.self.send(state.args.tell, tuple(atom('terminate'), reason))
    if (state.args.tag === atom('stubborn')) for (;;);
  }
}
