defmodule Beamjoin.RequestedEnds do
  @moduledoc false
  # Ends of children of this node that other nodes ask for. Mostly somebody wants it so. But a node of the hex package also asks
  # when it sees two owners of a name, and with the same words; and it may see an owner that is gone, when it notices the end
  # of a node later than others. Then ending the new one as well would leave nobody, for good.
  #
  # So such a node is asked whom it takes for owners. If there is another, this is a conflict of names and no wish: the winner
  # stays, and one that is gone wins nothing.

  alias Beamjoin.{ChildSupervisor, Members, Placement, Registry, RegistryServer, View}

  # Between two questions whether a node has noticed by now.
  @again 1_000
  @timeout 2_000

  @doc """
  The node that asks through this caller, if it may run the hex package: it declared nothing.
  """
  @spec stranger(Beamjoin.supervisor(), pid()) :: node() | nil
  def stranger(supervisor, caller) do
    with node when node != node() <- asker(caller),
         %{declared: declared} <- View.get(supervisor),
         false <- MapSet.member?(declared, node) do
      node
    else
      _known -> nil
    end
  end

  @doc """
  Settles what is taken for a conflict by the node `asker`, and says what to answer: `{:error, :name_conflict}` when the child
  stays. `nil` when it is to be ended because somebody wants it so. Asks other nodes.
  """
  @spec settle(Beamjoin.supervisor(), pid(), term(), node()) ::
          :ok | {:error, :name_conflict} | nil
  def settle(supervisor, pid, name, asker) do
    case rivals(supervisor, pid, name, asker) do
      [] -> nil
      rivals -> settle(supervisor, pid, name, asker, Enum.filter(rivals, &Members.alive?/1))
    end
  end

  defp settle(supervisor, pid, name, asker, alive) do
    case Placement.winner(View.get(supervisor), name, [pid | alive]) do
      ^pid ->
        :logger.info(
          "#{inspect(supervisor)}: #{asker} takes the child #{inspect(name)} for the second owner of its name; it stays"
        )

        remind(supervisor, pid, name, asker)
        {:error, :name_conflict}

      kept ->
        reason = {:shutdown, {:name_conflict, name, kept}}
        ChildSupervisor.end_child(supervisor, pid, reason)
    end
  end

  # The hex package wrote down the owner that is gone, and learns of one that stays only from its joining.
  defp remind(supervisor, pid, name, asker) do
    Task.start(fn -> await_notice(supervisor, pid, name, asker) end)
  end

  defp await_notice(supervisor, pid, name, asker) do
    Process.sleep(@again)

    if asker in Node.list(:connected) and pid in Registry.owners({supervisor, name}) do
      if rivals(supervisor, pid, name, asker) == [],
        do: RegistryServer.rejoin(supervisor, name, pid),
        else: await_notice(supervisor, pid, name, asker)
    end
  end

  defp rivals(supervisor, pid, name, asker) do
    case :rpc.call(asker, :pg, :get_members, [Beamjoin.scope(supervisor), name], @timeout) do
      members when is_list(members) -> members -- [pid]
      {:badrpc, _why} -> []
    end
  end

  # What runs a remote call is a process of this node, with the group leader of whoever called.
  defp asker(caller) when node(caller) != node(), do: node(caller)

  defp asker(caller) do
    case Process.info(caller, :group_leader) do
      {:group_leader, leader} -> node(leader)
      nil -> node()
    end
  end
end
