defmodule Beamjoin.Moves do
  @moduledoc false
  # Has the children of this node move: all of them, when it drains, and with the option `:rebalance` those that the ring
  # wants elsewhere, when the cluster has been quiet for a while after a change.

  use GenServer

  alias Beamjoin.{Drain, Names, Rebalance, RegistryServer, View}

  @spec start_link(Beamjoin.Options.t()) :: GenServer.on_start()
  def start_link(options) do
    GenServer.start_link(__MODULE__, options, name: Names.moves(options.name))
  end

  @doc "Hands the children over and ends the supervisor of this node. Who asks while it is at it gets the same answer."
  @spec drain(Beamjoin.supervisor(), keyword()) :: Beamjoin.drained()
  def drain(supervisor, options) do
    # The supervisor ends with that, and this process with it: the answer is that of another one.
    monitor =
      supervisor |> Names.moves() |> GenServer.call({:drain, options}) |> Process.monitor()

    receive do
      {:DOWN, ^monitor, :process, _pid, {:drained, result}} -> result
      {:DOWN, ^monitor, :process, _pid, _ended_before} -> %{moved: [], left: []}
    end
  end

  @impl true
  def init(%{name: name, rebalance: rebalance}) do
    state = %{
      name: name,
      rebalance: rebalance,
      timer: nil,
      task: nil,
      changes: :counters.new(1, []),
      drain: nil
    }

    {:ok, changed(state)}
  end

  @impl true
  def handle_call({:drain, options}, _from, %{name: name, drain: nil} = state) do
    # What is moving goes on, and nothing else begins to.
    :counters.add(state.changes, 1, 1)
    View.put_phase(name, :draining)
    :ok = RegistryServer.undeclare(name)

    drain =
      spawn(fn ->
        result = run_drain(name, options)
        View.put_phase(name, :drained)
        Beamjoin.Tree.stop(name)
        exit({:drained, result})
      end)

    {:reply, drain, %{state | drain: drain}}
  end

  def handle_call({:drain, _options}, _from, state), do: {:reply, state.drain, state}

  @impl true
  def handle_cast(:changed, state), do: {:noreply, changed(state)}

  @impl true
  def handle_info(:rebalance, %{name: name, rebalance: rebalance, changes: changes} = state) do
    if View.phase(name) == :running do
      now = :counters.get(changes, 1)
      current? = fn -> :counters.get(changes, 1) == now end

      # Under no supervisor: a child whose move is broken off has ended here and starts nowhere.
      {_pid, ref} =
        spawn_monitor(fn ->
          Rebalance.run(name, rebalance.concurrency, current?)
          exit({:through, current?.()})
        end)

      {:noreply, %{state | task: ref, timer: nil}}
    else
      {:noreply, %{state | timer: nil}}
    end
  end

  # What it had not come to is looked at again.
  def handle_info({:DOWN, ref, :process, _pid, reason}, %{task: ref} = state) do
    state = %{state | task: nil}
    {:noreply, if(reason == {:through, true}, do: state, else: changed(state))}
  end

  def handle_info(_unknown, state), do: {:noreply, state}

  # It ends in any case: nobody starts a child on a node that drains.
  defp run_drain(name, options) do
    Drain.run(name, options)
  catch
    kind, reason ->
      :logger.error(
        "#{inspect(name)}: the drain failed: #{Exception.format(kind, reason, __STACKTRACE__)}"
      )

      %{moved: [], left: []}
  end

  defp changed(%{rebalance: nil} = state), do: state

  # It looks again when it is through.
  defp changed(%{task: ref} = state) when ref != nil do
    :counters.add(state.changes, 1, 1)
    state
  end

  defp changed(state) do
    if state.timer, do: Process.cancel_timer(state.timer)
    %{state | timer: Process.send_after(self(), :rebalance, state.rebalance.delay)}
  end
end
