/** What the documentation of the hex package shows of starting a supervisor on the Elixir node that iex runs on. */
import type { Test } from 'tap'
import type { Peer } from '../peer.ts'
import { waitFor } from '../peer.ts'

const LISTENER = `
  defmodule Example.Listener do
    def on_process_start(_supervisor, name, _pid), do: tell({:start, name})
    def on_process_stop(_supervisor, name, _pid), do: tell({:stop, name})
    def on_node_up(_supervisor, node, _info), do: tell({:up, node})
    def on_node_down(_supervisor, node, _info), do: tell({:down, node})
    def on_node_terminate(_supervisor, node, _reason, statuses), do: tell({:terminate, node, is_list(statuses)})
    defp tell(what), do: (send(:example_listener, what); :ok)
  end
  Process.register(self(), :example_listener)
  next = fn -> receive do message -> message after 5_000 -> :nothing end end
  :ok
`

/** @param api the module with the functions of the package; the node knows `Example.Worker` */
export async function documentedSupervisor(t: Test, peer: Peer, api: string): Promise<void> {
  const prefix = `${api}Sup`

  await t.test('start_link: with a name, and with every option', async (t) => {
    t.equal(
      await peer.eval(`try do ${api}.start_link([]) rescue error in KeyError -> error.key end`),
      ':name',
      'a name is required',
    )
    for (const [index, options] of [
      '',
      'nodes: [node()]',
      'nodes: []',
      'cache_children?: true',
      'cache_children?: false',
      'monitor_nodes: true',
      'listeners: []',
      'cache_children?: true, monitor_nodes: true, nodes: [node()]',
    ].entries()) {
      const more = options === '' ? '' : `, ${options}`
      t.equal(
        await peer.eval(`{:ok, pid} = ${api}.start_link(name: ${prefix}${index}${more}); is_pid(pid)`),
        'true',
        options,
      )
      t.equal(await peer.eval(`node() in ${api}.nodes(${prefix}${index})`), 'true')
    }
    t.equal(
      await peer.eval(`{:error, {:already_started, _}} = ${api}.start_link(name: ${prefix}0); :taken`),
      ':taken',
    )
  })

  await t.test('in a supervision tree', async (t) => {
    t.equal(
      await peer.eval(`
        children = [{${api}, name: ${prefix}Tree, cache_children?: true, monitor_nodes: true, nodes: [node()]}]
        {:ok, top} = Supervisor.start_link(children, strategy: :one_for_one)
        {:ok, pid, _name} = ${api}.start_child(${prefix}Tree, Example.Worker)
        ${api}.local_children(${prefix}Tree) == [pid]`),
      'true',
    )
    t.equal(
      await peer.eval(`:ok = Supervisor.stop(top); {Process.whereis(${prefix}Tree), Process.alive?(pid)}`),
      '{nil, false}',
    )
  })

  await t.test('local_children', async (t) => {
    t.equal(
      await peer.eval(`
        {:ok, _} = ${api}.start_link(name: ${prefix}Local)
        pids = for i <- 1..5, do: elem(${api}.start_child(${prefix}Local, {Example.Worker, name: :"worker_#{i}"}), 1)
        Enum.sort(pids) == Enum.sort(${api}.local_children(${prefix}Local))`),
      'true',
    )
  })

  await t.test('listeners hear of children', async (t) => {
    await peer.eval(LISTENER, { session: prefix })
    const run = (code: string) => peer.eval(code, { session: prefix })
    await run(
      `{:ok, _} = ${api}.start_link(name: ${prefix}Heard, monitor_nodes: true, listeners: [Example.Listener])`,
    )
    await run(`{:ok, pid, :user} = ${api}.start_child(${prefix}Heard, {Example.Worker, name: :user}, node())`)
    t.equal(await run('next.()'), '{:start, :user}')
    await run(`{:ok, _, :other} = ${api}.start_child(${prefix}Heard, {Example.Worker, name: :other}, node())`)
    t.equal(await run('next.()'), '{:start, :other}')
    t.equal(await run(`${api}.terminate_child(${prefix}Heard, pid)`), ':ok')
    t.equal(await run('next.()'), '{:stop, :user}')
    await run('Process.unregister(:example_listener)')
  })
}

/** Three nodes with the supervisor `DS` and two children, which every one of them shows. */
export async function documentedCluster(t: Test, peers: readonly Peer[], api: string): Promise<void> {
  for (const peer of peers) {
    for (const other of peers) await peer.eval(`Node.connect(:"${other.name}")`)
  }
  for (const peer of peers) {
    await peer.eval(`{:ok, _} = ${api}.start_link(name: DS, cache_children?: true, monitor_nodes: true)`)
  }
  const [first] = peers
  const started = await first!.eval(`
    [{:ok, _, Example.Worker}, {:ok, pid, ref}] =
      [${api}.start_child(DS, {Example.Worker, name: Example.Worker}), ${api}.start_child(DS, {Example.Worker, []})]
    is_pid(pid) and is_reference(ref)`)
  t.equal(started, 'true')
  for (const peer of peers) {
    const all = `children = ${api}.children(DS); {map_size(children), Enum.count(Map.keys(children), &is_reference/1), Map.has_key?(children, Example.Worker)}`
    await waitFor(async () => (await peer.eval(all)) === '{2, 1, true}', { what: 'both children' })
    t.equal(await peer.eval(`match?([_, 0], ${api}.call(DS, Example.Worker, :state))`), 'true')
  }
}
