defmodule Beamjoin.Starter do
  @moduledoc false
  # Where a child is started whose start reached this node: here, or on the nodes that can run it. A start that was passed
  # on three times is run or refused.

  alias Beamjoin.{ChildSpec, LostHomes, Members, Names, Placement, View}

  @most_hops 3

  @doc "Whether the child is started on this node, or which nodes are asked, in this order."
  @spec route(Beamjoin.supervisor(), ChildSpec.t(), non_neg_integer()) :: :here | {:ask, [node()]}
  def route(supervisor, %{start: {module, _, _}} = spec, hops) do
    view = View.get(supervisor)

    case {runs_here?(supervisor, module, view), view} do
      {true, _view} when hops >= @most_hops ->
        :here

      {true, _view} ->
        here_or_home(supervisor, spec)

      {false, nil} ->
        {:ask, []}

      {false, _view} when hops >= @most_hops ->
        {:ask, []}

      {false, view} ->
        {:ask, Placement.candidates(view, ChildSpec.key(spec, supervisor), module) -- [node()]}
    end
  end

  @doc "Whether this node takes children of this module."
  @spec runs_here?(Beamjoin.supervisor(), module(), Placement.t() | nil) :: boolean()
  def runs_here?(supervisor, module, view \\ nil) do
    view = view || View.get(supervisor)

    View.phase(supervisor) == :running and
      (view == nil or Enum.empty?(Map.get(view.claims, module, []))) and
      Code.ensure_loaded?(module)
  end

  @doc "What the first of `nodes` answers that can run it; `hops` is how often the start was passed on with this."
  @spec ask(Beamjoin.supervisor(), ChildSpec.t(), [node()], pos_integer()) ::
          DynamicSupervisor.on_start_child()
  def ask(supervisor, spec, nodes, hops) do
    declared = with nil <- View.get(supervisor), do: %{declared: MapSet.new()}
    Members.start_child(supervisor, spec, nodes, declared.declared, hops)
  end

  @doc "Answers a call from a process of its own, with an error when that fails."
  @spec answer(Beamjoin.supervisor(), GenServer.from(), fun()) :: :ok
  def answer(supervisor, from, fun) do
    {:ok, _pid} =
      Task.Supervisor.start_child(Names.tasks(supervisor), fn ->
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
