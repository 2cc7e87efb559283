defmodule Beamjoin.RegistryServer do
  @moduledoc false
  # The registered server `n.Registry`: keeps what this node knows of the cluster up to date (`Beamjoin.View`), knows how the
  # children of other nodes are started, and sees to names with two owners and to the children of nodes that are gone.
  #
  #   call :state | :nodes | {:node_for, key}        cast {:add_nodes, node | [node]}
  #   info {:node_terminate, node, reason, statuses}
  #
  # What only nodes that declared themselves send is in `Beamjoin.Peers`. Its pid stands for this node in the groups of the
  # scope `n.Modules`: `"members"` while the supervisor of the children runs, and `"elixir"` while it takes any.

  use GenServer

  alias Beamjoin.{ChildSpec, ChildSupervisor, Cluster, Conflicts, KnownChildren, LostChildren}
  alias Beamjoin.{LostHomes, Names, Notifier, Placement, Registry, Ring, Scopes, SpecStore}
  alias Beamjoin.{ScopeWatch, SpecWatch, Starter, View}

  @drained {:shutdown, :drained}

  @spec start_link(Beamjoin.Options.t()) :: GenServer.on_start()
  def start_link(options) do
    GenServer.start_link(__MODULE__, options, name: Names.registry(options.name))
  end

  @doc "Returns when this node has declared itself, and knows that: its supervisor runs."
  @spec declare(Beamjoin.supervisor()) :: :ok
  def declare(supervisor), do: GenServer.call(Names.registry(supervisor), :"$beamjoin_declare")

  @doc "From now on this node takes no children. It stays a member, or it would be taken for one of the hex package."
  @spec undeclare(Beamjoin.supervisor()) :: :ok
  def undeclare(supervisor),
    do: GenServer.call(Names.registry(supervisor), :"$beamjoin_undeclare")

  @doc "A child of this node could not be moved, nor started again here at once."
  @spec lost(Beamjoin.supervisor(), term(), ChildSpec.t()) :: :ok
  def lost(supervisor, name, spec),
    do: GenServer.cast(Names.registry(supervisor), {:"$beamjoin_lost", name, spec})

  @doc "A child leaves its name and joins it at once, for nodes that look at who comes and not at who is there."
  @spec rejoin(Beamjoin.supervisor(), term(), pid()) :: :ok
  def rejoin(supervisor, name, pid),
    do: GenServer.cast(Names.registry(supervisor), {:"$beamjoin_rejoin", name, pid})

  @doc "A node that may run the hex package has started this child for this one, and will not say how."
  @spec started_elsewhere(Beamjoin.supervisor(), pid(), ChildSpec.t()) :: :ok
  def started_elsewhere(supervisor, pid, spec),
    do: GenServer.cast(Names.registry(supervisor), {:"$beamjoin_started", pid, spec})

  @impl true
  def init(%{name: name} = options) do
    Process.flag(:trap_exit, true)
    _table = LostHomes.new(name)
    :net_kernel.monitor_nodes(true, node_type: :all)

    state = %{
      name: name,
      options: options,
      supervisor: nil,
      ref: make_ref(),
      scopes: %{},
      specs: SpecStore.new(),
      watch: %{},
      drained: MapSet.new(),
      conflicts: %{},
      rejoining: [],
      lost: LostChildren.new(name)
    }

    # What the other nodes hold is here before the first question is answered.
    for scope <- scopes(name), do: Scopes.members(scope, make_ref())
    Cluster.put_view(state, %Placement{ring: options |> Cluster.initial_members() |> Ring.new()})
    {state, claims} = follow(state, Names.modules(name))
    state = claims |> Map.keys() |> Enum.reduce(state, &Cluster.claimed(&2, &1))
    {state, children} = follow(state, Beamjoin.scope(name))
    state = Enum.reduce(children, state, &KnownChildren.found(&2, &1))

    # One that ran before this process did.
    {:ok, Cluster.supervised_by(state, supervisor_of_children(state))}
  end

  @impl true
  def handle_call(:state, _from, state), do: {:reply, shown(state), state}
  def handle_call(:nodes, _from, state), do: {:reply, Cluster.view(state).ring.nodes, state}

  def handle_call({:node_for, key}, _from, state) do
    owner = Ring.node_for(Cluster.view(state).ring, key) || {:error, {:invalid_ring, :no_nodes}}
    {:reply, owner, state}
  end

  def handle_call({:"$beamjoin_start_child", spec, hops}, from, %{name: name} = state)
      when is_integer(hops) do
    take(spec, from, state, fn spec ->
      case Starter.route(name, spec, hops) do
        :here -> ChildSupervisor.take_child(name, spec)
        {:ask, nodes} -> Starter.pass_on(name, spec, nodes, hops + 1)
      end
    end)
  end

  def handle_call({:"$beamjoin_hand_over", spec, handoff}, from, %{name: name} = state)
      when handoff == :none or (tuple_size(handoff) == 2 and elem(handoff, 0) == :state) do
    take(spec, from, state, fn %{start: {module, _, _}} = spec ->
      # Who hands it over takes this node for its home, and may have given up its own claim just now.
      if Starter.can_run?(name, module),
        do: ChildSupervisor.take_child(name, spec, handoff),
        else: {:error, {:undef, module}}
    end)
  end

  def handle_call({:"$beamjoin_keeps", name, [kept | _] = owners}, _from, state) do
    pids? = proper?(owners) and Enum.all?(owners, &is_pid/1)
    {:reply, pids? and Conflicts.keeps?(Cluster.view(state), name, kept, owners), state}
  end

  def handle_call(:"$beamjoin_declare", _from, state) do
    {:reply, :ok, Cluster.supervised_by(state, supervisor_of_children(state))}
  end

  def handle_call(:"$beamjoin_undeclare", _from, state) do
    {:reply, :ok, Cluster.undeclare(state)}
  end

  def handle_call(_unknown, _from, state), do: {:noreply, state}

  @impl true
  def handle_cast({:add_nodes, nodes}, state) do
    nodes = List.wrap(nodes)

    if proper?(nodes) and Enum.all?(nodes, &is_atom/1),
      do:
        {:noreply,
         Cluster.update_ring(state, &Enum.reduce(nodes, &1, fn n, r -> Ring.add(r, n) end))},
      else: {:noreply, state}
  end

  def handle_cast({:"$beamjoin_children", node, children}, state)
      when is_atom(node) and length(children) >= 0 do
    children =
      for {name, spec} <- children, {:ok, spec} <- [ChildSpec.from_map(spec)], do: {name, spec}

    {:noreply, KnownChildren.put_specs(state, node, children)}
  end

  def handle_cast({:"$beamjoin_gone", node, name}, state) do
    state = %{state | specs: SpecStore.delete(state.specs, node, name)}

    wanted? =
      LostChildren.restoring?(state.lost, name) or KnownChildren.spec_elsewhere?(state, name)

    {:noreply, if(wanted?, do: state, else: KnownChildren.settled(state, name))}
  end

  def handle_cast({:"$beamjoin_lost", name, spec}, state) do
    with {:ok, spec} <- ChildSpec.from_map(spec),
         [] <- Registry.owners({state.name, name}) do
      {:noreply, KnownChildren.lose(state, name, node(), spec)}
    else
      _owned -> {:noreply, state}
    end
  end

  def handle_cast({:"$beamjoin_rejoin", name, pid}, state)
      when is_pid(pid) and node(pid) == node(),
      do: {:noreply, KnownChildren.rejoin(state, name, pid)}

  def handle_cast({:"$beamjoin_started", pid, spec}, state) when is_pid(pid) do
    with true <- KnownChildren.stranger?(state, node(pid)),
         {:ok, spec} <- ChildSpec.from_map(spec) do
      {:noreply, KnownChildren.learned(state, node(pid), %{pid => spec})}
    else
      _known -> {:noreply, state}
    end
  end

  # Only now others may start children here.
  def handle_cast(:supervisor_up, state),
    do: {:noreply, Cluster.supervised_by(state, supervisor_of_children(state))}

  def handle_cast(_unknown, state), do: {:noreply, state}

  @impl true
  def handle_info({:scope, scope, kind, group, pids}, state) when kind in [:join, :leave] do
    pids = if proper?(pids), do: Enum.filter(pids, &is_pid/1), else: []

    if scope == Beamjoin.scope(state.name) do
      state = Enum.reduce(pids, state, &KnownChildren.child_event(&2, kind, group, &1))
      {:noreply, KnownChildren.owned(state, kind, group)}
    else
      {:noreply, Cluster.claimed(state, kind, group, pids)}
    end
  end

  def handle_info({:nodeup, node, info}, state) when is_atom(node) do
    if Cluster.follows?(state, info) do
      if Cluster.mine?(state, node), do: Notifier.node(state.name, :on_node_up, [node, info])
      {:noreply, Cluster.update_ring(state, &Ring.add(&1, node))}
    else
      {:noreply, state}
    end
  end

  def handle_info({:nodedown, node, info}, state) when is_atom(node) do
    follows? = Cluster.follows?(state, info)

    state =
      if follows?,
        do: Cluster.update_ring(state, &Ring.remove(&1, node)),
        else: Cluster.changed(state)

    if follows? and Cluster.mine?(state, node),
      do: Notifier.node(state.name, :on_node_down, [node, info])

    state = KnownChildren.node_gone(state, node)
    {:noreply, %{state | drained: MapSet.delete(state.drained, node)}}
  end

  def handle_info({:node_terminate, node, reason, statuses}, state) do
    Notifier.node(state.name, :on_node_terminate, [node, reason, statuses])

    # It handed over what it could; what is left is lost as if the node had died.
    if reason == @drained and MapSet.member?(Cluster.view(state).declared, node),
      do:
        {:noreply,
         %{state | drained: MapSet.put(state.drained, node)} |> KnownChildren.node_gone(node)},
      else: {:noreply, state}
  end

  def handle_info(:failover, state),
    do: {:noreply, %{state | lost: LostChildren.evaluate(state.lost)}}

  def handle_info({:conflict, name}, state) when is_map_key(state.conflicts, name) do
    {:noreply, %{state | conflicts: Conflicts.settle(state.conflicts, state.name, name)}}
  end

  def handle_info({:conflict_settled, name}, state) when is_map_key(state.conflicts, name) do
    {:noreply, %{state | conflicts: Conflicts.settled(state.conflicts, state.name, name)}}
  end

  def handle_info({:ask_specs, node}, state) do
    {:noreply, %{state | watch: SpecWatch.ask(state.watch, state.name, node)}}
  end

  def handle_info({:specs, node, %{} = specs}, state) do
    case SpecWatch.told(state.watch, node) do
      {:ok, watch} -> {:noreply, KnownChildren.learned(%{state | watch: watch}, node, specs)}
      {:ignore, watch} -> {:noreply, %{state | watch: watch}}
    end
  end

  def handle_info(
        {:DOWN, ref, :process, _pid, _reason},
        %{supervisor: {ref, _supervisor}} = state
      ) do
    {:noreply, Cluster.unsupervised(state)}
  end

  # A scope has crashed, and begins anew with nothing in it.
  def handle_info({:EXIT, watch, _reason}, %{scopes: scopes} = state)
      when is_map_key(scopes, watch) do
    {scope, scopes} = Map.pop!(scopes, watch)
    {:noreply, follow_again(%{state | scopes: scopes}, scope)}
  end

  def handle_info({:follow_again, scope}, state), do: {:noreply, follow_again(state, scope)}

  def handle_info({:DOWN, ref, :process, _pid, _reason}, state),
    do: {:noreply, KnownChildren.restored(state, ref, :failed)}

  def handle_info({ref, outcome}, state) when is_reference(ref) do
    Process.demonitor(ref, [:flush])
    {:noreply, KnownChildren.restored(state, ref, outcome)}
  end

  def handle_info(_unknown, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state), do: View.erase(state.name)

  # What the process that answers gets is copied: never the state.
  defp take(spec, from, %{name: name} = state, fun) do
    case ChildSpec.from_map(spec) do
      {:ok, spec} -> Starter.answer(from, fn -> Registry.sync(name) && fun.(spec) end)
      :error -> GenServer.reply(from, {:error, {:invalid_child_spec, spec}})
    end

    {:noreply, state}
  end

  defp follow(state, scope) do
    {:ok, watch, groups} = ScopeWatch.start_link(scope)
    {%{state | scopes: Map.put(state.scopes, watch, scope)}, groups}
  end

  defp follow_again(state, scope) do
    :ok = Scopes.ensure_started(scope)
    {state, groups} = follow(state, scope)

    if scope == Beamjoin.scope(state.name) do
      ChildSupervisor.rejoin(state.name)
      Enum.reduce(groups, state, &KnownChildren.found(&2, &1))
    else
      Cluster.claimed_anew(state, Map.keys(groups))
    end
  catch
    # It has ended again meanwhile.
    kind, _reason when kind in [:exit, :error] ->
      Process.send_after(self(), {:follow_again, scope}, 100)
      state
  end

  defp shown(%{name: name, options: options} = state) do
    %{
      name: name,
      scope: Beamjoin.scope(name),
      listeners: options.listeners,
      nodes: options.nodes,
      ref: state.ref,
      children: if(KnownChildren.caches?(state), do: children(state)),
      ring: Cluster.view(state).ring
    }
  end

  defp children(%{name: name} = state) do
    for child <- Scopes.groups(Beamjoin.scope(name)),
        pid = Registry.whereis_name({name, child}),
        is_pid(pid),
        into: %{},
        do: {child, {pid, SpecStore.get(state.specs, node(pid), child)}}
  end

  defp supervisor_of_children(%{name: name}),
    do: Process.whereis(Names.dynamic_supervisor(name))

  # Any term may come from other nodes.
  defp proper?(term), do: is_list(term) and List.improper?(term) == false

  defp scopes(name), do: [Beamjoin.scope(name), Names.modules(name)]
end
