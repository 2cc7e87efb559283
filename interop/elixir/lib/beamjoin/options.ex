defmodule Beamjoin.Options do
  @moduledoc false
  # The options of `Beamjoin.start_link/1`, checked.

  @enforce_keys [:name]
  defstruct [
    :name,
    nodes: [],
    monitor_nodes: false,
    cache_children?: true,
    listeners: [],
    rebalance: nil,
    max_restarts: 100,
    max_seconds: 1
  ]

  @type t :: %__MODULE__{
          name: Beamjoin.supervisor(),
          nodes: [node()],
          monitor_nodes: false | :all | :visible | :hidden,
          cache_children?: boolean(),
          listeners: [module() | {module(), term()}],
          rebalance: nil | %{concurrency: pos_integer(), delay: non_neg_integer()},
          max_restarts: non_neg_integer(),
          max_seconds: pos_integer()
        }

  @rebalance %{concurrency: 4, delay: 5_000}

  @doc "Raises a `KeyError` without a name, and an `ArgumentError` that says what else is wrong with them."
  @spec new!(keyword()) :: t()
  def new!(options) do
    unless Keyword.keyword?(options),
      do: raise(ArgumentError, "expected a keyword list, got: #{inspect(options)}")

    # As the hex package: an error of its own.
    _name = Keyword.fetch!(options, :name)
    given!(options)
  end

  defp given!(options) do
    given = for {key, value} <- options, do: {key, check!(key, value)}
    struct!(__MODULE__, given)
  rescue
    error in KeyError ->
      reraise ArgumentError, "unknown option #{inspect(error.key)}", __STACKTRACE__
  end

  defp check!(:name, name) when is_atom(name) and name not in [nil, true, false], do: name
  defp check!(:cache_children?, caches?) when is_boolean(caches?), do: caches?
  defp check!(:monitor_nodes, true), do: :all
  defp check!(:monitor_nodes, kind) when kind in [false, :all, :visible, :hidden], do: kind
  defp check!(:max_restarts, count) when is_integer(count) and count >= 0, do: count
  defp check!(:max_seconds, seconds) when is_integer(seconds) and seconds > 0, do: seconds
  defp check!(:rebalance, off) when off in [nil, false], do: nil
  defp check!(:rebalance, true), do: @rebalance

  defp check!(:rebalance, options) when is_list(options) or is_map(options) do
    case Map.merge(@rebalance, Map.new(options)) do
      %{concurrency: concurrency, delay: delay} = rebalance
      when map_size(rebalance) == 2 and is_integer(concurrency) and concurrency > 0 and
             is_integer(delay) and delay >= 0 ->
        rebalance

      _other ->
        invalid!(:rebalance, options)
    end
  end

  defp check!(:nodes, nodes) when is_list(nodes) do
    if Enum.all?(nodes, &is_atom/1), do: nodes, else: invalid!(:nodes, nodes)
  end

  defp check!(:listeners, listeners) do
    Enum.map(List.wrap(listeners), fn
      listener when is_atom(listener) -> listener
      {listener, _prefix} = filtered when is_atom(listener) -> filtered
      _other -> invalid!(:listeners, listeners)
    end)
  end

  defp check!(option, value)
       when option in [:name, :nodes, :monitor_nodes, :cache_children?, :rebalance] or
              option in [:max_restarts, :max_seconds],
       do: invalid!(option, value)

  defp check!(_unknown, value), do: value

  @spec invalid!(atom(), term()) :: no_return()
  defp invalid!(option, value) do
    raise ArgumentError, "invalid value for option #{inspect(option)}: #{inspect(value)}"
  end
end
