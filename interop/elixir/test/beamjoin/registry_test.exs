defmodule Beamjoin.RegistryTest do
  use ExUnit.Case, async: false

  alias Beamjoin.Registry

  # Each test has a supervisor name of its own, so each starts with a scope that runs nowhere.
  setup context do
    {:ok, ds: Module.concat([Beamjoin.RegistryTest, "DS#{context.line}"])}
  end

  describe "on one node" do
    test "a name finds its process until it ends", %{ds: ds} do
      {:ok, pid} = start_agent(ds, :a)
      assert Registry.whereis_name({ds, :a}) == pid
      assert Agent.get(Beamjoin.via(ds, :a), & &1) == 0
      assert :pg.get_members(Beamjoin.scope(ds), :a) == [pid]

      Agent.stop(pid)
      assert Registry.whereis_name({ds, :a}) == :undefined
    end

    test "an unknown name is :undefined and starts the scope", %{ds: ds} do
      assert Process.whereis(Beamjoin.scope(ds)) == nil
      assert Registry.whereis_name({ds, :nobody}) == :undefined
      assert is_pid(Process.whereis(Beamjoin.scope(ds)))
      assert catch_exit(GenServer.call(Beamjoin.via(ds, :nobody), :get)) |> elem(0) == :noproc
    end

    test "a taken name is not registered again", %{ds: ds} do
      {:ok, pid} = start_agent(ds, :a)
      assert start_agent(ds, :a) == {:error, {:already_started, pid}}
      assert Registry.register_name({ds, :a}, self()) == :no
      assert Registry.register_name({ds, :b}, self()) == :yes
    end

    test "of many processes that register at once one succeeds", %{ds: ds} do
      tasks = for _ <- 1..20, do: Task.async(fn -> register_and_wait({ds, :a}) end)
      answers = for %Task{pid: pid} <- tasks, do: receive(do: ({^pid, answer} -> answer))
      Enum.each(tasks, &Kernel.send(&1.pid, :end))
      Task.await_many(tasks)
      assert Enum.count(answers, &(&1 == :yes)) == 1
    end

    test "unregister_name/1 frees the name", %{ds: ds} do
      assert Registry.register_name({ds, "text"}, self()) == :yes
      assert Registry.unregister_name({ds, "text"}) == :ok
      assert Registry.whereis_name({ds, "text"}) == :undefined
    end

    test "send/2 delivers, and exits for a name that nobody holds", %{ds: ds} do
      assert Registry.register_name({ds, {:tuple, 1}}, self()) == :yes
      assert Registry.send({ds, {:tuple, 1}}, :hello) == self()
      assert_receive :hello

      assert catch_exit(Registry.send({ds, :nobody}, :hello)) ==
               {:badarg, {{ds, :nobody}, :hello}}
    end

    test "a scope that something else started is used as it is", %{ds: ds} do
      {:ok, scope} = :pg.start_link(Beamjoin.scope(ds))
      assert Registry.register_name({ds, :a}, self()) == :yes
      assert Process.whereis(Beamjoin.scope(ds)) == scope
    end
  end

  describe "over nodes" do
    setup do
      {_peer, node} = start_peer()
      true = Node.connect(node)
      {:ok, node: node}
    end

    test "the first look-up finds what another node holds", %{ds: ds, node: node} do
      {:ok, pid} = start_agent_on(node, ds, :a)
      assert node(pid) == node
      assert Process.whereis(Beamjoin.scope(ds)) == nil
      assert Registry.whereis_name({ds, :a}) == pid
      assert Agent.get(Beamjoin.via(ds, :a), :erlang, :abs, []) == 0
    end

    test "so does the first look-up after a node has joined", %{ds: ds} do
      assert Registry.whereis_name({ds, :a}) == :undefined

      for _ <- 1..10 do
        {peer, node} = start_peer()
        assert :peer.call(peer, Node, :list, []) == []
        child = make_ref()

        # As if it had been started there before: the scope runs and holds the name while its node is alone.
        {:ok, pid} = start_agent_on(peer, ds, child)
        assert Node.connect(node)
        assert Registry.whereis_name({ds, child}) == pid
        :peer.stop(peer)
      end
    end

    test "a name held by another node is not registered here", %{ds: ds, node: node} do
      {:ok, pid} = start_agent_on(node, ds, :a)
      assert start_agent(ds, :a) == {:error, {:already_started, pid}}
    end

    test "a connected node that has no such scope does not delay the answer", %{
      ds: ds,
      node: node
    } do
      assert node in Node.list()
      started = System.monotonic_time(:millisecond)
      assert Registry.whereis_name({ds, :nobody}) == :undefined
      assert System.monotonic_time(:millisecond) - started < 500
    end

    test "a node that has the scope but not the name does not delay it either", ctx do
      {:ok, _pid} = start_agent_on(ctx.node, ctx.ds, :other)
      started = System.monotonic_time(:millisecond)
      assert Registry.whereis_name({ctx.ds, :nobody}) == :undefined
      assert System.monotonic_time(:millisecond) - started < 500
    end

    test "names leave with their node", %{ds: ds, node: node} do
      {:ok, pid} = start_agent_on(node, ds, :a)
      assert Registry.whereis_name({ds, :a}) == pid
      Node.monitor(node, true)
      :erpc.cast(node, :erlang, :halt, [])
      assert_receive {:nodedown, ^node}, 5_000
      assert wait_for(fn -> Registry.whereis_name({ds, :a}) == :undefined end)
    end

    test "a node with nothing but the modules can look names up", %{ds: ds, node: node} do
      assert :erpc.call(node, Application, :loaded_applications, []) |> List.keyfind(:beamjoin, 0) ==
               nil

      assert Registry.register_name({ds, :a}, self()) == :yes
      assert :erpc.call(node, Registry, :whereis_name, [{ds, :a}]) == self()
      assert :erpc.call(node, Process, :whereis, [Beamjoin.ScopeSupervisor]) |> is_pid()
    end
  end

  defp register_and_wait(name) do
    [parent | _] = Process.get(:"$callers")
    Kernel.send(parent, {self(), Registry.register_name(name, self())})
    receive do: (:end -> :ok)
  end

  defp start_agent(ds, child), do: Agent.start(fn -> 0 end, name: Beamjoin.via(ds, child))

  defp start_agent_on(peer, ds, child) when is_pid(peer) do
    :peer.call(peer, Agent, :start, agent_on(ds, child))
  end

  defp start_agent_on(node, ds, child), do: :erpc.call(node, Agent, :start, agent_on(ds, child))

  defp agent_on(ds, child), do: [:erlang, :abs, [0], [name: Beamjoin.via(ds, child)]]

  # A node that is not connected yet and has the code without the .app file.
  defp start_peer do
    {:ok, peer, node} =
      :peer.start_link(%{
        name: :peer.random_name(),
        host: String.to_charlist("127.0.0.1"),
        longnames: true,
        connection: :standard_io,
        args:
          Enum.map(
            ["-setcookie", "#{Node.get_cookie()}", "-pa", elixir_path()],
            &String.to_charlist/1
          )
      })

    on_exit(fn -> catch_exit(:peer.stop(peer)) end)
    {:ok, _apps} = :peer.call(peer, :application, :ensure_all_started, [:elixir])

    for module <- Application.spec(:beamjoin, :modules) do
      {^module, binary, file} = :code.get_object_code(module)
      {:module, ^module} = :peer.call(peer, :code, :load_binary, [module, file, binary])
    end

    {peer, node}
  end

  defp elixir_path, do: Path.join(to_string(:code.lib_dir(:elixir)), "ebin")

  defp wait_for(condition, tries \\ 500)
  defp wait_for(_condition, 0), do: false

  defp wait_for(condition, tries) do
    condition.() || (Process.sleep(10) && wait_for(condition, tries - 1))
  end
end
