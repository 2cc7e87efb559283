defmodule Beamjoin.Starter do
  @moduledoc false
  # Where a child is started whose start reached this node: here, or on the nodes that can run it. A start that was passed
  # on three times is run or refused.

  alias Beamjoin.{ChildSpec, ChildSupervisor, LostHomes, Members, Placement, View}

  @most_hops 3

  @doc "Whether the child is started on this node, or which nodes are asked, in this order."
  @spec route(Beamjoin.supervisor(), ChildSpec.t(), non_neg_integer()) :: :here | {:ask, [node()]}
  def route(supervisor, %{start: {module, _, _}} = spec, hops) do
    view = View.get(supervisor)
    claimed? = view != nil and is_map_key(view.claims, module)

    cond do
      hops >= @most_hops -> if can_run?(supervisor, module), do: :here, else: {:ask, []}
      not claimed? and can_run?(supervisor, module) -> here_or_home(supervisor, spec)
      view == nil -> {:ask, []}
      true -> {:ask, candidates(view, supervisor, spec)}
    end
  end

  @doc "Whether this node takes children, and has this module."
  @spec can_run?(Beamjoin.supervisor(), module()) :: boolean()
  def can_run?(supervisor, module),
    do: View.phase(supervisor) == :running and Code.ensure_loaded?(module)

  @doc "What the first of `nodes` answers that can run it; `hops` is how often the start was passed on with this."
  @spec pass_on(Beamjoin.supervisor(), ChildSpec.t(), [node()], pos_integer()) ::
          DynamicSupervisor.on_start_child()
  def pass_on(supervisor, %{start: {module, _, _}} = spec, nodes, hops) do
    declared =
      with %{declared: declared} <- View.get(supervisor),
           do: declared,
           else: (nil -> MapSet.new())

    case Members.start_child(supervisor, spec, nodes, declared, hops) do
      # Those that claimed the module do no more, and this node is just about to hear of that.
      {:error, {:undef, ^module}} = error ->
        if can_run?(supervisor, module),
          do: ChildSupervisor.take_child(supervisor, spec),
          else: error

      answer ->
        answer
    end
  end

  @doc """
  Answers a call from a process of its own, with an error when that fails. Under no supervisor: who asks waits without a limit,
  so nothing may end that process, and those that start it wait for no other.
  """
  @spec answer(GenServer.from(), fun()) :: :ok
  def answer(from, fun) do
    {:ok, _pid} =
      Task.start(fn ->
        answer =
          try do
            fun.()
          catch
            :exit, {reason, {GenServer, :call, _arguments}} -> {:error, reason}
            _kind, reason -> {:error, reason}
          end

        GenServer.reply(from, answer)
      end)

    :ok
  end

  defp candidates(view, supervisor, %{start: {module, _, _}} = spec),
    do: Placement.candidates(view, ChildSpec.key(spec, supervisor), module) -- [node()]

  # The hex package sends all children of a dead node to one node; each has a home of its own.
  defp here_or_home(supervisor, spec) do
    with {:ok, name} <- ChildSpec.name(spec, supervisor),
         home when home not in [nil, node()] <- LostHomes.get(supervisor, name) do
      {:ask, [home]}
    else
      _here -> :here
    end
  end
end
