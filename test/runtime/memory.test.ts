/** What a process takes while it does nothing; `npm run bench:runtime` measures a hundred thousand of them. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { test } from 'tap'
import { atom, type Pid } from '../../src/etf/index.ts'
import { GenServer, reply } from '../../src/runtime/index.ts'
import { DynamicSupervisor } from '../../src/supervisor/index.ts'
import { testRuntime } from './runtimes.ts'

class Idle extends GenServer<number> {
  override init(): number {
    return 0
  }

  override handleCall(_request: unknown, _from: unknown, state: number) {
    return reply(state, state)
  }
}

const COUNT = 5000
const MOST_BYTES = 2048

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function usedBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
  }
  return process.memoryUsage().heapUsed
}

test('an idle server takes at most 2 KiB, supervised and after a call as well', async (t) => {
  const { runtime } = testRuntime(t)
  const supervisor = await DynamicSupervisor.startLink(runtime.client)
  // What is made once is not counted.
  await runtime.call(await supervisor.startChild([Idle]), atom('get'))
  const pids: Pid[] = []
  const before = await usedBytes()
  for (let i = 0; i < COUNT; i++) pids.push(await supervisor.startChild([Idle]))
  for (const pid of pids) await runtime.call(pid, atom('get'))
  const each = ((await usedBytes()) - before) / COUNT
  t.ok(each < MOST_BYTES, `${Math.round(each)} bytes`)
  t.ok(each > 100, 'they are there')
  t.equal(runtime.processes().length, COUNT + 3)
})
