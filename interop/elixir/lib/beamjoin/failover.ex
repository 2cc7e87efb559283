defmodule Beamjoin.Failover do
  @moduledoc false
  # What becomes of the children of a node that is gone. Decides, and acts through nobody: who holds it reports losses,
  # appearances and the time, and carries out what `due/4` says.
  #
  # Every surviving node that declared itself comes to the same answer: the home of a child is the first node along the
  # ring, from the child's name on, that can run it. A home that declared itself starts it; one that runs the hex package
  # is asked to, by the first of the others along the ring. All others wait until the name appears again. When that takes
  # longer than the grace time, they ask the home, because it may never have learned of the child; asking twice is
  # harmless, since a name that is taken is not started again.
  #
  # The hex package starts the children of Elixir modules itself, all on one node. Where that node runs it, they are left
  # to it, and a second opinion would start them twice; only when nothing comes back any more for the grace time, the
  # others see to them as to all.
  #
  # The cost of `due/4` is that of what it returns: a wait for another node is one entry, however many children it has.

  alias Beamjoin.{Placement, Ring}

  @grace 1_000
  @heir_grace 2_000
  @attempts 10

  @enforce_keys [:supervisor, :self]
  defstruct [:supervisor, :self, pending: %{}, fresh: MapSet.new(), waits: %{}, retries: %{}]

  @type t :: %__MODULE__{}

  @typedoc "`owner` is the node that is gone, `spec` how to start the child again."
  @type child :: %{name: term(), module: module(), owner: node(), spec: map()}

  @typedoc "What is to be done: this node is the home, the home is to be asked, or nobody is to try any more."
  @type action ::
          {:start, child()}
          | {:ask, node(), child()}
          | {:forget, child(), :no_node_can_run_its_module | :it_does_not_start}

  @doc "How long, in ms, the home of a child may take before others ask it: since it last showed a sign of work."
  @spec grace() :: pos_integer()
  def grace, do: @grace

  @spec new(Beamjoin.supervisor(), node()) :: t()
  def new(supervisor, self), do: %__MODULE__{supervisor: supervisor, self: self}

  @spec any?(t()) :: boolean()
  def any?(%__MODULE__{pending: pending}), do: pending != %{}

  @spec lost?(t(), term()) :: boolean()
  def lost?(%__MODULE__{pending: pending}, name), do: is_map_key(pending, name)

  @doc "Names that are lost."
  @spec names(t()) :: [term()]
  def names(%__MODULE__{pending: pending}), do: Map.keys(pending)

  @doc "The node that is to start this lost child; `nil` when the name is not lost, or nobody can."
  @spec home(t(), Placement.t(), MapSet.t(node()), term()) :: node() | nil
  def home(%__MODULE__{pending: pending}, view, reachable, name) do
    with %{} = pending <- pending[name], do: home_of(pending, view, reachable)
  end

  @doc "A child lost its node."
  @spec lost(t(), child()) :: t()
  def lost(%__MODULE__{} = failover, %{name: name} = child) do
    pending = %{
      child: child,
      attempts: 0,
      home: nil,
      wait: nil,
      busy?: false,
      heir?: true,
      without: MapSet.new()
    }

    failover = drop(failover, name)
    %{failover | pending: Map.put(failover.pending, name, pending)} |> look_at(name)
  end

  @doc "The name lives again, or nobody wants it to."
  @spec settled(t(), term(), integer()) :: t()
  def settled(%__MODULE__{} = failover, name, now) do
    wait = get_in(failover.pending, [name, :wait])
    failover = drop(failover, name)

    if is_map_key(failover.waits, wait),
      do: put_in(failover.waits[wait].since, now),
      else: failover
  end

  @doc """
  What `due/4` asked for did not work. `cannot`: the node that was asked has no such module, or no supervisor.
  """
  @spec failed(t(), term(), integer(), node() | nil) :: t()
  def failed(failover, name, now, cannot \\ nil)

  def failed(%__MODULE__{pending: pending} = failover, name, now, cannot)
      when is_map_key(pending, name) do
    failover = put_in(failover.pending[name].busy?, false)

    if cannot do
      update_in(failover.pending[name].without, &MapSet.put(&1, cannot)) |> look_at(name)
    else
      %{failover | retries: Map.put(failover.retries, name, now + @grace)}
    end
  end

  def failed(%__MODULE__{} = failover, _name, _now, _cannot), do: failover

  @doc "The ring or the claims have changed: homes may have."
  @spec reconsider(t()) :: t()
  def reconsider(%__MODULE__{pending: pending} = failover) do
    idle = for {name, %{busy?: false}} <- pending, into: failover.fresh, do: name
    %{failover | fresh: idle}
  end

  @doc "A node can be asked (again)."
  @spec appeared(t(), node()) :: t()
  def appeared(%__MODULE__{pending: pending} = failover, node) do
    pending =
      Map.new(pending, fn {name, one} ->
        {name, %{one | without: MapSet.delete(one.without, node)}}
      end)

    %{failover | pending: pending}
  end

  @doc "When `due/4` has something to say again, unless the cluster changes before; `nil` while nothing is lost."
  @spec next_at(t()) :: integer() | :now | nil
  def next_at(%__MODULE__{} = failover) do
    waits = for {_key, %{since: since, grace: grace}} <- failover.waits, do: since + grace

    cond do
      MapSet.size(failover.fresh) > 0 -> :now
      waits == [] and failover.retries == %{} -> nil
      true -> Enum.min(waits ++ Map.values(failover.retries))
    end
  end

  @doc """
  What is to be done now. To be called after losses and changes, and at `next_at/1`. Actions end with `settled/3` or
  `failed/4`.
  """
  @spec due(t(), Placement.t(), MapSet.t(node()), integer()) :: {[action()], t()}
  def due(%__MODULE__{} = failover, view, reachable, now) do
    context = {view, reachable}
    {fresh, failover} = Map.get_and_update!(failover, :fresh, &{&1, MapSet.new()})
    acc = Enum.reduce(fresh, {[], failover}, &look(&1, context, now, &2))
    {_actions, failover} = acc

    acc =
      for {name, at} <- failover.retries,
          at <= now,
          reduce: acc,
          do: (acc -> act(name, context, acc))

    {_actions, failover} = acc

    {actions, failover} =
      for {key, %{since: since, grace: grace, names: names}} <- failover.waits,
          since + grace <= now,
          reduce: acc do
        acc -> overdue(key, grace, names, context, acc)
      end

    {Enum.reverse(actions), failover}
  end

  defp overdue(key, grace, names, context, {actions, failover}) do
    acc = {actions, %{failover | waits: Map.delete(failover.waits, key)}}

    Enum.reduce(names, acc, fn name, {actions, failover} ->
      failover =
        if grace == @heir_grace,
          do: put_in(failover.pending[name].heir?, false),
          else: failover

      act(name, context, {actions, failover})
    end)
  end

  # Finds out whose a child is.
  defp look(name, {view, reachable} = context, now, {actions, failover} = acc) do
    with %{busy?: false} = pending <- failover.pending[name],
         nil <- heir_of(pending, failover.supervisor, view, reachable) do
      home = home_of(pending, view, reachable)

      # A failure is tried again later, unless somebody else is to try by now.
      if home != nil and home == pending.home and is_map_key(failover.retries, name) do
        acc
      else
        failover = put_in(failover.pending[name].home, home)

        case actor(home, name, view, reachable) do
          actor when actor in [nil, failover.self] ->
            act(name, context, {actions, failover})

          actor ->
            {actions, wait(failover, name, {:home, actor, home}, @grace, now)}
        end
      end
    else
      heir when is_atom(heir) and heir != nil ->
        owner = failover.pending[name].child.owner
        failover = put_in(failover.pending[name].home, heir)
        {actions, wait(failover, name, {:heir, heir, owner}, @heir_grace, now)}

      _settled_or_busy ->
        acc
    end
  end

  defp act(name, {view, reachable}, {actions, failover}) do
    failover = unwait(failover, name)
    failover = %{failover | retries: Map.delete(failover.retries, name)}
    pending = failover.pending[name]
    home = home_of(pending, view, reachable)
    pending = %{pending | home: home, attempts: pending.attempts + 1, busy?: true}

    cond do
      home == nil ->
        {[{:forget, pending.child, :no_node_can_run_its_module} | actions], drop(failover, name)}

      pending.attempts > @attempts ->
        {[{:forget, pending.child, :it_does_not_start} | actions], drop(failover, name)}

      true ->
        failover = put_in(failover.pending[name], pending)
        child = pending.child
        action = if home == failover.self, do: {:start, child}, else: {:ask, home, child}
        {[action | actions], failover}
    end
  end

  defp home_of(%{child: child, without: without}, view, reachable) do
    view
    |> Placement.candidates(child.name, child.module)
    |> Enum.find(&(MapSet.member?(reachable, &1) and not MapSet.member?(without, &1)))
  end

  # The node of the hex package that starts this child by itself: the one that the ring without the node that is gone names
  # for the supervisor.
  defp heir_of(%{heir?: false}, _supervisor, _view, _reachable), do: nil

  defp heir_of(%{child: %{owner: owner, module: module}}, supervisor, view, reachable) do
    heir = view.ring |> Ring.nodes_for(supervisor) |> Enum.find(&(&1 != owner))

    if Enum.empty?(Map.get(view.claims, module, [])) and heir != nil and
         not MapSet.member?(view.declared, heir) and MapSet.member?(reachable, heir),
       do: heir
  end

  # Who starts it or has it started. A node that runs the hex package is asked by the first of the others along the ring.
  defp actor(nil, _name, _view, _reachable), do: nil

  defp actor(home, name, %{declared: declared, ring: ring}, reachable) do
    ours? = &(MapSet.member?(declared, &1) and MapSet.member?(reachable, &1))

    if MapSet.member?(declared, home) do
      home
    else
      ring |> Ring.nodes_for(name) |> Enum.find(ours?) ||
        declared |> Enum.sort() |> Enum.find(ours?)
    end
  end

  defp look_at(failover, name), do: %{failover | fresh: MapSet.put(failover.fresh, name)}

  defp wait(failover, name, key, grace, now) do
    if failover.pending[name].wait == key and is_map_key(failover.waits, key) do
      failover
    else
      failover = unwait(failover, name)
      fresh = %{since: now, grace: grace, names: MapSet.new()}
      wait = failover.waits |> Map.get(key, fresh) |> Map.update!(:names, &MapSet.put(&1, name))
      failover = put_in(failover.pending[name].wait, key)

      %{
        failover
        | waits: Map.put(failover.waits, key, wait),
          retries: Map.delete(failover.retries, name)
      }
    end
  end

  defp unwait(failover, name) do
    {key, failover} = get_and_update_in(failover.pending[name].wait, &{&1, nil})

    case failover.waits do
      %{^key => %{names: names} = wait} ->
        names = MapSet.delete(names, name)

        if MapSet.size(names) == 0,
          do: %{failover | waits: Map.delete(failover.waits, key)},
          else: put_in(failover.waits[key], %{wait | names: names})

      %{} ->
        failover
    end
  end

  defp drop(failover, name) do
    if lost?(failover, name) do
      failover = unwait(failover, name)

      %{
        failover
        | pending: Map.delete(failover.pending, name),
          fresh: MapSet.delete(failover.fresh, name),
          retries: Map.delete(failover.retries, name)
      }
    else
      failover
    end
  end
end
