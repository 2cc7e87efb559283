defmodule Beamjoin.Notifier do
  @moduledoc false
  # Calls the listeners, off the path of what they are told about. One that fails is logged and keeps nobody else from being
  # told.

  use GenServer

  alias Beamjoin.Names

  @spec start_link(Beamjoin.Options.t()) :: GenServer.on_start()
  def start_link(options) do
    GenServer.start_link(__MODULE__, options, name: Names.notifier(options.name))
  end

  @doc "Something happened to a child."
  @spec child(Beamjoin.supervisor(), :on_process_start | :on_process_stop, term(), pid()) :: :ok
  def child(supervisor, callback, name, pid) do
    GenServer.cast(Names.notifier(supervisor), {:child, callback, name, pid})
  end

  @doc "Something happened to a node."
  @spec node(Beamjoin.supervisor(), atom(), [term()]) :: :ok
  def node(supervisor, callback, arguments) do
    GenServer.cast(Names.notifier(supervisor), {:node, callback, arguments})
  end

  @impl true
  def init(%{name: name, listeners: listeners}) do
    entries =
      for listener <- listeners do
        {module, prefix} = parse(listener)
        Code.ensure_loaded?(module) || :logger.warning("no such listener: #{inspect(module)}")
        {module, prefix}
      end

    {:ok, {name, entries}}
  end

  @impl true
  def handle_cast(_event, {_name, []} = state), do: {:noreply, state}

  def handle_cast({:child, callback, name, pid}, {supervisor, entries} = state) do
    printed = inspect(name)
    wants = for {module, prefix} <- entries, String.starts_with?(printed, prefix), do: module
    tell(wants, callback, [supervisor, name, pid])
    {:noreply, state}
  end

  def handle_cast({:node, callback, arguments}, {supervisor, entries} = state) do
    entries |> Enum.map(&elem(&1, 0)) |> tell(callback, [supervisor | arguments])
    {:noreply, state}
  end

  # A listener may leave something in the mailbox.
  @impl true
  def handle_info(_message, state), do: {:noreply, state}

  defp parse({module, prefix}), do: {module, inspect(prefix)}
  defp parse(module), do: {module, ""}

  defp tell(modules, callback, arguments) do
    for module <- modules, function_exported?(module, callback, length(arguments)) do
      try do
        apply(module, callback, arguments)
      catch
        kind, reason ->
          :logger.error(
            "listener #{inspect(module)} failed: " <>
              Exception.format(kind, reason, __STACKTRACE__)
          )
      end
    end
  end
end
