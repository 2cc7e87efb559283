defmodule Beamjoin.Synced do
  @moduledoc false
  # Remembers which scope processes of other nodes the local scope has provably heard from, until they are lost. Reading
  # is a look into a table; the process only writes, and forgets a peer when its monitor fires.

  use GenServer

  @spec start_link(term()) :: GenServer.on_start()
  def start_link(_options), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "Whether the local scope holds the groups of `peer`."
  @spec synced?(pid()) :: boolean()
  def synced?(peer) do
    :ets.member(__MODULE__, peer)
  rescue
    # The table is gone with a crash, and comes back empty.
    ArgumentError -> false
  end

  @doc "Notes that the local scope holds the groups of `peer`."
  @spec put(pid()) :: :ok
  def put(peer), do: GenServer.cast(__MODULE__, {:put, peer})

  @impl true
  def init([]) do
    :ets.new(__MODULE__, [:named_table, :protected, read_concurrency: true])
    {:ok, nil}
  end

  @impl true
  def handle_cast({:put, peer}, state) do
    if :ets.insert_new(__MODULE__, {peer}), do: Process.monitor(peer)
    {:noreply, state}
  end

  @impl true
  def handle_info({:DOWN, _monitor, :process, peer, _reason}, state) do
    :ets.delete(__MODULE__, peer)
    {:noreply, state}
  end
end
