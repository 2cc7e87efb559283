/** `Supervisor` apart from the table of restart rules: order, start and shutdown, intensity, requests, nested trees. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Test, test } from 'tap'
import {
  type Atom,
  alias,
  atom,
  inspect,
  type Pid,
  type Term,
  type Tuple,
  tuple,
} from '../../src/etf/index.ts'
import { GenServer, ignore, type ServerClass, stop } from '../../src/runtime/index.ts'
import {
  type ChildSpecInput,
  DynamicSupervisor,
  Supervisor,
  type SupervisorOptions,
} from '../../src/supervisor/index.ts'
import { cluster, settled, type TestRuntime, testRuntime } from '../runtime/runtimes.ts'

const BOOM = atom('boom')
const KILL = atom('kill')
const NEVER = new Promise<never>(() => {})

interface WorkerArgs {
  readonly id?: string
  readonly events?: string[]
  readonly init?: (worker: Worker) => unknown
  readonly terminate?: () => Promise<void>
}

/** Traps exits, and says when it starts and ends. */
class Worker extends GenServer<WorkerArgs> {
  override async init(args: WorkerArgs = {}) {
    this.self.trapExit = true
    args.events?.push(`start ${args.id}`)
    return ((await args.init?.(this)) ?? args) as WorkerArgs
  }

  override async terminate(reason: Term, { events, id, terminate }: WorkerArgs) {
    await terminate?.()
    events?.push(`end ${id} ${inspect(reason)}`)
  }
}

/** Does not get through `init`, and traps no exits. */
class Hanging extends GenServer<null> {
  override init(): Promise<null> {
    return NEVER
  }
}

const modules = (module: Atom): ServerClass | undefined => (module === alias('Worker') ? Worker : undefined)

interface Supervised extends TestRuntime {
  readonly supervisor: Supervisor<Pid>
  readonly events: string[]
  /** The end of the supervisor. */
  readonly down: Promise<Term>
  pid(id: string): Promise<Pid>
}

/** A supervisor of the workers `ids`. */
async function supervised(
  t: Test,
  ids: string,
  options: SupervisorOptions = {},
  more: Partial<Record<string, WorkerArgs & { readonly spec?: Partial<ChildSpecInput> }>> = {},
): Promise<Supervised> {
  const made = testRuntime(t)
  const events: string[] = []
  const children = ids.split('').map((id) => {
    const { spec, ...args } = more[id] ?? {}
    return { id, start: [Worker, { id, events, ...args }], ...spec } as ChildSpecInput
  })
  const supervisor = await Supervisor.startLink(made.runtime.client, children, options)
  const down = made.runtime.client.whenDown(supervisor.pid)
  down.catch(() => {})
  return { ...made, supervisor, events, down, pid: (id) => pidOf(supervisor, id) }
}

async function pidOf(supervisor: Supervisor, id: Term): Promise<Pid> {
  return (await supervisor.whichChildren()).find((row) => row.id === id)?.pid as Pid
}

const flat = (term: Term): string => inspect(term)

test('children start in order and end in reverse order, one after the other', async (t) => {
  let letGo!: () => void
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const { supervisor, events } = await supervised(t, 'abc', {}, { b: { terminate: () => gate } })
  t.same(events.splice(0), ['start a', 'start b', 'start c'])
  const stopped = supervisor.stop()
  await settled()
  t.same(events, ['end c :shutdown'], 'a waits for b')
  letGo()
  await stopped
  t.same(events, ['end c :shutdown', 'end b :shutdown', 'end a :shutdown'])
})

test('one_for_all ends the others in reverse order and starts all in order', async (t) => {
  const { runtime, events, pid } = await supervised(t, 'abc', { strategy: 'oneForAll' })
  events.length = 0
  runtime.exit(await pid('b'), KILL)
  await settled()
  t.same(events, ['end c :shutdown', 'end a :shutdown', 'start a', 'start b', 'start c'])
})

test('rest_for_one leaves those before alone', async (t) => {
  const { runtime, events, pid } = await supervised(t, 'abcd', { strategy: 'restForOne' })
  events.length = 0
  runtime.exit(await pid('b'), KILL)
  await settled()
  t.same(events, ['end d :shutdown', 'end c :shutdown', 'start b', 'start c', 'start d'])
})

for (const [how, init, reason] of [
  ['stops', () => stop(BOOM), ':boom'],
  ['throws', () => Promise.reject(new Error('no')), /^\{%RuntimeError\{.*message: "Error: no"\}, \[/],
] as const) {
  test(`a child whose init ${how} ends those before it, and start_link fails`, async (t) => {
    const { runtime } = testRuntime(t)
    const events: string[] = []
    const starting = Supervisor.startLink(runtime.client, [
      { id: 'a', start: [Worker, { id: 'a', events }] },
      { id: 'b', start: [Worker, { init }] },
      { id: 'c', start: [Worker, { id: 'c', events }] },
    ])
    const error = (await starting.catch((thrown: unknown) => thrown)) as { code: string; reason: Tuple }
    t.equal(error.code, 'ERR_RUNTIME_INIT')
    t.equal(error.reason[0], atom('shutdown'))
    const [tag, id, why] = error.reason[1] as Tuple<[Term, Term, Term]>
    t.equal(tag, atom('failed_to_start_child'))
    t.equal(id, 'b')
    t.match(flat(why), reason)
    t.same(events, ['start a', 'end a :shutdown'])
    t.equal(runtime.processes().length, 1)
  })
}

test('a child that ignores is kept without a process, a temporary one is not', async (t) => {
  const init = (): unknown => ignore()
  const { supervisor } = await supervised(
    t,
    'abc',
    {},
    { b: { init }, c: { init, spec: { restart: 'temporary' } } },
  )
  t.match(await supervisor.whichChildren(), [{ id: 'b', pid: undefined }, { id: 'a' }])
  t.same(await supervisor.countChildren(), { specs: 2, active: 1, supervisors: 0, workers: 2 })
})

test('a child that hangs in init is waited for, or killed after its timeout', async (t) => {
  const { runtime, clock } = testRuntime(t)
  const children: ChildSpecInput[] = [{ id: 'slow', start: [Worker, { init: () => NEVER }], timeout: 100 }]
  const starting = Supervisor.startLink(runtime.client, children)
  const failed = t.rejects(starting, { code: 'ERR_RUNTIME_INIT' })
  await settled()
  t.equal(runtime.processes().length, 3, 'it waits')
  clock.advance(100)
  await failed
  t.equal(runtime.processes().length, 1)
})

test('a supervisor that waits for an init can be killed, and its children end with it', async (t) => {
  const { runtime } = testRuntime(t)
  const children: ChildSpecInput[] = [
    { id: 'a', start: [Worker] },
    { id: 'slow', start: [Hanging] },
  ]
  const starting = Supervisor.startLink(runtime.client, children, { name: 'sup' })
  const failed = t.rejects(starting, { code: 'ERR_RUNTIME_INIT', reason: atom('killed') })
  await settled()
  runtime.exit(runtime.whereis('sup') as Pid, KILL)
  await failed
  await settled()
  t.equal(runtime.processes().length, 1)
})

test('a child that hangs in terminate is killed after its shutdown time, and that is reported', async (t) => {
  const { supervisor, clock, log, events } = await supervised(
    t,
    'ab',
    {},
    { b: { terminate: () => NEVER, spec: { shutdown: 300 } } },
  )
  const stopped = supervisor.stop()
  await settled()
  t.same(events, ['start a', 'start b'])
  clock.advance(299)
  await settled()
  t.equal(log.length, 0)
  clock.advance(1)
  await stopped
  t.same(events.at(-1), 'end a :shutdown')
  t.match(log, [
    { message: 'a child did not end as it was told to', fields: { id: '"b"', reason: ':killed' } },
  ])
})

test('shutdown infinity waits, brutal_kill does not ask', async (t) => {
  const { supervisor, clock, events } = await supervised(
    t,
    'ab',
    {},
    {
      a: { terminate: () => settled(), spec: { shutdown: 'infinity' } },
      b: { spec: { shutdown: 'brutal_kill' } },
    },
  )
  await supervisor.terminateChild('b')
  t.equal(clock.pending, 0)
  await supervisor.terminateChild('a')
  t.same(events, ['start a', 'start b', 'end a :shutdown'])
})

test('more restarts than max_restarts in max_seconds end the supervisor with shutdown', async (t) => {
  const { runtime, clock, down, events, pid, log } = await supervised(t, 'ab', {
    maxRestarts: 2,
    maxSeconds: 5,
  })
  for (const wait of [0, 6000, 0]) {
    clock.advance(wait)
    runtime.exit(await pid('b'), KILL)
    await settled()
  }
  runtime.exit(await pid('b'), KILL)
  t.equal(await down, atom('shutdown'))
  t.equal(events.at(-1), 'end a :shutdown')
  t.ok(log.some(({ message }) => message.includes('too many restarts')))
})

test('a restart that fails is tried again, with requests served in between, and counts', async (t) => {
  let starts = 0
  const init = (): unknown => (++starts > 1 ? stop(BOOM) : undefined)
  const { runtime, down, pid } = await supervised(t, 'ab', { maxRestarts: 3 }, { b: { init } })
  runtime.exit(await pid('b'), KILL)
  t.equal(await down, atom('shutdown'))
  t.equal(starts, 4, 'the first start and three restarts')
})

test('a child that waits for its next restart is restarting, and can be terminated and restarted', async (t) => {
  let starts = 0
  const init = (): unknown => (++starts === 2 ? NEVER : undefined)
  const made = await supervised(t, 'ab', {}, { b: { init, spec: { timeout: 50 } } })
  const { runtime, supervisor, clock, pid } = made
  const asked: unknown[] = []
  runtime.exit(await pid('b'), KILL)
  await settled()
  const rows = supervisor.whichChildren()
  const restart = supervisor.restartChild('b').catch((error: { reason: Term }) => asked.push(error.reason))
  const deleted = supervisor.deleteChild('b').catch((error: { reason: Term }) => asked.push(error.reason))
  const ended = supervisor.terminateChild('b')
  clock.advance(50)
  t.match((await rows)[0], { id: 'b', pid: 'restarting' })
  await Promise.all([restart, deleted, ended])
  t.same(asked, [atom('restarting'), atom('restarting')])
  await settled()
  t.equal(starts, 2, 'it was not tried again')
  t.ok(runtime.isAlive(await supervisor.restartChild('b')))
})

test('rest_for_one: when another child fails in the restart, it is tried again from there', async (t) => {
  let starts = 0
  const init = (): unknown => (++starts === 2 ? stop(BOOM) : undefined)
  const { runtime, events, pid } = await supervised(t, 'abc', { strategy: 'restForOne' }, { c: { init } })
  events.length = 0
  runtime.exit(await pid('b'), KILL)
  await settled()
  t.same(events, ['end c :shutdown', 'start b', 'start c', 'start c'])
})

test('one_for_all: when another child fails in the restart, all are ended and started again', async (t) => {
  let starts = 0
  const init = (): unknown => (++starts === 2 ? stop(BOOM) : undefined)
  const { runtime, events, pid } = await supervised(t, 'abc', { strategy: 'oneForAll' }, { b: { init } })
  events.length = 0
  runtime.exit(await pid('c'), KILL)
  await settled()
  t.same(events, [
    'end b :shutdown',
    'end a :shutdown',
    'start a',
    'start b',
    'end a :shutdown',
    'start a',
    'start b',
    'start c',
  ])
})

test('one_for_all: only the child that failed last is restarting', async (t) => {
  const starts = { a: 0, b: 0 }
  const a = { init: () => (++starts.a === 3 ? NEVER : undefined), spec: { timeout: 50 } }
  const b = { init: () => (++starts.b === 2 ? stop(BOOM) : undefined) }
  const made = await supervised(t, 'ab', { strategy: 'oneForAll' }, { a, b })
  const { runtime, supervisor, clock, pid } = made
  runtime.exit(await pid('b'), KILL)
  await settled()
  t.equal(starts.a, 3, 'b failed, and now a hangs')
  const ended = supervisor.terminateChild('a')
  clock.advance(50)
  await ended
  await settled()
  t.match(await supervisor.whichChildren(), [
    { id: 'b', pid: undefined },
    { id: 'a', pid: undefined },
  ])
  t.ok(runtime.isAlive(await supervisor.restartChild('b')))
})

test('start_child, terminate_child, restart_child and delete_child answer as OTP', async (t) => {
  const { a, b } = cluster(t)
  await Supervisor.startLink(a.runtime.client, [], { name: 'sup', modules })
  const ask = async (...request: Term[]): Promise<string> => {
    const message = request.length === 1 ? request[0] : tuple(...request)
    return flat(await b.runtime.call(['sup', 'a@test'], message as Term))
  }
  const spec = (id: Term, more: Record<string, Term> = {}): Term => {
    const start = tuple(alias('Worker'), atom('start_link'), []) as Term
    const entries = Object.entries({ id, start, ...more })
    return new Map(entries.map(([key, value]) => [atom(key), value])) as Term
  }
  const START = atom('start_child')
  t.match(await ask(START, spec(1)), /^\{:ok, #PID<.*>\}$/)
  t.match(await ask(START, spec(1)), /^\{:error, \{:already_started, #PID/)
  t.match(await ask(atom('restart_child'), 1), '{:error, :running}')
  t.equal(await ask(atom('delete_child'), 1), '{:error, :running}')
  t.equal(await ask(atom('terminate_child'), 1), ':ok')
  t.equal(await ask(atom('which_children')), '[{1, :undefined, :worker, [Worker]}]')
  t.equal(await ask(atom('terminate_child'), 1), ':ok', 'also when it does not run')
  t.equal(await ask(START, spec(1)), '{:error, :already_present}')
  t.match(await ask(atom('restart_child'), 1), /^\{:ok, #PID/)
  t.match(await ask(atom('which_child'), 1), /^\{:ok, \{1, #PID<.*>, :worker, \[Worker\]\}\}$/)
  t.equal(await ask(atom('count_children')), '[specs: 1, active: 1, supervisors: 0, workers: 1]')
  const shown = await ask(atom('get_childspec'), 1)
  for (const part of ['id: 1', 'start: {Worker, :start_link, []}', 'significant: false', 'shutdown: 5000'])
    t.ok(shown.includes(part), part)
  t.equal(await ask(atom('terminate_child'), 1), ':ok')
  t.equal(await ask(atom('delete_child'), 1), ':ok')
  for (const request of ['terminate_child', 'restart_child', 'delete_child', 'get_childspec', 'which_child'])
    t.equal(await ask(atom(request), 1), '{:error, :not_found}')
  t.match(await ask(START, spec(2, { restart: atom('temporary') })), /^\{:ok, #PID/)
  t.equal(await ask(atom('terminate_child'), 2), ':ok')
  t.equal(await ask(atom('which_children')), '[]', 'a temporary child leaves nothing')
  t.equal(await ask(START, 5), '{:error, {:invalid_child_spec, 5}}')
  t.equal(await ask(START, new Map() as Term), '{:error, :missing_id}')
  t.equal(
    await ask(START, spec(3, { significant: true, restart: atom('transient') })),
    '{:error, {:bad_combination, [auto_shutdown: :never, significant: true]}}',
  )
  const undef = tuple(alias('Nope'), atom('start_link'), []) as Term
  t.equal(
    await ask(START, spec(4, { start: undef })),
    '{:error, {{:undef, Nope}, {:child, :undefined, 4, {Nope, :start_link, []}, :permanent, false, 5000, :worker, [Nope]}}}',
  )
  t.equal(await ask(atom('nonsense')), '{:error, {:invalid_request, :nonsense}}')
})

test('what was wrong with a request of plain code is an error with a code', async (t) => {
  const { supervisor, pid } = await supervised(t, 'a')
  const a = await pid('a')
  await t.rejects(supervisor.startChild({ id: 'a', start: [Worker] }), {
    code: 'ERR_SUPERVISOR_START_FAILED',
    reason: tuple(atom('already_started'), a),
  })
  await t.rejects(supervisor.deleteChild('a'), { code: 'ERR_SUPERVISOR_RUNNING' })
  await t.rejects(supervisor.restartChild('a'), {
    code: 'ERR_SUPERVISOR_START_FAILED',
    reason: atom('running'),
  })
  await t.rejects(supervisor.terminateChild('b'), { code: 'ERR_SUPERVISOR_NOT_FOUND' })
  await t.rejects(supervisor.getChildSpec('b'), { code: 'ERR_SUPERVISOR_NOT_FOUND' })
  const ignoring = { id: 'i', start: [Worker, { init: () => ignore() }] as const }
  await t.rejects(supervisor.startChild(ignoring), { code: 'ERR_SUPERVISOR_CHILD_IGNORED' })
  t.equal((await supervisor.getChildSpec('a')).get(atom('restart')), atom('permanent'))
})

test('children and options that cannot be are refused at once', async (t) => {
  const { runtime } = testRuntime(t)
  const start = (children: ChildSpecInput[], options?: object): Promise<unknown> =>
    Supervisor.startLink(runtime.client, children, options)
  await t.rejects(start([[Worker], [Worker]]), { code: 'ERR_SUPERVISOR_BAD_SPEC' })
  const significant: ChildSpecInput = { start: [Worker], significant: true, restart: 'transient' }
  await t.rejects(start([significant]), { code: 'ERR_SUPERVISOR_BAD_SPEC' })
  const permanent = { ...significant, restart: 'permanent' } as const
  await t.rejects(start([permanent], { autoShutdown: 'anySignificant' }), { code: 'ERR_SUPERVISOR_BAD_SPEC' })
  for (const options of [
    { strategy: 'one_for_one' },
    { autoShutdown: 'always' },
    { maxRestarts: -1 },
    { maxRestarts: 1.5 },
    { maxSeconds: 0 },
  ])
    await t.rejects(start([], options), { code: 'ERR_INVALID_OPTION' })
  await t.rejects(DynamicSupervisor.startLink(runtime.client, { maxChildren: -1 }), {
    code: 'ERR_INVALID_OPTION',
  })
})

test('supervisors nest: a subtree restarts as one child, and ends before its elder siblings', async (t) => {
  const { runtime } = testRuntime(t)
  const events: string[] = []
  const worker = (id: string): ChildSpecInput => ({ id, start: [Worker, { id, events }] })
  const supervisor = await Supervisor.startLink(runtime.client, [
    worker('a'),
    Supervisor.childSpec([worker('b'), worker('c')], { name: 'inner', maxRestarts: 0 }),
    DynamicSupervisor.childSpec({ name: 'dynamic', maxChildren: 1 }),
  ])
  t.same(await supervisor.countChildren(), { specs: 3, active: 3, supervisors: 2, workers: 1 })
  await DynamicSupervisor.at(runtime.client, 'dynamic').startChild(worker('d'))
  await t.rejects(DynamicSupervisor.at(runtime.client, 'dynamic').startChild(worker('e')), {
    code: 'ERR_SUPERVISOR_START_FAILED',
    reason: atom('max_children'),
  })
  const inner = runtime.whereis('inner') as Pid
  events.length = 0
  runtime.exit(await pidOf(Supervisor.at(runtime.client, 'inner'), 'b'), KILL)
  await settled()
  t.same(events.splice(0), ['end c :shutdown', 'start b', 'start c'])
  t.not(runtime.whereis('inner'), inner)
  runtime.exit(runtime.whereis('dynamic') as Pid, KILL)
  await settled()
  t.same(events.splice(0), ['end d :killed'], 'children of a supervisor that is killed end by their links')
  t.match(await DynamicSupervisor.at(runtime.client, 'dynamic').countChildren(), { specs: 0 })
  await supervisor.stop()
  t.same(events, ['end c :shutdown', 'end b :shutdown', 'end a :shutdown'])
  t.equal(runtime.processes().length, 1)
})

test('a supervisor can be started and asked by a server, which becomes its parent', async (t) => {
  const { runtime } = testRuntime(t)
  class Owner extends GenServer<Supervisor<Pid>> {
    override init() {
      return Supervisor.startLink(this.self, [[Worker]], { name: 'owned' })
    }
  }
  const owner = await runtime.start(Owner)
  t.same(runtime.processInfo(runtime.whereis('owned') as Pid)?.parent, owner)
  runtime.exit(owner, BOOM)
  await settled()
  t.equal(runtime.processes().length, 1)
})

test('names of children are registered before their init, and a name that is taken fails the start', async (t) => {
  const { runtime } = testRuntime(t)
  await Supervisor.startLink(runtime.client, [{ start: [Worker], name: 'worker' }])
  t.ok(runtime.whereis('worker'))
  const again = Supervisor.startLink(runtime.client, [{ start: [Worker], name: 'worker' }])
  await t.rejects(again, { code: 'ERR_RUNTIME_INIT' })
})

test('extra arguments of a dynamic supervisor come before those of the child', async (t) => {
  const { runtime } = testRuntime(t)
  const seen: unknown[] = []
  class Seeing extends GenServer<null> {
    override init(args: unknown) {
      seen.push(args)
      return null
    }
  }
  const supervisor = await DynamicSupervisor.startLink(runtime.client, { extraArguments: ['extra'] })
  await supervisor.startChild([Seeing, 'own'])
  const pid = await supervisor.startChild([Seeing])
  runtime.exit(pid, KILL)
  await settled()
  t.same(seen, [['extra', 'own'], 'extra', 'extra'], 'also after a restart')
})

test('a child that died unnoticed is ended without a report of noproc', async (t) => {
  const { runtime, supervisor, pid, log } = await supervised(
    t,
    'a',
    {},
    { a: { spec: { restart: 'temporary' } } },
  )
  const victim = await pid('a')
  // The exit message is behind this request in the mailbox of the supervisor.
  const ended = supervisor.terminateChild('a')
  runtime.exit(victim, KILL)
  await ended
  t.match(log, [{ message: 'a child did not end as it was told to', fields: { reason: ':killed' } }])
})

test('arguments that are no terms are not shown, and asking for them harms nobody', async (t) => {
  const { supervisor } = await supervised(t, 'a', {}, { a: { init: () => undefined } })
  const start = (await supervisor.getChildSpec('a')).get(atom('start'))
  t.equal(flat(start as Term), '{Worker, :start_link, :undefined}')
})

test('what happens to children is published on the diagnostics channel', async (t) => {
  const events: string[] = []
  const listen = (event: unknown): void => void events.push((event as { action: string }).action)
  subscribe('beamjoin:supervisor:child', listen)
  t.teardown(() => unsubscribe('beamjoin:supervisor:child', listen))
  const { runtime, supervisor, pid } = await supervised(t, 'a')
  runtime.exit(await pid('a'), KILL)
  await settled()
  await supervisor.terminateChild('a')
  t.same(events, ['started', 'restarted', 'terminated'])
})
