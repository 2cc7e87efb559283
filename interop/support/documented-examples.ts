/**
 * What the documentation of the hex package `distributed_supervisor` shows, called from iex: the same functions, the same
 * results. Which module has the functions, and where the supervisor runs, is the caller's to say.
 */
import type { Test } from 'tap'
import type { Peer } from '../peer.ts'
import { waitFor } from '../peer.ts'

/** Options of a supervisor, by their names in Elixir. */
export interface ExampleOptions {
  readonly cache_children?: boolean
  readonly monitor_nodes?: boolean
}

export interface IexSide {
  readonly peer: Peer
  /** The module with the functions of the package. */
  readonly api: string
  /** The module of the children. */
  readonly worker: string
  /** Starts a supervisor of that name, where children of `worker` can run. */
  startSupervisor(name: string, options?: ExampleOptions): Promise<void>
}

let supervisors = 0

export async function documentedExamples(t: Test, side: IexSide): Promise<void> {
  const { peer, api, worker } = side

  /** A test with a supervisor of its own. The code may say API, SUP and WORKER. */
  const example = (
    name: string,
    body: (
      t: Test,
      iex: { run(code: string): Promise<string>; becomes(code: string, wanted: string): Promise<void> },
    ) => Promise<void>,
    options?: ExampleOptions,
  ) =>
    t.test(name, async (t) => {
      const supervisor = `ExampleSup${++supervisors}`
      await side.startSupervisor(supervisor, options)
      const run = (code: string) =>
        peer.eval(
          code.replaceAll(
            /\b(API|SUP|WORKER)\b/g,
            (word) => ({ API: api, SUP: supervisor, WORKER: worker })[word]!,
          ),
        )
      // A node that runs no supervisor hears of children a moment later.
      const becomes = async (code: string, wanted: string) => {
        let found = ''
        await waitFor(
          async () => {
            found = await run(code)
            return found === wanted
          },
          {
            what: `${code} to be ${wanted}`,
          },
        ).catch(() => {})
        t.equal(found, wanted, code)
      }
      await body(t, { run, becomes })
    })

  await example('a child of a module alone has a reference as its name', async (t, { run, becomes }) => {
    t.equal(
      await run('{:ok, pid, name} = API.start_child(SUP, WORKER); {is_pid(pid), is_reference(name)}'),
      '{true, true}',
    )
    await becomes('API.whereis(SUP, name) == pid', 'true')
    t.equal(
      await run('{:ok, other, ref} = API.start_child(SUP, {WORKER, []}); is_reference(ref) and ref != name'),
      'true',
    )
  })

  await example('a child with a name, by module and options', async (t, { run, becomes }) => {
    t.equal(
      await run('{:ok, pid, NamedWorker} = API.start_child(SUP, {WORKER, name: NamedWorker}); is_pid(pid)'),
      'true',
    )
    await becomes('match?([_, 0], API.call(SUP, NamedWorker, :state))', 'true')
  })

  await example('a child by its specification', async (t, { run, becomes }) => {
    t.equal(
      await run(
        '{:ok, pid, SpecWorker} = API.start_child(SUP, %{id: :test_child, start: {WORKER, :start_link, name: SpecWorker}}); is_pid(pid)',
      ),
      'true',
    )
    t.equal(
      await run(
        '{:ok, full, FullSpec} = API.start_child(SUP, %{id: FullSpec, start: {WORKER, :start_link, name: FullSpec}, restart: :transient, shutdown: 5000, type: :worker}); is_pid(full)',
      ),
      'true',
    )
    await becomes('{API.whereis(SUP, SpecWorker) == pid, API.whereis(SUP, FullSpec) == full}', '{true, true}')
  })

  await example('a child on a chosen node', async (t, { run }) => {
    await run('{:ok, first, _} = API.start_child(SUP, WORKER)')
    t.equal(
      await run('{:ok, pid, _} = API.start_child(SUP, WORKER, node(first)); node(pid) == node(first)'),
      'true',
    )
  })

  await example('a name that is taken', async (t, { run }) => {
    t.equal(
      await run(
        '{:ok, pid, :taken} = API.start_child(SUP, {WORKER, name: :taken}); API.start_child(SUP, {WORKER, name: :taken}) == {:error, {:already_started, pid}}',
      ),
      'true',
    )
  })

  await example('what is no child', async (t, { run }) => {
    t.equal(
      await run('API.start_child(SUP, %{id: :no_start})'),
      '{:error, {:incorrect_spec, %{id: :no_start}}}',
    )
    t.match(await run('API.start_child(SUP, :not_a_valid_module)'), /^\{:error, \{:undef, /)
    t.match(
      await run('API.start_child(SUP, %{id: :x, start: {:not_a_module, :not_a_function, []}})'),
      /^\{:error, \{:undef, /,
    )
  })

  await example('terminate_child', async (t, { run, becomes }) => {
    await run('{:ok, pid, name} = API.start_child(SUP, {WORKER, name: ToEnd})')
    t.equal(await run('API.terminate_child(SUP, pid)'), ':ok')
    await becomes('API.whereis(SUP, name)', ':undefined')
    t.equal(await run('API.terminate_child(SUP, nil)'), '{:error, :not_found}')
    t.equal(await run('API.terminate_child(SUP, pid)'), '{:error, :not_found}')
  })

  await example('children: a map of names to processes and specifications', async (t, { run, becomes }) => {
    await run(
      '{:ok, pid1, :child1} = API.start_child(SUP, {WORKER, name: :child1}); {:ok, _, :child2} = API.start_child(SUP, {WORKER, name: :child2})',
    )
    await becomes('children = API.children(SUP); Enum.sort(Map.keys(children))', '[:child1, :child2]')
    await becomes(
      '%{child1: {^pid1, spec}} = API.children(SUP); {_, :start_link, [options]} = spec.start; {Map.has_key?(spec, :id), options[:name]}',
      `{true, {:via, DistributedSupervisor.Registry, {ExampleSup${supervisors}, :child1}}}`,
    )
    t.equal(
      await run('{_, _, [options]} = spec.start; {elem(spec.start, 0), spec.restart, spec.type}'),
      `{${worker}, :permanent, :worker}`,
    )
  })

  await example(
    'children without a cache: as the supervisors list them',
    async (t, { run, becomes }) => {
      await run('{:ok, pid, :uncached} = API.start_child(SUP, {WORKER, name: :uncached})')
      await becomes('API.children(SUP) == [{:undefined, pid, :worker, [WORKER]}]', 'true')
      t.equal(await run('API.whois(SUP, pid)'), 'nil')
      await becomes('API.whereis(SUP, :uncached) == pid', 'true')
    },
    { cache_children: false },
  )

  await example('whereis and whois', async (t, { run, becomes }) => {
    await run('{:ok, pid, :lookup} = API.start_child(SUP, {WORKER, name: :lookup})')
    await becomes('API.whereis(SUP, :lookup) == pid', 'true')
    t.equal(await run('API.whereis(SUP, :nonexistent)'), ':undefined')
    await becomes('API.whois(SUP, pid)', ':lookup')
    t.equal(await run('API.whois(SUP, self())'), 'nil')
  })

  await example('call, cast and send', async (t, { run, becomes }) => {
    await run('{:ok, _, :talk} = API.start_child(SUP, {WORKER, name: :talk})')
    await becomes('match?([{from, _tag}, 0] when from == self(), API.call(SUP, :talk, :state))', 'true')
    t.equal(await run('API.cast(SUP, :talk, :inc)'), ':ok')
    t.equal(await run('match?([{_, _}, 1], API.call(SUP, :talk, :state, 4_000))'), 'true')
    t.equal(await run('API.send(SUP, :talk, :test_message)'), ':test_message')
    t.equal(await run('API.send(SUP, :nonexistent, :test_message)'), ':undefined')
    t.equal(await run('API.cast(SUP, :nonexistent, :inc)'), ':ok')
    t.match(
      await run('catch_exit = try do API.call(SUP, :nonexistent, :state) catch :exit, why -> why end'),
      /^\{:noproc, /,
    )
  })

  await example('via_name is a name for GenServer', async (t, { run, becomes }) => {
    await run(
      '{:ok, _, :named} = API.start_child(SUP, {WORKER, name: :named}); via = API.via_name(SUP, :named)',
    )
    t.match(
      await run('via'),
      new RegExp(`^\\{:via, \\w+\\.Registry, \\{ExampleSup${supervisors}, :named\\}\\}$`),
    )
    await becomes('match?([_, 0], GenServer.call(via, :state))', 'true')
    t.equal(await run('GenServer.cast(via, :inc)'), ':ok')
    t.equal(await run('match?([_, 1], GenServer.call(via, :state))'), 'true')
    t.equal(
      await run(
        '{:ok, pid, :by_via} = API.start_child(SUP, {WORKER, name: API.via_name(SUP, :by_via)}); is_pid(pid)',
      ),
      'true',
    )
  })

  await example('nodes, node_for and mine?', async (t, { run }) => {
    await run('{:ok, pid, _} = API.start_child(SUP, WORKER); nodes = API.nodes(SUP)')
    t.equal(await run('is_list(nodes) and node(pid) in nodes and Enum.all?(nodes, &is_atom/1)'), 'true')
    t.equal(
      await run(
        'for key <- ["consistent", :some_key, {:a, 1}], do: API.node_for(SUP, key) == API.node_for(SUP, key) and API.node_for(SUP, key) in nodes',
      ),
      '[true, true, true]',
    )
    t.equal(
      await run(
        'for key <- ["consistent", :some_key, {:a, 1}], do: API.mine?(SUP, key) == (API.node_for(SUP, key) == node())',
      ),
      '[true, true, true]',
    )
  })

  await example('a hundred workers', async (t, { run, becomes }) => {
    t.equal(
      await run(
        'for(i <- 1..100, do: API.start_child(SUP, {WORKER, [id: i, name: :"worker_#{i}"]})) |> Enum.all?(&match?({:ok, _, _}, &1))',
      ),
      'true',
    )
    await becomes(
      'Enum.sort(Map.keys(API.children(SUP))) == Enum.sort(for i <- 1..100, do: :"worker_#{i}")',
      'true',
    )
    await becomes(
      'Enum.all?(API.children(SUP), fn {name, {pid, _}} -> API.whereis(SUP, name) == pid end)',
      'true',
    )
  })

  const starts = (restart: string) =>
    `{:ok, pid, :restart} = API.start_child(SUP, {WORKER, name: :restart${restart}})`

  await example('a permanent child starts again when it was killed', async (_t, { run, becomes }) => {
    await run(starts(''))
    await run('Process.exit(pid, :kill)')
    await becomes('new = API.whereis(SUP, :restart); is_pid(new) and new != pid', 'true')
  })
  await example('and when it crashed', async (_t, { run, becomes }) => {
    await run(starts(''))
    await becomes('API.whereis(SUP, :restart) == pid', 'true')
    await run('API.cast(SUP, :restart, :raise)')
    await becomes('new = API.whereis(SUP, :restart); is_pid(new) and new != pid', 'true')
  })
  await example(
    'a transient child starts again when it was killed, and not after an orderly end',
    async (_t, { run, becomes }) => {
      await run(starts(', restart: :transient, shutdown: 5000'))
      await run('Process.exit(pid, :kill)')
      await becomes('new = API.whereis(SUP, :restart); is_pid(new) and new != pid', 'true')
      await run('API.cast(SUP, :restart, :shutdown)')
      await becomes('API.whereis(SUP, :restart)', ':undefined')
    },
  )
  await example('a temporary child does not start again', async (_t, { run, becomes }) => {
    await run(starts(', restart: :temporary'))
    await run('Process.exit(pid, :kill)')
    await becomes('API.whereis(SUP, :restart)', ':undefined')
    await becomes('API.children(SUP)', '%{}')
  })
}
