/** Children of Elixir nodes with `{Beamjoin, name: DS}` that move with their state: by a drain, and by rebalancing. */
import { test } from 'tap'
import {
  alias,
  atom,
  type BeamNode,
  DistributedSupervisor,
  GenServer,
  inspect,
  reply,
  type Term,
  Tuple,
  tuple,
} from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, EX, startExPeer, type Teardown, TS } from './support/cluster.ts'
import { ELIXIR_NODE, startElixirSupervisor, witnessFailover } from './support/elixir-node.ts'

const EX2 = 'ex2@127.0.0.1'
const SERVER = 'Interop.Server'

/** Takes over from Elixir's `Interop.Server`, whose state is a tuple when it is handed over, and the other way round. */
class Heir extends GenServer<number> {
  override init({ start = 0, handoff }: { start?: number; handoff?: Term }): number {
    return handoff instanceof Tuple ? Number(handoff[1]) : start
  }
  override handoff(count: number) {
    return tuple(atom('counted'), count + 10)
  }
  override handleCall(_request: Term, _from: unknown, count: number) {
    return reply(count, count)
  }
}

/** An Elixir node is in the ring of the TypeScript node, which knows that it takes children. */
async function declared(node: BeamNode, ds: DistributedSupervisor): Promise<void> {
  const scope = node.pg(alias('DS.Modules'))
  const isThere = () => ds.nodes().some(({ name }) => name === EX) && scope.members('elixir').length === 1
  await waitFor(isThere, { what: 'the Elixir node, declared' })
}

async function startNodes(t: Teardown, modules = {}, options?: string) {
  const cluster = await connectedCluster(t)
  const second = await startExPeer(t, { epmdPort: cluster.epmdPort, name: EX2 })
  const ds = await DistributedSupervisor.startLink(cluster.node, { name: 'DS', modules, monitorNodes: true })
  for (const peer of [cluster.peer, second]) await peer.eval(ELIXIR_NODE)
  await startElixirSupervisor(cluster.peer, options)
  await declared(cluster.node, ds)
  return {
    ...cluster,
    second,
    ds,
    /** The second Elixir node joins. */
    join: async () => {
      await second.eval(`true = Node.connect(:"${TS}"); true = Node.connect(:"${EX}")`)
      await startElixirSupervisor(second, options)
      await waitFor(
        async () => (await cluster.peer.eval('length(:pg.get_members(DS.Modules, "elixir"))')) === '2',
        { what: 'both Elixir nodes, declared' },
      )
      await waitFor(() => ds.nodes().length === 3, { what: 'the ring of the TypeScript node' })
    },
  }
}

test('a drain moves children with their state, each after its old instance has ended, and the node is left', async (t) => {
  const { peer, second, ds, join, epmdPort } = await startNodes(t)
  await join()
  for (let i = 0; i < 20; i++) {
    await ds.startChild([SERVER, { name: i, start: i }], EX2)
    ds.cast(i, atom('inc'))
    t.equal(await ds.call(i, atom('get')), i + 1)
  }
  await ds.startChild([SERVER, { name: 'temporary', restart: 'temporary' }], EX2)
  const result = await second.eval(
    'me = self(); %{moved: moved, left: left} = Beamjoin.drain(DS, timeout: 10_000, on_child: &send(me, {:through, &1.name})); {length(moved), left, Enum.all?(moved, &(node(&1.moved_to) != node())), Enum.all?(moved, fn %{name: name} -> receive do {:through, ^name} -> true after 0 -> false end end)}',
    { timeout: 20_000 },
  )
  t.equal(result, '{21, [], true, true}')
  for (let i = 0; i < 20; i++) {
    t.equal((await ds.whereis(i))?.node.name, EX)
    t.equal(await ds.call(i, atom('get')), i + 1, 'with its state')
  }
  t.equal(await second.eval('{Process.whereis(DS), Supervisor.which_children(top) |> length()}'), '{nil, 1}')
  t.equal(
    await second.eval('Supervisor.which_children(top) |> hd() |> elem(1)'),
    ':undefined',
    'and stays ended',
  )
  await second.stop()
  await witnessFailover(t, { peer, epmdPort, others: [EX, TS] })
  await waitFor(async () => (await ds.whereis(atom('witness'))) === undefined, {
    what: 'the end of the witness',
  })
  t.equal((await ds.children()).size, 21)
  t.equal(await peer.eval('length(Beamjoin.local_children(DS))'), '21', 'each once')
  // A restart is from the options that the child was first started with.
  ds.cast(3, atom('crash'))
  await waitFor(async () => (await ds.call(3, atom('get')).catch(() => -1)) === 3, { what: 'the restart' })
})

test('what nobody can take stays until the time is over, and a start that arrives goes elsewhere', async (t) => {
  const { node, peer, ds } = await startNodes(t)
  await ds.startChild([SERVER, { name: 'alone', start: 1 }])
  t.match(
    await peer.eval('Beamjoin.drain(DS, timeout: 500)'),
    /^%\{left: \[%\{.*reason: \{:undef, Interop\.Server\}.*\}\], moved: \[\]\}$/,
  )
  t.equal(await peer.eval('Process.whereis(DS)'), 'nil')
  t.equal(await peer.eval('Beamjoin.drain(DS)'), '%{left: [], moved: []}', 'nothing is left to drain')
  await t.rejects(ds.startChild([SERVER, { name: 'late' }]), { code: 'ERR_SUPERVISOR_UNDEF' })
  await startElixirSupervisor(peer)
  await declared(node, ds)
  const { pid } = await ds.startChild([SERVER, { name: 'again' }])
  t.equal(pid.node.name, EX)
})

test('Elixir hands over to TypeScript, and TypeScript to Elixir', async (t) => {
  const { node, peer, ds } = await startNodes(t)
  await ds.startChild([SERVER, { name: 'c', start: 1 }])
  ds.cast('c', atom('inc'))
  t.equal(await ds.call('c', atom('get')), 2)
  // From now on the module is claimed by a node of TypeScript: Elixir's is to leave.
  await ds.stop()
  await waitFor(async () => (await peer.eval('length(:pg.get_members(DS.Modules, "members"))')) === '1', {
    what: 'the end of the first',
  })
  const claiming = await DistributedSupervisor.startLink(node, {
    name: 'DS',
    modules: { [SERVER]: Heir },
    monitorNodes: true,
  })
  await waitFor(
    async () => (await peer.eval('length(:pg.get_members(DS.Modules, Interop.Server))')) === '1',
    {
      what: 'the claim',
    },
  )
  t.match(await peer.eval('Beamjoin.drain(DS)'), /moved: \[%\{/)
  t.equal((await claiming.whereis('c'))?.node.name, TS)
  t.equal(await claiming.call('c', atom('get')), 2, 'with the state of the Elixir instance')
  await startElixirSupervisor(peer)
  await declared(node, claiming)
  const { moved, left } = await claiming.drain({ timeout: 10_000 })
  t.same([moved.length, left.map(({ reason }) => inspect(reason ?? null))], [1, []])
  t.equal(await peer.eval('Beamjoin.call(DS, "c", :get)'), '12', 'with the state of the TypeScript instance')
  t.equal(await peer.eval('node(Beamjoin.whereis(DS, "c"))'), `:"${EX}"`)
})

test('with rebalance: children move with their state when a node has joined, and stay when nothing changes', async (t) => {
  const { peer, second, ds, join } = await startNodes(t, {}, 'monitor_nodes: true, rebalance: [delay: 300]')
  for (let i = 0; i < 30; i++) {
    await ds.startChild([SERVER, { name: i, start: i }])
    ds.cast(i, atom('inc'))
  }
  t.equal(await peer.eval('length(Beamjoin.local_children(DS))'), '30')
  await join()
  await waitFor(
    async () =>
      (await peer.eval(
        'Enum.all?(Beamjoin.children(DS), fn {name, {pid, _}} -> node(pid) == Beamjoin.Ring.node_for(Beamjoin.Ring.new([node(), :"ex2@127.0.0.1"]), name) end) and map_size(Beamjoin.children(DS))',
      )) === '30',
    { what: 'every child where the ring wants it' },
  )
  t.ok(Number(await second.eval('length(Beamjoin.local_children(DS))')) > 5)
  for (let i = 0; i < 30; i++) t.equal(await ds.call(i, atom('get')), i + 1)
  const before = await peer.eval(
    'Beamjoin.children(DS) |> Enum.map(fn {_, {pid, _}} -> pid end) |> :erlang.phash2()',
  )
  // Somebody came: it looks once more, and is through with that.
  await second.eval('GenServer.cast(DS.Moves, :changed)')
  await peer.eval('GenServer.cast(DS.Moves, :changed)')
  for (const each of [peer, second]) {
    await waitFor(
      async () => (await each.eval('match?(%{timer: nil, task: nil}, :sys.get_state(DS.Moves))')) === 'true',
      { what: `nothing that ${each.name} would still move` },
    )
  }
  t.equal(
    await peer.eval('Beamjoin.children(DS) |> Enum.map(fn {_, {pid, _}} -> pid end) |> :erlang.phash2()'),
    before,
  )
})
