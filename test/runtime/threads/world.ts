import type { Test } from 'tap'
import { systemClock } from '../../../src/core/index.ts'
import { atom, type Pid, type Term, tuple } from '../../../src/etf/index.ts'
import {
  GenServer,
  type Process,
  Runtime,
  reply,
  type ThreadOptions,
  thread,
} from '../../../src/runtime/index.ts'
import { type LogLine, recordingLogger, Wire } from '../runtimes.ts'

export const MODULE = new URL('./worker.ts', import.meta.url)
export const OK = atom('ok')

export interface World {
  readonly runtime: Runtime
  readonly log: LogLine[]
  readonly wire: Wire
  start(args?: unknown, options?: ThreadOptions): Promise<Pid>
}

export function world(t: Test): World {
  const log: LogLine[] = []
  const wire = new Wire()
  const runtime = new Runtime({
    node: atom('ts@here'),
    creation: 1,
    router: wire,
    clock: systemClock,
    logger: recordingLogger(log),
  })
  const alive = setInterval(() => {}, 60_000)
  t.teardown(async () => {
    await runtime.stop({ timeout: 1000 })
    clearInterval(alive)
  })
  const start = (args?: unknown, options: ThreadOptions = {}): Promise<Pid> =>
    runtime.start(thread(MODULE, options), args)
  return { runtime, log, wire, start }
}

export class Echo extends GenServer<null> {
  override init() {
    return null
  }
  override handleCall(request: Term) {
    return reply(tuple(atom('main'), request), null)
  }
}

export function down(runtime: Runtime, pid: Pid): Promise<Term> {
  return new Promise((resolve) => runtime.monitor(pid, resolve))
}

export function inbox(runtime: Runtime): { pid: Pid; next(): Promise<Term> } {
  const waiting: ((message: Term) => void)[] = []
  const messages: Term[] = []
  const pid = runtime.spawn(async (self: Process) => {
    for (;;) {
      const message = await self.receive()
      const take = waiting.shift()
      if (take === undefined) messages.push(message)
      else take(message)
    }
  })
  const next = (): Promise<Term> =>
    messages.length > 0
      ? Promise.resolve(messages.shift() as Term)
      : new Promise((resolve) => waiting.push(resolve))
  return { pid, next }
}
