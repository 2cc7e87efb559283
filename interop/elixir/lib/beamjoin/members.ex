defmodule Beamjoin.Members do
  @moduledoc false
  # What the nodes that run a distributed supervisor say about it and do for it, asked from any node of the cluster.

  alias Beamjoin.{ChildSpec, Names, Placement, Registry, RegistryServer, Ring, Scopes, View}

  @timeout 5_000
  @alive_timeout 2_000

  @doc "What the registry of one of them answers. Exits with `:noproc` when no connected node runs the supervisor."
  @spec ask(Beamjoin.supervisor(), term()) :: term()
  def ask(supervisor, question) do
    declared = supervisor |> group("members") |> Enum.sort()
    others = [node() | Node.list()] -- declared

    answer =
      Enum.find_value(declared ++ others, fn node ->
        try do
          {:ok, GenServer.call({Names.registry(supervisor), node}, question, @timeout)}
        catch
          :exit, _no_answer -> nil
        end
      end)

    case answer do
      {:ok, content} -> content
      nil -> exit({:noproc, {__MODULE__, :ask, [supervisor, question]}})
    end
  end

  @doc "Where children can run, as the cluster sees it now."
  @spec view(Beamjoin.supervisor(), module()) :: Placement.t()
  def view(supervisor, module) do
    with nil <- View.get(supervisor) do
      %Placement{
        # The latest member is the first of the list.
        ring: supervisor |> ask(:nodes) |> Enum.reverse() |> Ring.new(),
        declared: supervisor |> group("members") |> MapSet.new(),
        elixir: supervisor |> group("elixir") |> MapSet.new(),
        claims: %{module => supervisor |> group(module) |> MapSet.new()}
      }
    end
  end

  @doc "Starts a child on the first of `nodes` that can run it."
  @spec start_child(Beamjoin.supervisor(), map(), [node()], MapSet.t(node()), pos_integer()) ::
          DynamicSupervisor.on_start_child()
  def start_child(supervisor, %{start: {module, _, _}} = spec, nodes, declared, hops \\ 1) do
    Enum.find_value(nodes, {:error, {:undef, module}}, fn node ->
      with {:cannot, _reason} <- start_on(supervisor, spec, node, declared, hops), do: nil
    end)
  end

  @doc """
  Starts a child on `node`; `{:cannot, reason}` when that does not know its module or runs no such supervisor. `hops` is how
  often the start was passed on with this.
  """
  @spec start_on(Beamjoin.supervisor(), map(), node(), MapSet.t(node()), pos_integer()) ::
          DynamicSupervisor.on_start_child() | {:cannot, term()}
  def start_on(supervisor, spec, node, declared, hops \\ 1) do
    # The request is run or passed on there; it is told from one that somebody chose that node for by its count.
    answer =
      if MapSet.member?(declared, node),
        do: ask_registry(supervisor, node, {:"$beamjoin_start_child", spec, hops}),
        else: on(node, :start_child, [Names.dynamic_supervisor(supervisor), spec])

    note_started(answer, supervisor, spec, declared)
    answer |> name_owner(supervisor, spec) |> read(spec)
  end

  @doc "Has a node go on with a child that has ended here. One of the hex package starts it as any other, without state."
  @spec hand_over(
          Beamjoin.supervisor(),
          map(),
          node(),
          MapSet.t(node()),
          :none | {:state, term()}
        ) ::
          DynamicSupervisor.on_start_child() | {:cannot, term()}
  def hand_over(supervisor, spec, node, declared, handoff) do
    if MapSet.member?(declared, node),
      do: supervisor |> ask_registry(node, {:"$beamjoin_hand_over", spec, handoff}) |> read(spec),
      else: start_on(supervisor, spec, node, declared)
  end

  @doc "Whether a process of any node lives; `false` also when its node does not say."
  @spec alive?(pid()) :: boolean()
  def alive?(pid) when node(pid) == node(), do: Process.alive?(pid)

  def alive?(pid) do
    node(pid) in Node.list(:connected) and
      :rpc.call(node(pid), Process, :alive?, [pid], @alive_timeout) == true
  end

  @doc "Whether the node of an owner of a name, one that declared itself, lets it stay; `false` also when it does not say."
  @spec kept?(Beamjoin.supervisor(), term(), pid(), [pid()]) :: boolean()
  def kept?(supervisor, name, kept, others) do
    node(kept) in Node.list(:connected) and
      GenServer.call(
        {Names.registry(supervisor), node(kept)},
        {:"$beamjoin_keeps", name, [kept | others]},
        @alive_timeout
      ) == true
  catch
    :exit, _no_answer -> false
  end

  @doc "Tells the other members of the ring that the supervisor of this node ends."
  @spec say_goodbye(Beamjoin.supervisor(), term(), [tuple()]) :: :ok
  def say_goodbye(supervisor, reason, statuses) do
    with %{ring: %{nodes: nodes}} <- View.get(supervisor) do
      for node <- nodes, node != node() do
        message = {:node_terminate, node(), reason, statuses}
        Process.send({Names.registry(supervisor), node}, message, [:noconnect])
      end
    end

    :ok
  end

  @doc "Has the node of a child end it for good."
  @spec terminate_child(Beamjoin.supervisor(), pid()) :: :ok | {:error, term()}
  def terminate_child(supervisor, pid) do
    case on(node(pid), :terminate_child, [Names.dynamic_supervisor(supervisor), pid]) do
      {:cannot, _gone} -> {:error, :not_found}
      answer -> answer
    end
  end

  @doc "The children of some nodes, as `DynamicSupervisor.which_children/1` lists them."
  @spec which_children(Beamjoin.supervisor(), [node()]) :: [tuple()]
  def which_children(supervisor, nodes) do
    for node <- nodes,
        children = on(node, :which_children, [Names.dynamic_supervisor(supervisor)]),
        is_list(children),
        child <- children,
        do: child
  end

  defp ask_registry(supervisor, node, request) do
    GenServer.call({Names.registry(supervisor), node}, request, :infinity)
  catch
    :exit, {:noproc, _call} -> {:cannot, :noproc}
    :exit, {{:nodedown, _node}, _call} -> {:cannot, :nodedown}
    :exit, {reason, _call} -> {:error, reason}
  end

  # The node that has started it will not say how.
  defp note_started({:ok, pid}, supervisor, spec, declared) when is_pid(pid) do
    unless MapSet.member?(declared, node(pid)),
      do: RegistryServer.started_elsewhere(supervisor, pid, spec)
  end

  defp note_started(_answer, _supervisor, _spec, _declared), do: :ok

  # Of a name with two owners, or one that restarts, a node of the hex package does not say who has it.
  defp name_owner({:error, {:already_started, owner}} = taken, supervisor, spec)
       when not is_pid(owner) do
    with {:ok, name} <- ChildSpec.name(spec, supervisor),
         pid when is_pid(pid) <- Registry.whereis_name({supervisor, name}) do
      {:error, {:already_started, pid}}
    else
      _nobody -> taken
    end
  end

  defp name_owner(answer, _supervisor, _spec), do: answer

  @doc "An answer, unless it says that the module does not exist there: then `{:cannot, reason}`."
  @spec read(term(), map()) :: DynamicSupervisor.on_start_child() | {:cannot, term()}
  def read({:error, {:undef, module}}, %{start: {module, _, _}}), do: {:cannot, {:undef, module}}

  def read({:error, {:undef, [{module, _, _, _} | _]}}, %{start: {module, _, _}}),
    do: {:cannot, {:undef, module}}

  def read(answer, _spec), do: answer

  # No supervisor there, no node, or no Elixir: all mean that it cannot be had from that node.
  defp on(node, function, arguments) do
    case :rpc.call(node, DynamicSupervisor, function, arguments) do
      {:badrpc, :nodedown} -> {:cannot, :nodedown}
      {:badrpc, {:EXIT, {:noproc, _call}}} -> {:cannot, :noproc}
      {:badrpc, {:EXIT, {:undef, [{DynamicSupervisor, _, _, _} | _]}}} -> {:cannot, :noproc}
      {:badrpc, reason} -> {:error, reason}
      answer -> answer
    end
  end

  defp group(supervisor, group) do
    for pid <- Scopes.members(Names.modules(supervisor), group), uniq: true, do: node(pid)
  end
end
