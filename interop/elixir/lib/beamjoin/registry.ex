defmodule Beamjoin.Registry do
  @moduledoc """
  The registry behind `{:via, Beamjoin.Registry, {supervisor, child}}`.

  It works from any Elixir node of the cluster, whether or not the supervisor runs there:

      GenServer.call({:via, Beamjoin.Registry, {DS, MGS}}, :get)
      GenServer.cast({:via, Beamjoin.Registry, {DS, MGS}}, {:add, 5})
      GenServer.start_link(MyServer, [], name: {:via, Beamjoin.Registry, {DS, MyServer}})

  The rules:

    * A name is one group of the `:pg` scope `DS.Scope` with one member. The scope is started on this node when the
      first name is asked for, and the first answer waits, for a bounded time, for what the other nodes hold; see
      `Beamjoin.Scopes`.
    * A name that is taken anywhere in the cluster is not registered again. Two nodes that register the same free name
      at the same moment may both succeed, since `:pg` has no locks over nodes; every node then finds the same one of
      the two, and distributed supervisors end the other.
    * A process that ends, or a node that is lost, leaves by itself. For a moment after the end of a process on another
      node its pid may still be found, as with any pid one holds: a call to it exits with `:noproc`.
    * On nodes that run the package `distributed_supervisor` its own registry, which has the same contract, starts the
      scope. Start that first.
  """

  alias Beamjoin.{Placement, Scopes, View}

  @typedoc "A supervisor's name and a child's."
  @type name :: {Beamjoin.supervisor(), Beamjoin.child()}

  @doc """
  Registers `pid`, a process of this node, unless the name is taken.
  """
  @spec register_name(name(), pid()) :: :yes | :no
  def register_name({supervisor, child} = name, pid)
      when is_atom(supervisor) and is_pid(pid) and node(pid) == node() do
    # The lock is this node's own: it orders the processes that register here.
    :global.trans({{__MODULE__, name}, self()}, fn -> register(name, child, pid) end, [node()])
  end

  @doc """
  Frees a name that a process of this node holds. A name held elsewhere stays.
  """
  @spec unregister_name(name()) :: :ok
  def unregister_name({supervisor, child}) when is_atom(supervisor) do
    scope = Beamjoin.scope(supervisor)
    :ok = Scopes.ensure_started(scope)

    Enum.each(:pg.get_local_members(scope, child), fn pid -> :pg.leave(scope, child, pid) end)
  end

  @doc """
  The process that holds the name, on whichever connected node, or `:undefined`.
  """
  @spec whereis_name(name()) :: pid() | :undefined
  def whereis_name({supervisor, child} = name) when is_atom(supervisor) do
    case {owners(name), View.get(supervisor)} do
      {[], _view} -> :undefined
      {[pid], _view} -> pid
      {owners, nil} -> Enum.min_by(owners, fn pid -> {node(pid), pid} end)
      # The one that will stay.
      {owners, view} -> Placement.winner(view, child, owners)
    end
  end

  @doc false
  # The processes that have the name, as far as this node can tell without asking: without the dead of this node, which the
  # scope has yet to notice, and those of nodes that are gone.
  @spec owners(name()) :: [pid()]
  def owners({supervisor, child} = name) do
    scope = Beamjoin.scope(supervisor)

    # Where the supervisor runs, so does the scope, and has heard from the others.
    if View.get(supervisor),
      do: known_owners(name),
      else: scope |> Scopes.members(child) |> reachable()
  end

  @doc false
  # The same for who must not wait: it asks nobody, also while the registry of this node starts again.
  @spec known_owners(name()) :: [pid()]
  def known_owners({supervisor, child}),
    do: supervisor |> Beamjoin.scope() |> Scopes.known(child) |> reachable()

  @doc false
  # Who started a child elsewhere finds it at once: the answer came faster than the news of the name, which is here a moment
  # later. One that did not take the name is not waited for.
  @spec await(name(), pid(), non_neg_integer()) :: true
  def await({supervisor, child} = name, pid, tries \\ 20) do
    scope = Beamjoin.scope(supervisor)

    if node(pid) == node() or View.get(supervisor) == nil or tries == 0 or
         pid in Scopes.known(scope, child) do
      true
    else
      if tries == 20, do: sync(supervisor), else: Process.sleep(10)
      await(name, pid, tries - 1)
    end
  end

  @doc false
  # What the scope was told before has been read when it has answered this: that an instance has ended which another node
  # asks this one to go on with, or that one runs whose start it has just answered.
  @spec sync(Beamjoin.supervisor()) :: true
  def sync(supervisor) do
    Scopes.leave(Beamjoin.scope(supervisor), make_ref(), self()) == :not_joined
  end

  @doc """
  Sends `message` to the process that holds the name and returns its pid.

  Exits with `{:badarg, {name, message}}` when nobody does, as `:global.send/2`.
  """
  @spec send(name(), term()) :: pid()
  def send(name, message) do
    case whereis_name(name) do
      :undefined -> exit({:badarg, {name, message}})
      pid -> Kernel.send(pid, message) && pid
    end
  end

  defp register({supervisor, _child} = name, child, pid) do
    case whereis_name(name) do
      :undefined ->
        scope = Beamjoin.scope(supervisor)
        # Whoever noticed the end of the one before was faster than the scope.
        for old <- Scopes.known_local(scope, child), do: Scopes.leave(scope, child, old)
        :ok = :pg.join(scope, child, pid)
        :yes

      _taken ->
        :no
    end
  end

  # A process of another node is not asked whether it is alive: its node removes it from the group when it ends, and an
  # answer could be out of date on arrival just as well.
  defp reachable(pids), do: pids |> Enum.uniq() |> Enum.filter(&reachable?/1)

  defp reachable?(pid) when node(pid) == node(), do: Process.alive?(pid)
  defp reachable?(pid), do: node(pid) in Node.list(:connected)
end
