import { test } from 'tap'
import {
  alias,
  atom,
  type Encodable,
  type Pid,
  Reference,
  type Term,
  type Tuple,
  tuple,
} from '../../src/etf/index.ts'
import type { ServerClass } from '../../src/runtime/index.ts'
import { HashRing } from '../../src/supervisor/hash-ring.ts'
import type { DistributedSupervisor } from '../../src/supervisor/index.ts'
import { parsePeerMessage } from '../../src/supervisor/peer-messages.ts'
import { specsIn } from '../../src/supervisor/remote-specs.ts'
import { MemoryCluster } from '../support/memory-cluster.ts'
import { add, counterClass, nameOn, type Start, supervise } from './distributed.ts'

const DS = alias('DS')
const MGS = alias('MGS')
const DYNAMIC_SUPERVISOR = alias('DynamicSupervisor')

/** What an Elixir node sends to start a child. */
function wireSpec(module: Term, args: Term[], more: [string, Term][] = []): Map<Term, Term> {
  const entries: [string, Term][] = [
    ['id', 1],
    ['start', tuple(module, atom('start_link'), args) as Term],
    ...more,
  ]
  return new Map(entries.map(([key, value]) => [atom(key), value]))
}

function via(name: Term, registry = 'DistributedSupervisor.Registry'): Term {
  return tuple(atom('via'), alias(registry), tuple(DS, name)) as Term
}

test('one node: a child is started, found, called and ended', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const starts: Start[] = []
  const Counter = counterClass(starts)
  const ds = await cluster.during(supervise(a, { modules: { MyGenServer: Counter } }))
  t.equal(ds.name, DS)
  const { pid, name } = await cluster.during(ds.startChild([Counter, { name: MGS, start: 5, colour: 'red' }]))
  t.equal(name, MGS)
  t.same(starts, [{ pid, options: { start: 5, colour: 'red' } }])
  t.equal(await ds.whereis(MGS), pid)
  t.equal(await ds.whois(pid), MGS)
  t.equal(await ds.call(MGS, 'get'), 5)
  ds.cast(MGS, add(2))
  t.ok(ds.send(MGS, 'anything'))
  t.equal(await ds.call(MGS, 'get'), 107)
  t.equal(await a.call(ds.viaName(MGS), 'get'), 107)
  t.same([...(await ds.children())], [[MGS, pid]])
  t.same(ds.localChildren(), [pid])
  const { spec } = (await ds.childSpecs()).get(MGS) ?? {}
  t.equal(spec?.start.module, alias('MyGenServer'))
  t.equal(spec?.restart, 'permanent')
  await cluster.during(ds.terminateChild(pid))
  t.equal(await ds.whereis(MGS), undefined)
  t.equal(await ds.whois(pid), undefined)
  t.same(ds.localChildren(), [])
  t.notOk(ds.send(MGS, 'anything'))
  ds.cast(MGS, 'to nobody')
  await t.rejects(ds.call(MGS, 'get'), { code: 'noproc' })
  await t.rejects(cluster.during(ds.terminateChild(pid)), { code: 'ERR_SUPERVISOR_NOT_FOUND' })
  await t.rejects(ds.terminateChild(undefined), { code: 'ERR_SUPERVISOR_NOT_FOUND' })
})

test('names may be any term; without one a fresh reference is made', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const Counter = counterClass()
  const ds = await cluster.during(supervise(a, { modules: { Counter } }))
  const names = [atom('ds'), 'text', 5, null, tuple(atom('user'), [1]), { room: 1 }, true, 1.5] as const
  for (const name of names) {
    const started = await cluster.during(ds.startChild([Counter, { name, start: 1 }]))
    t.same(await ds.whereis(name), started.pid)
    t.equal(await ds.call(name, 'get'), 1)
  }
  t.same(await ds.whereis(new Map([[atom('room'), 1]])), await ds.whereis({ room: 1 }))
  const { name, pid } = await cluster.during(ds.startChild(Counter))
  t.type(name, Reference)
  t.same(await ds.whereis(name), pid)
  t.equal((await ds.children()).size, names.length + 1)
})

test('a child can be written in several ways', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const starts: Start[] = []
  const Counter = counterClass(starts)
  const ds = await cluster.during(supervise(a, { modules: { 'My.Counter': Counter } }))
  for (const child of [
    [Counter, { name: 1 }],
    ['My.Counter', { name: 2, start: 2 }],
    [alias('My.Counter'), { name: 3 }],
    { start: [Counter, { name: 4, restart: 'temporary' }], shutdown: 'brutal_kill' },
    { start: ['My.Counter', 'start_link', { name: 5 }] },
    [Counter, { name: ds.viaName(6) }],
  ] as const) {
    await cluster.during(ds.startChild(child))
  }
  t.same([...(await ds.children()).keys()], [1, 2, 3, 4, 5, 6])
  t.same(
    starts.map(({ options }) => options),
    [{}, { start: 2 }, {}, {}, {}, {}],
  )
  const { spec } = (await ds.childSpecs()).get(4) ?? {}
  t.equal(spec?.restart, 'temporary')
  t.equal(spec?.shutdown, 'brutal_kill')
  await t.rejects(ds.startChild({ restart: 'permanent' } as never), { code: 'ERR_SUPERVISOR_BAD_SPEC' })
  await t.rejects(cluster.during(ds.startChild([Counter, { restart: 'often' as never }])), {
    code: 'ERR_SUPERVISOR_START_FAILED',
  })
})

test('a class that is not among the modules runs under its own name', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const ds = await cluster.during(supervise(a))
  await cluster.during(ds.startChild([counterClass(), { name: 1 }]))
  t.equal((await ds.childSpecs()).get(1)?.spec?.start.module, alias('Counter'))
  await t.rejects(ds.startChild([counterClass(), { name: 2 }]), { code: 'ERR_INVALID_OPTION' })
})

test('a name is started once', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const starts: Start[] = []
  const Counter = counterClass(starts)
  const onA = await cluster.during(supervise(a, { modules: { Counter } }))
  const onB = await cluster.during(supervise(b, { modules: { Counter } }))
  const { pid } = await cluster.during(onA.startChild([Counter, { name: MGS }], a.name))
  await cluster.until(() => onB.send(MGS, 'is it there'))
  for (const [ds, node] of [
    [onA, undefined],
    [onA, a.name],
    [onA, b.name],
    [onB, b.name],
    [onB, a.name],
  ] as const) {
    const failed = cluster.during(ds.startChild([Counter, { name: MGS }], node))
    await t.rejects(failed, { code: 'ERR_SUPERVISOR_ALREADY_STARTED', reason: pid })
  }
  t.equal(starts.length, 1)
})

test('children go where the ring says, and are seen everywhere', async (t) => {
  const cluster = new MemoryCluster(t)
  const nodes = await cluster.start('a', 'b', 'c')
  const Counter = counterClass()
  const all: DistributedSupervisor[] = []
  for (const node of nodes) all.push(await cluster.during(supervise(node, { modules: { Counter } })))
  const [ds] = all as [DistributedSupervisor]
  await cluster.settle()
  for (const other of all) t.same(new Set(other.nodes()), new Set(nodes.map(({ name }) => name)))
  for (let i = 0; i < 30; i++) {
    const { pid } = await cluster.during(all[i % 3]!.startChild([Counter, { name: i, start: i }]))
    t.equal(pid.node, ds.nodeFor(i))
    t.equal(ds.mine(i), pid.node === nodes[0].name)
  }
  await cluster.settle()
  for (const other of all) t.equal((await other.children()).size, 30)
  for (let i = 0; i < 30; i++) t.equal(await cluster.during(all[(i + 1) % 3]!.call(i, 'get')), i)
  const local = all.flatMap((each) => each.localChildren())
  t.equal(local.length, 30)
  const pid = await ds.whereis(7)
  await cluster.during(all.find((each) => !each.mine(7))!.terminateChild(pid))
  await cluster.settle()
  for (const other of all) t.equal(await other.whereis(7), undefined)
})

test('a node that cannot run the module is passed over, also one without the supervisor', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b, plain] = await cluster.start('a', 'b', 'plain')
  const Counter = counterClass()
  const onA = await cluster.during(supervise(a))
  const onB = await cluster.during(supervise(b, { modules: { Counter } }))
  await cluster.settle()
  t.equal(onA.nodes().length, 3)
  for (const home of [a, b, plain]) {
    const name = nameOn(onA, home.name)
    const { pid } = await cluster.during(onA.startChild(['Counter', { name }]))
    t.equal(pid.node, b.name)
  }
  for (const node of [undefined, a.name, b.name]) {
    const failed = cluster.during(onB.startChild(['Nobody.Has.It', { name: 'x' }], node))
    await t.rejects(failed, { code: 'ERR_SUPERVISOR_UNDEF', reason: alias('Nobody.Has.It') })
  }
  await t.rejects(cluster.during(onA.startChild(['Counter', { name: 'x' }], plain.name)), {
    code: 'ERR_SUPERVISOR_START_FAILED',
  })
})

test('Elixir nodes start children by rpc', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const starts: Start[] = []
  const Counter = counterClass(starts)
  const ds = await cluster.during(supervise(a, { modules: { MyGenServer: Counter } }))
  const start = (spec: Term): Promise<Term> =>
    cluster.during(
      b.rpc.blockCall(a.name, DYNAMIC_SUPERVISOR, 'start_child', [alias('DS.DynamicSupervisor'), spec]),
    )
  const module = alias('MyGenServer')
  const keyword = [tuple(atom('name'), via(MGS)), tuple(atom('start'), 5)] as Term
  const first = (await start(wireSpec(module, [keyword]))) as Tuple<[Term, Pid]>
  t.equal(first[0], atom('ok'))
  t.same(await ds.whereis(MGS), first[1])
  t.same(starts.at(-1)?.options, { start: 5 })
  t.same(
    await start(wireSpec(module, [keyword])),
    tuple(atom('error'), tuple(atom('already_started'), first[1])),
  )

  const ours = [tuple(atom('name'), via('second', 'Beamjoin.Registry'))] as Term
  await start(wireSpec(module, [ours], [['restart', atom('temporary')]]))
  t.equal((await ds.childSpecs()).get('second')?.spec?.restart, 'temporary')

  await start(wireSpec(module, [[tuple(atom('start'), 1)] as Term]))
  t.same(starts.at(-1)?.options, { start: 1 }, 'a keyword list without a name is an object all the same')
  await start(wireSpec(module, [new Map<Term, Term>([[atom('start'), 2]])]))
  t.type(starts.at(-1)?.options, Map, 'other arguments are passed as they are')
  t.equal(ds.localChildren().length, 4)
  t.equal((await ds.children()).size, 2)

  const undef = await start(wireSpec(alias('Nope'), [keyword]))
  t.same(undef, tuple(atom('error'), tuple(atom('undef'), alias('Nope'))))
  const invalid = (await start(wireSpec(module, [keyword], [['restart', atom('x')]]))) as Tuple
  t.equal(invalid[0], atom('error'))
  const missing = b.rpc.blockCall(a.name, DYNAMIC_SUPERVISOR, 'start_child', [
    atom('nobody'),
    wireSpec(module, []),
  ])
  await t.rejects(cluster.during(missing), { code: 'ERR_RPC_EXIT' })
})

test('a start that comes to a node which cannot run the module is passed on', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b, c] = await cluster.start('a', 'b', 'c')
  const Counter = counterClass()
  await cluster.during(supervise(a))
  const onB = await cluster.during(supervise(b, { modules: { Counter } }))
  await cluster.settle()
  const keyword = [tuple(atom('name'), via(MGS))] as Term
  const args = [alias('DS.DynamicSupervisor'), wireSpec(alias('Counter'), [keyword])]
  const answer = await cluster.during(c.rpc.blockCall(a.name, DYNAMIC_SUPERVISOR, 'start_child', args))
  t.same(answer, tuple(atom('ok'), await onB.whereis(MGS)))
  t.equal((answer as Tuple<[Term, Pid]>)[1].node, b.name)
})

test('what else Elixir nodes ask is answered', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const Counter = counterClass()
  const ds = await cluster.during(supervise(a, { modules: { Counter } }))
  const { pid } = await cluster.during(ds.startChild([Counter, { name: MGS }], a.name))
  await cluster.during(ds.startChild([Counter, { name: 'temp', restart: 'temporary' }], a.name))
  const ask = (fun: string, args: Term[]): Promise<Term> =>
    cluster.during(b.rpc.call(a.name, DYNAMIC_SUPERVISOR, fun, [alias('DS.DynamicSupervisor'), ...args]))
  const row = (child: Pid): Term =>
    tuple(atom('undefined'), child, atom('worker'), [alias('Counter')]) as Term
  t.same(await ask('which_children', []), ds.localChildren().map(row))
  const counts = (await ask('count_children', [])) as Map<Term, Term>
  t.equal(counts.get(atom('active')), 2)
  const registry = [alias('DS.Registry'), a.name] as const
  t.same(await cluster.during(b.call(registry, atom('nodes'))), ds.nodes())
  t.equal(await cluster.during(b.call(registry, tuple(atom('node_for'), 'key'))), ds.nodeFor('key'))
  const state = (await cluster.during(b.call(registry, atom('state')))) as Map<Term, Map<Term, Term>>
  t.equal(state.get(atom('scope')), alias('DS.Scope'))
  const entry = state.get(atom('children'))?.get(MGS) as Tuple<[Term]> | undefined
  t.same(entry?.[0], pid)
  b.cast(registry, tuple(atom('add_nodes'), [atom('later@h')]))
  await cluster.until(() => ds.nodes().includes(atom('later@h')))
  const top = (await cluster.during(b.call([DS, a.name], atom('which_children')))) as Term[]
  t.equal(top.length, 2)
  t.same(await ask('terminate_child', [pid]), atom('ok'))
  t.same(await ask('terminate_child', [pid]), tuple(atom('error'), atom('not_found')))
})

test('the hex package finds in the status how to start our children again', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const Counter = counterClass()
  const ds = await cluster.during(supervise(a, { modules: { Counter } }))
  const { pid } = await cluster.during(ds.startChild([Counter, { name: MGS, start: 5 }], a.name))
  await cluster.during(ds.startChild([Counter, { name: 'temp', restart: 'temporary' }], a.name))
  await cluster.during(ds.startChild([Counter, { name: 'private', callback: () => {} }], a.name))
  const status = (await cluster.during(
    b.rpc.call(a.name, alias('DistributedSupervisor'), 'dynamic_supervisor_status', [DS]),
  )) as Tuple<[Term, Term, Term, Term[]]>
  t.equal(status[0], atom('status'))
  t.same(status[2], tuple(atom('module'), atom('gen_server')))
  const misc = status[3].at(-1) as Tuple<[Term, Tuple[]]>[]
  const data = misc.filter((entry) => entry[0] === atom('data')).flatMap((entry) => entry[1])
  const state = data.find((entry) => String.fromCharCode(...(entry[0] as number[])) === 'State')?.[1]
  const struct = state as Map<Term, Map<Term, Tuple>>
  t.equal(struct.get(atom('__struct__')) as unknown, DYNAMIC_SUPERVISOR)
  const rows = struct.get(atom('children'))
  const mfa = tuple(alias('Counter'), atom('start_link'), [
    [tuple(atom('name'), via(MGS)), tuple(atom('start'), 5)],
  ])
  const expected = tuple(mfa, atom('permanent'), 5000, atom('worker'), [alias('Counter')])
  t.same(rows?.get(pid), expected)
  const read = specsIn(status as Term)
  t.same([...read.keys()], [pid], 'we read it as the hex package does')
  t.same(read.get(pid)?.start.args, [[tuple(atom('name'), via(MGS)), tuple(atom('start'), 5)]])
  const kept = [...(rows?.values() ?? [])].map((row) => (row[0] as Tuple)[2])
  t.equal(kept.filter((args) => args === atom('undefined')).length, 2, 'no arguments of the other two')
})

test('a child that crashes runs again under its name, as its restart type says', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const starts: Start[] = []
  const Counter = counterClass(starts)
  const ds = await cluster.during(supervise(a, { modules: { Counter } }))
  const onB = await cluster.during(supervise(b))
  for (const restart of ['permanent', 'transient', 'temporary'] as const) {
    for (const how of ['stop', 'crash', 'kill'] as const) {
      starts.length = 0
      const name = `${restart} ${how}`
      const { pid } = await cluster.during(ds.startChild([Counter, { name, restart, start: 3 }], a.name))
      await cluster.until(() => onB.send(name, 'is it there'))
      if (how === 'kill') b.exit(pid, atom('kill'))
      else ds.cast(name, atom(how))
      await cluster.until(() => !a.runtime.isAlive(pid))
      await cluster.settle()
      const again = restart === 'permanent' || (restart === 'transient' && how !== 'stop')
      t.equal(starts.length, again ? 2 : 1, name)
      t.same(await onB.whereis(name), again ? starts[1]?.pid : undefined)
      if (again) t.equal(await cluster.during(onB.call(name, 'get')), 3)
    }
  }
})

test('a supervisor starts once a node, stops twice, and leaves nothing behind', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const Counter = counterClass()
  const ds = await cluster.during(supervise(a, { modules: { Counter } }))
  await t.rejects(cluster.during(supervise(a)), { code: 'ERR_SUPERVISOR_ALREADY_STARTED' })
  const second = await cluster.during(
    Promise.allSettled([supervise(a, { name: 'X' }), supervise(a, { name: 'X' })]),
  )
  t.same(second.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'also when both start at once')
  t.ok(a.whereis(alias('X.Scope')))
  await t.rejects(supervise(a, { name: '' }), { code: 'ERR_INVALID_OPTION' })
  await t.rejects(supervise(a, { monitorNodes: 'some' as never }), { code: 'ERR_INVALID_OPTION' })
  const { pid } = await cluster.during(ds.startChild([Counter, { name: 1 }]))
  await cluster.during(Promise.all([ds.stop(), ds.stop()]))
  t.notOk(a.runtime.isAlive(pid))
  for (const part of ['', '.Scope', '.Modules', '.Registry', '.DynamicSupervisor']) {
    t.equal(a.whereis(alias(`DS${part}`)), undefined)
  }
  const again = await cluster.during(supervise(a, { modules: { Counter } }))
  await cluster.during(again.startChild([Counter, { name: 1 }]))
  await cluster.leave(a)
  await again.stop()
})

test('two supervisors on one node have nothing to do with each other', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const Counter = counterClass()
  const one = await cluster.during(supervise(a, { name: 'One', modules: { Counter } }))
  const two = await cluster.during(supervise(a, { name: atom('two'), modules: { Counter } }))
  t.equal(two.name, atom('two'))
  await cluster.during(one.startChild([Counter, { name: 1 }]))
  await cluster.during(two.startChild([Counter, { name: 1 }]))
  await cluster.during(two.stop())
  t.equal((await one.children()).size, 1)
  const which = b.rpc.call(a.name, DYNAMIC_SUPERVISOR, 'which_children', [alias('One.DynamicSupervisor')])
  t.equal(((await cluster.during(which)) as Term[]).length, 1)
  t.equal(two.viaName('x')[2][0], atom('two'))
})

test('parts that end are started again, and running children keep or lose their names as they live or die', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const Counter = counterClass()
  const ds = await cluster.during(supervise(a, { modules: { Counter } }))
  const onB = await cluster.during(supervise(b))
  const { pid } = await cluster.during(ds.startChild([Counter, { name: 1 }], a.name))
  const end = async (part: string): Promise<void> => {
    const name = alias(`DS.${part}`)
    const old = a.whereis(name)!
    a.exit(old, atom('kill'))
    await cluster.until(() => a.whereis(name) !== undefined && !a.whereis(name)!.equals(old))
    await cluster.settle()
  }
  await end('Scope')
  t.same([...(await ds.children())], [[1, pid]])
  t.same(await onB.whereis(1), pid)
  await end('Registry')
  t.same([...(await ds.children())], [[1, pid]])
  await cluster.clock.elapse(6_000)
  await end('DynamicSupervisor')
  t.notOk(a.runtime.isAlive(pid))
  t.equal((await ds.children()).size, 0)
  await cluster.during(ds.startChild([Counter, { name: 1 }], a.name))
  t.equal((await onB.children()).size, 1)
})

test('the ring follows the nodes only when it is told to', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const still = await cluster.during(supervise(a, { name: 'Still', monitorNodes: false }))
  const visible = await cluster.during(supervise(a, { name: 'Visible', monitorNodes: 'visible' }))
  const all = await cluster.during(supervise(a, { name: 'All', monitorNodes: true }))
  const given = await cluster.during(supervise(a, { name: 'Given', nodes: ['b@b'], monitorNodes: false }))
  const b = await cluster.add('b')
  await cluster.add('h', { hidden: true })
  const members = (ds: DistributedSupervisor): string[] => ds.nodes().map(String).sort()
  t.same(members(still), ['a@a'])
  t.same(members(visible), ['a@a', 'b@b'])
  t.same(members(all), ['a@a', 'b@b', 'h@h'])
  t.same(members(given), [], 'b was not there yet')
  t.equal(given.nodeFor('x'), undefined)
  await cluster.during(given.stop())
  const later = await cluster.during(
    supervise(a, { name: 'Given', nodes: ['b@b', 'a@a'], monitorNodes: false }),
  )
  t.same(members(later), ['a@a', 'b@b'])
  await cluster.kill(b)
  await cluster.until(() => members(all).length === 2)
  t.same(members(visible), ['a@a'])
  t.same(members(later), ['a@a', 'b@b'])
})

test('without a ring a child is started here', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const Counter = counterClass()
  const ds = await cluster.during(supervise(a, { nodes: ['nobody@nowhere'], modules: { Counter } }))
  t.equal((await cluster.during(ds.startChild(Counter))).pid.node, a.name)
})

test('listeners hear of the children of their node, of nodes, and of goodbyes', async (t) => {
  const cluster = new MemoryCluster(t)
  const a = await cluster.add('a')
  const Counter = counterClass()
  const heard: string[] = []
  const listener = {
    onProcessStart: (_ds: unknown, name: Term) => heard.push(`start ${name}`),
    onProcessStop: (_ds: unknown, name: Term) => heard.push(`stop ${name}`),
    onNodeUp: (_ds: unknown, node: Term) => heard.push(`up ${node}`),
    onNodeDown: (_ds: unknown, node: Term) => heard.push(`down ${node}`),
    onNodeTerminate: (_ds: unknown, node: Term, _reason: Term, statuses: Term) => {
      heard.push(`terminate ${node} ${(statuses as Term[]).length}`)
    },
  }
  const some: string[] = []
  const listeners = [
    listener,
    [{ onProcessStart: (_ds: unknown, name: Term) => some.push(String(name)) }, alias('My')] as const,
    {
      onProcessStart: () => {
        throw new Error('listeners may fail')
      },
    },
  ]
  const ds = await cluster.during(supervise(a, { modules: { Counter }, listeners }))
  await cluster.during(ds.startChild([Counter, { name: alias('My.Worker') }]))
  await cluster.during(ds.startChild([Counter, { name: 'other', restart: 'temporary' }]))
  ds.cast('other', atom('stop'))
  await cluster.until(() => heard.includes('stop other'))
  t.same(heard.splice(0), ['start Elixir.My.Worker', 'start other', 'stop other'])
  t.same(some, ['Elixir.My.Worker'])
  const b = await cluster.add('b')
  await cluster.until(() => heard.includes('up b@b'))
  const onB = await cluster.during(supervise(b, { modules: { Counter } }))
  await cluster.during(onB.startChild([Counter, { name: 'on b' }], b.name))
  await cluster.during(onB.stop())
  await cluster.kill(b)
  await cluster.until(() => heard.length >= 3)
  t.same(heard.splice(0), ['up b@b', 'terminate b@b 1', 'down b@b'])
  t.equal(await ds.whereis('on b'), undefined, 'who leaves politely takes its children along')
})

test('a prefix alone is one listener, too', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const some: string[] = []
  const Counter = counterClass()
  const ds = await cluster.during(
    supervise(a, {
      modules: { Counter },
      listeners: [{ onProcessStart: (_ds, name) => some.push(String(name)) }, tuple(atom('user'))],
    }),
  )
  await cluster.during(ds.startChild([Counter, { name: 1 }]))
  t.same(some, [])
})

test('a plain server can be started under the name of a child', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a] = await cluster.start('a')
  const ds = await cluster.during(supervise(a))
  const pid = await cluster.during(
    a.startLink(counterClass() as ServerClass, { start: 4 }, { name: ds.viaName('mine') }),
  )
  t.equal(await ds.call('mine', 'get'), 4)
  t.same(await ds.whereis('mine'), pid)
  const second = a.startLink(counterClass() as ServerClass, {}, { name: ds.viaName('mine') })
  await t.rejects(cluster.during(second), { code: 'ERR_RUNTIME_INIT' })
})

test('atom keys are hashed as the release of the Elixir members has it', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b, c] = await cluster.start('a', 'b', 'c')
  const ds = await cluster.during(supervise(a))
  const keys = Array.from({ length: 50 }, (_, i) => atom(`key_${i}`))
  const owners = (of: DistributedSupervisor): unknown[] => keys.map((key) => of.nodeFor(key))
  const ring = new HashRing([a.name, b.name, c.name])
  const expected = (atomKeys: 'utf8' | 'latin1'): unknown[] => keys.map((key) => ring.nodeFor(key, atomKeys))
  t.same(owners(ds), expected('utf8'))
  const beam = (release: Encodable) => ({
    system_info: (item?: Term) => (item === atom('machine') ? 'BEAM' : release),
  })
  b.rpc.expose('erlang', beam([50, 53]))
  const asked = await cluster.during(supervise(a, { name: 'Asked' }))
  t.same(owners(asked), expected('latin1'))
  const told = await cluster.during(supervise(a, { name: 'Told', atomKeys: 'utf8' }))
  t.same(owners(told), expected('utf8'))
  c.rpc.expose('erlang', beam('27'))
  const mixed = await cluster.during(supervise(a, { name: 'Mixed' }))
  t.same(owners(mixed), expected('utf8'))
})

test('registries ignore what they do not understand', async (t) => {
  const cluster = new MemoryCluster(t)
  const [a, b] = await cluster.start('a', 'b')
  const ds = await cluster.during(supervise(a))
  const registry = [alias('DS.Registry'), a.name] as const
  const children = atom('$beamjoin_children')
  const strange: Term[] = [
    'x',
    tuple(),
    tuple(atom('add_nodes')),
    tuple(atom('add_nodes'), 5),
    tuple(atom('node_terminate'), 5, 6, 7),
    tuple(children, a.name, 'no list'),
    tuple(children, 'no node', []),
  ] as Term[]
  const spec = wireSpec(MGS, [])
  const mixed = ['no pair', tuple('name', 'no spec'), tuple('good', spec)]
  t.match(parsePeerMessage(tuple(children, a.name, mixed) as Term), { children: [['good', { id: 1 }]] })
  const pid = a.whereis(alias('DS.Registry'))
  for (const message of strange) {
    t.equal(parsePeerMessage(message), undefined)
    b.send(registry, message)
    b.cast(registry, message)
  }
  await t.rejects(cluster.during(b.call(registry, 'x', { timeout: 10 })), { code: 'timeout' })
  t.equal(a.whereis(alias('DS.Registry')), pid)
  t.same(new Set(ds.nodes()), new Set([a.name, b.name]))
})
