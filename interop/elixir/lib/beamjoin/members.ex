defmodule Beamjoin.Members do
  @moduledoc false
  # What the nodes that run a distributed supervisor say about it and do for it, asked from any node of the cluster.

  alias Beamjoin.{Placement, Ring, Scopes}

  @timeout 5_000

  @doc "What the registry of one of them answers. Exits with `:noproc` when no connected node runs the supervisor."
  @spec ask(Beamjoin.supervisor(), term()) :: term()
  def ask(supervisor, question) do
    declared = supervisor |> group("members") |> Enum.sort()
    others = [node() | Node.list()] -- declared

    answer =
      Enum.find_value(declared ++ others, fn node ->
        try do
          {:ok, GenServer.call({registry(supervisor), node}, question, @timeout)}
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
    # Made at run time, so that the files of this library compile one after the other in any order.
    struct!(Placement,
      # The latest member is the first of the list.
      ring: supervisor |> ask(:nodes) |> Enum.reverse() |> Ring.new(),
      declared: supervisor |> group("members") |> MapSet.new(),
      elixir: supervisor |> group("elixir") |> MapSet.new(),
      claims: %{module => supervisor |> group(module) |> MapSet.new()}
    )
  end

  @doc "Starts a child on the first of `nodes` that can run it."
  @spec start_child(Beamjoin.supervisor(), map(), [node()], MapSet.t(node())) ::
          DynamicSupervisor.on_start_child()
  def start_child(supervisor, %{start: {module, _, _}} = spec, nodes, declared) do
    Enum.find_value(nodes, {:error, {:undef, module}}, fn node ->
      with {:cannot, _reason} <- start_on(supervisor, spec, node, declared), do: nil
    end)
  end

  @doc "Starts a child on `node`; `{:cannot, reason}` when that does not know its module or runs no such supervisor."
  @spec start_on(Beamjoin.supervisor(), map(), node(), MapSet.t(node())) ::
          DynamicSupervisor.on_start_child() | {:cannot, term()}
  def start_on(supervisor, %{start: {module, _, _}} = spec, node, declared) do
    answer =
      if MapSet.member?(declared, node),
        do: ask_to_start(supervisor, spec, node),
        else: on(node, :start_child, [dynamic_supervisor(supervisor), spec])

    case answer do
      {:error, {:undef, ^module}} -> {:cannot, {:undef, module}}
      {:error, {:undef, [{^module, _, _, _} | _]}} -> {:cannot, {:undef, module}}
      answer -> answer
    end
  end

  @doc "Has the node of a child end it for good."
  @spec terminate_child(Beamjoin.supervisor(), pid()) :: :ok | {:error, term()}
  def terminate_child(supervisor, pid) do
    case on(node(pid), :terminate_child, [dynamic_supervisor(supervisor), pid]) do
      {:cannot, _gone} -> {:error, :not_found}
      answer -> answer
    end
  end

  @doc "The children of some nodes, as `DynamicSupervisor.which_children/1` lists them."
  @spec which_children(Beamjoin.supervisor(), [node()]) :: [tuple()]
  def which_children(supervisor, nodes) do
    for node <- nodes,
        children = on(node, :which_children, [dynamic_supervisor(supervisor)]),
        is_list(children),
        child <- children,
        do: child
  end

  # The request is run or passed on there; it is told from one that somebody chose that node for by its count.
  defp ask_to_start(supervisor, spec, node) do
    GenServer.call({registry(supervisor), node}, {:"$beamjoin_start_child", spec, 1}, :infinity)
  catch
    :exit, {:noproc, _call} -> {:cannot, :noproc}
    :exit, {{:nodedown, _node}, _call} -> {:cannot, :nodedown}
    :exit, {reason, _call} -> {:error, reason}
  end

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
    for pid <- Scopes.members(Module.concat(supervisor, Modules), group),
        uniq: true,
        do: node(pid)
  end

  defp registry(supervisor), do: Module.concat(supervisor, Registry)

  defp dynamic_supervisor(supervisor), do: Module.concat(supervisor, DynamicSupervisor)
end
