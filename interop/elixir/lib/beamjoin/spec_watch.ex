defmodule Beamjoin.SpecWatch do
  @moduledoc false
  # Learns how the children of nodes that run the hex package are started: these tell nobody, so they are asked for the
  # status of their supervisor, as the hex package asks its peers. That is done at once, since a node may die just after it
  # has started a child. One question is about all children of a node, so those that start soon after are asked about
  # together, and a node that takes long to answer is asked less often.
  #
  # The owner receives `{:ask_specs, node}` and passes it to `ask/3`, then `{:specs, node, specs}` and passes it to `told/2`.

  alias Beamjoin.ChildSpec

  # Between two questions.
  @pause 10
  @timeout 5_000

  # Of the time, asking takes no more than one part in so many.
  @share 10

  @type t :: %{optional(node()) => %{phase: :idle | :planned | :asking | :again, from: integer()}}

  @doc "A child appeared on a node."
  @spec appeared(t(), node()) :: t()
  def appeared(watch, node) do
    case Map.get(watch, node, %{phase: :idle, from: now()}) do
      %{phase: :idle} = asked -> plan(watch, node, asked)
      %{phase: :asking} = asked -> Map.put(watch, node, %{asked | phase: :again})
      _planned -> watch
    end
  end

  @spec forget(t(), node()) :: t()
  def forget(watch, node), do: Map.delete(watch, node)

  @doc "The time has come to ask."
  @spec ask(t(), Beamjoin.supervisor(), node()) :: t()
  def ask(watch, supervisor, node) do
    case watch do
      %{^node => %{phase: :planned} = asked} ->
        owner = self()

        # Under no supervisor: a node whose answer never comes would be asked no more.
        Task.start(fn -> Kernel.send(owner, {:specs, node, specs(supervisor, node)}) end)

        Map.put(watch, node, %{asked | phase: :asking, from: now()})

      # The node has gone meanwhile.
      %{} ->
        watch
    end
  end

  @doc "The answer is there. `:ignore` it when the node has gone meanwhile, and may be back as another."
  @spec told(t(), node()) :: {:ok | :ignore, t()}
  def told(watch, node) do
    case watch do
      %{^node => %{phase: phase, from: from} = asked} when phase in [:asking, :again] ->
        asked = %{asked | from: now() + max(@pause, (now() - from) * @share)}
        again = if phase == :again, do: plan(watch, node, asked)
        {:ok, again || Map.put(watch, node, %{asked | phase: :idle})}

      %{} ->
        {:ignore, watch}
    end
  end

  @doc "The specifications by pid in the status of a dynamic supervisor; those of temporary children are not kept there."
  @spec specs_in(term()) :: %{optional(pid()) => ChildSpec.t()}
  def specs_in({:status, _pid, {:module, :gen_server}, properties}) when is_list(properties) do
    with misc when is_list(misc) <- List.last(properties),
         %{children: %{} = children} <- Enum.find_value(misc, &state/1) do
      for {pid, child} <- children,
          {:ok, spec} <- [ChildSpec.from_tuple(child)],
          into: %{},
          do: {pid, spec}
    else
      _other -> %{}
    end
  end

  def specs_in(_other), do: %{}

  defp plan(watch, node, asked) do
    Process.send_after(self(), {:ask_specs, node}, max(0, asked.from - now()))
    Map.put(watch, node, %{asked | phase: :planned})
  end

  defp specs(supervisor, node) do
    arguments = [supervisor]

    specs_in(
      :rpc.call(node, DistributedSupervisor, :dynamic_supervisor_status, arguments, @timeout)
    )
  rescue
    # It answered with something that only looks like a status.
    _error -> %{}
  end

  defp state({:data, [_ | _] = data}) do
    Enum.find_value(data, fn
      {[?S, ?t, ?a, ?t, ?e], %DynamicSupervisor{} = state} -> state
      _other -> nil
    end)
  end

  defp state(_other), do: nil

  defp now, do: System.monotonic_time(:millisecond)
end
