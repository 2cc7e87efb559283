/** Supervisors side by side: OTP's and ours follow one table of rules, and iex uses ours as it uses its own. */
import { type Test, test } from 'tap'
import {
  alias,
  atom,
  type BeamNode,
  type ChildSpecInput,
  DynamicSupervisor,
  GenServer,
  noreply,
  type Pid,
  Supervisor,
  stop,
  type Term,
  Tuple,
  tuple,
} from '../src/index.ts'
import type { Peer } from './peer.ts'
import { connectedCluster, EX, TS } from './support/cluster.ts'
import { Counter } from './support/servers.ts'
import {
  describeRule,
  RULE_REASONS,
  SUPERVISOR_RULES,
  type SupervisorRule,
} from './support/supervisor-rules.ts'

/** Stops with what the cast `{:stop, reason}` says. */
class Ending extends GenServer<null> {
  override init(): null {
    return null
  }

  override handleCast(request: Term, state: null) {
    return request instanceof Tuple && request[0] === atom('stop')
      ? stop(request[1] as Term, state)
      : noreply(state)
  }
}

/** Starts the supervisor of a rule there, has `b` end on both sides, and says what became of supervisor and children. */
const RULES = `
  Logger.configure(level: :none)
  defmodule Interop.Ending do
    use GenServer
    def start_link(_), do: GenServer.start_link(__MODULE__, nil)
    def init(x), do: {:ok, x}
    def handle_cast({:stop, reason}, s), do: {:stop, reason, s}
  end

  defmodule Interop.Rules do
    def init(arg), do: {:ok, arg}

    def start(strategy, auto, restart, significant) do
      children =
        for {id, kind} <- [{"a", :permanent}, {"b", restart}, {"c", :transient}, {"d", :temporary}] do
          start = {Interop.Ending, :start_link, [nil]}
          %{id: id, start: start, restart: kind, significant: id in significant}
        end
      flags = %{strategy: strategy, auto_shutdown: auto, intensity: 3, period: 5}
      {:ok, supervisor} = :supervisor.start_link(__MODULE__, {flags, children})
      Process.unlink(supervisor)
      supervisor
    end

    def outcome(supervisor, reason) do
      ref = Process.monitor(supervisor)
      before = pids(supervisor)
      victim = before["b"]
      if reason == :killed, do: Process.exit(victim, :kill), else: GenServer.cast(victim, {:stop, reason})
      result = settle(supervisor, before, victim, ref)
      Process.demonitor(ref, [:flush])
      result
    end

    defp settle(supervisor, before, victim, ref) do
      receive do
        {:DOWN, ^ref, _, _, :shutdown} -> "shutdown"
      after
        0 ->
          now = try do pids(supervisor) catch :exit, _ -> :ending end
          if now == :ending or now["b"] == victim do
            Process.sleep(1)
            settle(supervisor, before, victim, ref)
          else
            Supervisor.stop(supervisor)
            Enum.map_join(now, " ", fn {id, pid} -> id <> mark(pid, before[id]) end)
          end
      end
    end

    defp pids(supervisor), do: Map.new(Supervisor.which_children(supervisor), fn {id, pid, _, _} -> {id, pid} end)
    defp mark(:undefined, _), do: "-"
    defp mark(pid, pid), do: "="
    defp mark(pid, _) when is_pid(pid), do: "+"
    defp mark(other, _), do: inspect(other)
  end
  :ok
`

const snake = (name: string): Term => atom(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))

function reasonOf({ reason }: SupervisorRule): Term {
  return reason === 'killed' ? atom('killed') : RULE_REASONS[reason]
}

async function otpOutcome(node: BeamNode, rule: SupervisorRule): Promise<Term> {
  const { strategy, autoShutdown, restart, significant } = rule
  const args = [snake(strategy), snake(autoShutdown), atom(restart), [...significant]]
  const supervisor = await node.rpc.call(EX, 'Elixir.Interop.Rules', 'start', args)
  return node.rpc.call(EX, 'Elixir.Interop.Rules', 'outcome', [supervisor, reasonOf(rule)])
}

async function ourOutcome(node: BeamNode, rule: SupervisorRule): Promise<Term> {
  const { strategy, autoShutdown, restart, significant } = rule
  const kinds = { a: 'permanent', b: restart, c: 'transient', d: 'temporary' } as const
  const children = Object.entries(kinds).map(
    ([id, kind]): ChildSpecInput => ({
      id,
      start: [Ending],
      restart: kind,
      significant: significant.some((each) => each === id),
    }),
  )
  const { pid } = await Supervisor.startLink(node, children, { strategy, autoShutdown })
  return node.rpc.call(EX, 'Elixir.Interop.Rules', 'outcome', [pid, reasonOf(rule)])
}

test('every rule of OTP supervisors holds for theirs and for ours', { timeout: 120_000 }, async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(RULES)
  t.ok(SUPERVISOR_RULES.length > 200)
  for (const rule of SUPERVISOR_RULES) {
    const theirs = otpOutcome(node, rule)
    const ours = ourOutcome(node, rule)
    t.same([await theirs, await ours], [rule.outcome, rule.outcome], describeRule(rule))
  }
})

interface Supervised {
  readonly node: BeamNode
  readonly peer: Peer
  ask(code: string): Promise<string>
}

/** `sup` stands for the supervisor in what is asked. */
async function supervised(t: Test, supervisor: string): Promise<Supervised> {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(`sup = {:${supervisor}, :"${TS}"}`)
  return { node, peer, ask: (code) => peer.eval(code) }
}

const CHILD = '%{id: :x, start: {Counter, :start_link, [%{start: 5}]}, restart: :transient}'

test('Supervisor from iex: which, count, start, terminate, restart, delete, stop', async (t) => {
  const { node, ask } = await supervised(t, 'top')
  const children: ChildSpecInput[] = [
    { id: atom('counter'), start: [Counter] },
    Supervisor.childSpec([[Counter]], {}, { id: atom('inner') }),
    DynamicSupervisor.childSpec({ name: 'dynamic', maxChildren: 1 }, { id: atom('dynamic') }),
  ]
  const modules = (module: Term) => (module === alias('Counter') ? Counter : undefined)
  await Supervisor.startLink(node, children, { name: 'top', modules })
  const which =
    'for {id, pid, type, mods} <- Supervisor.which_children(sup), do: {id, is_pid(pid), type, mods}'
  t.equal(
    await ask(which),
    '[{:dynamic, true, :supervisor, [DynamicSupervisor]}, {:inner, true, :supervisor, [Supervisor]}, ' +
      '{:counter, true, :worker, [Counter]}]',
  )
  t.equal(
    await ask('Supervisor.count_children(sup) == %{active: 3, specs: 3, supervisors: 2, workers: 1}'),
    'true',
  )
  t.equal(await ask(`{:ok, pid} = Supervisor.start_child(sup, ${CHILD}); GenServer.call(pid, :get)`), '0')
  t.equal(await ask(`Supervisor.start_child(sup, ${CHILD}) == {:error, {:already_started, pid}}`), 'true')
  t.equal(await ask('Supervisor.restart_child(sup, :x)'), '{:error, :running}')
  t.equal(await ask('Supervisor.delete_child(sup, :x)'), '{:error, :running}')
  t.equal(await ask('ref = Process.monitor(pid); Supervisor.terminate_child(sup, :x)'), ':ok')
  t.equal(
    await ask('receive do {:DOWN, ^ref, _, _, reason} -> reason after 5000 -> :nothing end'),
    ':shutdown',
  )
  t.equal(
    await ask('List.keyfind(Supervisor.which_children(sup), :x, 0)'),
    '{:x, :undefined, :worker, [Counter]}',
  )
  t.equal(await ask(`Supervisor.start_child(sup, ${CHILD})`), '{:error, :already_present}')
  t.equal(await ask('{:ok, pid} = Supervisor.restart_child(sup, :x); is_pid(pid)'), 'true')
  t.equal(
    await ask(
      '{:ok, spec} = :supervisor.get_childspec(sup, :x); {spec.start, spec.restart, spec.significant}',
    ),
    '{{Counter, :start_link, [%{start: 5}]}, :transient, false}',
  )
  t.equal(await ask('Supervisor.terminate_child(sup, :x); Supervisor.delete_child(sup, :x)'), ':ok')
  t.equal(await ask('Supervisor.terminate_child(sup, :x)'), '{:error, :not_found}')
  t.equal(
    await ask('Supervisor.start_child(sup, %{id: 1, start: {Nope, :start_link, []}}) |> elem(1) |> elem(0)'),
    '{:undef, Nope}',
  )
  t.equal(
    await ask(
      '{_, inner, _, _} = List.keyfind(Supervisor.which_children(sup), :inner, 0); Supervisor.count_children(inner) == %{active: 1, specs: 1, supervisors: 0, workers: 1}',
    ),
    'true',
  )
  t.equal(await ask('ref = Process.monitor(inner); Supervisor.stop(sup)'), ':ok')
  t.equal(
    await ask('receive do {:DOWN, ^ref, _, _, reason} -> reason after 5000 -> :nothing end'),
    ':shutdown',
  )
  t.equal(node.whereis('top'), undefined)
  t.equal(node.whereis('dynamic'), undefined)
})

test('a child of ours that is killed from iex runs again', async (t) => {
  const { node, ask } = await supervised(t, 'top')
  await Supervisor.startLink(node, [[Counter]], { name: 'top' })
  await ask('[{_, pid, _, _}] = Supervisor.which_children(sup); ref = Process.monitor(pid)')
  await ask('Process.exit(pid, :kill)')
  t.equal(await ask('receive do {:DOWN, ^ref, _, _, why} -> why after 5000 -> :nothing end'), ':killed')
  t.equal(
    await ask('[{_, again, _, _}] = Supervisor.which_children(sup); again != pid and is_pid(again)'),
    'true',
  )
})

test('DynamicSupervisor from iex keeps to max_children and puts its extra arguments in front', async (t) => {
  const { node, ask } = await supervised(t, 'dynamic')
  const seen: unknown[] = []
  class Seeing extends Counter {
    override init(args: unknown): number {
      seen.push(args)
      return 0
    }
  }
  const options = { name: 'dynamic', modules: () => Seeing, maxChildren: 1, extraArguments: ['extra'] }
  await DynamicSupervisor.startLink(node, options)
  const start = 'DynamicSupervisor.start_child(sup, %{id: 1, start: {Counter, :start_link, ["own"]}})'
  t.equal(await ask(`{:ok, pid} = ${start}; GenServer.call(pid, :get)`), '0')
  t.same(seen, [['extra', 'own']])
  t.equal(await ask(start), '{:error, :max_children}')
  t.equal(
    await ask('DynamicSupervisor.count_children(sup) == %{active: 1, specs: 1, supervisors: 0, workers: 1}'),
    'true',
  )
  t.equal(await ask('DynamicSupervisor.terminate_child(sup, pid)'), ':ok')
  t.equal(await ask('DynamicSupervisor.which_children(sup)'), '[]')
})

test('Elixir supervisors are asked through the same handles', async (t) => {
  const { node, peer } = await connectedCluster(t)
  await peer.eval(RULES)
  await peer.eval(`
    {:ok, s} = Supervisor.start_link([], strategy: :one_for_one, name: :theirs); Process.unlink(s)
    {:ok, d} = DynamicSupervisor.start_link(name: :dynamic, strategy: :one_for_one); Process.unlink(d); :ok`)
  const child: ChildSpecInput = {
    id: 'x',
    start: ['Elixir.Interop.Ending', 'start_link', [null]],
    restart: 'temporary',
  }
  const theirs = Supervisor.at(node, ['theirs', EX])
  const pid = await theirs.startChild(child)
  t.equal(pid.node, atom(EX))
  t.same(await theirs.countChildren(), { specs: 1, active: 1, supervisors: 0, workers: 1 })
  const [row] = await theirs.whichChildren()
  t.match(row, { id: 'x', type: 'worker', modules: [alias('Interop.Ending')] })
  t.ok(pid.equals(row?.pid))
  await theirs.terminateChild('x')
  t.same(await theirs.whichChildren(), [])
  const dynamic = DynamicSupervisor.at(node, ['dynamic', EX])
  const second: Pid = await dynamic.startChild(child)
  t.match(await dynamic.countChildren(), { active: 1 })
  await dynamic.terminateChild(second)
  await t.rejects(dynamic.terminateChild(second), { code: 'ERR_SUPERVISOR_NOT_FOUND' })
  await t.rejects(theirs.startChild({ ...child, start: ['Elixir.Nope', 'start_link', []] }), {
    code: 'ERR_SUPERVISOR_START_FAILED',
  })
  await dynamic.stop(tuple(atom('shutdown'), 'done'))
  await theirs.stop()
  t.equal(await peer.eval('{Process.whereis(:theirs), Process.whereis(:dynamic)}'), '{nil, nil}')
})
