# What a BEAM node serves in the contest; the same as server.ts.

defmodule Bench.Echo do
  use GenServer
  def start_link(options), do: GenServer.start_link(__MODULE__, 0, options)
  def init(count), do: {:ok, count}
  def handle_call(:next, _from, count), do: {:reply, count, count + 1}
  def handle_call(:count, _from, count), do: {:reply, count, 0}
  def handle_call({:echo, term}, _from, count), do: {:reply, term, count}
  def handle_cast(_, count), do: {:noreply, count + 1}
end

defmodule Bench.Child do
  use GenServer
  def start_link(options), do: GenServer.start_link(__MODULE__, options)
  def init(_), do: {:ok, 0}
  def handle_call(_, _from, state), do: {:reply, state, state}
end

# Children that move to this node when the one they ran on is gone: what the hex package does, with no more around it.
# They are groups of a :pg scope; every node knows how to start all of them.
defmodule Bench.Failover do
  use GenServer
  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)
  def init(_), do: {:ok, %{}}

  def handle_call({:run, names}, _from, specs) do
    for name <- names, do: start(name)
    {:reply, :ok, specs}
  end

  def handle_call({:follow, node, names}, _from, specs) do
    Node.monitor(node, true)
    {:reply, :ok, Map.put(specs, node, names)}
  end

  def handle_info({:nodedown, node}, specs) do
    {names, specs} = Map.pop(specs, node, [])
    for name <- names, do: start(name)
    {:noreply, specs}
  end

  defp start(name) do
    {:ok, pid} = DynamicSupervisor.start_child(Bench.Children, {Bench.Child, name: name})
    :ok = :pg.join(:bench_children, name, pid)
  end
end

defmodule Bench.Serve do
  # The processes outlive whoever evaluates this.
  def start do
    parent = self()

    spawn(fn ->
      {:ok, _} = Bench.Echo.start_link(name: :echo)
      {:ok, _} = DynamicSupervisor.start_link(strategy: :one_for_one, name: Bench.Children)
      {:ok, _} = :pg.start(:bench)
      {:ok, _} = :pg.start(:bench_children)
      {:ok, _} = Bench.Failover.start_link([])
      send(parent, :served)
      Process.sleep(:infinity)
    end)

    receive do
      :served -> :ok
    end
  end

  # Each name is a group with one process; the watcher tells when it has seen them all.
  def join(count, watcher) do
    Process.register(self(), :source)
    pids = for _ <- 1..count, do: spawn(fn -> Process.sleep(:infinity) end)
    send(watcher, :begin)
    for {pid, i} <- Enum.with_index(pids), do: :ok = :pg.join(:bench, {:name, i}, pid)
    send(watcher, {:source, node()})
    receive do: (:stop -> :ok)
    for pid <- pids, do: Process.exit(pid, :kill)
    Process.unregister(:source)
  end

  def memory do
    for pid <- Process.list(), do: :erlang.garbage_collect(pid)
    :erlang.memory(:total)
  end

  def end_children do
    for {_, pid, _, _} <- DynamicSupervisor.which_children(Bench.Children),
        do: DynamicSupervisor.terminate_child(Bench.Children, pid)
  end
end
