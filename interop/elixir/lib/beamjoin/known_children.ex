defmodule Beamjoin.KnownChildren do
  @moduledoc false
  # What the registry of this node knows of all children: who has which name, how each is started, which are lost. Functions
  # over the state of `Beamjoin.RegistryServer`.

  alias Beamjoin.{ChildSpec, ChildSupervisor, Cluster, Conflicts, LostChildren, Notifier}
  alias Beamjoin.{Registry, Scopes, SpecStore, SpecWatch}

  @type state :: map()

  @doc "A process joined or left the group of a name: `kind` is `:join` or `:leave`."
  @spec child_event(state(), :join | :leave, term(), pid()) :: state()
  def child_event(%{rejoining: [_ | _] = rejoining} = state, kind, name, pid)
      when node(pid) == node() do
    # Nobody here is told of one that did not really go.
    case List.delete(rejoining, {kind, name, pid}) do
      ^rejoining ->
        child_event(%{state | rejoining: []}, kind, name, pid) |> Map.put(:rejoining, rejoining)

      left ->
        %{state | rejoining: left}
    end
  end

  def child_event(state, kind, name, pid) when node(pid) == node() do
    callback = if kind == :join, do: :on_process_start, else: :on_process_stop
    Notifier.child(state.name, callback, name, pid)
    state
  end

  def child_event(state, :join, _name, pid) do
    if stranger?(state, node(pid)),
      do: %{state | watch: SpecWatch.appeared(state.watch, node(pid))},
      else: state
  end

  def child_event(state, :leave, name, pid) do
    node = node(pid)

    cond do
      MapSet.member?(state.drained, node) -> owner_gone(state, name, node)
      # Whether its node is gone is told by the news of that. As the hex package: one that is restarted is told of anew.
      stranger?(state, node) and node in Node.list(:connected) -> delete_spec(state, node, name)
      true -> state
    end
  end

  @doc "Has a child of this node leave its name and join it again."
  @spec rejoin(state(), term(), pid()) :: state()
  def rejoin(state, name, pid) do
    scope = Beamjoin.scope(state.name)

    # It may have ended meanwhile.
    if Scopes.leave(scope, name, pid) == :ok and Scopes.join(scope, name, pid) == :ok do
      events = [{:leave, name, pid}, {:join, name, pid}]
      %{state | rejoining: events ++ state.rejoining}
    else
      state
    end
  end

  @doc "A child that runs already. Those of this node are news to nobody."
  @spec found(state(), {term(), [pid()]}) :: state()
  def found(state, {name, pids}) do
    pids
    |> Enum.reject(&(node(&1) == node()))
    |> Enum.reduce(state, &child_event(&2, :join, name, &1))
    |> owned(:join, name)
  end

  @doc "A name has one more owner, or one less."
  @spec owned(state(), :join | :leave, term()) :: state()
  def owned(state, :leave, _name), do: state

  def owned(state, :join, name) do
    restoring? = LostChildren.restoring?(state.lost, name)
    state = if restoring?, do: state, else: settle(state, name)
    find_conflict(state, name)
  end

  # Plans to settle a name if more than one process has it.
  defp find_conflict(state, name) do
    if match?([_, _ | _], Registry.owners({state.name, name})),
      do: %{state | conflicts: Conflicts.found(state.conflicts, name)},
      else: state
  end

  # A lost child is lost no more. What was announced of attempts here holds only for a child of this node.
  defp settle(state, name) do
    if LostChildren.lost?(state.lost, name) do
      owners = Registry.owners({state.name, name})

      if owners != [] and Enum.all?(owners, &(node(&1) != node())),
        do: ChildSupervisor.withdraw(state.name, name)

      settled(state, name)
    else
      state
    end
  end

  @doc "Nobody is to start a lost child again."
  @spec settled(state(), term()) :: state()
  def settled(state, name), do: %{state | lost: LostChildren.settled(state.lost, name)}

  @doc """
  A node is gone, and what it ran, announced and never started, or was just restarting. The scope may not know yet.
  """
  @spec node_gone(state(), node()) :: state()
  def node_gone(state, node) do
    state = %{state | watch: SpecWatch.forget(state.watch, node)}

    state.specs
    |> SpecStore.owned_by(node)
    |> Enum.reduce(state, fn {name, _spec}, state -> owner_gone(state, name, node) end)
  end

  # Somebody else's by now: a copy that is kept would bring it back some day.
  defp owner_gone(state, name, node) do
    case Enum.reject(Registry.owners({state.name, name}), &(node(&1) == node)) do
      [] -> lose(state, name, node, SpecStore.get(state.specs, node, name))
      [_ | _] -> delete_spec(state, node, name)
    end
  end

  @doc "A child lost its node, or its place there."
  @spec lose(state(), term(), node(), map() | nil) :: state()
  def lose(state, name, node, spec) do
    state = delete_spec(state, node, name)

    if spec == nil or Map.get(spec, :restart) == :temporary,
      do: state,
      else: %{state | lost: LostChildren.add(state.lost, name, node, spec)}
  end

  @doc "A node of the hex package has said how the children that it runs were started."
  @spec learned(state(), node(), %{optional(pid()) => map()}) :: state()
  def learned(state, node, specs) do
    named =
      for {pid, spec} <- specs,
          node(pid) == node,
          {:ok, name} <- [ChildSpec.name(spec, state.name)],
          pid in Scopes.known(Beamjoin.scope(state.name), name),
          do: {name, spec}

    put_specs(state, node, named)
  end

  @doc "A task has ended; `outcome` is what came of it when it was to start a lost child."
  @spec restored(state(), reference(), term()) :: state()
  def restored(state, ref, outcome) do
    case LostChildren.ended(state.lost, ref, outcome) do
      {:ok, lost} -> %{state | lost: lost}
      :unknown -> state
    end
  end

  @doc "A node says how children are started that it runs."
  @spec put_specs(state(), node(), [{term(), map()}]) :: state()
  def put_specs(state, node, children) do
    # Those of this node are kept in any case: when they end unexpectedly, the others have to be told.
    if caches?(state) or node == node() do
      specs =
        for {name, spec} <- children,
            reduce: state.specs,
            do: (specs -> SpecStore.put(specs, node, name, spec))

      %{state | specs: specs}
    else
      state
    end
  end

  # It is not that node which has this child any more.
  defp delete_spec(state, node, name),
    do: %{state | specs: SpecStore.delete(state.specs, node, name)}

  @doc "Whether another node that declared itself has said how a child of this name is started."
  @spec spec_elsewhere?(state(), term()) :: boolean()
  def spec_elsewhere?(state, name) do
    Enum.any?(
      Cluster.view(state).declared,
      &(&1 != node() and SpecStore.get(state.specs, &1, name) != nil)
    )
  end

  @doc "Whether it is a node that does not tell how its children are started."
  @spec stranger?(state(), node()) :: boolean()
  def stranger?(state, node) do
    caches?(state) and node != node() and not MapSet.member?(Cluster.view(state).declared, node)
  end

  @doc "Whether this node starts the children of nodes that are gone."
  @spec caches?(state()) :: boolean()
  def caches?(state), do: state.options.cache_children?
end
