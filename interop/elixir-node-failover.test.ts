/** What becomes of children when one of several Elixir nodes with `{Beamjoin, name: DS}` is gone, and of names with two owners. */
import { test } from 'tap'
import { atom, DistributedSupervisor, inspect } from '../src/index.ts'
import { type Peer, waitFor } from './peer.ts'
import { connectedCluster, EX, startExPeer, type Teardown, TS } from './support/cluster.ts'
import { ELIXIR_NODE, startElixirSupervisor, witnessFailover } from './support/elixir-node.ts'
import { Counter } from './support/servers.ts'

const EX2 = 'ex2@127.0.0.1'
const SERVER = 'Interop.Server'

/** Nodes that connect when told to, and stay apart when told to. */
const ARGS = ['-kernel', 'prevent_overlapping_partitions', 'false', '-kernel', 'dist_auto_connect', 'never']

async function startNodes(t: Teardown) {
  const cluster = await connectedCluster(t, { peer: { args: ARGS } })
  const second = await startExPeer(t, { epmdPort: cluster.epmdPort, name: EX2, args: ARGS })
  const ds = await DistributedSupervisor.startLink(cluster.node, {
    name: 'DS',
    modules: { Counter },
    monitorNodes: true,
  })
  for (const peer of [cluster.peer, second]) await peer.eval(ELIXIR_NODE)
  await startElixirSupervisor(cluster.peer)
  await second.eval(`true = Node.connect(:"${TS}"); true = Node.connect(:"${EX}")`)
  await startElixirSupervisor(second)
  for (const peer of [cluster.peer, second]) await inRing(peer, 3)
  await waitFor(() => ds.nodes().length === 3, { what: 'the ring of the TypeScript node' })
  await waitFor(
    async () => (await cluster.peer.eval('length(:pg.get_members(DS.Modules, "elixir"))')) === '2',
    { what: 'both Elixir nodes, declared' },
  )
  return { ...cluster, second, ds }
}

async function inRing(peer: Peer, count: number): Promise<void> {
  await waitFor(async () => (await peer.eval('length(Beamjoin.nodes(DS))')) === String(count), {
    what: `${count} nodes in the ring of ${peer.name}`,
  })
}

test('the children of an Elixir node that dies start again, each at its home, as they were started', async (t) => {
  const { peer, second, ds } = await startNodes(t)
  const homes = new Map<string, number>()
  for (let i = 0; i < 30; i++) {
    const { pid } = await ds.startChild([SERVER, { name: i, start: i }])
    homes.set(pid.node.name, (homes.get(pid.node.name) ?? 0) + 1)
    await ds.startChild([Counter, { name: `ts ${i}`, start: i }])
  }
  t.ok((homes.get(EX) ?? 0) > 5 && (homes.get(EX2) ?? 0) > 5, `spread: ${inspect(homes)}`)
  await peer.eval(
    `{:ok, _, :temporary} = Beamjoin.start_child(DS, {Interop.Server, name: :temporary, restart: :temporary}, :"${EX2}")`,
  )
  // Ended before: nobody starts it again.
  await peer.eval(
    `{:ok, ended, :ended} = Beamjoin.start_child(DS, {Interop.Server, name: :ended}, :"${EX2}")`,
  )
  t.equal(await peer.eval('Beamjoin.terminate_child(DS, ended)'), ':ok')

  await second.kill()
  await waitFor(async () => (await peer.eval('length(Beamjoin.local_children(DS))')) === '30', {
    what: 'all children on the node that is left',
  })
  await waitFor(async () => (await ds.children()).size === 60, { what: 'all names' })
  for (let i = 0; i < 30; i++) {
    t.equal(await ds.call(i, atom('get')), i)
    t.equal((await ds.whereis(`ts ${i}`))?.node.name, TS)
  }
  t.equal(await peer.eval('Beamjoin.whereis(DS, :temporary)'), ':undefined')
  t.equal(await peer.eval('Beamjoin.whereis(DS, :ended)'), ':undefined')
  t.equal(
    await peer.eval(
      'Enum.all?(Beamjoin.children(DS), &match?({_, {_pid, %{start: {_, :start_link, [[_ | _]]}}}}, &1))',
    ),
    'true',
    'with their specifications',
  )
})

test('the supervisor of a node that ends in order takes its children along', async (t) => {
  const { peer, second, ds, epmdPort } = await startNodes(t)
  for (let i = 0; i < 10; i++) await ds.startChild([SERVER, { name: i, start: i }], EX2)
  await ds.startChild([SERVER, { name: 'stays' }], EX)
  t.equal(await second.eval('Supervisor.stop(DS)'), ':ok')
  await waitFor(async () => (await ds.children()).size === 1, { what: 'the end of ten children' })
  await second.stop()
  await inRing(peer, 2)
  await witnessFailover(t, { peer, epmdPort, args: ARGS, others: [EX, TS] })
  await waitFor(async () => (await ds.whereis(atom('witness'))) === undefined, {
    what: 'the end of the witness',
  })
  t.equal((await ds.children()).size, 1, 'nobody started them again')
})

test('a name that two Elixir nodes own after a split keeps one, and the other ends with the reason', async (t) => {
  const { peer, second } = await startNodes(t)
  await peer.eval(`Node.disconnect(:"${EX2}")`)
  await inRing(peer, 2)
  await inRing(second, 2)
  // Each node has it started by its own supervisor, since the TypeScript node still sees both.
  const start = `
    spec = %{id: :x, start: {Interop.Server, :start_link, [[name: {:via, DistributedSupervisor.Registry, {DS, :x}}]]}}
    {:ok, pid} = DynamicSupervisor.start_child(DS.DynamicSupervisor, spec)
    ref = Process.monitor(pid)
    node(pid)
  `
  t.equal(await peer.eval(start), `:"${EX}"`)
  t.equal(await second.eval(start), `:"${EX2}"`)
  t.equal(await peer.eval(`Node.connect(:"${EX2}")`), 'true')
  const winner = await peer.eval(`Beamjoin.Ring.new([:"${EX}", :"${EX2}"]) |> Beamjoin.Ring.node_for(:x)`)
  const [kept, lost] = winner === `:"${EX}"` ? [peer, second] : [second, peer]
  t.match(
    await lost.eval('receive do {:DOWN, ^ref, _, _, reason} -> reason after 8000 -> :none end'),
    /^\{:shutdown, \{:name_conflict, :x, #PID<.*>\}\}$/,
  )
  for (const one of [peer, second]) {
    await waitFor(async () => (await one.eval('node(Beamjoin.whereis(DS, :x))')) === winner, {
      what: `one owner on ${one.name}`,
    })
  }
  t.equal(await kept.eval('Process.alive?(pid)'), 'true')
  t.equal(await lost.eval('Beamjoin.local_children(DS)'), '[]', 'not started again')
})
