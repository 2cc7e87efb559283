defmodule Beamjoin.LostChildren do
  @moduledoc false
  # Carries out what `Beamjoin.Failover` decides about the children of nodes that are gone: keeps its time, starts them and
  # asks other nodes to, so many at once and no more. Part of the registry, which receives `:failover` and passes it to
  # `evaluate/2`, and the ends of tasks, for `ended/3`.

  alias Beamjoin.{ChildSupervisor, Failover, LostHomes, Members, Names, Registry, View}

  # Losses and changes that come close after each other are looked at together.
  @pause 100

  # Starts and requests under way at the same time.
  @at_once 128

  @enforce_keys [:supervisor, :failover]
  defstruct [
    :supervisor,
    :failover,
    restoring: %{},
    tasks: %{},
    waiting: :queue.new(),
    timer: nil,
    evaluated_at: nil
  ]

  @type t :: %__MODULE__{}

  @spec new(Beamjoin.supervisor()) :: t()
  def new(supervisor) do
    %__MODULE__{supervisor: supervisor, failover: Failover.new(supervisor, node())}
  end

  @spec lost?(t(), term()) :: boolean()
  def lost?(lost, name), do: Failover.lost?(lost.failover, name)

  @doc "Whether a start of it is under way, here or by request."
  @spec restoring?(t(), term()) :: boolean()
  def restoring?(lost, name), do: is_map_key(lost.restoring, name)

  @doc "A child lost its node."
  @spec add(t(), term(), node(), map()) :: t()
  def add(lost, name, owner, %{start: {module, _, _}} = spec) do
    child = %{name: name, module: module, owner: owner, spec: spec}
    failover = Failover.lost(lost.failover, child)
    note_home(%{lost | failover: failover}, name) |> plan(0)
  end

  @spec settled(t(), term()) :: t()
  def settled(lost, name) do
    LostHomes.put(lost.supervisor, name, nil)
    %{lost | failover: Failover.settled(lost.failover, name, now())}
  end

  @doc "The ring or the claims have changed."
  @spec reconsider(t()) :: t()
  def reconsider(lost) do
    if Failover.any?(lost.failover) do
      lost = %{lost | failover: Failover.reconsider(lost.failover)}
      lost.failover |> Failover.names() |> Enum.reduce(lost, &note_home(&2, &1)) |> plan(0)
    else
      lost
    end
  end

  @doc "A node has this supervisor now, so what it said before counts for nothing."
  @spec appeared(t(), node()) :: t()
  def appeared(lost, node), do: %{lost | failover: Failover.appeared(lost.failover, node)}

  @doc "The time has come to look at what is lost."
  @spec evaluate(t()) :: t()
  def evaluate(lost) do
    now = now()
    {actions, failover} = Failover.due(lost.failover, view(lost), reachable(), now)
    lost = %{lost | failover: failover, timer: nil, evaluated_at: now}
    {forget, todo} = Enum.split_with(actions, &match?({:forget, _, _}, &1))
    Enum.each(forget, &forget(lost, &1))
    lost = Enum.reduce(todo, lost, &note_home(&2, child_of(&1).name))
    waiting = Enum.reduce(todo, lost.waiting, &:queue.in/2)
    run(%{lost | waiting: waiting}) |> plan_next()
  end

  @doc "A task has ended, with what its action came to."
  @spec ended(t(), reference(), term()) :: {:ok, t()} | :unknown
  def ended(%{tasks: tasks} = lost, ref, outcome) when is_map_key(tasks, ref) do
    {action, tasks} = Map.pop!(tasks, ref)
    lost = %{lost | tasks: tasks}
    name = child_of(action).name

    # A later loss of the same child has an action of its own.
    case lost.restoring do
      %{^name => ^ref} ->
        lost = %{lost | restoring: Map.delete(lost.restoring, name)}
        {:ok, lost |> outcome(action, name, outcome) |> run()}

      %{} ->
        {:ok, run(lost)}
    end
  end

  def ended(_lost, _ref, _outcome), do: :unknown

  defp outcome(lost, action, name, outcome) do
    elsewhere? = lives_elsewhere?(lost, name)

    cond do
      elsewhere? or outcome in [:started, :ignored] ->
        asked? = match?({:ask, _node, _child}, action)

        if lost?(lost, name) and (elsewhere? or outcome == :ignored or asked?),
          do: ChildSupervisor.withdraw(lost.supervisor, name)

        settled(lost, name)

      outcome == :cannot ->
        node = with {:start, _child} <- action, do: node(), else: ({:ask, node, _child} -> node)
        %{lost | failover: Failover.failed(lost.failover, name, now(), node)} |> plan(0)

      true ->
        failover = Failover.failed(lost.failover, name, now())
        %{lost | failover: failover} |> plan(Failover.grace())
    end
  end

  defp run(%{waiting: waiting} = lost) do
    if map_size(lost.tasks) < @at_once do
      case :queue.out(waiting) do
        {{:value, action}, waiting} -> %{lost | waiting: waiting} |> run(action) |> run()
        {:empty, _waiting} -> lost
      end
    else
      lost
    end
  end

  defp run(lost, action) do
    %{name: name} = child_of(action)

    # Somebody else may have had it back before its turn came.
    if lost?(lost, name) do
      start_task(lost, action, name)
    else
      lost
    end
  end

  defp start_task(%{supervisor: supervisor} = lost, action, name) do
    declared = view(lost).declared
    tasks = Names.tasks(supervisor)
    task = Task.Supervisor.async_nolink(tasks, fn -> act(supervisor, action, declared) end)

    %{
      lost
      | restoring: Map.put(lost.restoring, name, task.ref),
        tasks: Map.put(lost.tasks, task.ref, action)
    }
  catch
    # Who runs the tasks has crashed, and is about to be back.
    :exit, _no_tasks ->
      failover = Failover.failed(lost.failover, name, now())
      plan(%{lost | failover: failover}, Failover.grace())
  end

  defp act(supervisor, {:start, %{spec: spec}}, _declared) do
    supervisor |> ChildSupervisor.take_child(spec, :none, true) |> Members.read(spec) |> outcome()
  end

  defp act(supervisor, {:ask, node, %{spec: spec}}, declared) do
    supervisor |> Members.start_on(spec, node, declared, 1) |> outcome()
  end

  defp outcome(:ignore), do: :ignored
  defp outcome({:cannot, _why}), do: :cannot
  defp outcome({:ok, _pid}), do: :started
  defp outcome({:ok, _pid, _info}), do: :started

  # Who has not noticed yet that a node is gone still takes its child for the owner of the name.
  defp outcome({:error, {:already_started, pid}}) when is_pid(pid) do
    if Members.alive?(pid), do: :started, else: :failed
  end

  defp outcome(_error), do: :failed

  defp forget(lost, {:forget, %{name: name}, why}) do
    :logger.warning(
      "#{inspect(lost.supervisor)}: the child #{inspect(name)} of a node that is gone is given up: #{why}"
    )

    LostHomes.put(lost.supervisor, name, nil)
    ChildSupervisor.withdraw(lost.supervisor, name)
  end

  defp lives_elsewhere?(lost, name) do
    owners = Registry.owners({lost.supervisor, name})
    owners != [] and Enum.all?(owners, &(node(&1) != node()))
  end

  defp note_home(lost, name) do
    home = Failover.home(lost.failover, view(lost), reachable(), name)
    LostHomes.put(lost.supervisor, name, home)
    lost
  end

  defp plan_next(lost) do
    case Failover.next_at(lost.failover) do
      nil -> lost
      :now -> plan(lost, 0)
      at -> plan(lost, max(0, at - now()))
    end
  end

  defp plan(lost, delay) do
    at = max(now() + delay, (lost.evaluated_at || now() - @pause) + @pause)

    case lost.timer do
      {_timer, planned} when planned <= at ->
        lost

      timer ->
        with {timer, _planned} <- timer, do: Process.cancel_timer(timer)
        %{lost | timer: {Process.send_after(self(), :failover, max(0, at - now())), at}}
    end
  end

  defp child_of({:start, child}), do: child
  defp child_of({:ask, _node, child}), do: child

  defp view(lost), do: View.get(lost.supervisor)
  defp reachable, do: MapSet.new([node() | Node.list(:connected)])
  defp now, do: System.monotonic_time(:millisecond)
end
