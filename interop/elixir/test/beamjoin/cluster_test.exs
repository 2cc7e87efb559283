defmodule Beamjoin.ClusterTest do
  use ExUnit.Case, async: false

  alias Beamjoin.ClusterTest.Server

  # A server that both nodes know.
  @server """
  defmodule Beamjoin.ClusterTest.Server do
    use GenServer

    def start_link(options) do
      {name, options} = Keyword.split(options, [:name])
      GenServer.start_link(__MODULE__, options[:tell], name)
    end

    @impl true
    def init(tell) do
      if tell, do: Process.flag(:trap_exit, true)
      {:ok, tell}
    end

    # One that has somebody to tell ends when that one says so.
    @impl true
    def terminate(_reason, nil), do: :ok

    def terminate(_reason, tell) do
      send(tell, {:ending, self()})
      receive do: (:end -> :ok)
    end

    def hold(pid, options) do
      {:ok, _supervisor} = Beamjoin.start_link(options)
      send(pid, :held)
      Process.sleep(:infinity)
    end
  end
  """

  # Processes are killed here on purpose.
  setup_all do
    Code.compile_string(@server)
    %{level: level} = :logger.get_primary_config()
    :ok = :logger.set_primary_config(:level, :critical)
    on_exit(fn -> :logger.set_primary_config(:level, level) end)
  end

  setup context do
    {:ok, peer, node} =
      :peer.start_link(%{
        name: :peer.random_name(),
        host: String.to_charlist("127.0.0.1"),
        longnames: true,
        connection: :standard_io,
        args: Enum.map(["-setcookie", "#{Node.get_cookie()}"], &String.to_charlist/1)
      })

    on_exit(fn -> catch_exit(:peer.stop(peer)) end)
    :ok = :peer.call(peer, :code, :add_pathsa, [:code.get_path()])
    {:ok, _apps} = :peer.call(peer, :application, :ensure_all_started, [:elixir])
    [_module] = :peer.call(peer, Code, :compile_string, [@server])
    true = Node.connect(node)
    {:ok, node: node, ds: Module.concat(__MODULE__, "DS#{context.line}")}
  end

  defp eventually(fun, left \\ 500) do
    cond do
      result = fun.() -> result
      left == 0 -> flunk("it did not happen")
      true -> Process.sleep(10) && eventually(fun, left - 1)
    end
  end

  test "children are ended where somebody started the supervisor from another node", %{
    ds: ds,
    node: node
  } do
    away = Node.spawn(node, Process, :sleep, [:infinity])

    me = self()

    start_supervised!(
      {Task,
       fn ->
         Process.group_leader(self(), away)
         {:ok, _pid} = Beamjoin.start_link(name: ds)
         send(me, :started)
         Process.sleep(:infinity)
       end}
    )

    assert_receive :started, 5_000
    {:ok, pid, :a} = Beamjoin.start_child(ds, {Server, name: :a})

    ending =
      Task.async(fn ->
        Process.group_leader(self(), away)
        Beamjoin.terminate_child(ds, pid)
      end)

    assert {:ok, :ok} = Task.yield(ending, 5_000) || Task.shutdown(ending)
  end

  # On the other node, where it lives as long as that.
  defp start_on(node, ds) do
    Node.spawn(node, Beamjoin.ClusterTest.Server, :hold, [self(), [name: ds, monitor_nodes: true]])

    assert_receive :held, 5_000
  end

  test "a registry that starts again learns what runs elsewhere, however late others see that", %{
    ds: ds,
    node: node
  } do
    start_on(node, ds)
    start_supervised!({Beamjoin, name: ds, monitor_nodes: true})
    {:ok, pid, :a} = Beamjoin.start_child(ds, {Server, name: :a}, node)
    assert node(pid) == node
    knows? = fn -> match?(%{a: {^pid, %{start: _}}}, Beamjoin.children(ds)) end
    assert eventually(knows?)

    registry = Module.concat(ds, Registry)
    before = Process.whereis(registry)

    members = fn ->
      :erpc.call(node, :pg, :get_members, [Module.concat(ds, Modules), "members"])
    end

    :ok = :sys.suspend({registry, node})
    Process.exit(before, :kill)
    eventually(fn -> Process.whereis(registry) not in [nil, before] end)
    again = Process.whereis(registry)
    eventually(fn -> again in members.() and before not in members.() end)
    :ok = :sys.resume({registry, node})
    assert eventually(knows?)
  end

  test "a name is looked up also while what was heard from other nodes is forgotten", %{
    ds: ds,
    node: node
  } do
    start_on(node, ds)
    {:ok, pid, :a} = Beamjoin.start_child(ds, {Server, name: :a}, node)
    assert Beamjoin.whereis(ds, :nobody) == :undefined

    :ok = :sys.suspend(Beamjoin.Supervisor)
    synced = Process.whereis(Beamjoin.Synced)
    monitor = Process.monitor(synced)
    Process.exit(synced, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^synced, _reason}

    try do
      assert Beamjoin.whereis(ds, :nobody) == :undefined
      assert Beamjoin.whereis(ds, :a) == pid
    after
      :ok = :sys.resume(Beamjoin.Supervisor)
    end
  end

  test "a child that moves is not lost when helpers of the supervisor crash meanwhile", %{
    ds: ds,
    node: node
  } do
    start_supervised!({Beamjoin, name: ds, monitor_nodes: true, rebalance: [delay: 0]})
    name = Enum.find(1..1_000, &(Beamjoin.node_for(ds, &1) == node))
    {:ok, pid, ^name} = Beamjoin.start_child(ds, {Server, name: name, tell: self()}, node())
    start_on(node, ds)
    assert_receive {:ending, ^pid}, 5_000

    tasks = Module.concat(ds, TaskSupervisor)
    before = Process.whereis(tasks)
    Process.exit(before, :kill)
    eventually(fn -> Process.whereis(tasks) not in [nil, before] end)
    send(pid, :end)
    assert eventually(fn -> Beamjoin.whereis(ds, name) not in [:undefined, pid] end)
  end
end
