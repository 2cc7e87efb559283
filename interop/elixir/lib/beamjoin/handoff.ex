defmodule Beamjoin.Handoff do
  @moduledoc """
  How a child takes its state along when it moves to another node, by `Beamjoin.drain/2` or the option `:rebalance`.

      defmodule Counter do
        use GenServer
        @behaviour Beamjoin.Handoff

        def start_link(options) do
          {name, options} = Keyword.split(options, [:name])
          GenServer.start_link(__MODULE__, options, name)
        end

        @impl GenServer
        def init(options), do: {:ok, options[:handoff] || options[:start] || 0}

        @impl Beamjoin.Handoff
        def handoff(count), do: count
      end

  What `c:handoff/1` returns is the option `handoff` of the new instance, in whichever language that is written. Later
  restarts are from the options that the child was first started with. A node of the hex package starts the new instance
  without the state.
  """

  @doc """
  What the state of a server, as `:sys.get_state/1` shows it, leaves to the next instance.

  The server is suspended by then: messages behind are lost, as with any restart. It has the time of the child's `shutdown`.
  When it fails, the child moves without its state.
  """
  @callback handoff(state :: term()) :: term()

  @optional_callbacks handoff: 1
end
