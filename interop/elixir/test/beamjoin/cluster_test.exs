defmodule Beamjoin.ClusterTest do
  use ExUnit.Case, async: false

  alias Beamjoin.ClusterTest.Server

  # A server that both nodes know.
  @server """
  defmodule Beamjoin.ClusterTest.Server do
    use GenServer

    def start_link(options), do: GenServer.start_link(__MODULE__, nil, options)

    @impl true
    def init(nil), do: {:ok, nil}
  end
  """

  setup_all do
    Code.compile_string(@server)
    :ok
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
end
