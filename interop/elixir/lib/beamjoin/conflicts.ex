defmodule Beamjoin.Conflicts do
  @moduledoc false
  # Names with more than one owner, after a split or a race: every node comes to the same winner, and the losers are ended.
  # Their exit reason is `{:shutdown, {:name_conflict, name, winner}}`. Part of the registry, which receives
  # `{:conflict, name}`.

  alias Beamjoin.{ChildSupervisor, Members, Placement, Registry, View}

  # Long enough for a leave that is under way to arrive, short enough to settle a conflict within a second.
  @delay 200

  # Looks at a name until the ring has no say any more.
  @max_looks 25

  @typedoc "Names that are looked at again, and how often they were found unsettled."
  @type t :: %{optional(term()) => non_neg_integer()}

  @doc "A name has more than one owner, or so it seems."
  @spec found(t(), term()) :: t()
  def found(names, name) when is_map_key(names, name), do: names
  def found(names, name), do: plan(names, name, 0)

  @doc "The time has come to settle it. Asks other nodes, so it does that in a process of its own."
  @spec settle(t(), Beamjoin.supervisor(), term()) :: t()
  def settle(names, supervisor, name) do
    registry = self()
    looks = Map.fetch!(names, name)

    # Under no supervisor: the name would wait for ever for a process that was ended.
    Task.start(fn ->
      try do
        settle_now(supervisor, name, looks)
      after
        Kernel.send(registry, {:conflict_settled, name})
      end
    end)

    names
  end

  @doc "Has it been settled? Others may be slower, or see less, or somebody may have died meanwhile."
  @spec settled(t(), Beamjoin.supervisor(), term()) :: t()
  def settled(names, supervisor, name) do
    {looks, names} = Map.pop!(names, name)

    if match?([_, _ | _], Registry.owners({supervisor, name})),
      do: plan(names, name, looks + 1),
      else: names
  end

  @doc "Whether a child of this node stays, of several owners of its name. Asked by nodes that would end others for it."
  @spec keeps?(Placement.t(), term(), pid(), [pid()]) :: boolean()
  def keeps?(view, name, kept, owners) do
    node(kept) == node() and Process.alive?(kept) and Placement.winner(view, name, owners) == kept
  end

  @doc """
  Which of the losers this node has to end: its own, and those of nodes that settle nothing by themselves. These are ended
  by the winner's node if it declared itself, else by the first that did in term order. That one may not see all owners,
  when it is cut off from one of them: so each time that a conflict is found unsettled (`looks`), one more ends them. Ending
  one twice does no harm.
  """
  @spec losers_to_end(Placement.t(), node(), [pid()], pid(), non_neg_integer()) :: [pid()]
  def losers_to_end(%{declared: declared}, self, owners, kept, looks \\ 0) do
    ours = declared |> MapSet.put(self) |> Enum.sort()
    kept_by = if MapSet.member?(declared, node(kept)), do: [node(kept)], else: []
    settles? = Enum.find_index(Enum.uniq(kept_by ++ ours), &(&1 == self)) <= looks

    Enum.filter(owners, fn pid ->
      pid != kept and
        (node(pid) == self or (settles? and not MapSet.member?(declared, node(pid))))
    end)
  end

  defp plan(names, name, looks) do
    Process.send_after(self(), {:conflict, name}, @delay)
    Map.put(names, name, looks)
  end

  defp settle_now(supervisor, name, looks) do
    with view when view != nil <- View.get(supervisor),
         [_, _ | _] = owners <- Registry.owners({supervisor, name}),
         kept = choose(view, name, owners, looks),
         [_ | _] = losers <- losers_to_end(view, node(), owners, kept, looks),
         true <- kept?(view, supervisor, name, kept, owners, looks) do
      :logger.warning(
        "#{inspect(supervisor)}: #{inspect(name)} had more than one child; all but " <>
          "#{inspect(kept)} of #{node(kept)} are ended"
      )

      Enum.each(losers, &finish(supervisor, &1, {:shutdown, {:name_conflict, name, kept}}))
    end
  end

  defp choose(_view, _name, owners, looks) when looks >= @max_looks,
    do: Enum.min_by(owners, &{node(&1), &1})

  defp choose(view, name, owners, _looks), do: Placement.winner(view, name, owners)

  # The leave of a winner that has just died may be under way: ending the loser as well would leave nobody. Nor is a child
  # ended for one that its own node would end: shortly after a heal, or where releases hash atoms differently, two nodes may
  # place a name differently. Where they stay of two minds term order decides in the end.
  defp kept?(%{declared: declared}, supervisor, name, kept, owners, looks) do
    if looks >= @max_looks or node(kept) == node() or node(kept) not in declared,
      do: Members.alive?(kept),
      else: Members.kept?(supervisor, name, kept, List.delete(owners, kept))
  end

  defp finish(supervisor, pid, reason) when node(pid) == node(),
    do: ChildSupervisor.end_child(supervisor, pid, reason)

  defp finish(supervisor, pid, _reason), do: Members.terminate_child(supervisor, pid)
end
