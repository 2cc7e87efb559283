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
      true -> Process.sleep(10) && eventually(fun, left - 1)
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
end
