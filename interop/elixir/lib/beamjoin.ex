defmodule Beamjoin do
  @moduledoc """
  The Elixir side of beamjoin: a supervisor whose children run on whichever node and in whichever language, under
  names that are the same everywhere.

  A supervisor `DS` that runs on TypeScript nodes, Elixir nodes or both keeps its children in a `:pg` scope of its own,
  `DS.Scope`: one group for each child, named as the child is, with the child's pid as its one member. This library
  reads and writes that registry, so a child named `MGS` is called like any other server, from any node:

      GenServer.call(Beamjoin.via(DS, MGS), :get)

  Nothing has to be started first. See `Beamjoin.Registry` for the rules.

  The functions here have the names and the results of the hex package `distributed_supervisor`. On a node that runs no
  such supervisor they ask the nodes that do:

      {:ok, pid, :a} = Beamjoin.start_child(DS, {Counter, name: :a, start: 5})
      5 = Beamjoin.call(DS, :a, :get)
      %{a: {^pid, _spec}} = Beamjoin.children(DS)
      :ok = Beamjoin.terminate_child(DS, pid)

  A node runs children itself with `{Beamjoin, name: DS}` in a supervision tree, see `start_link/1`. It needs no hex
  package, and can be in one cluster with nodes that have it.

  Those that ask exit with `:noproc` when no connected node runs the supervisor.
  """

  alias Beamjoin.{Members, Names, Placement, Registry, Ring, View}

  # Options of a child that are for its supervisor.
  @supervisor_options [:restart, :shutdown, :type, :modules, :significant]

  @typedoc "The name of a distributed supervisor, such as `DS`."
  @type supervisor :: atom()

  @typedoc "The name of a child: any term."
  @type child :: term()

  @doc """
  The name of `child` of the distributed supervisor `supervisor`, as every OTP function takes one.

      iex> Beamjoin.via(DS, MGS)
      {:via, Beamjoin.Registry, {DS, MGS}}

  """
  @spec via(supervisor(), child()) :: {:via, module(), {supervisor(), child()}}
  def via(supervisor, child) when is_atom(supervisor) do
    {:via, Beamjoin.Registry, {supervisor, child}}
  end

  @doc """
  The `:pg` scope in which `supervisor` keeps its children.

      iex> Beamjoin.scope(DS)
      DS.Scope

  """
  @spec scope(supervisor()) :: module()
  def scope(supervisor) when is_atom(supervisor), do: Module.concat(supervisor, Scope)

  @doc """
  Starts the supervisor on this node, in the ring with those of the same name on other nodes. In a supervision tree:

      children = [{Beamjoin, name: DS, monitor_nodes: true}]

  The options are those of the hex package:

    * `:name` - an atom, the same on every node; required
    * `:nodes` - the members of the ring at the start; by default this node and the visible nodes it is connected to
    * `:monitor_nodes` - whether nodes that come and go join and leave the ring: `true` and `:all` mean hidden ones too,
      `:visible` and `:hidden` only those, `false`, the default, none
    * `:cache_children?` - whether this node knows how all children are started, and starts those of nodes that are gone;
      `true` by default
    * `:listeners` - modules with the callbacks of `Beamjoin.Listener`, or pairs of such a module and a prefix

  and further:

    * `:rebalance` - whether children of this node move to where the ring wants them when nodes have come, each with its
      state when its module has a `c:Beamjoin.Handoff.handoff/1`: `true`, or how many at a time and after how many
      milliseconds without a change of the cluster, `[concurrency: 4, delay: 5_000]`. Temporary children stay; `false` by
      default
    * `:max_restarts`, `:max_seconds` - how many restarts of children of this node within so many seconds are still fine; 100
      in 1 second
  """
  @spec start_link(keyword()) :: Supervisor.on_start()
  def start_link(options), do: Beamjoin.Tree.start_link(options)

  @doc """
  The supervisor as a child of another one: `{Beamjoin, name: DS}`. The options are those of `start_link/1`.

      iex> Beamjoin.child_spec(name: DS)
      %{id: {Beamjoin, DS}, start: {Beamjoin, :start_link, [[name: DS]]}, type: :supervisor}

  """
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(options) do
    %{
      id: {Beamjoin, Keyword.fetch!(options, :name)},
      start: {Beamjoin, :start_link, [options]},
      type: :supervisor
    }
  end

  @doc """
  Starts a child: a module, a module with its options, or a child specification whose `start` has the options as its third
  element.

  It runs on the first node along the ring from its name that can run its module, in whichever language. Where `node` is given
  it is asked alone; a TypeScript node that cannot run the module passes the start on.
  The option `name` is any term, by default a fresh reference; `restart`, `shutdown`, `type`, `modules` and `significant`
  are for the supervisor, all others for the child.

  Returns `{:ok, pid, name}`; `{:error, {:undef, module}}` when no node can run it; `{:error, :noproc}` when the node that
  was asked for runs no such supervisor; else what
  `DynamicSupervisor.start_child/2` returns, such as `{:error, {:already_started, pid}}`.
  """
  @spec start_child(
          supervisor(),
          module() | {module(), keyword()} | Supervisor.child_spec() | map(),
          node() | nil
        ) :: {:ok, pid(), child()} | :ignore | {:error, term()}
  def start_child(supervisor, child, node \\ nil)

  def start_child(supervisor, %{start: {module, function, options}} = spec, node)
      when is_atom(supervisor) and is_atom(module) and is_list(options) do
    {name, options, given} = split_options(supervisor, options)
    start = %{start: {module, function, options}}

    spec =
      %{id: name, restart: :permanent} |> Map.merge(spec) |> Map.merge(given) |> Map.merge(start)

    view = Members.view(supervisor, module)

    answer =
      if node,
        do: Members.start_on(supervisor, spec, node, view.declared),
        else: start_at_home(supervisor, name, spec, view)

    case answer do
      {:ok, pid} -> Registry.await({supervisor, name}, pid) && {:ok, pid, name}
      {:cannot, reason} -> {:error, reason}
      answer -> answer
    end
  end

  def start_child(supervisor, {module, options}, node)
      when is_atom(module) and is_list(options) do
    start_child(supervisor, %{start: {module, :start_link, options}}, node)
  end

  def start_child(supervisor, module, node) when is_atom(module) do
    start_child(supervisor, {module, []}, node)
  end

  def start_child(_supervisor, spec, _node), do: {:error, {:incorrect_spec, spec}}

  @doc """
  Ends a child for good, on whichever node it runs.
  """
  @spec terminate_child(supervisor(), pid() | nil) :: :ok | {:error, :not_found | term()}
  def terminate_child(_supervisor, nil), do: {:error, :not_found}

  def terminate_child(supervisor, pid) when is_pid(pid),
    do: Members.terminate_child(supervisor, pid)

  @typedoc """
  What a drain did: the children that run on another node now, and those that do not, with the reason: `:timeout`,
  `{:undef, module}` when no other node can run it, or the answer of the last node that was asked.
  """
  @type drained :: %{moved: [drained_child()], left: [drained_child()]}

  @typedoc "`pid` is the instance that ran here. The name is `nil` for a child that has none in the supervisor."
  @type drained_child :: %{
          name: child() | nil,
          pid: pid(),
          moved_to: pid() | nil,
          reason: term()
        }

  @doc """
  Leaves politely: hands every child of this node over to another, and then ends the supervisor of this node. Each old
  instance ends, and its name is free, before the new one starts; a module with a `c:Beamjoin.Handoff.handoff/1` gives the new
  one its state. From the call on this node takes no children; a start that arrives is passed on.

  What no other node took when the time is over ends here with the supervisor, and the other nodes start it again, from its
  options, if one of them can run it.

  The options are `:timeout` in milliseconds (30000), `:concurrency`, how many children move at the same time (16), and
  `:on_child`, a function that is called with each child that is through.

  Also where it is a child of another supervisor, the supervisor stays ended. An application drains before it stops:

      def prep_stop(state) do
        Beamjoin.drain(DS, timeout: 10_000)
        state
      end

  """
  @spec drain(supervisor(), keyword()) :: drained()
  def drain(supervisor, options \\ []) do
    options = Beamjoin.Drain.options!(options)

    if View.get(supervisor),
      do: Beamjoin.Moves.drain(supervisor, options),
      else: %{moved: [], left: []}
  end

  @doc """
  All children: a map of names to pids and specifications.

  Where the supervisor does not keep them (`cache_children?: false`) it is the list of
  `DynamicSupervisor.which_children/1` of all nodes.
  """
  @spec children(supervisor()) ::
          %{optional(child()) => {pid(), Supervisor.child_spec() | nil}} | [tuple()]
  def children(supervisor) do
    case Members.ask(supervisor, :state) do
      %{children: %{} = children} -> children
      _not_kept -> Members.which_children(supervisor, nodes(supervisor))
    end
  end

  @doc """
  The processes of the children that run on this node; none where it runs no supervisor.
  """
  @spec local_children(supervisor()) :: [pid()]
  def local_children(supervisor) do
    for {_id, pid, _type, _modules} <- Members.which_children(supervisor, [node()]),
        is_pid(pid),
        do: pid
  end

  @doc """
  The process of a child, or `:undefined`.
  """
  @spec whereis(supervisor(), child()) :: pid() | :undefined
  def whereis(supervisor, child), do: Registry.whereis_name({supervisor, child})

  @doc """
  The name of the child with this pid, or `nil`; also `nil` where the supervisor does not keep its children.
  """
  @spec whois(supervisor(), pid()) :: child() | nil
  def whois(supervisor, pid) when is_pid(pid) do
    with %{} = children <- children(supervisor),
         {name, _child} <- Enum.find(children, &match?({_name, {^pid, _spec}}, &1)) do
      name
    else
      _unknown -> nil
    end
  end

  @doc """
  `GenServer.call/3` to a child. Exits as that does, with `:noproc` when there is no such child.
  """
  @spec call(supervisor(), child(), term(), timeout()) :: term()
  def call(supervisor, child, request, timeout \\ 5_000) do
    supervisor |> via(child) |> GenServer.call(request, timeout)
  end

  @doc """
  `GenServer.cast/2` to a child. `:ok` even when there is no such child.
  """
  @spec cast(supervisor(), child(), term()) :: :ok
  def cast(supervisor, child, request), do: supervisor |> via(child) |> GenServer.cast(request)

  @doc """
  Sends `message` to a child and returns it, or `:undefined` when there is no such child.
  """
  @spec send(supervisor(), child(), message) :: message | :undefined when message: term()
  def send(supervisor, child, message) do
    with pid when is_pid(pid) <- whereis(supervisor, child), do: Kernel.send(pid, message)
  end

  @doc """
  The same as `via/2`, under the name that the hex package gives it.

      iex> Beamjoin.via_name(DS, MGS)
      {:via, Beamjoin.Registry, {DS, MGS}}

  """
  @spec via_name(supervisor(), child()) :: {:via, module(), {supervisor(), child()}}
  def via_name(supervisor, child), do: via(supervisor, child)

  @doc """
  The members of the ring.
  """
  @spec nodes(supervisor()) :: [node()]
  def nodes(supervisor) do
    case View.get(supervisor) do
      nil -> Members.ask(supervisor, :nodes)
      %{ring: ring} -> ring.nodes
    end
  end

  @doc """
  The node that the ring names for `key`, whether or not it can run a child of that name.
  """
  @spec node_for(supervisor(), term()) :: node() | {:error, {:invalid_ring, :no_nodes}}
  def node_for(supervisor, key) do
    case View.get(supervisor) do
      nil -> Members.ask(supervisor, {:node_for, key})
      %{ring: ring} -> Ring.node_for(ring, key) || {:error, {:invalid_ring, :no_nodes}}
    end
  end

  @doc """
  Whether `node_for/2` is this node.
  """
  @spec mine?(supervisor(), term()) :: boolean()
  def mine?(supervisor, key), do: node_for(supervisor, key) == node()

  @doc false
  # What other nodes read specifications from.
  @spec dynamic_supervisor_status(supervisor()) :: tuple()
  def dynamic_supervisor_status(supervisor) do
    supervisor |> Names.dynamic_supervisor() |> GenServer.whereis() |> :sys.get_status()
  end

  defp start_at_home(supervisor, name, %{start: {module, _, _}} = spec, view) do
    nodes = Placement.candidates(view, name, module)
    Members.start_child(supervisor, spec, nodes, view.declared)
  end

  # Nodes of every kind know the name of the hex package's registry.
  defp split_options(supervisor, options) do
    if Keyword.keyword?(options) do
      name = Keyword.get_lazy(options, :name, &make_ref/0) |> child_name(supervisor)
      via = {:via, DistributedSupervisor.Registry, {supervisor, name}}
      {given, own} = Keyword.split(options, @supervisor_options)
      {name, [Keyword.put(own, :name, via)], Map.new(given)}
    else
      {make_ref(), options, %{}}
    end
  end

  defp child_name({:via, _registry, {supervisor, name}}, supervisor), do: name
  defp child_name(name, _supervisor), do: name
end
