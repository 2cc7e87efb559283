/** `:sys` from iex on our servers, and ours on theirs. */
import { test } from 'tap'
import { atom, GenServer, inspect, noreply, reply, sys, type Term } from '../src/index.ts'
import { connectedCluster, EX, TS } from './support/cluster.ts'

/** The same on both sides, so that what `sys` shows of it can be compared. */
class Twin extends GenServer<number> {
  override init(): number {
    return 5
  }

  override handleCall(request: Term, _from: unknown, state: number) {
    return reply(request, state)
  }

  override handleCast(_request: Term, state: number) {
    return noreply(state)
  }

  override handleInfo(_message: Term, state: number) {
    return noreply(state)
  }

  override codeChange(_oldVersion: Term, state: number, extra: Term) {
    if (extra === atom('fail')) throw new Error('no such version')
    return state + Number(extra)
  }
}

const TWIN = `
  defmodule Twin do
    use GenServer
    def init(x), do: {:ok, x}
    def handle_call(x, _from, s), do: {:reply, x, s}
    def handle_cast(_, s), do: {:noreply, s}
    def handle_info(_, s), do: {:noreply, s}
    def code_change(_, s, extra), do: {:ok, s + extra}
  end
  {:ok, theirs} = GenServer.start(Twin, 5, name: :twin)
  ours = GenServer.whereis({:twin, :"${TS}"})
  both = fn f -> {f.(theirs), f.(ours)} end
  # What differs from process to process is replaced by its kind.
  defmodule Same do
    def kinds(x) when is_pid(x) or is_reference(x) or is_function(x), do: :identity
    def kinds([a | b]), do: [kinds(a) | kinds(b)]
    def kinds(x) when is_tuple(x), do: x |> Tuple.to_list() |> Enum.map(&kinds/1) |> List.to_tuple()
    def kinds(x), do: x
  end
  same = fn f -> {a, b} = both.(f); if Same.kinds(a) == Same.kinds(b), do: true, else: {a, b} end
  :ok
`

test(':sys from iex sees and does on a server of ours what it does on one of its own', async (t) => {
  const lines: string[] = []
  const note = (_fields: object, message: string): void => void lines.push(message)
  const logger = { debug: () => {}, info: () => {}, warn: note, error: note }
  const { node, peer } = await connectedCluster(t, { node: { logger } })
  await node.startLink(Twin, undefined, { name: 'twin' })
  await peer.eval(TWIN)
  const same = async (code: string, what: string): Promise<void> => {
    t.equal(await peer.eval(`same.(fn s -> ${code} end)`), 'true', what)
  }
  await same(':sys.get_state(s)', 'get_state')
  await same(':sys.log(s, true)', 'log on')
  await same(':sys.statistics(s, true)', 'statistics on')
  await same('GenServer.call(s, :hello)', 'a call')
  await same('GenServer.cast(s, :cast)', 'a cast')
  await same('send(s, :info)', 'a message')
  await same(':sys.log(s, :get)', 'the events')
  const counts =
    'case :sys.statistics(s, :get) do {:ok, l} -> {Keyword.keys(l), l[:messages_in], l[:messages_out]} end'
  await same(counts, 'what was counted')
  const status = `
    {:status, pid, {:module, mod}, [_dict, state, parent, debug, misc]} = :sys.get_status(s)
    {is_pid(pid), mod, state, is_pid(parent), Enum.sort(Keyword.keys(debug)), misc}`
  await same(status.replaceAll('\n', ';').replace('[_dict', '[_'), 'the status')
  await same(
    '{:status, _, _, [dict | _]} = :sys.get_status(s); Enum.sort(Keyword.keys(dict))',
    'its dictionary',
  )
  await same(':sys.suspend(s)', 'suspend')
  await same('{:status, _, _, [_, state | _]} = :sys.get_status(s); state', 'suspended')
  await same(
    'try do GenServer.call(s, :x, 50) catch :exit, {why, _} -> why end',
    'a call to a suspended server',
  )
  await same(':sys.change_code(s, Twin, 1, 10)', 'change_code')
  await same(':sys.resume(s)', 'resume')
  await same(':sys.get_state(s)', 'the state of the new version')
  await same(':sys.change_code(s, Twin, 1, 10)', 'change_code of a server that runs')
  await same(':sys.statistics(s, false)', 'statistics off')
  await same(':sys.statistics(s, :get)', 'no statistics')
  await same(':sys.log_to_file(s, false)', 'no file')
  await same(':sys.log(s, {true, 1}); :sys.log(s, :get) |> elem(0)', 'another length of the log')
  await same(':sys.no_debug(s)', 'no_debug')
  await same(':sys.log(s, :get)', 'no events')
  await same('GenServer.stop(s, :shutdown)', 'stop')
  t.equal(node.whereis('twin'), undefined)
  t.same(
    lines.filter((line) => /DBG|terminates|ended/.test(line)),
    [],
    'nothing was traced, nothing failed',
  )
})

test('a trace of ours goes to our logger', async (t) => {
  const lines: string[] = []
  const note = (_fields: object, message: string): void => void lines.push(message)
  const logger = { debug: () => {}, info: () => {}, warn: note, error: note }
  const { node, peer } = await connectedCluster(t, { node: { logger } })
  await node.startLink(Twin, undefined, { name: 'twin' })
  await peer.eval(`twin = {:twin, :"${TS}"}`)
  t.equal(await peer.eval(':sys.trace(twin, true)'), ':ok')
  await peer.eval('GenServer.call(twin, {:question, 1})')
  t.equal(await peer.eval(':sys.trace(twin, false)'), ':ok')
  const traced = lines.filter((line) => line.includes('DBG'))
  t.match(traced, [
    /^\*DBG\* :twin got call \{:question, 1\} from/,
    /^\*DBG\* :twin sent \{:question, 1\} to/,
  ])
})

test('replace_state with a function of the BEAM is refused, and the state stays', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const pid = await node.startLink(Twin, undefined, { name: 'twin' })
  const replaced = await peer.eval(
    `try do :sys.replace_state({:twin, :"${TS}"}, fn x -> x + 1 end) catch :error, why -> why end`,
  )
  t.match(replaced, 'callback_failed, {:gen_server, :system_replace_state}, {:error, :undef}}')
  t.equal(await sys.replaceState<number>(node, pid, (x) => x + 1), 6)
  t.equal(await peer.eval(`:sys.get_state({:twin, :"${TS}"})`), '6')
  t.equal(
    await peer.eval(
      `:sys.suspend({:twin, :"${TS}"}); :sys.change_code({:twin, :"${TS}"}, Twin, 1, :fail) |> elem(0)`,
    ),
    ':error',
  )
  t.equal(await peer.eval(`:sys.get_state({:twin, :"${TS}"})`), '6')
})

test('our sys looks into Elixir servers', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval('{:ok, _} = Agent.start(fn -> 7 end, name: :agent)')
  const agent = ['agent', EX] as const
  t.equal(await sys.getState(node, agent), 7)
  await sys.statistics(node, agent, true)
  await sys.log(node, agent, true)
  await peer.eval('Agent.get(:agent, & &1)')
  t.match(await sys.statistics(node, agent), { messagesIn: 1, messagesOut: 1 })
  t.equal((await sys.log(node, agent)).length, 2)
  await sys.suspend(node, agent)
  t.match(inspect(await sys.getStatus(node, agent)), /:suspended/)
  await sys.resume(node, agent)
  await sys.noDebug(node, agent)
  t.equal(await peer.eval('Agent.get(:agent, & &1)'), '7')
})
