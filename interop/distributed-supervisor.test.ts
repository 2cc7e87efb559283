/** A DistributedSupervisor of ours and Elixir: children by name, from both sides, through crashes and deaths. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
import { COOKIE, connectedCluster, EX, startExPeer, startTsNode, TS } from './support/cluster.ts'
import { ELIXIR_SUPERVISOR } from './support/elixir-supervisor.ts'
import { Counter } from './support/servers.ts'

const VIA = '{:via, Beamjoin.Registry, {DS, MGS}}'
const MGS = alias('MGS')
const NEXT = 'receive do m -> m after 5000 -> :nothing end'

async function startSupervisor(node: BeamNode): Promise<DistributedSupervisor> {
  return DistributedSupervisor.startLink(node, { name: 'DS', modules: { Counter }, monitorNodes: true })
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
  const root = fileURLToPath(new URL('..', import.meta.url))
  const args = [
    'start',
    'examples/counter.ts',
    '--name',
    TS,
    '--cookie',
    COOKIE,
    '--supervise',
    'DS',
    '--hints',
  ]
  const child = spawn(process.execPath, ['--import=tsx', 'src/cli/main.ts', ...args], {
    cwd: root,
    env: { ...process.env, ERL_EPMD_PORT: String(epmdPort) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  await new Promise<void>((resolve) => lines.on('line', (line) => line.includes('Ctrl-C') && resolve()))
  const peer = await startExPeer(t, { epmdPort })
  await peer.eval(`Node.connect(:"${TS}"); :net_kernel.monitor_nodes(true)`)
  t.equal(await peer.eval(`GenServer.call(${VIA}, :get)`), '0')
  await seesMember(peer)
  await peer.eval('ref = Process.monitor(hd(:pg.get_members(DS.Scope, MGS)))')
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  t.equal(
    await peer.eval('receive do {:DOWN, ^ref, _, _, why} -> why after 5000 -> :nothing end'),
    ':noconnection',
  )
  t.equal(await peer.eval('receive do {:nodedown, n} -> n after 5000 -> :nothing end'), `:"${TS}"`)
  t.equal(await peer.eval(':pg.get_members(DS.Scope, MGS)'), '[]')
})
