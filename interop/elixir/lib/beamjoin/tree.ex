defmodule Beamjoin.Tree do
  @moduledoc false
  # The processes of a distributed supervisor on this node. They end in the reverse order: first the other nodes are told,
  # then the children end, then the registry leaves.

  use Supervisor

  alias Beamjoin.{Application, ChildSupervisor, Guard, Names, Notifier, Options}
  alias Beamjoin.{RegistryServer, View}

  @spec start_link(keyword()) :: Supervisor.on_start()
  def start_link(options) do
    options = Options.new!(options)
    Supervisor.start_link(__MODULE__, options, name: options.name)
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
      {Guard, options}
    ]

    Supervisor.init(children, strategy: :one_for_one)
  end
end
