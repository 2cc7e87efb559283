defmodule Beamjoin.LostHomes do
  @moduledoc false
  # Which node is to start a lost child, where every process can read it at once. The registry writes it.

  @spec new(Beamjoin.supervisor()) :: :ets.table()
  def new(supervisor), do: :ets.new(table(supervisor), [:named_table, read_concurrency: true])

  @doc "`nil` when the child is not lost, nobody can start it, or this node does not run the supervisor."
  @spec get(Beamjoin.supervisor(), term()) :: node() | nil
  def get(supervisor, name) do
    case :ets.lookup(table(supervisor), name) do
      [{_name, home}] -> home
      [] -> nil
    end
  rescue
    ArgumentError -> nil
  end

  @spec put(Beamjoin.supervisor(), term(), node() | nil) :: true
  def put(supervisor, name, nil), do: :ets.delete(table(supervisor), name)
  def put(supervisor, name, home), do: :ets.insert(table(supervisor), {name, home})

  defp table(supervisor), do: Module.concat(supervisor, LostHomes)
end
