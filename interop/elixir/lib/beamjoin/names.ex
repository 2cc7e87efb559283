defmodule Beamjoin.Names do
  @moduledoc false
  # What the processes and scopes of a distributed supervisor are called on every node.

  @spec registry(Beamjoin.supervisor()) :: module()
  def registry(supervisor), do: Module.concat(supervisor, Registry)

  @spec dynamic_supervisor(Beamjoin.supervisor()) :: module()
  def dynamic_supervisor(supervisor), do: Module.concat(supervisor, DynamicSupervisor)

  @doc "The scope in which the nodes that declare themselves say what they can run."
  @spec modules(Beamjoin.supervisor()) :: module()
  def modules(supervisor), do: Module.concat(supervisor, Modules)

  @spec notifier(Beamjoin.supervisor()) :: module()
  def notifier(supervisor), do: Module.concat(supervisor, Notifier)

  @spec tasks(Beamjoin.supervisor()) :: module()
  def tasks(supervisor), do: Module.concat(supervisor, TaskSupervisor)

  @spec moves(Beamjoin.supervisor()) :: module()
  def moves(supervisor), do: Module.concat(supervisor, Moves)
end
