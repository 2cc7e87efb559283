/** How threads end, and how they do not start: each with a reason that says so. */
import { pathToFileURL } from 'node:url'
import { test } from 'tap'
import { atom, inspect, type Pid, type Term, tuple } from '../../../src/etf/index.ts'
import {
  type CallError,
  InitError,
  type ServerClass,
  type ThreadOptions,
  thread,
} from '../../../src/runtime/index.ts'
import { DynamicSupervisor } from '../../../src/supervisor/index.ts'
import { down, Echo, MODULE, world } from './world.ts'

test('a thread that loops for ever holds nobody up, and is killed', async (t) => {
  const { runtime, start } = world(t)
  const pid = await start()
  const sibling = await start()
  const call = runtime.call(pid, atom('loop'), { timeout: 'infinity' })
  t.equal(await runtime.call(sibling, tuple(atom('echo'), 1)), 1)
  const reason = down(runtime, pid)
  runtime.exit(pid, atom('kill'))
  t.equal(await reason, atom('killed'))
  await t.rejects(call, { code: 'exit', reason: atom('killed') })
  t.equal(await runtime.call(sibling, tuple(atom('echo'), 2)), 2)
})

test('the end of a thread has a reason that says what happened', async (t) => {
  const { runtime, start, log } = world(t)
  const ends: readonly (readonly [request: string, options: ThreadOptions, reason: RegExp])[] = [
    ['exit_process', {}, /^\{:thread_exit, 3\}$/],
    [
      'throw_later',
      {},
      /^\{%RuntimeError\{__exception__: true, message: "RangeError: outside of a callback"\}, \[\{/,
    ],
    [
      'eat',
      { resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 8 } },
      /^\{:memory_limit, \[max_old_generation_size_mb: 24, max_young_generation_size_mb: 8\]\}$/,
    ],
  ]
  for (const [request, options, expected] of ends) {
    const pid = await start({}, options)
    const call = runtime.call(pid, atom(request), { timeout: 'infinity' }).catch((error: CallError) => error)
    const reason = inspect(await down(runtime, pid))
    t.match(reason, expected)
    t.equal(inspect(((await call) as CallError).reason), reason)
  }
  t.ok(log.some(({ message }) => message === 'a thread ended with an error'))
  const pid = await start()
  const crashed = down(runtime, pid)
  runtime.cast(pid, atom('crash'))
  t.match(
    inspect(await crashed),
    /^\{%RuntimeError\{__exception__: true, message: "Error: crashed in the thread"\}, \[\{Worker, :handleCast/,
  )
})

test('a start that fails says why, as that of any server', async (t) => {
  const { runtime, start } = world(t)
  const failure = async (server: ServerClass, args?: unknown, options = {}): Promise<string> => {
    try {
      await runtime.start(server, args, options)
      return 'started'
    } catch (error) {
      if (error instanceof InitError) return inspect(error.reason)
      throw error
    }
  }
  const here = (path: string): ServerClass => thread(new URL(path, import.meta.url))
  const Worker = thread(MODULE)
  const folder = t.testdir({ 'broken.js': 'export default class {' })
  t.equal(await failure(Worker, { mode: 'ignore' }), ':ignore')
  t.equal(await failure(Worker, { mode: 'stop' }), '{:no, "good"}')
  t.match(
    await failure(Worker, { mode: 'throw' }),
    /RuntimeError\{__exception__: true, message: "TypeError: init threw"\}/,
  )
  t.equal(await failure(Worker, { mode: 'exit' }), '{:thread_exit, 7}')
  t.equal(await failure(Worker, { mode: 'hang' }, { timeout: 300 }), ':timeout')
  t.equal(await failure(Worker, { mode: 'loop' }, { timeout: 300 }), ':timeout')
  t.match(
    await failure(here('./not-there.js')),
    /RuntimeError\{__exception__: true, message: "Error: the module .* cannot run in a thread/,
  )
  t.match(await failure(thread(pathToFileURL(`${folder}/broken.js`))), /SyntaxError/)
  t.match(await failure(here('../runtimes.ts')), /no class that extends GenServer/)
  t.match(await failure(Worker, { port: process }), /could not be cloned|DataCloneError/)
  const holder = await runtime.start(Echo, undefined, { name: 'taken' })
  t.equal(
    await failure(Worker, {}, { name: 'taken' }),
    inspect(tuple(atom('already_started'), holder) as Term),
  )
  t.throws(() => thread('./renderer.js'), { code: 'ERR_INVALID_OPTION' })
  t.equal(runtime.processes().length, 2, 'nothing is left but the holder and the client')
  const named = await runtime.start(Worker, {}, { name: 'named' })
  t.ok(named.equals(runtime.whereis('named')))
  t.ok(await start())
})

test('a thread that does not end within the shutdown time is killed, whatever it does', async (t) => {
  const { runtime, log } = world(t)
  const supervisor = await DynamicSupervisor.startLink(runtime.client, { modules: () => thread(MODULE) })
  const start = async (tag: Term, shutdown: number): Promise<Pid> => {
    const args = { trap: true, tag }
    return supervisor.startChild({
      start: [thread(MODULE, { name: 'Stubborn' }), args as never],
      shutdown,
      restart: 'temporary',
    })
  }
  const stubborn = await start(atom('stubborn'), 300)
  const reason = down(runtime, stubborn)
  await supervisor.terminateChild(stubborn)
  t.equal(await reason, atom('killed'))
  t.ok(log.some(({ message }) => /did not end as it was told/.test(message)))
  const orderly = await start(atom('calm'), 20_000)
  const ended = down(runtime, orderly)
  await supervisor.terminateChild(orderly)
  t.equal(await ended, atom('shutdown'))
  await supervisor.stop()
})
