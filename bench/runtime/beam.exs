# The jobs of jobs.ts on a BEAM: elixir beam.exs JOB. Prints one number.

defmodule Counter do
  use GenServer
  def start_link(_), do: GenServer.start_link(__MODULE__, 0)
  def init(count), do: {:ok, count}
  def handle_call(_, _from, count), do: {:reply, count, count}
  def handle_info(_, count), do: {:noreply, count + 1}
end

defmodule Bench do
  @idle 100_000

  def run("mailbox") do
    million = 1_000_000
    per_second(million, fn ->
      # With the messages on its heap every collection looks at all that wait, and a million takes minutes.
      {:ok, pid} = GenServer.start(Counter, 0, spawn_opt: [message_queue_data: :off_heap])
      for _ <- 1..million, do: send(pid, :tick)
      ^million = GenServer.call(pid, :get, :infinity)
    end)
  end

  def run("calls") do
    {:ok, pid} = GenServer.start(Counter, 0)
    for _ <- 1..50_000, do: GenServer.call(pid, :get)
    per_second(300_000, fn -> for _ <- 1..300_000, do: GenServer.call(pid, :get) end)
  end

  def run("idleStarted"), do: bytes_each(fn -> GenServer.start(Counter, 0) end)
  def run("idleLinked"), do: bytes_each(fn -> GenServer.start_link(Counter, 0) end)
  def run("idleAfterCall"), do: bytes_each(fn -> GenServer.start(Counter, 0) end, &GenServer.call(&1, :get))
  def run("idleSupervised"), do: bytes_each(starter())
  def run("start" <> count), do: microseconds(starter(), String.to_integer(count))
  def run("late1000"), do: late(2000)
  def run("late100000"), do: late(100_000)

  defp late(count) do
    start = starter()
    for _ <- 1..(count - 1000), do: start.()
    times = for _ <- 1..1000, do: :timer.tc(start) |> elem(0)
    times |> Enum.sort() |> Enum.at(500)
  end

  defp starter do
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one)
    fn -> DynamicSupervisor.start_child(supervisor, Counter) end
  end

  defp microseconds(start, count) do
    {time, _} = :timer.tc(fn -> for _ <- 1..count, do: start.() end)
    time / count
  end

  defp per_second(count, fun) do
    {time, _} = :timer.tc(fun)
    count / (time / 1_000_000)
  end

  defp bytes_each(start, use \\ fn _ -> :ok end) do
    before = used()
    pids = for _ <- 1..@idle, do: start.() |> elem(1)
    Enum.each(pids, use)
    (used() - before) / @idle
  end

  defp used do
    for pid <- Process.list(), do: :erlang.garbage_collect(pid)
    :erlang.memory(:processes_used)
  end
end

[job] = System.argv()
Process.flag(:trap_exit, true)
IO.puts(Bench.run(job) * 1.0)
System.halt(0)
