defmodule Beamjoin.Conflicts do
  @moduledoc false
  # Names with more than one owner, after a split or a race: every node comes to the same winner, and the losers are ended.
  # Their exit reason is `{:shutdown, {:name_conflict, name, winner}}`. Part of the registry, which receives
  # `{:conflict, name}`.

  alias Beamjoin.{ChildSupervisor, Members, Names, Placement, Registry, View}

  # Long enough for a leave that is under way to arrive, short enough to settle a conflict within a second.
  @delay 200

  @doc "A name has more than one owner, or so it seems."
  @spec found(MapSet.t(), term()) :: MapSet.t()
  def found(names, name) do
    unless MapSet.member?(names, name), do: Process.send_after(self(), {:conflict, name}, @delay)
    MapSet.put(names, name)
  end

  @doc "The time has come to settle it. Asks other nodes, so it does that in a process of its own."
  @spec settle(MapSet.t(), Beamjoin.supervisor(), term()) :: MapSet.t()
  def settle(names, supervisor, name) do
    registry = self()

    Task.Supervisor.start_child(Names.tasks(supervisor), fn ->
      try do
        settle(supervisor, name)
      after
        Kernel.send(registry, {:conflict_settled, name})
      end
    end)

    MapSet.delete(names, name)
  end

  @doc """
  Which of the losers this node has to end: its own, and those of nodes that settle nothing by themselves. These are ended
  by the winner's node if it declared itself, else by the first that did in term order.
  """
  @spec losers_to_end(Placement.t(), node(), [pid()], pid()) :: [pid()]
  def losers_to_end(%{declared: declared}, self, owners, kept) do
    settles =
      if MapSet.member?(declared, node(kept)),
        do: node(kept),
        else: declared |> MapSet.put(self) |> Enum.min()

    Enum.filter(owners, fn pid ->
      pid != kept and
        (node(pid) == self or (not MapSet.member?(declared, node(pid)) and settles == self))
    end)
  end

  defp settle(supervisor, name) do
    with view when view != nil <- View.get(supervisor),
         [_, _ | _] = owners <- Registry.owners({supervisor, name}),
         kept = Placement.winner(view, name, owners),
         [_ | _] = losers <- losers_to_end(view, node(), owners, kept),
         # The leave of a winner that has just died may be under way: ending the loser as well would leave nobody.
         true <- Members.alive?(kept) do
      :logger.warning(
        "#{inspect(supervisor)}: #{inspect(name)} had more than one child; all but " <>
          "#{inspect(kept)} of #{node(kept)} are ended"
      )

      Enum.each(losers, &finish(supervisor, &1, {:shutdown, {:name_conflict, name, kept}}))
    end
  end

  defp finish(supervisor, pid, reason) when node(pid) == node(),
    do: ChildSupervisor.end_child(supervisor, pid, reason)

  defp finish(supervisor, pid, _reason), do: Members.terminate_child(supervisor, pid)
end
