import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Test, test } from 'tap'
import { CHANNELS } from '../../src/core/diagnostics.ts'
import { atom, type Term } from '../../src/etf/index.ts'
import { type From, GenServer, reply } from '../../src/runtime/index.ts'
import { testRuntime } from './runtimes.ts'

class Echo extends GenServer<null> {
  init() {
    return null
  }
  override handleCall(request: Term, _from: From, state: null) {
    return reply(request, state)
  }
}

function listen(t: Test, name: string): Record<string, unknown>[] {
  const events: Record<string, unknown>[] = []
  const listener = (event: unknown): void => void events.push(event as Record<string, unknown>)
  subscribe(name, listener)
  t.teardown(() => unsubscribe(name, listener))
  return events
}

test('the names of the channels are fixed', async (t) => {
  t.same(CHANNELS, {
    processExit: 'beamjoin:process:exit',
    serverCall: 'beamjoin:server:call',
    supervisorChild: 'beamjoin:supervisor:child',
    distributedChild: 'beamjoin:distributed:child',
    distributedLookup: 'beamjoin:distributed:lookup',
    distributedCall: 'beamjoin:distributed:call',
    loopBlocked: 'beamjoin:loop:blocked',
  })
})

test('the end of a process is published with its reason', async (t) => {
  const events = listen(t, 'beamjoin:process:exit')
  const { runtime } = testRuntime(t)
  const pid = runtime.spawn(function worker(self) {
    self.exit(atom('boom'))
  })
  await runtime.client.whenDown(pid)
  t.match(events, [{ pid, reason: atom('boom'), label: 'worker' }])
})

test('a call is published after it was served', async (t) => {
  const events = listen(t, 'beamjoin:server:call')
  const { runtime } = testRuntime(t)
  const pid = await runtime.start(Echo)
  await runtime.call(pid, 'hi')
  t.match(events, [{ pid, label: 'Echo', request: 'hi', duration: 0 }])
})
