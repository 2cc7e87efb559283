defmodule Beamjoin.Rebalance do
  @moduledoc false
  # Moves children of this node to where the ring wants them by now, a few at a time. Each node moves its own, and only a
  # child whose new home sees the ring alike, so nothing moves back and forth. A change of the cluster ends it: what is left
  # is looked at anew.

  alias Beamjoin.{ChildSupervisor, HandOver, Names, RegistryServer, Ring, View}

  @timeout 2_000

  @doc "Runs until all children are through, or `current?` says that the cluster has changed."
  @spec run(Beamjoin.supervisor(), pos_integer(), fun()) :: :ok
  def run(supervisor, concurrency, current?) do
    supervisor
    |> ChildSupervisor.children()
    |> Task.async_stream(
      fn child -> if current?.(), do: move_if_better(supervisor, child, current?) end,
      max_concurrency: concurrency,
      ordered: false,
      timeout: :infinity
    )
    |> Stream.run()
  end

  # Moving is a restart, which a temporary child does not want.
  defp move_if_better(_supervisor, {_pid, _name, %{restart: :temporary}}, _current?), do: :ok
  defp move_if_better(_supervisor, {_pid, :error, _spec}, _current?), do: :ok

  defp move_if_better(supervisor, {_pid, {:ok, name}, spec} = child, current?) do
    with [home | _] <- HandOver.better_homes(supervisor, child),
         true <- agrees?(supervisor, home, name) and current?.(),
         {:failed, reason, handoff} <- HandOver.move_home(supervisor, child) do
      :logger.warning(
        "#{inspect(supervisor)}: no other node took #{inspect(name)}, which was to move, and it starts again here: " <>
          inspect(reason)
      )

      take_back(supervisor, name, spec, handoff)
    end
  end

  # Whether a node sees the place of a name as this one does.
  defp agrees?(supervisor, home, name) do
    there = GenServer.call({Names.registry(supervisor), home}, {:node_for, name}, @timeout)
    there == Ring.node_for(View.get(supervisor).ring, name)
  catch
    :exit, _no_answer -> false
  end

  defp take_back(supervisor, name, spec, handoff) do
    started = ChildSupervisor.take_child(supervisor, spec, handoff, true)
    unless match?({:ok, _pid}, started), do: RegistryServer.lost(supervisor, name, spec)
  catch
    :exit, _no_supervisor -> :ok
  end
end
