defmodule Beamjoin.HandOver do
  @moduledoc false
  # How a child moves from this node to another: the old instance ends first and its name is free, then the new one starts,
  # with what the old one left for it. Between nodes that declared themselves the start is `$beamjoin_hand_over`; a node that
  # runs the hex package starts the child as any other, without state.

  alias Beamjoin.{ChildSpec, ChildSupervisor, Members, Placement, Scopes, View}

  # How long the end of an instance may take to be known on a node of the hex package, and between two questions.
  @forgotten 1_000
  @ask_again 20

  @typedoc "A child of this node that is to move. One without a name belongs where its id says."
  @type movable :: {pid(), {:ok, term()} | :error, ChildSpec.t()}

  @typedoc """
  What became of it: it runs elsewhere; it ended by itself, or somebody ended it; it runs on, since nobody was there to take
  it; or it has ended here, and no other node started it.
  """
  @type result ::
          {:moved, pid()} | :ended | :stayed | {:failed, term(), :none | {:state, term()}}

  @doc "Moves a child to any other node that can run it."
  @spec move_away(Beamjoin.supervisor(), movable()) :: result()
  def move_away(supervisor, child) do
    move(supervisor, child, fn -> homes(supervisor, child) -- [node()] end)
  end

  @doc "Moves a child to a node that the ring names before this one."
  @spec move_home(Beamjoin.supervisor(), movable()) :: result()
  def move_home(supervisor, child) do
    move(supervisor, child, fn -> better_homes(supervisor, child) end)
  end

  @doc "The nodes that can run a child and come before this one, best first."
  @spec better_homes(Beamjoin.supervisor(), movable()) :: [node()]
  def better_homes(supervisor, child) do
    supervisor |> homes(child) |> Enum.take_while(&(&1 != node()))
  end

  # Where a child belongs, best first, as far as those can be reached.
  defp homes(supervisor, {_pid, _name, %{start: {module, _, _}} = spec}) do
    reachable = [node() | Node.list(:connected)]

    supervisor
    |> View.get()
    |> Placement.candidates(ChildSpec.key(spec, supervisor), module)
    |> Enum.filter(&(&1 in reachable))
  end

  defp move(supervisor, {pid, name, _spec}, others) do
    with [_ | _] <- others.(),
         {phase, spec} <- ChildSupervisor.release(supervisor, pid) do
      handoff = if phase == :running, do: part(supervisor, pid, spec), else: :none

      with {:ok, name} <- name do
        Scopes.leave(Beamjoin.scope(supervisor), name, pid)
        await_forgotten(supervisor, name, pid)
      end

      # The homes of now: ending the child may have taken a while.
      start(others.(), supervisor, pid, spec, handoff, :nodedown)
    else
      [] -> :stayed
      nil -> :ended
    end
    |> tap(fn result ->
      # Another node has it: nobody is to start it again because of this one.
      with {:moved, _pid} <- result,
           {:ok, name} <- name,
           do: ChildSupervisor.withdraw(supervisor, name)
    end)
  end

  defp start([], _supervisor, _old, _spec, handoff, reason), do: {:failed, reason, handoff}

  defp start([node | others], supervisor, old, spec, handoff, _reason) do
    case start_on(node, supervisor, old, spec, handoff, now() + @forgotten) do
      {:ok, pid} -> {:moved, pid}
      {:ok, pid, _info} -> {:moved, pid}
      # Somebody may have started its name meanwhile; a node that still names the old one has none.
      {:error, {:already_started, pid}} when pid != old -> {:moved, pid}
      {:cannot, why} -> start(others, supervisor, old, spec, handoff, {:error, why})
      answer -> start(others, supervisor, old, spec, handoff, answer)
    end
  end

  # The end of the old instance may be news that the node has yet to read.
  defp start_on(node, supervisor, old, spec, handoff, until) do
    %{declared: declared} = View.get(supervisor)

    with {:error, {:already_started, ^old}} = taken <-
           Members.hand_over(supervisor, spec, node, declared, handoff) do
      if now() < until do
        Process.sleep(@ask_again)
        start_on(node, supervisor, old, spec, handoff, until)
      else
        taken
      end
    end
  end

  # The child has the time of its `shutdown` for what it leaves, and as much for its end.
  defp part(supervisor, pid, spec) do
    monitor = Process.monitor(pid)
    handoff = handoff(pid, spec)
    ChildSupervisor.stop_released(supervisor, pid, spec)

    receive do
      {:DOWN, ^monitor, :process, ^pid, _reason} -> handoff
    end
  end

  defp handoff(pid, spec) do
    {{module, _, _}, _restart, shutdown, _type, modules} = ChildSpec.to_tuple(spec)
    modules = if is_list(modules), do: [module | modules], else: [module]

    leaves =
      Enum.find(modules, &(Code.ensure_loaded?(&1) and function_exported?(&1, :handoff, 1)))

    if leaves == nil or shutdown == :brutal_kill,
      do: :none,
      else:
        within(shutdown, fn -> {:state, leaves.handoff(suspended_state(pid, shutdown))} end, pid)
  end

  defp suspended_state(pid, timeout) do
    :ok = :sys.suspend(pid, timeout)
    :sys.get_state(pid, timeout)
  end

  # What a child leaves is made in a process of its own, which is not waited for longer than the child would be.
  defp within(timeout, fun, pid) do
    {maker, monitor} = spawn_monitor(fn -> exit({:made, fun.()}) end)

    receive do
      {:DOWN, ^monitor, :process, ^maker, {:made, handoff}} -> handoff
      {:DOWN, ^monitor, :process, ^maker, why} -> report(pid, why)
    after
      timeout ->
        Process.demonitor(monitor, [:flush])
        Process.exit(maker, :kill)
        report(pid, :timeout)
    end
  end

  defp report(pid, why) do
    :logger.error(
      "#{inspect(pid)} moves to another node and leaves no state: its handoff failed: #{inspect(why)}"
    )

    :none
  end

  # Waits until no node of the hex package takes the old instance for an owner of the name. One that hears of the new instance
  # before it hears of the end of the old one, which come over different links, terminates the new one where it settles
  # names with two owners, and starts none where it is the new home.
  defp await_forgotten(supervisor, name, pid) do
    %{ring: ring, declared: declared} = View.get(supervisor)
    until = now() + @forgotten

    for node <- ring.nodes,
        node != node() and not MapSet.member?(declared, node) and node in Node.list(:connected),
        do: await_forgotten(node, Beamjoin.scope(supervisor), name, pid, until)
  end

  defp await_forgotten(node, scope, name, pid, until) do
    left = until - now()

    with true <- left > 0,
         [_ | _] = members <- :rpc.call(node, :pg, :get_members, [scope, name], left),
         true <- pid in members do
      Process.sleep(@ask_again)
      await_forgotten(node, scope, name, pid, until)
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end
