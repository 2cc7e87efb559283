defmodule Beamjoin.SupervisorTest do
  use ExUnit.Case, async: false

  defmodule Counter do
    use GenServer

    def start_link(options) do
      {name, options} = Keyword.split(options, [:name])
      GenServer.start_link(__MODULE__, options, name)
    end

    def handoff(count), do: {:counted, count}

    @impl true
    def init(options), do: {:ok, options[:handoff] || options[:start] || 0}

    @impl true
    def handle_call(:get, _from, count), do: {:reply, count, count}
    def handle_call({:add, n}, _from, count), do: {:reply, count + n, count + n}

    @impl true
    def handle_cast({:stop, reason}, count), do: {:stop, reason, count}

    @impl true
    def handle_info({:tell, pid}, count), do: {:noreply, send(pid, {:count, count}) && count}
  end

  # Children crash here on purpose.
  setup_all do
    %{level: level} = :logger.get_primary_config()
    :ok = :logger.set_primary_config(:level, :critical)
    on_exit(fn -> :logger.set_primary_config(:level, level) end)
  end

  setup context do
    ds = Module.concat(__MODULE__, "DS#{context.line}")
    options = Map.get(context, :options, [])
    start_supervised!({Beamjoin, [name: ds] ++ options})
    {:ok, ds: ds}
  end

  # What happens a moment later, in another process.
  defp eventually(fun, left \\ 500) do
    cond do
      result = fun.() -> result
      left == 0 -> flunk("it did not happen")
      true -> Process.sleep(if(left > 1_000, do: 0, else: 10)) && eventually(fun, left - 1)
    end
  end

  test "a child is started, found, called and ended by its name", %{ds: ds} do
    assert {:ok, pid, :a} = Beamjoin.start_child(ds, {Counter, name: :a, start: 5})
    assert Beamjoin.whereis(ds, :a) == pid
    assert Beamjoin.whois(ds, pid) == :a
    assert Beamjoin.call(ds, :a, :get) == 5
    assert GenServer.call({:via, DistributedSupervisor.Registry, {ds, :a}}, {:add, 1}) == 6
    assert Beamjoin.local_children(ds) == [pid]
    assert Beamjoin.nodes(ds) == [node()]
    assert Beamjoin.mine?(ds, :a)
    me = self()
    assert Beamjoin.send(ds, :a, {:tell, me}) == {:tell, me}
    assert_receive {:count, 6}

    assert %{a: {^pid, %{start: {Counter, :start_link, [[name: _, start: 5]]}}}} =
             Beamjoin.children(ds)

    assert Beamjoin.terminate_child(ds, pid) == :ok
    assert Beamjoin.whereis(ds, :a) == :undefined
    assert Beamjoin.terminate_child(ds, pid) == {:error, :not_found}
    assert Beamjoin.children(ds) == %{}
  end

  test "a taken name, a module that does not exist, a child that does not start", %{ds: ds} do
    {:ok, pid, :a} = Beamjoin.start_child(ds, {Counter, name: :a})
    assert Beamjoin.start_child(ds, {Counter, name: :a}) == {:error, {:already_started, pid}}
    assert Beamjoin.start_child(ds, {Nope, name: :b}) == {:error, {:undef, Nope}}
    assert {:ok, _pid, ref} = Beamjoin.start_child(ds, Counter)
    assert is_reference(ref)
    assert map_size(Beamjoin.children(ds)) == 2
  end

  test "children restart after a crash as their restart type says, under their name", %{ds: ds} do
    for {restart, reason, again?} <- [
          {:permanent, :normal, true},
          {:transient, :boom, true},
          {:transient, :shutdown, false},
          {:temporary, :boom, false}
        ] do
      name = {restart, reason}
      child = {Counter, name: name, start: 1, restart: restart}
      {:ok, pid, ^name} = Beamjoin.start_child(ds, child)
      monitor = Process.monitor(pid)
      Beamjoin.cast(ds, name, {:stop, reason})
      assert_receive {:DOWN, ^monitor, _, _, _}

      if again? do
        again =
          eventually(fn -> is_pid(Beamjoin.whereis(ds, name)) && Beamjoin.whereis(ds, name) end)

        assert again != pid
        assert Beamjoin.call(ds, name, :get) == 1
        assert eventually(fn -> match?(%{^name => {^again, %{}}}, Beamjoin.children(ds)) end)
        assert Beamjoin.terminate_child(ds, again) == :ok
      else
        eventually(fn -> Beamjoin.local_children(ds) == [] end)
        assert Beamjoin.whereis(ds, name) == :undefined
      end
    end
  end

  test "others read the status of a DynamicSupervisor, and it is asked like one", %{ds: ds} do
    {:ok, pid, :a} = Beamjoin.start_child(ds, {Counter, name: :a, start: 5, restart: :transient})

    assert {:status, _pid, {:module, :gen_server}, _properties} =
             status = DistributedSupervisor.dynamic_supervisor_status(ds)

    assert %{^pid => %{start: {Counter, :start_link, [[_, start: 5]]}, restart: :transient}} =
             Beamjoin.SpecWatch.specs_in(status)

    supervisor = Module.concat(ds, DynamicSupervisor)
    assert [{:undefined, ^pid, :worker, [Counter]}] = DynamicSupervisor.which_children(supervisor)
    assert %{active: 1, specs: 1} = DynamicSupervisor.count_children(supervisor)
    assert {:ok, agent} = DynamicSupervisor.start_child(supervisor, {Agent, fn -> 1 end})
    assert DynamicSupervisor.terminate_child(supervisor, agent) == :ok
  end

  test "a drain on a lone node moves nothing, says so, and leaves it ended", %{ds: ds} do
    {:ok, pid, :a} = Beamjoin.start_child(ds, {Counter, name: :a})
    me = self()

    assert Beamjoin.drain(ds, on_child: &send(me, {:through, &1})) == %{
             moved: [],
             left: [%{name: :a, pid: pid, moved_to: nil, reason: {:undef, Counter}}]
           }

    assert_receive {:through, %{name: :a}}
    assert Process.whereis(ds) == nil
    assert Beamjoin.drain(ds) == %{moved: [], left: []}
    assert_raise ArgumentError, fn -> Beamjoin.drain(ds, speed: 1) end
  end

  test "a drain ends the supervisor also when that of the children crashes meanwhile", %{ds: ds} do
    supervisor = Process.whereis(Module.concat(ds, DynamicSupervisor))
    :ok = :sys.suspend(supervisor)
    drain = Task.async(fn -> Beamjoin.drain(ds) end)

    eventually(fn ->
      {:messages, messages} = Process.info(supervisor, :messages)
      Enum.any?(messages, &match?({:"$gen_call", _from, _request}, &1))
    end)

    Process.exit(supervisor, :kill)
    assert Task.await(drain) == %{moved: [], left: []}
    assert Process.whereis(ds) == nil
  end

  defmodule Listening do
    @behaviour Beamjoin.Listener

    @impl true
    def on_process_start(ds, name, pid), do: tell({:started, ds, name, pid})
    @impl true
    def on_process_stop(ds, name, pid), do: tell({:stopped, ds, name, pid})

    defp tell(event),
      do: for(pid <- [Process.whereis(:listening_test)], pid, do: send(pid, event))
  end

  defmodule Failing do
    def on_process_start(_ds, _name, _pid), do: raise("on purpose")
  end

  @tag options: [listeners: [Failing, {Listening, {:user, 1}}]]
  test "listeners are told of the children that they want, and one that fails hurts nobody", %{
    ds: ds
  } do
    Process.register(self(), :listening_test)
    # A prefix as it is printed: "{:user, 1}" is none of "{:user, 12}".
    for name <- [:other, {:user, 12}], do: Beamjoin.start_child(ds, {Counter, name: name})
    {:ok, pid, name} = Beamjoin.start_child(ds, {Counter, name: {:user, 1}})
    assert_receive {:started, ^ds, ^name, ^pid}
    Beamjoin.terminate_child(ds, pid)
    assert_receive {:stopped, ^ds, ^name, ^pid}
    refute_received {:started, _, _, _}
  end

  test "it starts again after a crash of its parts, and works", %{ds: ds} do
    {:ok, pid, :a} = Beamjoin.start_child(ds, {Counter, name: :a, start: 1})

    # Three at most, or the whole of it gives up.
    for part <- [Registry, Moves] do
      name = Module.concat(ds, part)
      before = Process.whereis(name)
      Process.exit(before, :kill)
      eventually(fn -> Process.whereis(name) not in [nil, before] end)
      assert eventually(fn -> Beamjoin.whereis(ds, :a) == pid end)
    end

    # The registry knows again how the child was started.
    assert eventually(fn -> match?(%{a: {^pid, %{start: _}}}, Beamjoin.children(ds)) end)

    supervisor = Module.concat(ds, DynamicSupervisor)
    before = Process.whereis(supervisor)
    Process.exit(before, :kill)
    eventually(fn -> Process.whereis(supervisor) not in [nil, before] end)
    eventually(fn -> Beamjoin.whereis(ds, :a) == :undefined end)

    assert eventually(fn ->
             match?({:ok, _, :a}, Beamjoin.start_child(ds, {Counter, name: :a}))
           end)
  end

  test "a start is answered although the helpers of the supervisor crash meanwhile", %{ds: ds} do
    supervisor = Module.concat(ds, DynamicSupervisor)
    tasks = Module.concat(ds, TaskSupervisor)
    :ok = :sys.suspend(supervisor)
    start = Task.async(fn -> Beamjoin.start_child(ds, {Counter, name: :a}, node()) end)
    # It is under way when the supervisor has been asked.
    eventually(fn ->
      {:messages, messages} = Process.info(Process.whereis(supervisor), :messages)
      Enum.any?(messages, &match?({:"$gen_call", _from, _request}, &1))
    end)

    before = Process.whereis(tasks)
    Process.exit(before, :kill)
    eventually(fn -> Process.whereis(tasks) not in [nil, before] end)
    :ok = :sys.resume(supervisor)
    assert {:ok, _pid, :a} = Task.await(start)
  end

  test "the scopes may crash: children are found again", %{ds: ds} do
    {:ok, pid, :a} = Beamjoin.start_child(ds, {Counter, name: :a})

    for scope <- [Beamjoin.scope(ds), Module.concat(ds, Modules)] do
      before = Process.whereis(scope)
      Process.exit(before, :kill)
      eventually(fn -> Process.whereis(scope) not in [nil, before] end)
    end

    assert eventually(fn -> Beamjoin.whereis(ds, :a) == pid end)

    assert eventually(fn ->
             match?({:ok, _, :b}, Beamjoin.start_child(ds, {Counter, name: :b}))
           end)

    assert eventually(fn -> map_size(Beamjoin.children(ds)) == 2 end)
  end

  test "a crash loop ends the children of this node for good, and not the supervisor", %{ds: ds} do
    {:ok, _pid, :a} = Beamjoin.start_child(ds, {Counter, name: :a})
    supervisor = Process.whereis(Module.concat(ds, DynamicSupervisor))

    eventually(
      fn ->
        with pid when is_pid(pid) <- Beamjoin.whereis(ds, :a), do: Process.exit(pid, :kill)
        Process.whereis(Module.concat(ds, DynamicSupervisor)) != supervisor
      end,
      100_000
    )

    assert eventually(fn ->
             match?({:ok, _, :b}, Beamjoin.start_child(ds, {Counter, name: :b}))
           end)

    assert Map.keys(Beamjoin.children(ds)) == [:b]
  end

  # As another node says it, and as this one hears that that node is gone.
  defp lose(ds, name, module) do
    registry = Module.concat(ds, Registry)
    via = {:via, DistributedSupervisor.Registry, {ds, name}}
    spec = %{id: name, start: {module, :start_link, [[name: via, start: 7]]}}
    GenServer.cast(registry, {:"$beamjoin_children", :gone@nowhere, [{name, spec}]})
    send(registry, {:nodedown, :gone@nowhere, [node_type: :visible]})
    registry
  end

  test "the child of a node that is gone starts here, as that node said", %{ds: ds} do
    lose(ds, :a, Counter)
    eventually(fn -> is_pid(Beamjoin.whereis(ds, :a)) end)
    assert Beamjoin.call(ds, :a, :get) == 7
    assert %{a: {_pid, %{start: {Counter, :start_link, _}}}} = Beamjoin.children(ds)
  end

  test "a lost child whose module no node has is given up at once", %{ds: ds} do
    registry = lose(ds, :a, Nope)
    # Ten attempts, a second apart, would take longer.
    assert eventually(fn -> :sys.get_state(registry).lost.failover.pending == %{} end)
    assert Beamjoin.children(ds) == %{}
  end
end
