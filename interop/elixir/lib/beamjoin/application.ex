defmodule Beamjoin.Application do
  @moduledoc """
  Supervises what `Beamjoin.Scopes` needs on this node: the `:pg` scopes it started and what it knows of their peers.

  Mix starts it like every application. Where only the modules were loaded, without the .app file, the first look-up of a
  name starts it.
  """

  use Application

  # What the .app file says, for a node that has the modules but not the file.
  @spec_without_file {:application, :beamjoin,
                      mod: {__MODULE__, []}, applications: [:kernel, :stdlib, :elixir]}

  @impl true
  def start(_type, _args) do
    :ok = Beamjoin.HexNames.define()

    children = [
      Beamjoin.Synced,
      {DynamicSupervisor, name: Beamjoin.ScopeSupervisor, strategy: :one_for_one}
    ]

    Supervisor.start_link(children, strategy: :one_for_one, name: Beamjoin.Supervisor)
  end

  @doc """
  Starts the application unless it runs already.
  """
  @spec ensure_started() :: :ok | {:error, term()}
  def ensure_started do
    with nil <- Process.whereis(Beamjoin.ScopeSupervisor),
         :ok <- load(),
         {:ok, _started} <- Application.ensure_all_started(:beamjoin) do
      :ok
    else
      pid when is_pid(pid) -> :ok
      {:error, reason} -> {:error, reason}
    end
  end

  defp load do
    case Application.load(:beamjoin) do
      {:error, {:already_loaded, :beamjoin}} -> :ok
      {:error, _no_file} -> load_without_file()
      :ok -> :ok
    end
  end

  # Another process may have been first.
  defp load_without_file do
    case :application.load(@spec_without_file) do
      {:error, {:already_loaded, :beamjoin}} -> :ok
      result -> result
    end
  end
end
