/**
 * `Beamjoin.start_child/3` and its companions from an Elixir node that runs no supervisor: children of a TypeScript node
 * and of an Elixir node, by the names and with the results of the hex package.
 */
import { test } from 'tap'
import { DistributedSupervisor } from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, EX, startExPeer, TS } from './support/cluster.ts'
import { ELIXIR_SUPERVISOR } from './support/elixir-supervisor.ts'
import { Counter } from './support/servers.ts'

const CLIENT = 'client@127.0.0.1'
const NODES = `[:"${CLIENT}", :"${EX}", :"${TS}"]`

test('an Elixir node without a supervisor starts, finds, calls and ends children of both kinds', async (t) => {
  const { node, peer, epmdPort } = await connectedCluster(t)
  await peer.eval(ELIXIR_SUPERVISOR)
  const ds = await DistributedSupervisor.startLink(node, {
    name: 'DS',
    modules: { Counter },
    monitorNodes: true,
    cacheChildren: true,
  })
  const client = await startExPeer(t, { epmdPort, name: CLIENT })
  t.match(
    await client.eval('try do Beamjoin.nodes(DS) catch :exit, why -> why end'),
    /^\{:noproc, /,
    'nobody to ask',
  )
  t.equal(await client.eval(`Node.connect(:"${EX}") and Node.connect(:"${TS}")`), 'true')
  await waitFor(async () => (await client.eval('Enum.sort(Beamjoin.nodes(DS))')) === NODES, {
    what: 'the client in the ring',
  })

  await t.test('on the node that can run the module, past the others', async (t) => {
    for (let i = 0; i < 8; i++) {
      // Some of these names belong to the client, which is a member of the ring and runs nothing.
      t.equal(
        await client.eval(
          `{:ok, pid, {:ts, ${i}}} = Beamjoin.start_child(DS, {Counter, name: {:ts, ${i}}, start: ${i}}); {node(pid), Beamjoin.call(DS, {:ts, ${i}}, :get)}`,
        ),
        `{:"${TS}", ${i}}`,
      )
      t.equal(
        await client.eval(
          `{:ok, pid, {:ex, ${i}}} = Beamjoin.start_child(DS, {Interop.Server, name: {:ex, ${i}}, start: ${i}}); {node(pid), Beamjoin.call(DS, {:ex, ${i}}, :get)}`,
        ),
        `{:"${EX}", ${i}}`,
      )
    }
    t.match(
      await client.eval('Beamjoin.start_child(DS, {Counter, name: {:ts, 1}})'),
      /^\{:error, \{:already_started, #PID<.*>\}\}$/,
    )
    t.match(
      await client.eval('Beamjoin.start_child(DS, {Interop.Server, name: {:ex, 1}})'),
      /^\{:error, \{:already_started, #PID<.*>\}\}$/,
    )
  })

  await t.test('what cannot be started', async (t) => {
    t.equal(await client.eval('Beamjoin.start_child(DS, Nope)'), '{:error, {:undef, Nope}}')
    t.equal(
      await client.eval(`Beamjoin.start_child(DS, {Counter, name: :x}, :"${CLIENT}")`),
      '{:error, :noproc}',
    )
    t.equal(
      await client.eval(`Beamjoin.start_child(DS, {Counter, name: :x}, :"${EX}")`),
      '{:error, {:undef, Counter}}',
    )
    t.equal(
      await client.eval('Beamjoin.start_child(DS, "Counter")'),
      '{:error, {:incorrect_spec, "Counter"}}',
    )
  })

  await t.test('by specification, on a chosen node, without a name', async (t) => {
    const spec = '%{id: :x, start: {Counter, :start_link, [name: :spec, start: 3]}, restart: :temporary}'
    t.equal(
      await client.eval(
        `{:ok, pid, :spec} = Beamjoin.start_child(DS, ${spec}, :"${TS}"); {node(pid), Beamjoin.call(DS, :spec, :get)}`,
      ),
      `{:"${TS}", 3}`,
    )
    t.equal(
      await client.eval(
        '{:ok, pid, ref} = Beamjoin.start_child(DS, Counter); {is_reference(ref), Beamjoin.whereis(DS, ref) == pid, Beamjoin.whois(DS, pid) == ref, Beamjoin.terminate_child(DS, pid)}',
      ),
      '{true, true, true, :ok}',
    )
    t.equal(await client.eval('Beamjoin.terminate_child(DS, pid)'), '{:error, :not_found}')
    t.equal(
      await client.eval(
        `{:ok, pid, :on} = Beamjoin.start_child(DS, {Interop.Server, name: :on}, :"${TS}"); {node(pid), Beamjoin.terminate_child(DS, pid)}`,
      ),
      `{:"${EX}", :ok}`,
      'a TypeScript node that cannot run it passes it on',
    )
    t.equal(await client.eval('Beamjoin.terminate_child(DS, self())'), '{:error, :not_found}')
    t.equal(await client.eval('Beamjoin.terminate_child(DS, nil)'), '{:error, :not_found}')
    t.equal(await client.eval('Beamjoin.whois(DS, self())'), 'nil')
  })

  await t.test('messages', async (t) => {
    t.equal(
      await client.eval('Beamjoin.cast(DS, {:ts, 2}, :inc); Beamjoin.call(DS, {:ts, 2}, :get, 4000)'),
      '3',
    )
    t.equal(await client.eval('Beamjoin.cast(DS, :nobody, :inc)'), ':ok')
    t.equal(
      await client.eval(
        'm = {:ping, self()}; ^m = Beamjoin.send(DS, {:ex, 2}, m); receive do {:pong, pid} -> pid == Beamjoin.whereis(DS, {:ex, 2}) after 5000 -> :nothing end',
      ),
      'true',
    )
    t.equal(await client.eval('Beamjoin.send(DS, :nobody, :hello)'), ':undefined')
    t.equal(await client.eval('Beamjoin.whereis(DS, :nobody)'), ':undefined')
    t.match(
      await client.eval('try do Beamjoin.call(DS, :nobody, :get) catch :exit, why -> why end'),
      /^\{:noproc, /,
    )
  })

  await t.test('every node shows the same children', async (t) => {
    t.equal(
      await client.eval(
        'for {name, {pid, _spec}} <- Beamjoin.children(DS), do: Beamjoin.whereis(DS, name) == pid and Beamjoin.whois(DS, pid) == name',
      ),
      `[${Array.from({ length: 17 }, () => 'true').join(', ')}]`,
    )
    t.equal((await ds.children()).size, 17)
    t.equal(
      await client
        .eval(
          'for i <- 1..50, do: Beamjoin.node_for(DS, {:key, i}) == Beamjoin.Ring.node_for(Beamjoin.Ring.new(Enum.reverse(Beamjoin.nodes(DS))), {:key, i})',
        )
        .then((answers) => answers.includes('false')),
      false,
    )
    t.equal(
      await client.eval(
        `Enum.all?(1..50, &(Beamjoin.mine?(DS, &1) == (Beamjoin.node_for(DS, &1) == node())))`,
      ),
      'true',
    )
  })

  await t.test('ended from here, gone everywhere, and not started again', async (t) => {
    for (const name of ['{:ts, 0}', '{:ex, 0}']) {
      t.equal(await client.eval(`Beamjoin.terminate_child(DS, Beamjoin.whereis(DS, ${name}))`), ':ok')
      await waitFor(async () => (await client.eval(`Beamjoin.whereis(DS, ${name})`)) === ':undefined', {
        what: `the end of ${name}`,
      })
    }
    await waitFor(async () => (await ds.children()).size === 15, { what: 'two children less' })
  })
})
