/** Who holds the event loop is named. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'tap'
import { CHANNELS, type LoopBlockedEvent } from '../../src/core/diagnostics.ts'
import { systemClock } from '../../src/core/index.ts'
import { atom, type Term } from '../../src/etf/index.ts'
import { GenServer, noreply, Runtime, reply } from '../../src/runtime/index.ts'
import { type LogLine, recordingLogger, Wire } from './runtimes.ts'

const LONG_MS = 60

function freeze(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

class Slow extends GenServer<null> {
  override init() {
    return null
  }
  override handleCall(_request: Term) {
    freeze(3 * LONG_MS)
    return reply(atom('ok'), null)
  }
  override async handleCast() {
    await new Promise((resolve) => setTimeout(resolve, 1))
    freeze(4 * LONG_MS)
    await new Promise((resolve) => setTimeout(resolve, 100))
    return noreply(null)
  }
}

test('a callback that holds the event loop is named in a warning and on the channel', async (t) => {
  const log: LogLine[] = []
  const events: LoopBlockedEvent[] = []
  const note = (event: unknown): void => void events.push(event as LoopBlockedEvent)
  subscribe(CHANNELS.loopBlocked, note)
  const runtime = new Runtime({
    node: atom('ts@here'),
    creation: 1,
    router: new Wire(),
    clock: systemClock,
    logger: recordingLogger(log),
    limits: { longSchedule: LONG_MS },
  })
  const alive = setInterval(() => {}, 60_000)
  t.teardown(async () => {
    unsubscribe(CHANNELS.loopBlocked, note)
    clearInterval(alive)
    await runtime.stop()
  })
  const pid = await runtime.start(Slow, undefined, { name: 'slow' })
  await runtime.call(pid, atom('go'))
  t.match(
    log.filter(({ message }) => /held the event loop/.test(message)),
    [
      {
        level: 'warn',
        fields: { node: 'ts@here', name: ':slow', process: 'Slow', callback: 'handleCall', pid: String(pid) },
      },
    ],
  )
  t.match(events[0], { pid, name: atom('slow'), label: 'Slow', callback: 'handleCall' })
  t.ok((events[0]?.duration ?? 0) >= 3 * LONG_MS)

  // Outside of a slice: nobody is known to be it, but who is under way is told.
  runtime.cast(pid, atom('go'))
  const stood = (): LogLine | undefined =>
    log.find(({ message }) => /the event loop stood still/.test(message))
  while (stood() === undefined) await new Promise((resolve) => setTimeout(resolve, 10))
  t.match(stood()?.fields['suspects'], /^Slow\.handleCast #PID/)
  t.match(events.at(-1), { pid: undefined, suspects: [pid] })
})
