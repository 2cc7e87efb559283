/** What tools ask of every node: `:c` and iex helpers, `erl_call`, and the pages of `:observer` and `:etop`. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { test } from 'tap'
import { DistributedSupervisor } from '../src/supervisor/index.ts'
import { freePort } from './peer.ts'
import { beamCommand, findBeam } from './support/beam.ts'
import { COOKIE, connectedCluster, TS } from './support/cluster.ts'
import { Counter } from './support/servers.ts'

const THERE = `:"${TS}"`
const CALL = `call = fn m, f, a -> case :rpc.call(${THERE}, m, f, a) do {:badrpc, why} -> raise(inspect({m, f, why})); value -> value end end; :ok`

test('process_info tells of a process what tools ask for', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const pid = await node.runtime.start(Counter, {}, { name: 'counter' })
  const watcher = node.spawn((self) => {
    self.monitor(pid)
    self.link(pid)
    return self.receive()
  })
  node.monitor(watcher)
  await peer.eval(CALL)
  await peer.eval(`pid = call.(:erlang, :whereis, [:counter]); Process.monitor(pid)`)
  const info = (item: string) => peer.eval(`call.(:erlang, :process_info, [pid, ${item}])`)
  t.equal(await info(':registered_name'), '{:registered_name, :counter}')
  t.equal(await info(':message_queue_len'), '{:message_queue_len, 0}')
  t.equal(await info(':status'), '{:status, :waiting}')
  t.equal(await info(':initial_call'), '{:initial_call, {:Counter, :init, 1}}')
  t.equal(await info(':current_function'), '{:current_function, {:gen_server, :loop, 7}}')
  t.equal(await info('[:trap_exit, :priority]'), '[trap_exit: false, priority: :normal]')
  t.equal(
    await info('{:dictionary, :"$initial_call"}'),
    '{{:dictionary, :"$initial_call"}, {:Counter, :init, 1}}',
  )
  t.equal(
    await peer.eval('{:links, [link]} = call.(:erlang, :process_info, [pid, :links]); node(link)'),
    THERE,
  )
  t.equal(
    await peer.eval(
      '{:monitored_by, by} = call.(:erlang, :process_info, [pid, :monitored_by]); self() in by and length(by) == 2',
    ),
    'true',
  )
  t.equal(
    await peer.eval('[monitors: [process: ^pid]] = call.(:erlang, :process_info, [link, [:monitors]]); 1'),
    '1',
  )
  t.match(
    await peer.eval('call.(:erlang, :process_info, [pid])'),
    /^\[registered_name: :counter, current_function/,
  )
  t.match(
    await peer.eval(`:rpc.call(${THERE}, :erlang, :process_info, [pid, :nonsense])`),
    /^\{:badrpc, \{:EXIT, \{:badarg, /,
  )
  t.match(await peer.eval(`:rpc.call(${THERE}, :erlang, :process_info, [self(), :links])`), /badarg/)
  await peer.eval('Process.exit(pid, :kill)')
  t.equal(await peer.eval('receive do {:DOWN, _, _, ^pid, why} -> why end'), ':killed')
  t.equal(await info(':links'), ':undefined')
})

test('the node tells what it is and how much it uses', async (t) => {
  const { peer } = await connectedCluster(t)
  await peer.eval(CALL)
  t.match(await peer.eval('List.to_integer(call.(:erlang, :system_info, [:otp_release]))'), /^\d\d$/)
  t.equal(await peer.eval('is_list(call.(:erlang, :system_info, [:system_version]))'), 'true')
  t.equal(await peer.eval('call.(:erlang, :system_info, [{:wordsize, :external}])'), '8')
  t.match(await peer.eval(`:rpc.call(${THERE}, :erlang, :system_info, [:nonsense])`), /badarg/)
  t.equal(
    await peer.eval(
      'm = call.(:erlang, :memory, []); m[:total] == m[:processes] + m[:system] and m[:total] > 1_000_000',
    ),
    'true',
  )
  t.equal(await peer.eval('is_integer(call.(:erlang, :memory, [:processes]))'), 'true')
  t.match(await peer.eval('call.(:erlang, :memory, [[:ets, :atom]])'), /^\[ets: 0, atom: /)
  t.match(await peer.eval('call.(:erlang, :statistics, [:wall_clock])'), /^\{\d+, \d+\}$/)
  t.match(await peer.eval('call.(:erlang, :statistics, [:io])'), /^\{\{:input, \d+\}, \{:output, \d+\}\}$/)
  t.match(await peer.eval('call.(:erlang, :nodes, [:connected])'), /ex@127/)
  t.match(await peer.eval('call.(Node, :list, [[:this, :visible]])'), /ts@127.*ex@127/)
  t.equal(await peer.eval('call.(:erlang, :function_exported, [:erlang, :memory, 0])'), 'true')
  t.equal(await peer.eval('call.(:erlang, :function_exported, [:erlang, :halt, 0])'), 'false')
  t.equal(
    await peer.eval('call.(:code, :ensure_loaded, [:observer_backend])'),
    '{:module, :observer_backend}',
  )
  t.equal(await peer.eval('call.(:code, :ensure_loaded, [:lists])'), '{:error, :nofile}')
})

test('the shell commands of :c and the helpers of iex work with our node', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.runtime.start(Counter, {}, { name: 'ts_counter' })
  const output = (code: string) =>
    peer.eval(
      `{:ok, io} = StringIO.open(String.duplicate("c\\n", 50)); me = Process.group_leader(); Process.group_leader(self(), io); ${code}; Process.group_leader(self(), me); elem(StringIO.contents(io), 1)`,
    )
  t.match(await output(':c.nregs()'), /ts_counter +#?\S+ +(init|'?Counter'?:init)/)
  t.match(await output(':c.ni()'), /Counter:init\/1|'Counter':init\/1/)
  t.match(
    await peer.eval(
      `pid = :rpc.call(${THERE}, :erlang, :whereis, [:ts_counter]); IEx.Info.info(pid) |> inspect()`,
    ),
    /ts@127\.0\.0\.1|Data type|PID/,
  )
  t.match(
    await peer.eval('{:status, ^pid, {:module, :gen_server}, _} = :sys.get_status(pid); :rpc.pinfo(pid)'),
    /ts_counter/,
  )
})

test('erl_call runs a function on our node', async (t) => {
  const beam = findBeam()
  const { epmdPort, node } = await connectedCluster(t)
  node.rpc.expose('ts_math', { add: (a, b) => Number(a) + Number(b) })
  const program = `$(ls /usr/bin/erl_call /usr/lib/erlang/lib/erl_interface-*/bin/erl_call 2>/dev/null | head -n 1)`
  const call = async (mfa: string): Promise<string> => {
    const script = `${program} -c ${COOKIE} -name ${TS} -a '${mfa}'`
    const [command, args] = beamCommand(beam, '/bin/sh', ['-c', script])
    const env = { ...process.env, ERL_EPMD_PORT: String(epmdPort) }
    return (await promisify(execFile)(command, args, { env, timeout: 20_000 })).stdout
  }
  t.match(await call('ts_math add [1,2]'), /3/)
  t.match(await call('erlang node []'), /ts@127/)
})

test('every page of observer is answered', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const ds = await DistributedSupervisor.startLink(node, { name: 'DS', modules: { Counter } })
  await ds.startChild([Counter, { name: 'child' }])
  await peer.eval(CALL)
  await peer.eval('Process.flag(:trap_exit, true)')
  const next = '(receive do m -> m after 5000 -> raise("nothing came") end)'

  // System
  t.equal(
    await peer.eval(
      'info = call.(:observer_backend, :sys_info, []); Enum.all?([:uptime, :run_queue, :io_input, :logical_processors, :schedulers_available, :otp_release, :wordsize_external, :alloc_info, :process_count, :atom_count, :process_limit, :ets_limit, :dist_buf_busy_limit, :total, :processes, :binary], &List.keymember?(info, &1, 0))',
    ),
    'true',
  )
  t.equal(
    await peer.eval(
      'Enum.filter([:process, :port, :atom, :ets], fn what -> info[:"#{what}_count"] / info[:"#{what}_limit"] > 1 end)',
    ),
    '[]',
    'the share that is used can be worked out',
  )
  // Memory Allocators
  t.equal(
    await peer.eval(
      'for {_, [{_, _, [{_, [{:blocks_size, used, _, _}, {:carriers_size, size, _, _}]}]}]} <- info[:alloc_info], reduce: true do sum_ok -> sum_ok and used <= size end',
    ),
    'true',
  )
  t.equal(
    await peer.eval(
      '(for {_, [{_, _, [{_, [_, {:carriers_size, size, _, _}]}]}]} <- info[:alloc_info], do: size) |> Enum.sum() > 0',
    ),
    'true',
  )
  // Load Charts
  await peer.eval(`stats = Node.spawn_link(${THERE}, :observer_backend, :fetch_stats, [self(), 50])`)
  t.equal(
    await peer.eval(
      `{:stats, 1, [{1, a, b}], {{:input, _}, {:output, _}}, memory} = ${next}; is_integer(a) and is_integer(b) and memory[:total] > 0`,
    ),
    'true',
  )
  t.equal(
    await peer.eval(
      `send(stats, :stop); wait = fn wait -> case ${next} do {:EXIT, ^stats, why} -> why; {:stats, _, _, _, _} -> wait.(wait) end end; wait.(wait)`,
    ),
    ':normal',
  )
  t.equal(await peer.eval('call.(:erlang, :system_info, [:dirty_cpu_schedulers])'), '0')
  // Processes
  for (const fun of ['procs_info', 'etop_collect']) {
    await peer.eval(`procs = Node.spawn_link(${THERE}, :observer_backend, :${fun}, [self()])`)
    const rows =
      fun === 'procs_info'
        ? `{:procs_info, ^procs, rows} = ${next}`
        : `{^procs, {:etop_info, {_, _, _}, n, _, [{1, _, _}], 0, [], memi, rows}} = ${next}; ^n = length(rows); true = memi[:total] > 0`
    t.equal(
      await peer.eval(
        `${rows}; {:etop_proc_info, pid, 0, reds, :rex, 0, {_, _, _}, 0} = List.keyfind(rows, :rex, 4); true = is_integer(reds); node(pid)`,
      ),
      THERE,
    )
    t.equal(await peer.eval(`{:EXIT, ^procs, why} = ${next}; why`), ':normal')
  }
  // A process's own window
  await peer.eval('rex = call.(:erlang, :whereis, [:rex]); server = call.(:erlang, :whereis, [DS])')
  t.equal(
    await peer.eval(
      'items = [:binary, :catchlevel, :current_function, :error_handler, :garbage_collection, :group_leader, :heap_size, :initial_call, :last_calls, :links, :memory, :message_queue_len, :monitored_by, :monitors, :priority, :reductions, :registered_name, :sequential_trace_token, :stack_size, :status, :suspending, :total_heap_size, :trace, :trap_exit]; info = call.(:erlang, :process_info, [rex, items]); Enum.map(info, &elem(&1, 0)) == items and info[:garbage_collection][:min_heap_size] != nil',
    ),
    'true',
  )
  for (const item of ['messages', 'dictionary', 'current_stacktrace']) {
    t.match(
      await peer.eval(`call.(:erlang, :process_info, [rex, :${item}])`),
      new RegExp(`^\\{:${item}, \\[`),
    )
  }
  t.match(
    await peer.eval(
      '{m, _, _} = call.(:proc_lib, :translate_initial_call, [server]); [] = call.(m, :module_info, [:attributes]); {:status, _, {:module, _}, [_, _, _, _, [_header, {:data, _}, {:data, _} | _]]} = call.(:sys, :get_status, [server, 200]); m',
    ),
    /:gen_server/,
  )
  // Applications
  await peer.eval(
    `{:ok, appmon} = call.(:appmon_info, :start_link2, [self(), self(), []]); :gen_server.cast(appmon, {self(), :app_ctrl, ${THERE}, true, []})`,
  )
  t.equal(
    await peer.eval(
      `{:delivery, ^appmon, :app_ctrl, _, [{master, :beamjoin, {:beamjoin, _, vsn}}]} = ${next}; node(master) == ${THERE} and is_list(vsn)`,
    ),
    'true',
  )
  await peer.eval('GenServer.cast(appmon, {self(), :app, :beamjoin, true, []})')
  t.equal(
    await peer.eval(
      `{:delivery, ^appmon, :app, :beamjoin, {root, procs, links, _}} = ${next}; [ds, dyn] = Enum.map(["Elixir.DS", "Elixir.DS.DynamicSupervisor"], &to_charlist/1); true = {root, ds} in links; true = {ds, dyn} in links; true = Enum.any?(links, fn {parent, _} -> parent == dyn end); Enum.all?(procs, fn {pid, name} -> is_pid(pid) and is_list(name) end)`,
    ),
    'true',
  )
  t.equal(
    await peer.eval(
      `Process.unlink(appmon); ref = Process.monitor(appmon); Process.exit(appmon, :normal); {:DOWN, ^ref, _, _, why} = ${next}; why`,
    ),
    ':normal',
  )
  // Ports, sockets, tables
  t.equal(await peer.eval('call.(:observer_backend, :get_port_list, [])'), '[]')
  t.equal(await peer.eval('call.(:observer_backend, :get_socket_list, [])'), '[]')
  t.equal(await peer.eval('is_list(call.(:observer_backend, :socket_info, []))'), 'true')
  t.equal(await peer.eval('call.(:observer_backend, :get_table_list, [:ets, []])'), '[]')
  t.match(
    await peer.eval(`:rpc.call(${THERE}, :observer_backend, :get_table_list, [:mnesia, []])`),
    /^\{:error, /,
  )
  t.equal(await peer.eval('{:ok, vsn} = call.(:observer_backend, :vsn, []); is_list(vsn)'), 'true')
})

test('whoever wants to trace our node is told that it is not to be traced, instead of waiting', async (t) => {
  const { peer } = await connectedCluster(t)
  // As :etop does it.
  const tracer = `:dbg.tracer(${THERE}, :port, :dbg.trace_port(:ip, {${await freePort()}, 5000}))`
  t.equal(await peer.eval(tracer), `{:ok, ${THERE}}`)
  t.match(await peer.eval(':dbg.p(:all, [:running, :timestamp])'), /:matched, :"ts@127.0.0.1", 0, .*:undef/)
  t.match(await peer.eval(`:dbg.get_tracer(${THERE})`), /^\{:ok, #PID</)
  t.equal(await peer.eval(':dbg.stop()'), ':ok')
})

test('a node that was told so tells nothing of itself', async (t) => {
  const { node, peer } = await connectedCluster(t, { node: { introspection: false } })
  node.rpc.expose('Elixir.Ts', { one: () => 1 })
  t.equal(await peer.eval(`:rpc.call(${THERE}, Ts, :one, [])`), '1')
  for (const call of [
    ':erlang, :node, []',
    'Process, :alive?, [self()]',
    ':observer_backend, :sys_info, []',
  ]) {
    t.match(await peer.eval(`:rpc.call(${THERE}, ${call})`), /:undef/)
  }
  t.equal(await peer.eval(`Node.ping(${THERE})`), ':pong')
})
