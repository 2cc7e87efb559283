defmodule Beamjoin.Tree do
  @moduledoc false
  # The processes of a distributed supervisor on this node. They end in the reverse order: first the other nodes are told,
  # then the children end, then the registry leaves.

  use Supervisor

  alias Beamjoin.{Application, ChildSupervisor, Guard, Names, Notifier, Options}
  alias Beamjoin.{Moves, RegistryServer, View}

  @spec start_link(keyword()) :: Supervisor.on_start()
  def start_link(options) do
    options = Options.new!(options)
    Supervisor.start_link(__MODULE__, options, name: options.name)
  end

  @doc "Ends it for good: also where it is the child of another supervisor, which would start it again."
  @spec stop(Beamjoin.supervisor()) :: :ok
  def stop(name) do
    with pid when is_pid(pid) <- Process.whereis(name) do
      case parent(pid) do
        nil -> Supervisor.stop(pid, :normal)
        {parent, id} -> Supervisor.terminate_child(parent, id)
      end
    end

    :ok
  catch
    # It has ended meanwhile.
    :exit, _reason -> :ok
  end

  # Where it is a child, and under which id; only a supervisor can be asked for its children.
  defp parent(pid) do
    with {:dictionary, dictionary} <- Process.info(pid, :dictionary),
         [parent | _] when is_pid(parent) or is_atom(parent) <- dictionary[:"$ancestors"],
         supervisor when is_pid(supervisor) <- GenServer.whereis(parent),
         {:dictionary, dictionary} <- Process.info(supervisor, :dictionary),
         {:supervisor, _module, _arity} <- dictionary[:"$initial_call"],
         {id, ^pid, _type, _modules} when id != :undefined <-
           supervisor |> Supervisor.which_children() |> List.keyfind(pid, 1) do
      {supervisor, id}
    else
      _none -> nil
    end
  end

  @impl true
  def init(%Options{name: name} = options) do
    :ok = Application.ensure_started()
    :ok = View.put_phase(name, :running)

    children = [
      {Task.Supervisor, name: Names.tasks(name)},
      {Notifier, options},
      {RegistryServer, options},
      Supervisor.child_spec({ChildSupervisor, options}, type: :supervisor, shutdown: :infinity),
      {Moves, options},
      {Guard, options}
    ]

    Supervisor.init(children, strategy: :one_for_one)
  end
end
