defmodule Beamjoin.Guard do
  @moduledoc false
  # Tells the other nodes that this one ends, before anything of it does: the last to start is the first to end.

  use GenServer, shutdown: 5_000

  alias Beamjoin.{ChildSupervisor, Members, Names, RegistryServer, View}

  # Less than the time that this process has for its end.
  @patience 1_000

  @spec start_link(Beamjoin.Options.t()) :: GenServer.on_start()
  def start_link(options), do: GenServer.start_link(__MODULE__, options.name)

  @impl true
  def init(name) do
    Process.flag(:trap_exit, true)
    # The tree has started when children can be started.
    :ok = RegistryServer.declare(name)
    {:ok, name}
  end

  @impl true
  def terminate(reason, name) do
    # One that has drained says it last.
    unless View.phase(name) == :drained, do: Members.say_goodbye(name, reason, statuses(name))
  end

  # The shape of `:sys.get_status/1`, without asking every child.
  defp statuses(name) do
    supervisor = Process.whereis(Names.dynamic_supervisor(name))

    # It may be waiting for a child that starts: what is to be said is not to come too late for that.
    children = ChildSupervisor.children(name, @patience)

    for {pid, _name, %{start: {module, _function, _arguments}}} <- children do
      dictionary = ["$initial_call": {module, :init, 1}]
      {:status, pid, {:module, :gen_server}, [dictionary, :running, supervisor, [], []]}
    end
  catch
    :exit, _no_supervisor -> []
  end
end
