# What an Elixir node measures of the server it is pointed at. Every function returns numbers as text, with blanks between.

defmodule Bench.Client do
  @percentiles [50, 99, 99.9]

  # Calls per second, and percentiles of the time of a call in microseconds.
  def calls(node, callers, each, payload) do
    server = {:echo, String.to_atom(node)}
    request = request(payload)
    check(server, request)
    parent = self()
    begun = now()

    for _ <- 1..callers do
      spawn_link(fn -> send(parent, {:times, for(_ <- 1..each, do: time_call(server, request))}) end)
    end

    times = Enum.flat_map(1..callers, fn _ -> receive do: ({:times, times} -> times) end)
    took = now() - begun
    show([callers * each / took * 1.0e9 | percentiles(times)])
  end

  # Casts per second until the last one has been counted.
  def casts(node, count) do
    server = {:echo, String.to_atom(node)}
    GenServer.call(server, :count)
    begun = now()
    for _ <- 1..count, do: GenServer.cast(server, :tick)
    ^count = GenServer.call(server, :count, :infinity)
    show([count / (now() - begun) * 1.0e9])
  end

  # Casts in bursts until told to stop; calls of somebody else are measured meanwhile.
  def flood(node) do
    server = {:echo, String.to_atom(node)}
    Process.register(self(), :flood)
    flood_on(server)
  end

  defp flood_on(server) do
    for _ <- 1..2000, do: GenServer.cast(server, :tick)
    GenServer.call(server, :next, :infinity)

    receive do
      :stop -> Process.unregister(:flood)
    after
      0 -> flood_on(server)
    end
  end

  # Milliseconds until a node that was not connected is.
  def connect(node) do
    node = String.to_atom(node)
    disconnect(node)
    begun = now()
    true = Node.connect(node)
    took = now() - begun
    show([took / 1.0e6])
  end

  defp disconnect(node) do
    if node in Node.list() do
      Node.monitor(node, true)
      Node.disconnect(node)
      receive do: ({:nodedown, ^node} -> :ok)
    end

    # The other side may take longer to notice.
    Process.sleep(20)
  end

  # Milliseconds until all groups have been seen.
  def joins(count) do
    {ref, _} = :pg.monitor_scope(:bench)
    Process.register(self(), :watcher)
    begun = receive do: (:begin -> now())
    await(ref, :join, count)
    took = now() - begun
    source = receive do: ({:source, node} -> node)
    send({:source, source}, :stop)
    await(ref, :leave, count)
    :pg.demonitor(:bench, ref)
    Process.unregister(:watcher)
    show([took / 1.0e6])
  end

  defp await(_ref, _what, 0), do: :ok

  defp await(ref, what, count) do
    receive do: ({^ref, ^what, _group, pids} -> await(ref, what, count - length(pids)))
  end

  # Microseconds for each child, of many callers that wait for theirs.
  def start_children(node, count, callers) do
    supervisor = {Bench.Children, String.to_atom(node)}
    # The module is on the servers alone.
    child = %{id: Bench.Child, start: {Bench.Child, :start_link, [[]]}}
    parent = self()
    begun = now()

    for _ <- 1..callers do
      spawn_link(fn ->
        for _ <- 1..div(count, callers),
            do: {:ok, _} = DynamicSupervisor.start_child(supervisor, child)

        send(parent, :started)
      end)
    end

    for _ <- 1..callers, do: receive(do: (:started -> :ok))
    show([(now() - begun) / count / 1000])
  end

  def scope do
    parent = self()

    spawn(fn ->
      for scope <- [:bench, :bench_children], do: {:ok, _} = :pg.start(scope)
      send(parent, :started)
      Process.sleep(:infinity)
    end)

    receive do: (:started -> :ok)
  end

  defp time_call(server, request) do
    begun = now()
    GenServer.call(server, request, :infinity)
    now() - begun
  end

  # A wrong answer is no fast one.
  defp check(server, {:echo, term} = request), do: ^term = GenServer.call(server, request, :infinity)
  defp check(_server, :next), do: :ok

  defp request("next"), do: :next
  defp request("integers"), do: {:echo, for(i <- 1..200, do: rem(i * 7_919_317, 100_000_000))}
  defp request("text " <> size), do: {:echo, :binary.copy("a", String.to_integer(size))}
  defp request("binary " <> size), do: {:echo, :binary.copy(<<255>>, String.to_integer(size))}

  defp percentiles(times) do
    sorted = times |> Enum.sort() |> List.to_tuple()
    last = tuple_size(sorted) - 1
    for part <- @percentiles, do: elem(sorted, round(last * part / 100)) / 1000
  end

  defp now, do: System.monotonic_time(:nanosecond)
  defp show(numbers), do: Enum.map_join(numbers, " ", &to_string(&1 * 1.0))
end
