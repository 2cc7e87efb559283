defmodule Beamjoin.Drain do
  @moduledoc false
  # How a node hands over all its children before it goes: a few at a time, within a limit of time. Runs in a process of its
  # own; what is under way when the time is over counts as left.

  alias Beamjoin.{ChildSupervisor, HandOver, Names}

  @defaults [timeout: 30_000, concurrency: 16, on_child: nil]

  @doc "Raises an `ArgumentError` that says what is wrong with them."
  @spec options!(keyword()) :: keyword()
  def options!(options) do
    options = Keyword.merge(@defaults, options)

    valid? =
      length(options) == length(@defaults) and
        is_integer(options[:timeout]) and options[:timeout] >= 0 and
        is_integer(options[:concurrency]) and options[:concurrency] > 0 and
        (options[:on_child] == nil or is_function(options[:on_child], 1))

    if valid?, do: options, else: raise(ArgumentError, "invalid options: #{inspect(options)}")
  end

  @doc "Moves all children of this node away."
  @spec run(Beamjoin.supervisor(), keyword()) :: Beamjoin.drained()
  def run(supervisor, options) do
    children =
      %{
        supervisor: supervisor,
        concurrency: options[:concurrency],
        on_child: options[:on_child],
        deadline: now() + options[:timeout],
        queue: [],
        running: %{},
        through: %{}
      }
      |> next_round()
      |> Map.fetch!(:through)
      |> Map.values()

    {moved, left} = Enum.split_with(children, & &1.moved_to)
    %{moved: moved, left: left}
  end

  # Children that were being restarted, or started while the others moved, make a further round.
  defp next_round(state) do
    case Enum.reject(children(state), fn {pid, _, _} -> is_map_key(state.through, pid) end) do
      [] -> state
      queue -> work(%{state | queue: queue})
    end
  end

  defp work(%{queue: [child | queue], running: running, concurrency: concurrency} = state)
       when map_size(running) < concurrency do
    if now() < state.deadline do
      %{supervisor: supervisor} = state

      task =
        Task.Supervisor.async_nolink(Names.tasks(supervisor), fn ->
          HandOver.move_away(supervisor, child)
        end)

      work(%{state | queue: queue, running: Map.put(running, task.ref, {task, child})})
    else
      stop(state)
    end
  end

  defp work(%{running: running} = state) when running == %{}, do: next_round(state)

  defp work(%{running: running} = state) do
    receive do
      {ref, result} when is_map_key(running, ref) ->
        Process.demonitor(ref, [:flush])
        state |> through(ref, result) |> work()

      {:DOWN, ref, :process, _pid, reason} when is_map_key(running, ref) ->
        state |> through(ref, {:failed, reason, :none}) |> work()
    after
      max(0, state.deadline - now()) -> stop(state)
    end
  end

  defp stop(state) do
    for {_ref, {task, _child}} <- state.running, do: Task.shutdown(task, :brutal_kill)
    left = for({_ref, {_task, child}} <- state.running, do: child) ++ children(state)

    left
    |> Enum.uniq_by(fn {pid, _name, _spec} -> pid end)
    |> Enum.reject(fn {pid, _name, _spec} -> is_map_key(state.through, pid) end)
    |> Enum.reduce(%{state | running: %{}}, &record(&2, &1, nil, :timeout))
  end

  defp through(state, ref, result) do
    {{_task, {_pid, _name, %{start: {module, _, _}}} = child}, running} =
      Map.pop!(state.running, ref)

    state = %{state | running: running}

    case result do
      {:moved, pid} -> record(state, child, pid, nil)
      {:failed, reason, _handoff} -> record(state, child, nil, reason)
      :stayed -> record(state, child, nil, {:undef, module})
      :ended -> state
    end
  end

  defp record(state, {pid, name, _spec}, moved_to, reason) do
    name = with {:ok, name} <- name, do: name, else: (:error -> nil)
    child = %{name: name, pid: pid, moved_to: moved_to, reason: reason}

    if state.on_child do
      try do
        state.on_child.(child)
      catch
        kind, why ->
          :logger.error(
            "the on_child of a drain failed: #{Exception.format(kind, why, __STACKTRACE__)}"
          )
      end
    end

    put_in(state.through[pid], child)
  end

  defp children(state), do: ChildSupervisor.children(state.supervisor)
  defp now, do: System.monotonic_time(:millisecond)
end
