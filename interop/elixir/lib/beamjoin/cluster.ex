defmodule Beamjoin.Cluster do
  @moduledoc false
  # What the registry of this node knows of the cluster: the ring, and what the nodes say they can run. Functions over the
  # state of `Beamjoin.RegistryServer`.
  #
  # The latter is in the scope `n.Modules`: every node with this supervisor that does not run the hex package is a member of
  # the group `"members"`; a TypeScript node, of the group of every module it can run; an Elixir node, of the group
  # `"elixir"`, which stands for every module that no TypeScript node claims.

  alias Beamjoin.{ChildSupervisor, LostChildren, Names, Peers, Placement, Ring, Scopes, SpecStore}
  alias Beamjoin.View

  @members "members"
  @elixir "elixir"

  @type state :: map()

  @doc "The supervisor of the children runs: this node declares itself."
  @spec supervised_by(state(), pid() | nil) :: state()
  def supervised_by(state, nil), do: state
  def supervised_by(%{supervisor: {_ref, pid}} = state, pid), do: state

  def supervised_by(state, pid) do
    %{unsupervised(state) | supervisor: {Process.monitor(pid), pid}} |> declared_here()
  end

  @doc """
  The supervisor of the children has ended, and they with it. What it did not say itself is said here.
  """
  @spec unsupervised(state()) :: state()
  def unsupervised(%{supervisor: nil} = state), do: state

  def unsupervised(%{supervisor: {ref, _pid}} = state) do
    Process.demonitor(ref, [:flush])
    for group <- [@members, @elixir], do: Scopes.leave(Names.modules(state.name), group, self())

    unless View.phase(state.name) == :drained do
      for {name, _spec} <- SpecStore.owned_by(state.specs, node()),
          do: Peers.tell_all(state.name, {:"$beamjoin_gone", node(), name})
    end

    %{state | supervisor: nil, specs: SpecStore.drop(state.specs, node())}
  end

  # Joins the groups of what this node is.
  defp declared_here(%{supervisor: nil} = state), do: state

  defp declared_here(state) do
    scope = Names.modules(state.name)
    # What it can run first: a member without is taken for one that can run nothing.
    groups = if View.phase(state.name) == :running, do: [@elixir, @members], else: [@members]

    for group <- groups,
        self() not in Scopes.known_local(scope, group),
        do: Scopes.join(scope, group, self())

    # The news of that is on its way.
    Enum.reduce(groups, state, &claimed(&2, &1))
  end

  @doc "The scope of the modules has begun anew: who is in it is seen afresh, and told again what runs here."
  @spec claimed_anew(state(), [term()]) :: state()
  def claimed_anew(state, groups) do
    ([@members, @elixir | Map.keys(view(state).claims)] ++ groups)
    |> Enum.uniq()
    |> Enum.reduce(state, &claimed(&2, &1))
    |> declared_here()
  end

  @doc "This node takes no children any more. It stays a member, or it would be taken for one of the hex package."
  @spec undeclare(state()) :: state()
  def undeclare(state) do
    Scopes.leave(Names.modules(state.name), @elixir, self())
    claimed(state, @elixir)
  end

  @doc """
  Processes joined a group of the scope of the modules, or left it. A registry that joins knows nothing yet, whether or not it
  is seen that the one before had left.
  """
  @spec claimed(state(), :join | :leave, term(), [pid()]) :: state()
  def claimed(state, :join, @members, pids) do
    before = view(state).declared
    state = claimed(state, @members)

    for pid <- pids,
        MapSet.member?(before, node(pid)),
        reduce: state,
        do: (state -> declared(state, node(pid)))
  end

  def claimed(state, _kind, group, _pids), do: claimed(state, group)

  @doc "A group of the scope of the modules has changed."
  @spec claimed(state(), term()) :: state()
  def claimed(state, group) do
    nodes =
      for pid <- Scopes.known(Names.modules(state.name), group),
          into: MapSet.new(),
          do: node(pid)

    view = view(state)

    case group do
      @members ->
        put_view(state, %{view | declared: nodes})

        nodes
        |> MapSet.difference(view.declared)
        |> Enum.reduce(state, &declared(&2, &1))
        |> changed()

      @elixir ->
        put_view(state, %{view | elixir: nodes})
        changed(state)

      module when is_atom(module) ->
        claims =
          if Enum.empty?(nodes),
            do: Map.delete(view.claims, module),
            else: Map.put(view.claims, module, nodes)

        put_view(state, %{view | claims: claims})
        changed(state)

      _other ->
        state
    end
  end

  # A node came into sight that declares itself: it learns what runs here.
  defp declared(state, node) do
    ChildSupervisor.announce_to(state.name, node)

    %{
      state
      | drained: MapSet.delete(state.drained, node),
        lost: LostChildren.appeared(state.lost, node)
    }
  end

  @doc "Changes the ring by `fun`."
  @spec update_ring(state(), (Ring.t() -> Ring.t())) :: state()
  def update_ring(state, fun) do
    view = view(state)
    put_view(state, %{view | ring: fun.(view.ring)})
    changed(state)
  end

  @doc "Places may have changed: lost children may have another home, and others a better one."
  @spec changed(state()) :: state()
  def changed(state) do
    if pid = Process.whereis(Names.moves(state.name)), do: GenServer.cast(pid, :changed)
    %{state | lost: LostChildren.reconsider(state.lost)}
  end

  @doc "As the hex package: of the given nodes, those that can be connected to. One that hangs takes its time, and all together no more."
  @spec initial_members(Beamjoin.Options.t()) :: [node()]
  def initial_members(%{nodes: []}), do: [node() | Node.list()]

  def initial_members(%{nodes: nodes}) do
    connected =
      nodes
      |> Enum.map(&Task.async(fn -> &1 == node() or Node.connect(&1) == true end))
      |> Task.await_many(:infinity)

    for {node, true} <- Enum.zip(nodes, connected), do: node
  end

  @doc "Whether a node that comes or goes joins or leaves the ring."
  @spec follows?(state(), keyword()) :: boolean()
  def follows?(%{options: %{monitor_nodes: :all}}, _info), do: true

  def follows?(%{options: %{monitor_nodes: kind}}, info),
    do: Keyword.keyword?(info) and kind == info[:node_type]

  @doc "Whether the ring names this node for the name of another."
  @spec mine?(state(), node()) :: boolean()
  def mine?(state, node), do: Ring.node_for(view(state).ring, node) == node()

  @doc "What this node knows. Read by the registry only while it runs itself."
  @spec view(state()) :: Placement.t()
  def view(state), do: View.get(state.name)

  @doc "Makes it known."
  @spec put_view(state(), Placement.t()) :: :ok
  def put_view(state, view), do: View.put(state.name, view)
end
