import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Test, test } from 'tap'
import { type Atom, alias, atom, type Pid, type Term, type Tuple, tuple } from '../../src/etf/index.ts'
import { GenServer, ignore, type ServerClass, stop } from '../../src/runtime/index.ts'
import {
  childSpecToTuple,
  type Restart,
  type Shutdown,
  toChildSpec,
} from '../../src/supervisor/child-spec.ts'
import { DynamicSupervisor, type DynamicSupervisorOptions } from '../../src/supervisor/dynamic-supervisor.ts'
import { cluster, settled, type TestRuntime, testRuntime } from '../runtime/runtimes.ts'

const NORMAL = atom('normal')
const SHUTDOWN = atom('shutdown')
const BOOM = atom('boom')

/** What `init` does is decided by the test. */
interface WorkerArgs {
  readonly init?: (worker: Worker) => unknown
  readonly terminate?: () => Promise<void>
}

class Worker extends GenServer<WorkerArgs | undefined> {
  async init(args: WorkerArgs | undefined) {
    return ((await args?.init?.(this)) ?? args) as WorkerArgs | undefined
  }

  override async terminate(_reason: Term, args: WorkerArgs | undefined) {
    await args?.terminate?.()
  }
}

const classes: Readonly<Record<string, ServerClass>> = { 'Elixir.Worker': Worker }
const modules = (module: Atom): ServerClass | undefined => classes[module.name]

interface Supervised extends TestRuntime {
  readonly supervisor: DynamicSupervisor<Pid>
  readonly down: Promise<Term>
}

async function supervised(t: Test, options: Partial<DynamicSupervisorOptions> = {}): Promise<Supervised> {
  const made = testRuntime(t)
  const supervisor = await DynamicSupervisor.startLink(made.runtime.client, { modules, ...options })
  return { ...made, supervisor, down: made.runtime.client.whenDown(supervisor.pid) }
}

const pids = async (supervisor: DynamicSupervisor<Pid>): Promise<Pid[]> =>
  (await supervisor.whichChildren()).map(({ pid }) => pid as Pid)
const charged = (term: Term): unknown[] => [...(term as Tuple)]

test('start_child starts a linked child and which_children, count_children show it', async (t) => {
  const { runtime, supervisor } = await supervised(t)
  const pid = await supervisor.startChild([Worker])
  t.ok(runtime.isAlive(pid))
  t.same(runtime.processInfo(pid)?.links, [supervisor.pid])
  t.same(await supervisor.countChildren(), { specs: 1, active: 1, supervisors: 0, workers: 1 })
  t.match(await supervisor.whichChildren(), [
    { id: atom('undefined'), pid, type: 'worker', modules: [alias('Worker')] },
  ])
})

test('an Elixir node gets the replies of DynamicSupervisor', async (t) => {
  const { a, b } = cluster(t)
  const supervisor = await DynamicSupervisor.startLink(a.runtime.client, { modules, name: 'ds' })
  const ask = (request: Term): Promise<Term> => b.runtime.call(['ds', 'a@test'], request)
  const start = (spec: Term): Promise<Term> => ask(tuple(atom('start_child'), spec) as Term)
  const spec = childSpecToTuple(toChildSpec({ start: [Worker], shutdown: 10 })) as Term
  const [ok, pid] = charged(await start(spec)) as [Term, Pid]
  t.equal(ok, atom('ok'))
  t.ok(supervisor.pid.node === pid.node && a.runtime.isAlive(pid))
  const [row] = (await ask(atom('which_children'))) as Term[]
  t.equal(String(row), `{undefined, ${pid}, worker, Elixir.Worker}`)
  t.equal(String(await ask(atom('count_children'))), '{specs, 1},{active, 1},{supervisors, 0},{workers, 1}')
  const map = new Map<Term, Term>([
    [atom('id'), 1],
    [atom('start'), tuple(alias('Worker'), atom('start_link'), []) as Term],
  ])
  t.equal(charged(await start(map))[0], atom('ok'))
  t.equal(String(await start(5)), '{error, {invalid_child_spec, 5}}')
  const missing = toChildSpec({ start: ['Elixir.Nope', 'start_link', []] })
  t.equal(String(await start(childSpecToTuple(missing) as Term)), '{error, {undef, Elixir.Nope}}')
  t.equal(await ask(tuple(atom('terminate_child'), pid) as Term), atom('ok'))
  t.equal(String(await ask(tuple(atom('terminate_child'), pid) as Term)), '{error, not_found}')
  t.equal(String(await ask(atom('nonsense'))), '{error, {invalid_request, nonsense}}')
})

test('a child that fails in init is not kept and its reason is told', async (t) => {
  const { supervisor, log } = await supervised(t)
  const failing = supervisor.startChild([Worker, { init: () => stop(BOOM) }])
  await t.rejects(failing, { code: 'ERR_SUPERVISOR_START_FAILED', reason: BOOM })
  await t.rejects(supervisor.startChild([Worker, { init: () => ignore() }]), {
    code: 'ERR_SUPERVISOR_CHILD_IGNORED',
  })
  t.match(await supervisor.countChildren(), { specs: 0 })
  t.same(log, [])
})

test('more than max_children are refused', async (t) => {
  const { supervisor } = await supervised(t, { maxChildren: 1 })
  const pid = await supervisor.startChild([Worker])
  await t.rejects(supervisor.startChild([Worker]), {
    code: 'ERR_SUPERVISOR_START_FAILED',
    reason: atom('max_children'),
  })
  await supervisor.terminateChild(pid)
  await supervisor.startChild([Worker])
})

const RESTART_TABLE: Readonly<Record<Restart, Readonly<Record<string, boolean>>>> = {
  permanent: { normal: true, shutdown: true, '{shutdown, x}': true, boom: true, killed: true },
  transient: { normal: false, shutdown: false, '{shutdown, x}': false, boom: true, killed: true },
  temporary: { normal: false, shutdown: false, '{shutdown, x}': false, boom: false, killed: false },
}

const REASONS: Readonly<Record<string, Term>> = {
  normal: NORMAL,
  shutdown: SHUTDOWN,
  '{shutdown, x}': tuple(SHUTDOWN, 'x') as Term,
  boom: BOOM,
}

for (const restart of ['permanent', 'transient', 'temporary'] as const) {
  for (const [reason, restarts] of Object.entries(RESTART_TABLE[restart])) {
    test(`a ${restart} child that exits with ${reason} is ${restarts ? 'restarted' : 'dropped'}`, async (t) => {
      const exited: [Pid, Term, boolean][] = []
      const { runtime, supervisor } = await supervised(t, {
        onChildExited: (pid, _spec, why, again) => exited.push([pid, why, again]),
      })
      const pid = await supervisor.startChild({ start: [Worker], restart })
      if (reason === 'killed') runtime.exit(pid, atom('kill'))
      else await runtime.stopServer(pid, REASONS[reason])
      await settled()
      const left = await pids(supervisor)
      t.equal(left.length, restarts ? 1 : 0)
      t.not(left[0], pid)
      if (restarts) t.ok(runtime.isAlive(left[0] as Pid))
      t.same(exited, [[pid, REASONS[reason] ?? atom('killed'), restarts]])
    })
  }
}

test('a crash is reported, an orderly end of a transient child is not', async (t) => {
  const { runtime, supervisor, log } = await supervised(t)
  const one = await supervisor.startChild({ start: [Worker], restart: 'transient' })
  await runtime.stopServer(one, SHUTDOWN)
  await settled()
  t.same(log, [])
  const two = await supervisor.startChild({ start: [Worker], restart: 'transient' })
  runtime.exit(two, BOOM)
  await settled()
  t.match(log, [
    { level: 'error', message: 'a child ended', fields: { child: String(two), reason: ':boom' } },
  ])
})

test('more restarts than max_restarts end the supervisor with shutdown, and its children', async (t) => {
  const { runtime, supervisor, down } = await supervised(t, { maxRestarts: 2, maxSeconds: 5 })
  const sibling = await supervisor.startChild([Worker])
  let victim = await supervisor.startChild([Worker])
  for (let i = 0; i < 2; i++) {
    runtime.exit(victim, BOOM)
    await settled()
    victim = (await pids(supervisor)).find((pid) => pid !== sibling) as Pid
    t.ok(runtime.isAlive(victim))
  }
  runtime.exit(victim, BOOM)
  t.equal(await down, SHUTDOWN)
  t.notOk(runtime.isAlive(sibling))
})

test('restarts that are far apart do not add up', async (t) => {
  const { runtime, clock, supervisor } = await supervised(t, { maxRestarts: 1, maxSeconds: 5 })
  await supervisor.startChild([Worker])
  for (let i = 0; i < 5; i++) {
    runtime.exit((await pids(supervisor))[0] as Pid, BOOM)
    await settled()
    clock.advance(5001)
  }
  t.ok(runtime.isAlive(supervisor.pid))
})

test('a restart that fails in init is tried again, and counts', async (t) => {
  const { runtime, supervisor, down } = await supervised(t, { maxRestarts: 3 })
  let starts = 0
  const init = (): unknown => (++starts === 1 ? undefined : stop(BOOM))
  const pid = await supervisor.startChild([Worker, { init }])
  runtime.exit(pid, BOOM)
  t.equal(await down, SHUTDOWN)
  t.equal(starts, 1 + 3)
})

test('a restart that fails once succeeds the next time', async (t) => {
  const { runtime, supervisor } = await supervised(t)
  let starts = 0
  const init = (): unknown => (++starts === 2 ? stop(BOOM) : undefined)
  const pid = await supervisor.startChild([Worker, { init }])
  runtime.exit(pid, BOOM)
  await settled()
  t.equal(starts, 3)
  t.match(await supervisor.countChildren(), { specs: 1, active: 1 })
})

test('a child that waits for its next restart is restarting, and can be terminated', async (t) => {
  const { runtime, supervisor } = await supervised(t)
  let starts = 0
  let pid: Pid
  let asked: Promise<void> | undefined
  let rows: Term | undefined
  const init = (): unknown => {
    if (++starts === 1) return undefined
    // These reach the supervisor before it sends itself the message to try again.
    void runtime.call(supervisor.pid, atom('which_children')).then((got) => {
      rows = got
    })
    asked = supervisor.terminateChild(pid)
    return stop(BOOM)
  }
  pid = await supervisor.startChild([Worker, { init }])
  runtime.exit(pid, BOOM)
  await settled()
  await asked
  t.equal((rows as Tuple[])[0]?.[1], atom('restarting'))
  t.equal(starts, 2, 'it was not tried again')
  t.match(await supervisor.countChildren(), { specs: 0 })
})

test('a restart that ignores drops the child', async (t) => {
  const { runtime, supervisor } = await supervised(t)
  let starts = 0
  const init = (): unknown => (++starts === 1 ? undefined : ignore())
  const pid = await supervisor.startChild([Worker, { init }])
  runtime.exit(pid, BOOM)
  await settled()
  t.same(await pids(supervisor), [])
})

/** A child that traps exits and does not end before the promise. */
function stubborn(until: Promise<void>): WorkerArgs {
  return {
    init: (worker) => {
      worker.self.trapExit = true
      return undefined
    },
    terminate: () => until,
  }
}

const forever = new Promise<void>(() => {})

test('terminate_child ends a child with shutdown and does not restart it', async (t) => {
  const { runtime, supervisor } = await supervised(t)
  const pid = await supervisor.startChild([Worker])
  const down = runtime.client.whenDown(pid)
  await supervisor.terminateChild(pid)
  t.equal(await down, SHUTDOWN)
  await settled()
  t.same(await pids(supervisor), [])
  await t.rejects(supervisor.terminateChild(pid), { code: 'ERR_SUPERVISOR_NOT_FOUND' })
})

test('a child that does not end within its shutdown time is killed', async (t) => {
  const { runtime, clock, supervisor, log } = await supervised(t)
  const pid = await supervisor.startChild({ start: [Worker, stubborn(forever)], shutdown: 300 })
  const down = runtime.client.whenDown(pid)
  const terminated = supervisor.terminateChild(pid)
  await settled()
  clock.advance(299)
  await settled()
  t.ok(runtime.isAlive(pid))
  clock.advance(1)
  t.equal(await down, atom('killed'))
  await terminated
  t.match(log, [{ message: 'a child did not end as it was told to' }])
})

test('shutdown infinity waits as long as it takes', async (t) => {
  let finish: (() => void) | undefined
  const until = new Promise<void>((resolve) => {
    finish = resolve
  })
  const { runtime, clock, supervisor } = await supervised(t)
  const pid = await supervisor.startChild({ start: [Worker, stubborn(until)], shutdown: 'infinity' })
  const terminated = supervisor.terminateChild(pid)
  await settled()
  clock.advance(1_000_000)
  await settled()
  t.ok(runtime.isAlive(pid))
  finish?.()
  await terminated
  t.notOk(runtime.isAlive(pid))
})

test('brutal_kill does not ask', async (t) => {
  const { runtime, supervisor, log } = await supervised(t)
  const pid = await supervisor.startChild({ start: [Worker, stubborn(forever)], shutdown: 'brutal_kill' })
  const down = runtime.client.whenDown(pid)
  await supervisor.terminateChild(pid)
  t.equal(await down, atom('killed'))
  t.same(log, [])
})

test('when the supervisor stops its children end at the same time, each with its own patience', async (t) => {
  const { runtime, clock, supervisor, down } = await supervised(t)
  const start = (shutdown: Shutdown): Promise<Pid> =>
    supervisor.startChild({ start: [Worker, stubborn(forever)], shutdown })
  const [short, long] = [await start(100), await start(300)]
  const gentle = await supervisor.startChild([Worker])
  const stopped = supervisor.stop()
  await settled()
  t.notOk(runtime.isAlive(gentle))
  clock.advance(100)
  await settled()
  t.notOk(runtime.isAlive(short))
  t.ok(runtime.isAlive(long))
  clock.advance(200)
  await stopped
  t.notOk(runtime.isAlive(long))
  t.equal(await down, SHUTDOWN)
  t.equal(clock.pending, 0)
})

test('the children of a supervisor end with its parent', async (t) => {
  const { runtime } = testRuntime(t)
  let parent!: Pid
  const supervisor = await new Promise<DynamicSupervisor<Pid>>((resolve) => {
    parent = runtime.spawn(async (self) => {
      resolve(await DynamicSupervisor.startLink(self, { modules }))
      await self.receive()
    })
  })
  const pid = await supervisor.startChild([Worker])
  const down = runtime.client.whenDown(supervisor.pid)
  runtime.exit(parent, BOOM)
  t.equal(await down, BOOM)
  t.notOk(runtime.isAlive(pid))
})

test('runtime.stop ends supervisors in order', async (t) => {
  const { runtime, supervisor, clock, log } = await supervised(t)
  let ended = false
  await supervisor.startChild([
    Worker,
    stubborn(
      settled().then(() => {
        ended = true
      }),
    ),
  ])
  await runtime.stop()
  t.ok(ended)
  t.equal(clock.pending, 0)
  t.same(log, [])
})

test('an exit of a process that is no child is ignored', async (t) => {
  const { runtime, supervisor, log } = await supervised(t)
  runtime.spawn((self) => self.exit(supervisor.pid, BOOM))
  runtime.send(supervisor.pid, 'nonsense')
  runtime.cast(supervisor.pid, 'nonsense')
  await settled()
  t.ok(runtime.isAlive(supervisor.pid))
  t.equal(log.length, 2)
})

test('the plan decides arguments and name, and a plan that throws fails the start', async (t) => {
  const { runtime, supervisor } = await supervised(t, {
    plan: (spec) => {
      const [name] = spec.start.args
      if (typeof name !== 'string') throw new TypeError('a name is needed')
      return { args: undefined, name }
    },
  })
  const start = (args: Term[]): Promise<Pid> =>
    supervisor.startChild({ start: ['Elixir.Worker', 'start_link', args] })
  const pid = await start(['one'])
  t.equal(runtime.whereis('one'), pid)
  await t.rejects(start(['one']), {
    code: 'ERR_SUPERVISOR_START_FAILED',
    reason: tuple(atom('already_started'), pid),
  })
  await t.rejects(start([]), { code: 'ERR_SUPERVISOR_START_FAILED' })
  t.ok(runtime.isAlive(supervisor.pid))
})

test('listeners hear of starts and ends, and one that throws harms nobody', async (t) => {
  const heard: string[] = []
  const { runtime, supervisor, log } = await supervised(t, {
    onChildStarted: () => {
      heard.push('started')
      throw new Error('oops')
    },
    onChildExited: (_pid, _spec, _reason, restarts) => {
      heard.push(restarts ? 'restarts' : 'ends')
      throw new Error('oops')
    },
  })
  const pid = await supervisor.startChild([Worker])
  runtime.exit(pid, BOOM)
  await settled()
  await supervisor.terminateChild((await pids(supervisor))[0] as Pid)
  t.same(heard, ['started', 'restarts', 'started', 'ends'])
  t.equal(log.filter(({ message }) => message === 'a listener of a supervisor threw').length, 4)
})

test('what happens to children is published on the diagnostics channel', async (t) => {
  const events: string[] = []
  const listen = (event: unknown): void => void events.push((event as { action: string }).action)
  subscribe('beamjoin:supervisor:child', listen)
  t.teardown(() => unsubscribe('beamjoin:supervisor:child', listen))
  const { runtime, supervisor } = await supervised(t)
  const pid = await supervisor.startChild([Worker])
  runtime.exit(pid, BOOM)
  await settled()
  await supervisor.terminateChild((await pids(supervisor))[0] as Pid)
  t.same(events, ['started', 'restarted', 'terminated'])
})
