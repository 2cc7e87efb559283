/** What the listeners of an Elixir node with `{Beamjoin, name: DS}` hear of nodes that come and go, and of children. */
import { test } from 'tap'
import { DistributedSupervisor } from '../src/index.ts'
import { freePort, type Peer, startEpmd, waitFor } from './peer.ts'
import { EX, startExPeer, startTsNode, TS } from './support/cluster.ts'
import { ELIXIR_NODE, startElixirSupervisor } from './support/elixir-node.ts'
import { Counter } from './support/servers.ts'

const EX2 = 'ex2@127.0.0.1'

const LISTENER = `
  Process.register(self(), :heard)
  defmodule Heard do
    @behaviour Beamjoin.Listener
    @impl true
    def on_process_start(DS, name, pid) when is_pid(pid), do: send(:heard, {:start, name})
    @impl true
    def on_process_stop(DS, name, pid) when is_pid(pid), do: send(:heard, {:stop, name})
    @impl true
    def on_node_up(DS, node, _info), do: send(:heard, {:up, node})
    @impl true
    def on_node_down(DS, node, _info), do: send(:heard, {:down, node})
    @impl true
    def on_node_terminate(DS, node, reason, statuses), do: send(:heard, {:terminate, node, reason, length(statuses)})
  end
`

/** Waits for a message that matches, in the process that is told. */
function heard(peer: Peer, pattern: string): Promise<string> {
  return peer.eval(`receive do ${pattern} = m -> m after 8000 -> :nothing end`)
}

test('listeners hear of children of their node, of nodes, and of supervisors that end in order', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort })
  const peer = await startExPeer(t, { epmdPort })
  await peer.eval(ELIXIR_NODE)
  await peer.eval(LISTENER)
  await startElixirSupervisor(peer, 'monitor_nodes: true, listeners: [Heard]')
  // Alone in the ring it is told of every node.
  t.equal(await peer.eval(`Node.connect(:"${TS}")`), 'true')
  t.equal(await heard(peer, '{:up, _}'), `{:up, :"${TS}"}`)
  const ds = await DistributedSupervisor.startLink(node, {
    name: 'DS',
    modules: { Counter },
    monitorNodes: true,
  })
  await waitFor(async () => (await peer.eval('length(:pg.get_members(DS.Modules, "members"))')) === '2', {
    what: 'both nodes, declared',
  })

  await ds.startChild(['Interop.Server', { name: 'a' }])
  await ds.startChild([Counter, { name: 'b' }])
  await ds.startChild([Counter, { name: 'c' }])
  t.equal(await heard(peer, '{:start, _}'), '{:start, "a"}')
  await waitFor(async () => (await peer.eval('is_pid(Beamjoin.whereis(DS, "a"))')) === 'true', { what: 'a' })
  t.equal(await peer.eval('Beamjoin.terminate_child(DS, Beamjoin.whereis(DS, "a"))'), ':ok')
  t.equal(await heard(peer, '{:stop, _}'), '{:stop, "a"}')
  t.equal(
    await peer.eval('receive do {kind, name} when kind in [:start, :stop] -> name after 0 -> nil end'),
    'nil',
  )

  await ds.stop()
  t.match(await heard(peer, '{:terminate, _, _, _}'), `{:terminate, :"${TS}", :shutdown, 2}`)
  await node.stop()
  t.equal(await heard(peer, '{:down, _}'), `{:down, :"${TS}"}`)
})

test('a TypeScript node hears of an Elixir node that ends in order, with the states of its children', async (t) => {
  const epmdPort = await freePort()
  const node = await startTsNode(t, { epmdPort })
  const peer = await startExPeer(t, { epmdPort })
  t.equal(await peer.eval(`Node.connect(:"${TS}")`), 'true')
  const told: string[] = []
  await DistributedSupervisor.startLink(node, {
    name: 'DS',
    monitorNodes: true,
    listeners: {
      onNodeTerminate: (_supervisor, from, reason, statuses) => {
        told.push(`${from.name} ${String(reason)} ${(statuses as readonly unknown[]).length}`)
      },
    },
  })
  await peer.eval(ELIXIR_NODE)
  await startElixirSupervisor(peer)
  t.match(await peer.eval('Beamjoin.start_child(DS, {Interop.Server, name: :a})'), /^\{:ok, /)
  t.equal(await peer.eval('Supervisor.stop(top)'), ':ok')
  await waitFor(() => told.length > 0, { what: 'the goodbye' })
  t.match(told, [/^ex@127\.0\.0\.1 .*(shutdown|normal) 1$/])
})

test('an end that a node asks for which sees an owner that is gone is none, and it is told of the child again', async (t) => {
  const epmd = await startEpmd()
  t.teardown(() => epmd.kill())
  const peer = await startExPeer(t, { epmdPort: epmd.port })
  // As a node of the hex package, it declares nothing.
  const stranger = await startExPeer(t, { epmdPort: epmd.port, name: EX2 })
  await peer.eval(ELIXIR_NODE)
  await peer.eval(LISTENER)
  await startElixirSupervisor(peer, 'monitor_nodes: true, listeners: [Heard]')
  t.equal(await stranger.eval(`Node.connect(:"${EX}")`), 'true')
  t.match(await peer.eval('Beamjoin.start_child(DS, {Interop.Server, name: :x}, node())'), /^\{:ok, /)
  t.equal(await heard(peer, '{:start, _}'), '{:start, :x}')
  // The scope stops listening with a member that ends then.
  await stranger.eval(`
    {:ok, _} = :pg.start(DS.Scope)
    wait = fn wait -> if :pg.get_members(DS.Scope, :x) == [], do: wait.(wait) end
    wait.(wait)
    [child] = :pg.get_members(DS.Scope, :x)
    {rival, ref} = spawn_monitor(fn -> receive do :stop -> :ok end end)
    :pg.join(DS.Scope, :x, rival)
    :sys.suspend(DS.Scope)
    send(rival, :stop)
    receive do {:DOWN, ^ref, _, _, _} -> :ok end
    2 = length(:pg.get_members(DS.Scope, :x))
  `)
  const ask = `:rpc.block_call(:"${EX}", DynamicSupervisor, :terminate_child, [DS.DynamicSupervisor, child])`
  t.equal(await stranger.eval(ask), '{:error, :name_conflict}')
  t.equal(await stranger.eval(`:erpc.call(:"${EX}", Process, :alive?, [child])`), 'true')
  await stranger.eval(':sys.resume(DS.Scope); {watch, _} = :pg.monitor_scope(DS.Scope); :ok')
  t.equal(
    await stranger.eval('receive do {^watch, :join, :x, [^child]} -> :told after 8000 -> :nothing end'),
    ':told',
  )
  t.equal(
    await peer.eval('receive do {kind, name} when kind in [:start, :stop] -> name after 500 -> nil end'),
    'nil',
    'listeners are not',
  )
  t.equal(await stranger.eval(ask), ':ok', 'with no other owner in sight it is a wish')
  t.equal(await heard(peer, '{:stop, _}'), '{:stop, :x}')
})
