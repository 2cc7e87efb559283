# The Elixir side of interop/stress.test.ts: processes that send pieces of a blob that both nodes have, and processes that
# check what arrives against it. A message is {sender, number, offset, piece}; numbers count for each pair of sender and
# receiver, so that one that is missing, or comes before another, shows.

defmodule Beamjoin.Stress do
  @smallest 10
  @largest 8 * 1024 * 1024

  def keep(blob) do
    :persistent_term.put(__MODULE__, blob)
    :erlang.md5(blob)
  end

  # Receivers by name; each tells `report` what was wrong, and when it has `expected` messages or is asked for its count.
  def receivers(count, report) do
    for i <- 0..(count - 1) do
      pid = spawn(fn -> check(report, %{}, 0) end)
      Process.register(pid, :"sink_#{i}")
      pid
    end
  end

  # Every sender is a process of its own; `counts` is how many messages each receiver gets altogether.
  def send_all(receivers, senders, messages, seed, skew) do
    parent = self()

    for i <- 0..(senders - 1) do
      spawn_link(fn ->
        :rand.seed(:exsss, {seed, i, 1})
        send(parent, {:sent, send_some(receivers, i, messages, skew, %{})})
      end)
    end

    Enum.reduce(1..senders, %{}, fn _, all ->
      receive do
        {:sent, numbers} -> Map.merge(all, numbers, fn _, a, b -> a + b end)
      end
    end)
  end

  defp send_some(_, _, 0, _, numbers), do: numbers

  defp send_some(receivers, i, left, skew, numbers) do
    at = :rand.uniform(tuple_size(receivers)) - 1
    number = Map.get(numbers, at, 0)
    size = trunc(@smallest * :math.pow(@largest / @smallest, :math.pow(:rand.uniform(), skew)))
    offset = :rand.uniform(1024) - 1
    send(elem(receivers, at), {i, number, offset, binary_part(:persistent_term.get(__MODULE__), offset, size)})
    send_some(receivers, i, left - 1, skew, Map.put(numbers, at, number + 1))
  end

  defp check(report, numbers, count) do
    receive do
      {:count, from} ->
        send(from, {:count, count})
        check(report, numbers, count)

      {sender, number, offset, piece} ->
        blob = :persistent_term.get(__MODULE__)
        if number != Map.get(numbers, sender, 0), do: send(report, {:wrong, :order, sender, number})

        if piece != binary_part(blob, offset, byte_size(piece)),
          do: send(report, {:wrong, :content, sender, number})

        check(report, Map.put(numbers, sender, number + 1), count + 1)
    end
  end

  def total(names) do
    Enum.sum(for name <- names do
      send(name, {:count, self()})
      receive do {:count, count} -> count end
    end)
  end
end
