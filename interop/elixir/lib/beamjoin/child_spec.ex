defmodule Beamjoin.ChildSpec do
  @moduledoc false
  # The forms in which the specification of a child comes: a map between nodes, a tuple in the calls to a dynamic
  # supervisor.

  @type t :: %{
          required(:id) => term(),
          required(:start) => {module(), atom(), [term()]},
          optional(:restart) => :permanent | :transient | :temporary,
          optional(:shutdown) => timeout() | :brutal_kill,
          optional(:type) => :worker | :supervisor,
          optional(:modules) => [module()] | :dynamic,
          optional(:significant) => boolean()
        }

  @typedoc "What `DynamicSupervisor` sends to its server."
  @type child :: {{module(), atom(), [term()]}, atom(), timeout() | atom(), atom(), term()}

  @doc "`:error` for what is no specification of a child."
  @spec from_tuple(term()) :: {:ok, t()} | :error
  def from_tuple({{module, _, _}, _, _, _, _} = child) do
    # The id is not kept there: it is the module, as the hex package has it.
    if valid?(child), do: {:ok, to_map(child, %{id: module})}, else: :error
  end

  def from_tuple(_other), do: :error

  @doc "Completes what is left out. `:error` for what is no specification of a child."
  @spec from_map(term()) :: {:ok, t()} | :error
  def from_map(%{start: {module, _, _}} = spec) do
    child = to_tuple(spec)
    if valid?(child), do: {:ok, to_map(child, Map.put_new(spec, :id, module))}, else: :error
  end

  def from_map(_other), do: :error

  @doc "As `DynamicSupervisor.start_child/2` completes it."
  @spec to_tuple(t()) :: child()
  def to_tuple(%{start: {module, _, _} = start} = spec) do
    type = Map.get(spec, :type, :worker)
    patience = if type == :supervisor, do: :infinity, else: 5_000

    {start, Map.get(spec, :restart, :permanent), Map.get(spec, :shutdown, patience), type,
     Map.get(spec, :modules, [module])}
  end

  @doc "The name that it has in `supervisor`, if it has one."
  @spec name(t(), Beamjoin.supervisor()) :: {:ok, term()} | :error
  def name(%{start: {_module, _function, arguments}}, supervisor) do
    with {:ok, options} <- options(arguments),
         {:via, registry, {^supervisor, name}} when is_atom(registry) <- options[:name] do
      {:ok, name}
    else
      _unnamed -> :error
    end
  end

  @doc "What says where it belongs: its name, or its id when it has none."
  @spec key(t(), Beamjoin.supervisor()) :: term()
  def key(spec, supervisor) do
    case name(spec, supervisor) do
      {:ok, name} -> name
      :error -> spec.id
    end
  end

  @doc "Gives what an instance before left to the options, if it has any."
  @spec with_handoff(t(), :none | {:state, term()}) :: t()
  def with_handoff(%{start: {module, function, arguments}} = spec, {:state, state}) do
    case options(arguments) do
      {:ok, options} -> %{spec | start: {module, function, [[{:handoff, state} | options]]}}
      :error -> spec
    end
  end

  def with_handoff(spec, _none), do: spec

  defp to_map({start, restart, shutdown, type, modules}, rest) do
    given = %{start: start, restart: restart, shutdown: shutdown, type: type, modules: modules}
    Map.merge(rest, given)
  end

  # What a dynamic supervisor does not look at again: one that it cannot understand would end it when the child ends, and all
  # others with it. The length of an improper list fails, and the guard with it.
  defp valid?({{module, function, arguments}, restart, shutdown, type, modules})
       when is_atom(module) and is_atom(function) and length(arguments) >= 0 and
              restart in [:permanent, :transient, :temporary] and
              (shutdown in [:infinity, :brutal_kill] or (is_integer(shutdown) and shutdown >= 0)) and
              type in [:worker, :supervisor] and
              (modules == :dynamic or length(modules) >= 0),
       do: true

  defp valid?(_child), do: false

  defp options([options]), do: if(Keyword.keyword?(options), do: {:ok, options}, else: :error)
  defp options(_arguments), do: :error
end
