/** Threads behind one process. */
import { test } from 'tap'
import { systemClock } from '../../src/core/index.ts'
import { atom, inspect, Pid, type Term, tuple } from '../../src/etf/index.ts'
import { type CallError, Runtime } from '../../src/runtime/index.ts'
import { threadPool } from '../../src/supervisor/index.ts'
import { type LogLine, recordingLogger, Wire } from '../runtime/runtimes.ts'

const MODULE = new URL('../runtime/threads/worker.ts', import.meta.url)
const PID = atom('pid')

test('a pool spreads calls, bounds its queue, and replaces members', async (t) => {
  const log: LogLine[] = []
  const logger = recordingLogger(log)
  const options = { node: atom('ts@here'), creation: 1, router: new Wire(), clock: systemClock, logger }
  const runtime = new Runtime(options)
  const alive = setInterval(() => {}, 60_000)
  t.teardown(async () => {
    await runtime.stop({ timeout: 500 })
    clearInterval(alive)
  })
  const Pool = threadPool(MODULE, { size: 2, queueLimit: 1, name: 'Workers' })
  const pool = await runtime.start(Pool, {}, { name: 'pool' })
  t.equal(runtime.processInfo(pool)?.label, 'Workers')
  const pids = [await runtime.call('pool', PID), await runtime.call('pool', PID)] as Pid[]
  t.not(pids[0]?.key, pids[1]?.key, 'both answered')

  const first = runtime.call('pool', atom('loop'), { timeout: 'infinity' }).catch((error: CallError) => error)
  t.ok(await runtime.call('pool', PID), 'the other one answers meanwhile')
  const second = runtime
    .call('pool', atom('loop'), { timeout: 'infinity' })
    .catch((error: CallError) => error)
  const waits = runtime.call('pool', PID, { timeout: 'infinity' })
  const refused = await runtime.call('pool', PID).catch((error: CallError) => error)
  t.match(refused, { code: 'exit', reason: atom('overloaded') })
  t.ok(runtime.isAlive(pool))

  runtime.exit(pids[0] as Pid, atom('kill'))
  const failed = await Promise.race([first, second])
  t.match(failed, { code: 'exit', reason: atom('killed') }, 'the caller of the member that died hears why')
  const replacement = (await waits) as Pid
  t.notOk(
    pids.some((pid) => pid.equals(replacement)),
    'a new member takes what waited',
  )
  runtime.exit(pids[1] as Pid, atom('kill'))
  await Promise.all([first, second])
  t.equal(await runtime.call('pool', tuple(atom('echo'), 'through the pool')), 'through the pool')
  t.match(inspect(await runtime.client.request(atom('system'), 'pool', atom('get_status'))), /members:/)
  t.ok(log.some(({ message }) => message === 'a thread of a pool ended'))

  const members = runtime.processInfo(pool)?.links.length
  t.equal(members, 2)
  await runtime.stopServer('pool')
  t.equal(runtime.processes().length, 1, 'its members end with it')
})

test('a pool whose members do not start does not start, and leaves none behind', async (t) => {
  const runtime = new Runtime({ node: atom('ts@here'), creation: 1, router: new Wire(), clock: systemClock })
  const alive = setInterval(() => {}, 60_000)
  t.teardown(() => clearInterval(alive))
  const failure = await runtime
    .start(threadPool(MODULE, { size: 2 }), { mode: 'stop' })
    .catch((error: { reason: Term }) => inspect(error.reason))
  t.equal(failure, '{:no, "good"}')
  t.equal(runtime.processes().length, 1)
  for (const options of [
    { size: 0 },
    { concurrency: 1.5 },
    { queueLimit: -1 },
    { routing: 'random' as never },
  ]) {
    t.throws(() => threadPool(MODULE, options), { code: 'ERR_INVALID_OPTION' })
  }
})

test('callers that gave up leave their places in the queue, and a member that starts keeps nobody waiting', async (t) => {
  const runtime = new Runtime({ node: atom('ts@here'), creation: 1, router: new Wire(), clock: systemClock })
  const alive = setInterval(() => {}, 60_000)
  t.teardown(async () => {
    await runtime.stop({ timeout: 500 })
    clearInterval(alive)
  })
  const Pool = threadPool(MODULE, { size: 2, queueLimit: 1 })
  await runtime.start(Pool, {}, { name: 'pool' })
  const pids = [await runtime.call('pool', PID), await runtime.call('pool', PID)] as Pid[]
  const loops = pids.map(() =>
    runtime.call('pool', atom('loop'), { timeout: 'infinity' }).catch(() => 'ended'),
  )
  const giveUp = new AbortController()
  const given = runtime.call('pool', PID, { signal: giveUp.signal }).catch(() => 'given up')
  await runtime.client.request(atom('system'), 'pool', atom('get_state'))
  giveUp.abort()
  t.equal(await given, 'given up')
  const waits = runtime.call('pool', PID, { timeout: 'infinity' })
  runtime.exit(pids[0] as Pid, atom('kill'))
  const asked = runtime.client.request(atom('system'), 'pool', atom('get_state')).then(() => 'answered')
  t.equal(await Promise.race([asked, waits]), 'answered', 'while the new member starts')
  t.ok((await waits) instanceof Pid)
  runtime.exit(pids[1] as Pid, atom('kill'))
  await Promise.all(loops)
  await runtime.stopServer('pool')
  t.equal(runtime.processes().length, 1, 'also the member that was starting ends with it')
})

test('limits of a pool that make no sense are refused', async (t) => {
  for (const options of [
    { maxRestarts: Number.NaN },
    { maxRestarts: -1 },
    { maxSeconds: 0 },
    { maxSeconds: Number.NaN },
    { shutdown: Number.NaN },
    { shutdown: -1 },
    { queueLimit: Number.NaN },
    { size: 0 },
  ]) {
    t.throws(() => threadPool(MODULE, options), { code: 'ERR_INVALID_OPTION' }, JSON.stringify(options))
  }
})
