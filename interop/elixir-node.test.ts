/**
 * An Elixir node whose supervisor is `{Beamjoin, name: DS}`, without the hex package, beside a TypeScript node: children of
 * both kinds, started, found, called and ended from both sides.
 */
import { test } from 'tap'
import { alias, atom, DistributedSupervisor, inspect } from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, EX, TS } from './support/cluster.ts'
import { ELIXIR_NODE, startElixirSupervisor } from './support/elixir-node.ts'
import { Counter } from './support/servers.ts'

const SERVER = 'Interop.Server'

test('an Elixir node and a TypeScript node run one supervisor', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const ds = await DistributedSupervisor.startLink(node, {
    name: 'DS',
    modules: { Counter },
    monitorNodes: true,
  })
  await peer.eval(ELIXIR_NODE)
  await startElixirSupervisor(peer)
  await waitFor(() => node.pg(alias('DS.Modules')).members('elixir').length === 1, {
    what: 'the Elixir node, declared',
  })

  await t.test('each runs what it can, whoever starts it', async (t) => {
    for (let i = 0; i < 6; i++) {
      t.equal(
        await peer.eval(
          `{:ok, pid, {:ts, ${i}}} = Beamjoin.start_child(DS, {Counter, name: {:ts, ${i}}, start: ${i}}); {node(pid), Beamjoin.call(DS, {:ts, ${i}}, :get)}`,
        ),
        `{:"${TS}", ${i}}`,
      )
      const { pid, name } = await ds.startChild([SERVER, { name: i, start: i }])
      t.equal(pid.node.name, EX)
      await waitFor(async () => (await ds.whereis(name)) !== undefined, { what: `child ${i}` })
      t.equal(await ds.call(name, atom('get')), i)
      t.equal(
        await peer.eval(
          `{:ok, pid, {:ex, ${i}}} = Beamjoin.start_child(DS, {Interop.Server, name: {:ex, ${i}}, start: ${i}}); {node(pid), Beamjoin.call(DS, {:ex, ${i}}, :get)}`,
        ),
        `{:"${EX}", ${i}}`,
      )
    }
    const { pid } = await ds.startChild([Counter, { name: alias('MGS'), start: 7 }])
    t.equal(pid.node.name, TS)
    await waitFor(async () => (await peer.eval('Beamjoin.whereis(DS, MGS)')) !== ':undefined', {
      what: 'its name on the Elixir node',
    })
    t.equal(await peer.eval('GenServer.call({:via, DistributedSupervisor.Registry, {DS, MGS}}, :get)'), '7')
  })

  await t.test('a start for the wrong node is passed on, and what nobody can run is refused', async (t) => {
    t.equal(
      await peer.eval(
        `{:ok, pid, :there} = Beamjoin.start_child(DS, {Interop.Server, name: :there}, :"${TS}"); node(pid)`,
      ),
      `:"${EX}"`,
    )
    t.equal(
      await peer.eval(
        `{:ok, pid, :here} = Beamjoin.start_child(DS, {Counter, name: :here}, node()); node(pid)`,
      ),
      `:"${TS}"`,
    )
    t.equal(await peer.eval('Beamjoin.start_child(DS, {Nope, name: :nope})'), '{:error, {:undef, Nope}}')
    await t.rejects(ds.startChild(['Nope', { name: 'nope' }]), { code: 'ERR_SUPERVISOR_UNDEF' })
    t.match(
      await peer.eval('Beamjoin.start_child(DS, {Interop.Server, name: :there})'),
      /^\{:error, \{:already_started, #PID<.*>\}\}$/,
    )
  })

  await t.test('both see the same children and specifications', async (t) => {
    const total = 6 * 3 + 3
    t.equal((await ds.children()).size, total)
    t.equal(await peer.eval('map_size(Beamjoin.children(DS))'), String(total))
    t.equal(
      await peer.eval(
        'Enum.all?(Beamjoin.children(DS), &match?({_, {_pid, %{start: {_, :start_link, [[_ | _]]}}}}, &1))',
      ),
      'true',
    )
    const specs = await ds.childSpecs()
    for (const [name, { spec }] of specs) t.ok(spec, `a specification of ${inspect(name)}`)
    t.equal(await peer.eval('length(Beamjoin.local_children(DS))'), '13')
    t.equal(
      await peer.eval(
        'for({n, {pid, _}} <- Beamjoin.children(DS), do: Beamjoin.whois(DS, pid) == n) |> Enum.all?()',
      ),
      'true',
    )
    t.equal(await peer.eval('Enum.sort(Beamjoin.nodes(DS))'), `[:"${EX}", :"${TS}"]`)
    for (const key of [1, 'text', atom('ok'), alias('MGS')]) {
      t.equal(await peer.eval(`Beamjoin.node_for(DS, ${inspect(key)})`), `:"${ds.nodeFor(key)?.name}"`)
    }
  })

  await t.test('ended from the other side, gone everywhere', async (t) => {
    const there = await ds.whereis(atom('there'))
    await ds.terminateChild(there)
    t.equal(await peer.eval('Beamjoin.terminate_child(DS, Beamjoin.whereis(DS, :here))'), ':ok')
    await waitFor(
      async () =>
        (await ds.children()).size === 19 && (await peer.eval('map_size(Beamjoin.children(DS))')) === '19',
      { what: 'two children less on both sides' },
    )
  })

  await t.test('a child that crashes starts again under its name', async (t) => {
    ds.cast(0, atom('crash'))
    await waitFor(async () => (await ds.call(0, atom('get')).catch(() => -1)) === 0, { what: 'the restart' })
    t.equal((await ds.whereis(0))?.node.name, EX)
  })
})
