/** What an Elixir node of the convergence test runs: a supervisor DS, its children, and a journal (see life-journal.ts). */
export const ELIXIR_MEMBER = `
  defmodule Member.Journal do
    use GenServer
    def start(path), do: GenServer.start(__MODULE__, path, name: __MODULE__)
    def started(number), do: GenServer.call(__MODULE__, {:started, number, self(), now()})
    def show(pid) do
      [_, id, serial] = pid |> :erlang.pid_to_list() |> List.to_string() |> String.trim(">") |> String.split(".")
      "#{node(pid)}/#{id}.#{serial}"
    end

    def init(path) do
      # Raw, so that nothing waits in this process to be written when the node is killed.
      {:ok, file} = :file.open(path, [:append, :raw])
      :ok = :net_kernel.monitor_nodes(true)
      for node <- Node.list(), do: note(file, ["up ", to_string(node)], now())
      {:ok, file}
    end
    def handle_call({:started, number, pid, at}, _from, file) do
      :erlang.monitor(:process, pid, tag: {:stopped, number})
      note(file, ["start ", to_string(number), " ", show(pid)], at)
      {:reply, :ok, file}
    end
    def handle_info({{:stopped, number}, _ref, :process, pid, _why}, file) do
      note(file, ["stop ", to_string(number), " ", show(pid)], now())
      {:noreply, file}
    end
    def handle_info({event, node}, file) when event in [:nodeup, :nodedown] do
      word = if event == :nodeup, do: "up ", else: "down "
      note(file, [word, to_string(node)], now())
      {:noreply, file}
    end

    defp now, do: System.os_time(:millisecond)
    defp note(file, words, at), do: :ok = :file.write(file, [words, " ", to_string(at), "\\n"])
  end

  defmodule Member.Server do
    use GenServer
    def start_link(opts) do
      {name, opts} = Keyword.split(opts, [:name])
      GenServer.start_link(__MODULE__, Keyword.fetch!(opts, :start), name)
    end
    def init(n) do
      Member.Journal.started(n)
      {:ok, n}
    end
    def handle_call(:get, _from, n), do: {:reply, n, n}
  end

  defmodule Member do
    def start(path, others) do
      {:ok, _} = Member.Journal.start(path)
      for other <- others, do: Node.connect(other)
      # In the process that evaluates this: it lives as long as the node.
      {:ok, _} = Supervisor.start_link([{Beamjoin, name: DS, monitor_nodes: :visible}], strategy: :one_for_one)
      :ok
    end
    def connect(nodes) do
      for node <- nodes, do: spawn(Node, :connect, [node])
      :ok
    end
    def view do
      names = for g <- :pg.which_groups(DS.Scope), p <- :pg.get_members(DS.Scope, g), do: "#{inspect(g)} #{Member.Journal.show(p)}"
      local = for p <- Beamjoin.local_children(DS), do: Member.Journal.show(p)
      [Enum.map(Node.list(), &to_string/1), local, names] |> Enum.map(&(&1 |> Enum.sort() |> Enum.join(","))) |> Enum.join(";")
    end
    def numbers do
      for(g <- :pg.which_groups(DS.Scope), p <- :pg.get_members(DS.Scope, g), do: GenServer.call(p, :get)) |> Enum.sort()
    end
    def crash(numbers) do
      refs =
        for n <- numbers, p <- :pg.get_members(DS.Scope, name(n)) do
          ref = Process.monitor(p)
          Process.exit(p, :kill)
          ref
        end
      for ref <- refs, do: (receive do {:DOWN, ^ref, _, _, _} -> :ok end)
      :ok
    end
    def leave do
      %{moved: moved, left: left} = Beamjoin.drain(DS, timeout: 10_000)
      spawn(fn ->
        Process.sleep(50)
        System.stop()
      end)
      "#{length(moved)} moved, #{length(left)} left"
    end
    defp name(n) when rem(n, 3) == 0, do: "child #{n}"
    defp name(n) when rem(n, 3) == 1, do: :"child_#{n}"
    defp name(n), do: n
  end
  :ok
`
