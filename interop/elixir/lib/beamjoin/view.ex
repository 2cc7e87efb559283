defmodule Beamjoin.View do
  @moduledoc false
  # What this node knows of the cluster of a supervisor that it runs, where every process can read it at once. Only the
  # registry writes it; it changes when nodes come and go, so writing may be dear.

  alias Beamjoin.{Names, Placement}

  @doc "What the registry of this node knows; `nil` when this node does not run the supervisor."
  @spec get(Beamjoin.supervisor()) :: Placement.t() | nil
  def get(supervisor) do
    view = :persistent_term.get({__MODULE__, supervisor}, nil)
    # One that was killed leaves its view behind.
    if view && Process.whereis(Names.registry(supervisor)), do: view
  end

  @spec put(Beamjoin.supervisor(), Placement.t()) :: :ok
  def put(supervisor, view), do: :persistent_term.put({__MODULE__, supervisor}, view)

  @doc "Forgets what was known of a supervisor that has ended."
  @spec erase(Beamjoin.supervisor()) :: :ok
  def erase(supervisor) do
    :persistent_term.erase({__MODULE__, supervisor})
    :ok
  end

  @doc """
  Whether the supervisor of this node takes children (`:running`), hands them over before it goes (`:draining`), or has
  done so (`:drained`).
  """
  @spec phase(Beamjoin.supervisor()) :: :running | :draining | :drained
  def phase(supervisor), do: :persistent_term.get({__MODULE__, supervisor, :phase}, :running)

  @spec put_phase(Beamjoin.supervisor(), :running | :draining | :drained) :: :ok
  def put_phase(supervisor, :running) do
    :persistent_term.erase({__MODULE__, supervisor, :phase})
    :ok
  end

  def put_phase(supervisor, phase),
    do: :persistent_term.put({__MODULE__, supervisor, :phase}, phase)
end
