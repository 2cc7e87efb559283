/** Threads as Elixir sees them: processes with pids, which an endless loop does not make immortal. */
import { test } from 'tap'
import { alias, atom, DistributedSupervisor, thread, threadPool } from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, TS } from './support/cluster.ts'

const MODULE = new URL('./support/thread-worker.ts', import.meta.url)
const THERE = `{:worker, :"${TS}"}`
const NEXT = 'receive do m -> m after 9000 -> :nothing end'

test('Elixir calls, monitors and links a process in a thread, and a loop in it is killed within a second', async (t) => {
  const { node, peer } = await connectedCluster(t, {
    node: { netTicktime: 1 },
    peer: { args: ['-kernel', 'net_ticktime', '1'] },
  })
  const lost = (): void => void t.fail('the connection was lost')
  node.on('nodedown', lost)
  await node.startLink(thread(MODULE), { start: 40 }, { name: 'worker' })
  await node.startLink(thread(MODULE), {}, { name: 'sibling' })
  t.equal(await peer.eval(`GenServer.call(${THERE}, {:add, 2})`), '42')
  t.equal(await peer.eval(`pid = GenServer.call(${THERE}, :pid); node(pid)`), `:"${TS}"`)
  t.equal(
    await peer.eval('send(pid, {self(), {:hello, 1.5}}); receive do m -> m after 5000 -> :nothing end'),
    '{:hello, 1.5}',
  )
  t.equal(
    await peer.eval(
      '{:ok, a} = Agent.start(fn -> 7 end); GenServer.call(pid, {:call, a, {:get, &Function.identity/1}})',
    ),
    '7',
  )
  t.equal(await peer.eval(':sys.get_state(pid)'), '42')
  await peer.eval('Process.flag(:trap_exit, true); Process.link(pid); ref = Process.monitor(pid)')

  await peer.eval(`spawn(fn -> GenServer.call(pid, :loop, :infinity) end)`)
  // Ticks go on for three tick times while the thread loops, and its sibling answers.
  await peer.eval('Process.sleep(3000)')
  t.equal(await peer.eval(`GenServer.call({:sibling, :"${TS}"}, {:add, 1})`), '1')
  const killed = await peer.eval(
    `{us, answer} = :timer.tc(fn -> Process.exit(pid, :kill); ${NEXT} end); {us < 1_000_000, answer}`,
  )
  t.match(killed, /^\{true, \{:(?:DOWN|EXIT), .*:killed\}\}$/)
  t.match(await peer.eval(NEXT), /:killed\}$/)
  t.equal(
    await peer.eval(`GenServer.whereis(${THERE}) |> is_tuple() and Node.ping(:"${TS}") == :pong`),
    'true',
  )
  t.equal(node.whereis('worker'), undefined)
  node.off('nodedown', lost)
})

test('a thread has a global name, and calls others by theirs', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.startLink(thread(MODULE), { start: 1 }, { name: { global: atom('threaded') } })
  await waitFor(async () => (await peer.eval(':global.whereis_name(:threaded) != :undefined')) === 'true', {
    what: 'the global name to arrive',
  })
  t.equal(await peer.eval('GenServer.call({:global, :threaded}, {:add, 1})'), '2')
  await peer.eval('{:ok, agent} = Agent.start(fn -> :found end); :global.register_name(:an_agent, agent)')
  t.equal(
    await peer.eval(
      'GenServer.call({:global, :threaded}, {:call_global, :an_agent, {:get, &Function.identity/1}})',
    ),
    ':found',
  )
})

test('a supervised child in a thread that runs out of memory says so, and is started again', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const modules = {
    'MyApp.Threaded': thread(MODULE, { resourceLimits: { maxOldGenerationSizeMb: 64 } }),
  }
  const ds = await DistributedSupervisor.startLink(node, { name: 'DS', modules })
  const start = `spec = %{id: :x, start: {MyApp.Threaded, :start_link, [[name: {:via, DistributedSupervisor.Registry, {DS, :x}}, start: 5]]}}; {:ok, pid} = :rpc.block_call(:"${TS}", DynamicSupervisor, :start_child, [DS.DynamicSupervisor, spec])`
  t.equal(await peer.eval(`${start}; node(pid)`, { timeout: 30_000 }), `:"${TS}"`)
  t.equal(await peer.eval('GenServer.call(pid, {:add, 1})'), '6')
  const reason = await peer.eval(
    'try do GenServer.call(pid, :eat, 40_000) catch :exit, {why, _} -> why end',
    {
      timeout: 45_000,
    },
  )
  t.equal(reason, '{:memory_limit, [max_old_generation_size_mb: 64]}')
  const { pid } = await (async () => {
    for (;;) {
      const found = await ds.whereis(atom('x'))
      if (found !== undefined) return { pid: found }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  t.equal(String(await node.call(pid, atom('pid'), { timeout: 60_000 })), String(pid))
  t.ok(alias('MyApp.Threaded'))
})

test('Elixir calls a pool of threads by its name', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const Pool = threadPool(MODULE, { size: 2, queueLimit: 0 })
  await node.startLink(Pool, {}, { name: 'pool' })
  const pool = `{:pool, :"${TS}"}`
  const pids = await peer.eval(`for _ <- 1..2, uniq: true, do: GenServer.call(${pool}, :pid)`)
  t.equal(pids.split(',').length, 2)
  await peer.eval(`for _ <- 1..2, do: spawn(fn -> GenServer.call(${pool}, :loop, :infinity) end)`)
  const overloaded = `Enum.find_value(1..200, fn _ -> try do GenServer.call(${pool}, :pid) && (Process.sleep(5); nil) catch :exit, {why, _} -> why end end)`
  t.equal(await peer.eval(overloaded), ':overloaded')
})
