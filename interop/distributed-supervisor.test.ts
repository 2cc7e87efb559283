/** A DistributedSupervisor of ours and Elixir: children by name, from both sides, through crashes and deaths. */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import {
  alias,
  atom,
  type BeamNode,
  DistributedSupervisor,
  inspect,
  type Pid,
  type Term,
  tuple,
} from '../src/index.ts'
import { freePort, type Peer, waitFor } from './peer.ts'
import {
  COOKIE,
  connectedCluster,
  EX,
  startExPeer,
  startTsNode,
  type Teardown,
  TS,
} from './support/cluster.ts'
import { ELIXIR_SUPERVISOR } from './support/elixir-supervisor.ts'
import { type ReapedChild, spawnReaped } from './support/reaper.ts'
import { Counter } from './support/servers.ts'

const VIA = '{:via, Beamjoin.Registry, {DS, MGS}}'
const MGS = alias('MGS')
const NEXT = 'receive do m -> m after 5000 -> :nothing end'

async function startSupervisor(node: BeamNode): Promise<DistributedSupervisor> {
  return DistributedSupervisor.startLink(node, { name: 'DS', modules: { Counter }, monitorNodes: true })
}

/** `beamjoin start` in a process of its own, with a supervisor DS; resolves when that runs. */
async function startProgram(
  t: Teardown,
  epmdPort: number,
  program: string,
  name: string,
  ...more: readonly string[]
): Promise<ReapedChild> {
  const args = ['start', program, '--name', name, '--cookie', COOKIE, '--supervise', 'DS', ...more]
  const child = spawnReaped(process.execPath, ['--import=tsx', 'src/cli/main.ts', ...args], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, ERL_EPMD_PORT: String(epmdPort) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.process.kill('SIGKILL'))
  const lines = createInterface({ input: child.process.stdout! })
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => line.startsWith('supervisor DS') && resolve())
    void child.exited.then(({ code }) => reject(new Error(`${name} ended with ${code}`)))
  })
  return child
}

/** A cluster whose TypeScript node runs the child `MGS`. */
async function withChild(t: Parameters<typeof connectedCluster>[0]) {
  const cluster = await connectedCluster(t)
  const ds = await startSupervisor(cluster.node)
  const { pid } = await ds.startChild([Counter, { name: MGS, start: 1 }], TS)
  return { ...cluster, ds, pid }
}

/** Starts the scope on the Elixir node, as the first look-up of a name does, and waits for our member in it. */
async function seesMember(peer: Peer): Promise<true> {
  await peer.eval('Beamjoin.Registry.whereis_name({DS, MGS})')
  return waitFor(async () => (await peer.eval('length(:pg.get_members(DS.Scope, MGS))')) === '1', {
    what: 'the child in the scope of the Elixir node',
  }) as Promise<true>
}

test('Elixir calls, casts, sends, monitors and links a child by its via name', async (t) => {
  const { node, peer } = await withChild(t)
  t.equal(await peer.eval(`GenServer.call(${VIA}, :get)`), '1')
  t.equal(await peer.eval(`GenServer.call(${VIA}, {:add, 41})`), '42')
  t.equal(await peer.eval(`GenServer.cast(${VIA}, :inc)`), ':ok')
  t.equal(await peer.eval(`GenServer.call(${VIA}, :get)`), '43')
  t.equal(
    await peer.eval(`pid = Beamjoin.Registry.send({DS, MGS}, {:ping, self()}); {:pong, ^pid} = ${NEXT}; :ok`),
    ':ok',
  )
  t.equal(await peer.eval('node(pid)'), `:"${TS}"`)
  t.equal(await peer.eval(':pg.get_members(DS.Scope, MGS) == [pid]'), 'true')
  t.equal(await peer.eval(`:rpc.call(:"${TS}", Process, :alive?, [pid])`), 'true')
  await peer.eval('Process.flag(:trap_exit, true); ref = Process.monitor(pid); Process.link(pid)')
  await peer.eval('Process.exit(pid, :kill)')
  t.equal(await peer.eval(`Enum.sort(for _ <- 1..2, do: elem(${NEXT}, 0))`), '[:DOWN, :EXIT]')

  await waitFor(
    async () => (await peer.eval(`new = GenServer.whereis(${VIA}); is_pid(new) and new != pid`)) === 'true',
    {
      what: 'the restarted child under the same name',
    },
  )
  t.equal(await peer.eval(`GenServer.call(${VIA}, :get)`), '1', 'with its first arguments')
  t.equal(await peer.eval(`:rpc.call(:"${TS}", Process, :alive?, [pid])`), 'false')
  t.ok(node.whereis('Elixir.DS.DynamicSupervisor'))
})

test('Elixir starts, lists and stops children of ours by the calls of the wire contract', async (t) => {
  const { peer, ds } = await withChild(t)
  await seesMember(peer)
  const there = `:"${TS}"`
  const start = (spec: string) =>
    peer.eval(`:rpc.block_call(${there}, DynamicSupervisor, :start_child, [DS.DynamicSupervisor, ${spec}])`)
  const named = (name: string, more = '') =>
    `%{id: :x, start: {Counter, :start_link, [[name: {:via, DistributedSupervisor.Registry, {DS, ${name}}}, start: 7]]}${more}}`

  t.match(await start(named('{:any, "term"}')), /^\{:ok, #PID<.*>\}$/)
  t.equal(await peer.eval('GenServer.call({:via, Beamjoin.Registry, {DS, {:any, "term"}}}, :get)'), '7')
  t.match(await start(named('{:any, "term"}')), /^\{:error, \{:already_started, #PID<.*>\}\}$/)
  t.match(await start(named('MGS')), /^\{:error, \{:already_started, #PID<.*>\}\}$/)
  t.match(await start('%{id: :x, start: {Nope, :start_link, [[]]}}'), /^\{:error, \{:undef, Nope\}\}$/)
  t.match(await start('%{nonsense: true}'), /^\{:error, /)

  const which = await peer.eval(
    `:rpc.call(${there}, DynamicSupervisor, :which_children, [DS.DynamicSupervisor]) |> Enum.map(fn {:undefined, pid, :worker, [Counter]} -> node(pid) end)`,
  )
  t.equal(which, `[${there}, ${there}]`)
  t.match(await peer.eval(`DynamicSupervisor.count_children({DS.DynamicSupervisor, ${there}})`), /active: 2/)
  const status = await peer.eval(`
    {:status, _, {:module, :gen_server}, props} = :rpc.call(${there}, DistributedSupervisor, :dynamic_supervisor_status, [DS])
    datas = props |> Enum.filter(&Keyword.keyword?/1) |> Enum.flat_map(&Keyword.get_values(&1, :data)) |> List.flatten()
    %{__struct__: DynamicSupervisor, children: children} = :proplists.get_value('State', datas, nil)
    [mgs] = :pg.get_members(DS.Scope, MGS)
    {{m, f, [args]}, restart, shutdown, type, modules} = children[mgs]
    {m, f, Keyword.get(args, :start), Keyword.get(args, :name), restart, shutdown, type, modules}`)
  t.equal(
    status,
    '{Counter, :start_link, 1, {:via, DistributedSupervisor.Registry, {DS, MGS}}, :permanent, 5000, :worker, [Counter]}',
  )

  const stop = `:rpc.block_call(${there}, DynamicSupervisor, :terminate_child, [DS.DynamicSupervisor, pid])`
  t.equal(await peer.eval(`[pid] = :pg.get_members(DS.Scope, {:any, "term"}); ${stop}`), ':ok')
  t.equal(await peer.eval(stop), '{:error, :not_found}')
  t.equal((await ds.children()).size, 1)

  t.equal(
    await peer.eval(`GenServer.call({DS.Registry, ${there}}, {:node_for, MGS})`),
    ds.nodeFor(MGS)?.name === TS ? there : `:"${EX}"`,
  )
  t.match(await peer.eval(`Enum.sort(GenServer.call({DS.Registry, ${there}}, :nodes))`), new RegExp(TS))
})

test('temporary and transient children follow their restart type', async (t) => {
  const { node, peer, ds } = await withChild(t)
  await ds.startChild([Counter, { name: 'once', restart: 'temporary' }], TS)
  await ds.startChild([Counter, { name: 'unless-normal', restart: 'transient' }], TS)
  const call = async (name: string) => node.call((await ds.whereis(name)) as Pid, atom('get'))
  t.equal(await call('once'), 0)
  const first = (await ds.whereis('unless-normal')) as Pid
  ds.cast('once', atom('crash'))
  ds.cast('unless-normal', atom('crash'))
  await waitFor(async () => (await ds.whereis('once')) === undefined, {
    what: 'the temporary child to be gone',
  })
  const again = await waitFor(
    async () => {
      const pid = await ds.whereis('unless-normal')
      return pid !== undefined && !pid.equals(first) && pid
    },
    { what: 'the transient child to be back' },
  )
  ds.cast('unless-normal', tuple(atom('stop'), atom('normal')))
  await waitFor(async () => (await ds.whereis('unless-normal')) === undefined, { what: 'it to stay away' })
  t.notOk(node.runtime.isAlive(again as Pid))
  t.equal(await peer.eval(`GenServer.call(${VIA}, :get)`), '1')
})

test('TypeScript starts, calls and stops an Elixir child, which restarts when it is killed', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(ELIXIR_SUPERVISOR)
  const ds = await startSupervisor(node)
  const { pid, name } = await ds.startChild(['Interop.Server', { name: 'elixir child', start: 5 }], EX)
  t.equal(pid.node, atom(EX))
  t.equal(name, 'elixir child')
  await waitFor(() => ds.whereis(name), { what: 'the name in our scope' })
  t.ok(((await ds.whereis(name)) as Pid).equals(pid))
  t.equal(await ds.call(name, atom('get')), 5)
  ds.cast(name, atom('inc'))
  t.equal(await ds.call(name, atom('get')), 6)
  const pong = await new Promise<Term>((resolve) => {
    node.spawn(async (self) => {
      ds.send(name, tuple(atom('ping'), self.pid))
      resolve(await self.receive())
    })
  })
  t.equal(inspect(pong), inspect(tuple(atom('pong'), pid)))
  const heard = new Promise<Term>((resolve) => node.monitor(pid, resolve))
  const linked = new Promise<Term>((resolve) => {
    node.spawn(async (self) => {
      self.trapExit = true
      self.link(pid)
      node.exit(pid, atom('kill'))
      resolve(await self.receive())
    })
  })
  t.equal(await heard, atom('killed'))
  t.equal(inspect(await linked), inspect(tuple(atom('EXIT'), pid, atom('killed'))))
  const again = await waitFor(
    async () => {
      const now = await ds.whereis(name)
      return now !== undefined && !now.equals(pid) && now
    },
    { what: 'the restarted child' },
  )
  t.equal(await ds.call(name, atom('get')), 5)
  t.equal(await node.rpc.call(EX, 'Elixir.Process', 'alive?', [again as Pid]), true)
  t.equal(await peer.eval('DynamicSupervisor.which_children(DS.DynamicSupervisor) |> length()'), '1')
  await ds.terminateChild(again as Pid)
  t.equal(await peer.eval('DynamicSupervisor.which_children(DS.DynamicSupervisor) |> length()'), '0')
  await waitFor(async () => (await ds.whereis(name)) === undefined, { what: 'the name to be free' })
})

test('node.stop(): Elixir sees the group empty and nodedown', async (t) => {
  const { node, peer } = await withChild(t)
  await peer.eval(':net_kernel.monitor_nodes(true)')
  await seesMember(peer)
  await peer.eval('ref = Process.monitor(hd(:pg.get_members(DS.Scope, MGS)))')
  await node.stop()
  t.equal(
    await peer.eval('receive do {:DOWN, ^ref, _, _, why} -> why after 5000 -> :nothing end'),
    ':shutdown',
  )
  t.equal(await peer.eval('receive do {:nodedown, n} -> n after 5000 -> :nothing end'), `:"${TS}"`)
  t.equal(await peer.eval(':pg.get_members(DS.Scope, MGS)'), '[]')
  t.equal(
    await peer.eval(
      `catch_exit = try do GenServer.call(${VIA}, :get) catch :exit, {why, _} -> why end; catch_exit`,
    ),
    ':noproc',
  )
})

test('kill -9: Elixir sees the group empty and nodedown', async (t) => {
  const epmdPort = await freePort()
  // The node that holds the epmd is not the one that dies.
  await startTsNode(t, { epmdPort, name: 'epmd@127.0.0.1' })
  const child = await startProgram(t, epmdPort, 'examples/counter.ts', TS)
  const peer = await startExPeer(t, { epmdPort })
  await peer.eval(`Node.connect(:"${TS}"); :net_kernel.monitor_nodes(true)`)
  t.equal(await peer.eval(`GenServer.call(${VIA}, :get)`), '0')
  await seesMember(peer)
  await peer.eval('ref = Process.monitor(hd(:pg.get_members(DS.Scope, MGS)))')
  child.process.kill('SIGKILL')
  await child.exited
  t.equal(
    await peer.eval('receive do {:DOWN, ^ref, _, _, why} -> why after 5000 -> :nothing end'),
    ':noconnection',
  )
  t.equal(await peer.eval('receive do {:nodedown, n} -> n after 5000 -> :nothing end'), `:"${TS}"`)
  t.equal(await peer.eval(':pg.get_members(DS.Scope, MGS)'), '[]')
})

const SECOND = 'ts2@127.0.0.1'
const NAMES = Array.from({ length: 12 }, (_, i) => `child ${i}`)

test('kill -9 of a TypeScript node moves its children to the other, each once, and Elixir calls them as before', async (t) => {
  const { node, peer, epmdPort } = await connectedCluster(t)
  const ds = await startSupervisor(node)
  const second = await startProgram(t, epmdPort, 'examples/modules.ts', SECOND, '--connect', TS)
  t.equal(await peer.eval(`Node.connect(:"${SECOND}")`), 'true')
  await peer.eval(':ok = Beamjoin.Scopes.ensure_started(DS.Scope)')
  const starts = new Map<Term, number>()
  node.pg('Elixir.DS.Scope').onChange(({ type, group }) => {
    if (type === 'join') starts.set(group, (starts.get(group) ?? 0) + 1)
  })
  for (const [i, name] of NAMES.entries()) {
    // Every third one is here and stays.
    await ds.startChild([Counter, { name, start: i }], i % 3 === 0 ? TS : SECOND)
  }
  const ask = 'for i <- 0..11, do: GenServer.call({:via, Beamjoin.Registry, {DS, "child #{i}"}}, :get)'
  const owners = 'for i <- 0..11, do: node(GenServer.whereis({:via, Beamjoin.Registry, {DS, "child #{i}"}}))'
  const numbers = '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]'
  await waitFor(async () => (await peer.eval(ask)) === numbers, { what: 'all children, seen from Elixir' })
  t.equal(await peer.eval(`(${owners}) |> Enum.frequencies() |> Enum.sort()`), `["${SECOND}": 8, "${TS}": 4]`)
  t.same(
    [...starts.values()],
    NAMES.map(() => 1),
  )

  // What the children that stay have counted is still there; those that move begin anew.
  await peer.eval('for i <- 0..11, do: GenServer.cast({:via, Beamjoin.Registry, {DS, "child #{i}"}}, :inc)')
  const counted = '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]'
  await waitFor(async () => (await peer.eval(ask)) === counted, { what: 'every count' })
  second.process.kill('SIGKILL')
  await second.exited
  await waitFor(async () => (await peer.eval(`(${owners}) |> Enum.uniq()`)) === `[:"${TS}"]`, {
    what: 'all children on the node that is left',
  })
  t.equal(await peer.eval(ask), '[1, 1, 2, 4, 4, 5, 7, 7, 8, 10, 10, 11]')
  t.same(
    NAMES.map((name) => starts.get(name)),
    NAMES.map((_, i) => (i % 3 === 0 ? 1 : 2)),
    'each was started again once, or not at all',
  )
  t.equal(ds.localChildren().length, NAMES.length)
  t.equal(
    await peer.eval(
      'for(g <- :pg.which_groups(DS.Scope), do: length(:pg.get_members(DS.Scope, g))) |> Enum.uniq()',
    ),
    '[1]',
  )
})

test('Node.list and net_adm:ping show the node with the supervisor, and rpc runs nothing else there', async (t) => {
  const { peer } = await withChild(t)
  t.equal(await peer.eval('Node.list()'), `[:"${TS}"]`)
  t.equal(await peer.eval(`:net_adm.ping(:"${TS}")`), ':pong')
  t.equal(await peer.eval(`Node.ping(:"${TS}")`), ':pong')
  t.match(await peer.eval(`:rpc.call(:"${TS}", :os, :cmd, [~c"true"])`), /^\{:badrpc, \{:EXIT, \{:undef, /)
})

test('children started at once from both sides are one child', async (t) => {
  const { peer, ds } = await withChild(t)
  const spec =
    '%{id: :x, start: {Counter, :start_link, [[name: {:via, DistributedSupervisor.Registry, {DS, :race}}]]}}'
  const theirs = peer.eval(`
    for(_ <- 1..5, do: Task.async(fn -> :rpc.block_call(:"${TS}", DynamicSupervisor, :start_child, [DS.DynamicSupervisor, ${spec}]) end))
    |> Task.await_many()
    |> Enum.map(fn {:ok, _} -> :started; {:error, {:already_started, pid}} when is_pid(pid) -> :already end)
    |> Enum.count(&(&1 == :started))`)
  const ours = Promise.allSettled(
    Array.from({ length: 5 }, () => ds.startChild([Counter, { name: atom('race') }], TS)),
  )
  const started = (await ours).filter(({ status }) => status === 'fulfilled').length + Number(await theirs)
  t.equal(started, 1)
  t.equal((await ds.children()).size, 2)
})

test('a child that never answers and one that never ends harm nobody else', async (t) => {
  const { node, peer, ds, pid } = await withChild(t)
  t.equal(
    await peer.eval(`try do GenServer.call(${VIA}, :never, 50) catch :exit, {why, _} -> why end`),
    ':timeout',
  )
  t.equal(await peer.eval(`GenServer.call(${VIA}, :get)`), '1')
  await seesMember(peer)
  const reason = `{:shutdown, :enough}`
  await peer.eval(
    `ref = Process.monitor(hd(:pg.get_members(DS.Scope, MGS))); GenServer.cast(${VIA}, {:stop, ${reason}})`,
  )
  t.equal(await peer.eval('receive do {:DOWN, ^ref, _, _, why} -> why after 5000 -> :nothing end'), reason)
  await waitFor(
    async () => (await ds.whereis(MGS)) !== undefined && !((await ds.whereis(MGS)) as Pid).equals(pid),
    {
      what: 'the permanent child to be back after an orderly end',
    },
  )
  t.notOk(node.runtime.isAlive(pid))
})

test('SIGTERM: the children of a node move to another with what they have counted, and Elixir calls them as before', async (t) => {
  const { node, peer, epmdPort } = await connectedCluster(t)
  const ds = await startSupervisor(node)
  const second = await startProgram(t, epmdPort, 'examples/modules.ts', SECOND, '--connect', TS)
  t.equal(await peer.eval(`Node.connect(:"${SECOND}")`), 'true')
  for (const [i, name] of NAMES.entries()) await ds.startChild([Counter, { name, start: i }], SECOND)
  const ask = 'for i <- 0..11, do: GenServer.call({:via, Beamjoin.Registry, {DS, "child #{i}"}}, :get)'
  await peer.eval(':ok = Beamjoin.Scopes.ensure_started(DS.Scope)')
  await waitFor(async () => (await peer.eval('length(:pg.which_groups(DS.Scope))')) === '12', {
    what: 'all children in the scope of the Elixir node',
  })
  await peer.eval('for i <- 0..11, do: GenServer.cast({:via, Beamjoin.Registry, {DS, "child #{i}"}}, :inc)')
  second.process.kill('SIGTERM')
  t.equal((await second.exited).code, 0)
  const owners = 'for i <- 0..11, do: node(GenServer.whereis({:via, Beamjoin.Registry, {DS, "child #{i}"}}))'
  await waitFor(async () => (await peer.eval(`(${owners}) |> Enum.uniq()`)) === `[:"${TS}"]`, {
    what: 'all children on the node that is left',
  })
  t.equal(await peer.eval(ask), '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]')
})
