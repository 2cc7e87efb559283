/**
 * The documented examples of the hex package `distributed_supervisor`: the same calls and the same results, from TypeScript
 * and from an Elixir node that runs no supervisor itself.
 */
import { type Test, test } from 'tap'
import {
  type Atom,
  alias,
  atom,
  type BeamNode,
  DistributedSupervisor,
  type DistributedSupervisorOptions,
  OptionError,
  type Pid,
  Reference,
  type ServerClass,
  Supervisor,
  type SupervisorListener,
  termEquals,
  tuple,
} from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, EX, startTsNode, TS } from './support/cluster.ts'
import { documentedExamples, type ExampleOptions } from './support/documented-examples.ts'
import { ELIXIR_WORKER, Worker } from './support/documented-worker.ts'
import { startElixirSupervisor } from './support/elixir-node.ts'

function startExample(
  node: BeamNode,
  name: string,
  options: ExampleOptions = {},
): Promise<DistributedSupervisor> {
  return DistributedSupervisor.startLink(node, {
    name,
    modules: { 'Example.Worker': Worker },
    ...(options.cache_children === undefined ? {} : { cacheChildren: options.cache_children }),
    ...(options.monitor_nodes === undefined ? {} : { monitorNodes: options.monitor_nodes }),
  })
}

test('from iex, on a node without a supervisor', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await documentedExamples(t, {
    peer,
    api: 'Beamjoin',
    worker: 'Example.Worker',
    startSupervisor: async (name, options) => {
      await startExample(node, name, options)
    },
  })
})

/** The same from TypeScript: children of a class of this node, or of a module that another node runs. */
async function fromTypeScript(
  t: Test,
  node: BeamNode,
  worker: ServerClass | string,
  name: string,
): Promise<void> {
  const ds = await startExample(node, name, { monitor_nodes: true })
  const visible = (child: Parameters<typeof ds.whereis>[0]) =>
    waitFor(() => ds.whereis(child), { what: 'the child in our scope' })

  await t.test('start_child: by module, with a name, by specification, on a node', async (t) => {
    const unnamed = await ds.startChild(worker)
    t.type(unnamed.name, Reference)
    const named = await ds.startChild([worker, { name: alias('NamedWorker') }])
    t.equal(named.name, alias('NamedWorker'))
    const spec = { id: 'test_child', start: [worker, { name: alias('SpecWorker') }] } as const
    t.equal((await ds.startChild(spec)).name, alias('SpecWorker'))
    const full = {
      start: [worker, { name: 'full' }],
      restart: 'transient',
      shutdown: 5000,
      type: 'worker',
    } as const
    t.equal((await ds.startChild(full)).name, 'full')
    const there = await ds.startChild(worker, named.pid.node)
    t.equal(there.pid.node, named.pid.node)
    await t.rejects(ds.startChild([worker, { name: alias('NamedWorker') }]), {
      code: 'ERR_SUPERVISOR_ALREADY_STARTED',
      reason: named.pid,
    })
    await t.rejects(ds.startChild({ id: 'no start' } as never), { code: 'ERR_SUPERVISOR_BAD_SPEC' })
    await t.rejects(ds.startChild(atom('not_a_valid_module')), { code: 'ERR_SUPERVISOR_UNDEF' })
    await t.rejects(ds.startChild({ start: [atom('not_a_module'), 'not_a_function', {}] }), {
      code: 'ERR_SUPERVISOR_UNDEF',
    })
    for (const child of [unnamed.name, named.name, alias('SpecWorker'), 'full', there.name])
      await visible(child)
    const children = await ds.childSpecs()
    t.equal(children.size, 5)
    t.same(children.get(named.name)?.pid, named.pid)
    t.equal(children.get('full')?.spec?.restart, 'transient')
    const [options] = children.get(named.name)?.spec?.start.args ?? []
    const via = tuple(atom('via'), alias('DistributedSupervisor.Registry'), tuple(ds.name, named.name))
    t.ok(Array.isArray(options) && options.some((option) => termEquals(option, tuple(atom('name'), via))))
  })

  await t.test('terminate_child', async (t) => {
    const { pid } = await ds.startChild([worker, { name: 'to end' }])
    await ds.terminateChild(pid)
    await waitFor(async () => (await ds.whereis('to end')) === undefined, { what: 'the end of the child' })
    await t.rejects(ds.terminateChild(undefined), { code: 'ERR_SUPERVISOR_NOT_FOUND' })
    await t.rejects(ds.terminateChild(pid), { code: 'ERR_SUPERVISOR_NOT_FOUND' })
  })

  await t.test('whereis, whois, call, cast, send, via_name', async (t) => {
    const { pid, name: child } = await ds.startChild([worker, { name: atom('talk') }])
    t.same(await visible(child), pid)
    t.equal(await ds.whereis(atom('nonexistent')), undefined)
    t.equal(await ds.whois(pid), child)
    t.equal(await ds.whois(node.self), undefined)
    const count = async () => ((await ds.call(child, atom('state'))) as [unknown, number])[1]
    t.equal(await count(), 0)
    ds.cast(child, atom('inc'))
    t.equal(await count(), 1)
    t.equal(ds.send(child, 'a message'), true)
    t.equal(ds.send(atom('nonexistent'), 'a message'), false)
    ds.cast(atom('nonexistent'), atom('inc'))
    await t.rejects(ds.call(atom('nonexistent'), atom('state')), { code: 'noproc' })
    node.cast(ds.viaName(child), atom('inc'))
    t.match(await node.call(ds.viaName(child), atom('state')), [Object, 2])
  })

  await t.test('nodes, node_for, mine?, local_children', async (t) => {
    t.ok(ds.nodes().includes(node.name))
    for (const key of ['consistent', atom('some_key'), 7]) {
      t.ok(ds.nodes().includes(ds.nodeFor(key) as Atom))
      t.equal(ds.mine(key), ds.nodeFor(key) === node.name)
    }
    const local = [...(await ds.children()).values()].filter((pid) => pid.node === node.name)
    const keys = (pids: readonly Pid[]) => pids.map(({ key }) => key).sort()
    t.same(keys(ds.localChildren()), keys(local))
  })

  await t.test('restart: permanent, transient and temporary', async (t) => {
    const again = (child: string, old: Pid) =>
      waitFor(
        async () => {
          const pid = await ds.whereis(child)
          return pid !== undefined && !pid.equals(old) && pid
        },
        { what: 'the child to be back' },
      )
    const gone = (child: string) =>
      waitFor(async () => (await ds.whereis(child)) === undefined, { what: 'the child to be gone' })
    const permanent = await ds.startChild([worker, { name: 'permanent' }])
    const transient = await ds.startChild([
      worker,
      { name: 'transient', restart: 'transient', shutdown: 5000 },
    ])
    const temporary = await ds.startChild([worker, { name: 'temporary', restart: 'temporary' }])
    for (const { pid, name: child } of [permanent, transient, temporary]) {
      await visible(child)
      node.exit(pid, atom('kill'))
    }
    await again('permanent', permanent.pid)
    await again('transient', transient.pid)
    await gone('temporary')
    ds.cast('transient', atom('shutdown'))
    await gone('transient')
    const before = (await ds.whereis('permanent')) as Pid
    ds.cast('permanent', atom('raise'))
    await again('permanent', before)
    t.notOk((await ds.children()).has('temporary'))
  })
  await ds.stop()
}

test('from TypeScript, with children of TypeScript', async (t) => {
  const { node } = await connectedCluster(t)
  await fromTypeScript(t, node, Worker, 'DS')
})

test('from TypeScript, with children of Elixir', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(ELIXIR_WORKER.replaceAll('Example.Worker', 'Example.OfElixir'))
  await peer.eval(':ok = :logger.set_primary_config(:level, :critical)')
  await startElixirSupervisor(peer)
  await fromTypeScript(t, node, 'Example.OfElixir', 'DS')
})

test('start_link: with a name, and with every option', async (t) => {
  const node = await startTsNode(t)
  await t.rejects(DistributedSupervisor.startLink(node, {} as DistributedSupervisorOptions), OptionError)
  for (const [index, more] of [
    {},
    { nodes: [TS] },
    { nodes: [] },
    { cacheChildren: true },
    { cacheChildren: false },
    { monitorNodes: true },
    { listeners: {} },
    { cacheChildren: true, monitorNodes: true, nodes: [TS] },
  ].entries()) {
    const ds = await DistributedSupervisor.startLink(node, { name: `Example${index}`, ...more })
    t.same(ds.nodes(), [node.name])
  }
  await t.rejects(DistributedSupervisor.startLink(node, { name: 'Example0' }), {
    code: 'ERR_SUPERVISOR_ALREADY_STARTED',
  })
})

test('in a supervision tree', async (t) => {
  const node = await startTsNode(t)
  const listeners: SupervisorListener = {}
  const options = { name: 'DS', cacheChildren: true, monitorNodes: true, nodes: [TS], listeners } as const
  await Supervisor.startLink(node, [DistributedSupervisor.childSpec(node, options)])
  const { name } = await DistributedSupervisor.at(node, 'DS').startChild(Worker)
  t.match(await node.call(DistributedSupervisor.at(node, 'DS').viaName(name), atom('state')), [Object, 0])
})

test('listeners hear of children and nodes', async (t) => {
  const heard: string[] = []
  const tell = (what: string) => (_supervisor: Atom, about: unknown) => void heard.push(`${what} ${about}`)
  const listener: SupervisorListener = {
    onProcessStart: tell('start'),
    onProcessStop: tell('stop'),
    onNodeUp: tell('up'),
    onNodeDown: tell('down'),
    onNodeTerminate: tell('terminate'),
  }
  const { node, epmdPort } = await connectedCluster(t)
  const others: string[] = []
  const prefixed: SupervisorListener = { onProcessStart: (_supervisor, name) => void others.push(`${name}`) }
  const ds = await DistributedSupervisor.startLink(node, {
    name: 'DS',
    modules: { Worker },
    monitorNodes: true,
    listeners: [listener, [prefixed, atom('us')]],
  })
  const { pid } = await ds.startChild([Worker, { name: atom('user') }], TS)
  await ds.startChild([Worker, { name: atom('other') }], TS)
  await ds.terminateChild(pid)
  // Told on the one node that the ring names for the name of the node that comes: of many, some are ours.
  for (let i = 0; !heard.some((line) => line.startsWith('up')); i++) {
    const name = `n${i}@127.0.0.1`
    const other = await startTsNode(t, { name, epmdPort, connect: [TS] })
    const theirs = await DistributedSupervisor.startLink(other, { name: 'DS', monitorNodes: true })
    await waitFor(() => ds.nodes().map(String).includes(name), { what: 'the node in the ring' })
    await theirs.stop()
    await other.stop()
    await waitFor(() => !ds.nodes().map(String).includes(name), { what: 'the node out of the ring' })
  }
  for (const what of ['start user', 'stop user', 'start other', 'up n', 'down n', 'terminate n']) {
    t.ok(
      heard.some((line) => line.startsWith(what)),
      what,
    )
  }
  t.same(others, ['user'])
})

test('three nodes with the supervisor, two children: all of them show both', async (t) => {
  const { node, peer, epmdPort } = await connectedCluster(t)
  const second = await startTsNode(t, { name: 'ts2@127.0.0.1', epmdPort, connect: [TS, EX] })
  const third = await startTsNode(t, { name: 'ts3@127.0.0.1', epmdPort, connect: [TS, EX, 'ts2@127.0.0.1'] })
  const all: DistributedSupervisor[] = []
  for (const member of [node, second, third])
    all.push(await startExample(member, 'DS', { monitor_nodes: true }))
  const named = await all[0]!.startChild(['Example.Worker', { name: alias('Example.Worker') }])
  const unnamed = await all[0]!.startChild(['Example.Worker', {}])
  for (const ds of all) {
    await waitFor(async () => (await ds.children()).size === 2, { what: 'both children' })
    t.same((await ds.children()).get(named.name), named.pid)
    t.same(await ds.whois(unnamed.pid), unnamed.name)
  }
  await waitFor(
    async () =>
      (await peer.eval('Enum.map(Map.keys(Beamjoin.children(DS)), &is_reference/1) |> Enum.sort()')) ===
      '[false, true]',
    { what: 'both children, seen from iex' },
  )
})
