defmodule Beamjoin.ScopeWatch do
  @moduledoc false
  # Tells its owner, the registry, what changes in a scope: `{:scope, scope, :join | :leave, group, pids}`. It ends when the
  # scope does.
  #
  # It is a process of its own since the registry is a member of groups: `:pg` of OTP 25 crashes when a process ends that is
  # both a member and a monitor of the scope.

  use GenServer

  @doc "Starts it under the calling process, with the groups that are there."
  @spec start_link(module()) :: {:ok, pid(), %{optional(term()) => [pid()]}} | {:error, term()}
  def start_link(scope) do
    with {:ok, pid} <- GenServer.start_link(__MODULE__, {scope, self()}),
         do: {:ok, pid, GenServer.call(pid, :groups)}
  end

  @impl true
  def init({scope, owner}) do
    # Its end is told apart by the name in it.
    Process.monitor(scope)
    {ref, groups} = :pg.monitor_scope(scope)
    {:ok, %{scope: scope, owner: owner, ref: ref, groups: groups}}
  catch
    :exit, _no_scope -> {:stop, :shutdown}
  end

  @impl true
  def handle_call(:groups, _from, state), do: {:reply, state.groups, %{state | groups: nil}}

  @impl true
  def handle_info({ref, kind, group, pids}, %{ref: ref} = state) when kind in [:join, :leave] do
    Kernel.send(state.owner, {:scope, state.scope, kind, group, pids})
    {:noreply, state}
  end

  def handle_info({:DOWN, _monitor, :process, {scope, _node}, _reason}, %{scope: scope} = state),
    do: {:stop, :shutdown, state}

  def handle_info(_unknown, state), do: {:noreply, state}
end
