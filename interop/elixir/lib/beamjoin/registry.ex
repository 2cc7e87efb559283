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
    :ok = Beamjoin.Scopes.ensure_started(scope)

    Enum.each(:pg.get_local_members(scope, child), fn pid -> :pg.leave(scope, child, pid) end)
  end

  @doc """
  The process that holds the name, on whichever connected node, or `:undefined`.
  """
  @spec whereis_name(name()) :: pid() | :undefined
  def whereis_name({supervisor, child}) when is_atom(supervisor) do
    supervisor
    |> Beamjoin.scope()
    |> Beamjoin.Scopes.members(child)
    |> Enum.sort_by(fn pid -> {node(pid), pid} end)
    |> Enum.find(:undefined, &reachable?/1)
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
        :ok = :pg.join(Beamjoin.scope(supervisor), child, pid)
        :yes

      _taken ->
        :no
    end
  end

  # A process of another node is not asked whether it is alive: its node removes it from the group when it ends, and an
  # answer could be out of date on arrival just as well.
  defp reachable?(pid) when node(pid) == node(), do: Process.alive?(pid)
  defp reachable?(pid), do: node(pid) in Node.list(:connected)
end
