/** What Elixir's GenServer does with servers of ours beyond calls and casts, and what its Logger prints of their end. */
import { test } from 'tap'
import { z } from 'zod'
import {
  atom,
  DistributedSupervisor,
  DynamicSupervisor,
  defineServer,
  GenServer,
  ignore,
  noreply,
  type Pid,
  reply,
  serverRef,
  stop,
  type Term,
  Tuple,
  tuple,
  validated,
} from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, EX, TS } from './support/cluster.ts'
import { Counter } from './support/servers.ts'

const THEIRS = `
  defmodule Interop.Named do
    use GenServer
    def init(x), do: {:ok, x}
    def handle_call(:never, _from, s), do: {:noreply, s}
    def handle_call(:get, _from, s), do: {:reply, s, s}
    def handle_cast(x, _s), do: {:noreply, x}
  end
  {:ok, _} = GenServer.start(Interop.Named, 5, name: :counter)
  :ok
`

test('multi_call and abcast, from Elixir and from here', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(THEIRS)
  const pid = await node.startLink(Counter, { start: 1 }, { name: 'counter' })
  t.equal(
    await peer.eval(
      '{replies, []} = GenServer.multi_call(:counter, :get); Enum.sort(Keyword.values(replies))',
    ),
    '[1, 5]',
  )
  t.equal(
    await peer.eval(`GenServer.multi_call([node(), :"${TS}"], :counter, :never, 50) |> elem(1) |> length()`),
    '2',
  )
  t.equal(await peer.eval(`GenServer.multi_call([:"${TS}"], :nobody, :get)`), `{[], [:"${TS}"]}`)
  t.equal(await peer.eval('GenServer.abcast(:counter, :inc)'), ':abcast')
  await waitFor(async () => (await node.call(pid, atom('get'))) === 2, { what: 'the cast' })

  const { replies, badNodes } = await node.multiCall('counter', atom('get'))
  t.same(
    replies.map(([name, answer]) => [name.name, answer]),
    [
      [TS, 2],
      [EX, atom('inc')],
    ],
  )
  t.same(badNodes, [])
  const nodes = [EX, 'nowhere@127.0.0.1']
  const partly = await node.multiCall('counter', atom('get'), { nodes })
  t.same(partly.badNodes, [atom('nowhere@127.0.0.1')])
  const silent = await node.multiCall('counter', atom('never'), { timeout: 50 })
  t.equal(silent.badNodes.length, 2)
  node.abcast('counter', atom('inc'))
  await waitFor(async () => (await node.call(pid, atom('get'))) === 3, { what: 'the cast' })
  // The other side takes back what it watched in its own time.
  await waitFor(() => Object.values(node.runtime.pending()).every((count) => count === 0), {
    what: 'nothing to be pending',
  })
  t.equal(await peer.eval('Process.info(self(), :message_queue_len)'), '{:message_queue_len, 0}')
})

/** What timeouts brought. */
const timeouts: Term[] = []

/** Stops, ignores or continues in `init`, and then has a timeout. */
class Starting extends GenServer<string[]> {
  override init(args: unknown) {
    const how = args instanceof Map ? args.get(atom('how')) : undefined
    if (how === atom('stop')) return stop(atom('no_way'))
    if (how === atom('ignore')) return ignore()
    if (how === atom('raise')) throw new TypeError('cannot start')
    return noreply(['init'], { continue: 'more' })
  }

  override handleContinue(what: unknown, seen: string[]) {
    return noreply([...seen, `continue ${what}`], { timeout: 10 })
  }

  override handleInfo(message: Term, seen: string[]) {
    timeouts.push(message)
    return noreply([...seen, `info ${message}`])
  }

  override handleCall(_request: Term, _from: unknown, seen: string[]) {
    return reply(seen, seen)
  }
}

test('what init decides reaches Elixir as GenServer.start_link would say it', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await DynamicSupervisor.startLink(node, { name: 'sup', modules: () => Starting })
  const start = (how: string): Promise<string> =>
    peer.eval(
      `DynamicSupervisor.start_child({:sup, :"${TS}"}, %{id: 1, start: {M, :start_link, [%{how: ${how}}]}, restart: :temporary})`,
    )
  t.equal(await start(':stop'), '{:error, :no_way}')
  t.equal(await start(':ignore'), ':ignore')
  t.match(await start(':raise'), /^\{:error, \{%RuntimeError\{message: "TypeError: cannot start"\}, \[/)
  await peer.eval(
    `{:ok, pid} = DynamicSupervisor.start_child({:sup, :"${TS}"}, %{id: 1, start: {M, :start_link, [%{how: 1}]}})`,
  )
  await waitFor(() => timeouts.length === 1, { what: 'the timeout' })
  t.equal(await peer.eval('GenServer.call(pid, :seen)'), '["init", "continue more", "info timeout"]')
  t.equal(await peer.eval('GenServer.stop(pid, :normal)'), ':ok')
})

test("Elixir's Logger prints the end of our processes as that of its own", async (t) => {
  const { node, peer } = await connectedCluster(t)
  await node.startLink(Counter, {}, { name: 'counter' })
  await peer.eval(`
    Application.stop(:logger)
    Application.put_env(:logger, :handle_sasl_reports, true)
    {:ok, _} = Application.ensure_all_started(:logger)
    Logger.configure(level: :error)
    defmodule Interop.Caller do
      use GenServer
      def init(target), do: {:ok, target}
      def handle_cast(request, target), do: {:noreply, GenServer.call(target, request)}
    end
    # A supervisor of theirs whose child is a process of ours.
    defmodule Interop.Adopt do
      def start_link(pid), do: (Process.link(pid); {:ok, pid})
    end
    counter = GenServer.call({:counter, :"${TS}"}, :pid)
    child = %{id: :ours, start: {Interop.Adopt, :start_link, [counter]}, restart: :temporary}
    {:ok, sup} = Supervisor.start_link([child], strategy: :one_for_one); Process.unlink(sup)
    {:ok, caller} = GenServer.start(Interop.Caller, counter)
    ref = Process.monitor(caller)
    GenServer.cast(caller, :crash)
    receive do {:DOWN, ^ref, _, _, _} -> :ok after 5000 -> :nothing end`)
  const printed = (): string => peer.output
  await waitFor(() => printed().includes('Child :ours') && printed().includes('exited in: GenServer.call'), {
    what: 'both reports',
  })
  // What the caller did not catch, and what the supervisor was told.
  t.match(
    printed(),
    /GenServer #PID<.*> terminating\n\*\* \(stop\) exited in: GenServer\.call\(#PID<.*>, :crash, 5000\)/,
  )
  t.match(printed(), /\*\* \(EXIT\) an exception was raised:\n\s+\*\* \(RuntimeError\) Error: asked to crash/)
  t.match(printed(), /Child :ours of Supervisor .* terminated/)
  t.match(printed(), /\*\* \(exit\) an exception was raised:\n\s+\*\* \(RuntimeError\) Error: asked to crash/)
  t.match(printed(), /interop\/support\/servers\.ts:\d+: Counter\.handleCall\/0/)
  t.notMatch(printed(), /FORMATTER/)
})

test('Process.info and label of ours', async (t) => {
  const { node, peer } = await connectedCluster(t)
  class Labelled extends Counter {
    override init(args: unknown): number {
      this.self.label = tuple(atom('job'), 7)
      return super.init(args)
    }
  }
  await node.startLink(Labelled, {}, { name: 'counter' })
  const status = await peer.eval(
    `:sys.get_status({:counter, :"${TS}"}) |> elem(3) |> hd() |> Keyword.get(:"$process_label")`,
  )
  t.equal(status, '{:job, 7}')
  const asked = await peer.eval(
    `:erpc.call(:"${TS}", :erlang, :process_info, [GenServer.call({:counter, :"${TS}"}, :pid), [:label, :registered_name, :trap_exit]])`,
  )
  t.equal(asked, '[label: {:job, 7}, registered_name: :counter, trap_exit: false]')
})

const Account = defineServer({
  name: 'Account',
  init: () => 0,
  calls: {
    deposit: validated([z.number().positive()], (balance: number, amount) =>
      reply(balance + amount, balance + amount),
    ),
    balance: (balance) => reply(balance, balance),
  },
  casts: { set: validated([z.number()], (_: number, balance) => noreply(balance)) },
})

test('a request that its schema refuses is answered with an error, and the server goes on', async (t) => {
  const { node, peer } = await connectedCluster(t)
  const pid = await node.startLink(Account, undefined, { name: 'account' })
  await peer.eval(`account = {:account, :"${TS}"}`)
  t.equal(await peer.eval('GenServer.call(account, {:deposit, 5})'), '5')
  t.match(
    await peer.eval('GenServer.call(account, {:deposit, "all"})'),
    /^\{:error, \{:invalid_message, \[%\{message: "Invalid input: expected number.*", path: \[0\]\}\]\}\}$/,
  )
  t.match(await peer.eval('GenServer.call(account, {:deposit, -1}) |> elem(0)'), ':error')
  await peer.eval('GenServer.cast(account, {:set, :nonsense})')
  t.equal(await peer.eval('GenServer.call(account, :balance)'), '5')
  t.ok(node.runtime.isAlive(pid))
})

test('types flow to servers of Elixir by a contract, and to children of a DistributedSupervisor', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(THEIRS)
  const named = serverRef<{ calls: { get(): number } }>(node, ['counter', EX])
  const five: number = await named.call.get()
  t.equal(five, 5)
  const ds = await DistributedSupervisor.startLink(node, { name: 'DS', modules: { Account } })
  await ds.startChild([Account, { name: 'mine' }], TS)
  const balance = await ds.call('mine', Account.request.balance())
  const typed: number = balance
  t.equal(typed, 0)
  t.equal(await Account.ref(node, ds.viaName('mine')).call.deposit(3), 3)
})

test('a late link and a late monitor bring noproc, a normal exit is ignored by links', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(`
    quiet = spawn(fn -> receive do :go -> :ok end end)
    Process.register(quiet, :quiet)
    gone = spawn(fn -> :ok end); :ok`)
  const quiet = (await node.rpc.call(EX, 'erlang', 'whereis', [atom('quiet')])) as Pid
  const seen: Term[] = []
  const linked = node.spawn(async (self) => {
    self.link(quiet)
    await self.receive()
  })
  const trapping = node.spawn(async (self) => {
    self.trapExit = true
    self.link(quiet)
    seen.push(await self.receive())
    self.link(quiet)
    seen.push(await self.receive())
    self.monitor(quiet)
    seen.push(await self.receive())
    await self.receive()
  })
  await waitFor(async () => (await peer.eval('length(elem(Process.info(quiet, :links), 1))')) === '2', {
    what: 'the links',
  })
  await peer.eval('send(quiet, :go)')
  await waitFor(() => seen.length === 3, { what: 'the exits' })
  t.same(
    seen.map((message) => (message instanceof Tuple ? message[message.length - 1] : message)),
    [atom('normal'), atom('noproc'), atom('noproc')],
  )
  t.ok(node.runtime.isAlive(linked), 'a normal exit harms nobody')
  t.ok(node.runtime.isAlive(trapping))
})
