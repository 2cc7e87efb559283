defmodule Beamjoin.Listener do
  @moduledoc """
  What a module can be told of a supervisor: the callbacks of the hex package's `DistributedSupervisor.Listener`, so a
  module written for that serves here as it is. All are optional.

      defmodule MyApp.Log do
        @behaviour Beamjoin.Listener

        @impl true
        def on_process_start(supervisor, name, pid),
          do: Logger.info("\#{inspect(supervisor)}: \#{inspect(name)} runs as \#{inspect(pid)}")
      end

      Beamjoin.start_link(name: DS, listeners: [MyApp.Log, {MyApp.Audit, MyApp}])

  A listener in a pair with a prefix is told only of children whose name, as `inspect/1` prints it, begins like the prefix
  printed so. Listeners run one after the other in a process of their own: one that takes long or fails delays the others,
  but no child.
  """

  @doc "A child started on this node, also after a crash."
  @callback on_process_start(Beamjoin.supervisor(), name :: Beamjoin.child(), pid()) :: any()

  @doc "A child of this node ended."
  @callback on_process_stop(Beamjoin.supervisor(), name :: Beamjoin.child(), pid()) :: any()

  @doc "A node came; told on the one node that the ring names for the name of that node."
  @callback on_node_up(Beamjoin.supervisor(), node(), info :: keyword() | map()) :: any()

  @doc "A node went; told on the one node that the ring names for the name of that node."
  @callback on_node_down(Beamjoin.supervisor(), node(), info :: keyword() | map()) :: any()

  @doc "The supervisor of another node ends politely; `statuses` are those of its children."
  @callback on_node_terminate(
              Beamjoin.supervisor(),
              node(),
              reason :: term(),
              statuses :: [{:status, pid(), {:module, module()}, [term()]}]
            ) :: any()

  @optional_callbacks on_process_start: 3,
                      on_process_stop: 3,
                      on_node_up: 3,
                      on_node_down: 3,
                      on_node_terminate: 4
end
