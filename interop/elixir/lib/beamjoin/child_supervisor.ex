defmodule Beamjoin.ChildSupervisor do
  @moduledoc false
  # The supervisor of the children of this node, `n.DynamicSupervisor`: a `DynamicSupervisor` in all that it does with
  # children, whose callbacks do the work here, and before which this module
  #
  #   * passes on the start of what belongs on another node,
  #   * tells the nodes that declared themselves of a child before it has its name, and when it ended for good,
  #   * lets go of a child that is to restart when another node has its name by then,
  #   * ends children with a reason, gives children away and takes those that others gave away.
  #
  # To others it looks like what it stands for: they read specifications from its status.
  #
  # Nothing in here waits for another process of this supervisor, nor for another node.

  use GenServer

  alias Beamjoin.{ChildSpec, Members, Names, Peers, Registry, RequestedEnds, Scopes, Starter}
  alias Beamjoin.View

  # Longer than it takes to end the second owner of a name.
  @second_owner 1_000

  # Children told in one message to a node that comes into sight.
  @batch 1_000

  @spec start_link(Beamjoin.Options.t()) :: GenServer.on_start()
  def start_link(options) do
    GenServer.start_link(__MODULE__, options, name: Names.dynamic_supervisor(options.name))
  end

  @doc "Starts a child on this node and on no other; `restoring?` when it is tried again after a failure."
  @spec take_child(Beamjoin.supervisor(), ChildSpec.t(), :none | {:state, term()}, boolean()) ::
          DynamicSupervisor.on_start_child()
  def take_child(supervisor, spec, handoff \\ :none, restoring? \\ false) do
    request = {:"$beamjoin_take", spec, handoff, restoring?}
    GenServer.call(Names.dynamic_supervisor(supervisor), request, :infinity)
  end

  @doc "Ends a child of this node for good, with this reason. It is not waited for."
  @spec end_child(Beamjoin.supervisor(), pid(), term()) :: :ok
  def end_child(supervisor, pid, reason), do: tell(supervisor, {:end, pid, reason})

  @doc "The children that run here: pid, name if any, and specification."
  @spec children(Beamjoin.supervisor(), timeout()) ::
          [{pid(), {:ok, term()} | :error, ChildSpec.t()}]
  def children(supervisor, timeout \\ :infinity) do
    GenServer.call(Names.dynamic_supervisor(supervisor), :"$beamjoin_children", timeout)
  end

  @doc """
  Lets go of a child that is to go on elsewhere: it runs on, and nobody is told that it ended. `nil` when it is none.
  """
  @spec release(Beamjoin.supervisor(), pid()) :: {:restarting | :running, ChildSpec.t()} | nil
  def release(supervisor, pid) do
    GenServer.call(Names.dynamic_supervisor(supervisor), {:"$beamjoin_release", pid}, :infinity)
  end

  @doc "Ends a child that was released, as its specification says. It is not waited for."
  @spec stop_released(Beamjoin.supervisor(), pid(), ChildSpec.t()) :: :ok
  def stop_released(supervisor, pid, spec), do: tell(supervisor, {:stop, pid, spec})

  @doc "Nobody is to start a child of this name again because of this node, unless it runs here."
  @spec withdraw(Beamjoin.supervisor(), term()) :: :ok
  def withdraw(supervisor, name), do: tell(supervisor, {:withdraw, name})

  @doc "A node came into sight: it learns what runs here."
  @spec announce_to(Beamjoin.supervisor(), node()) :: :ok
  def announce_to(supervisor, node), do: tell(supervisor, {:announce_to, node})

  @doc "The scope has forgotten everything: the children join it anew."
  @spec rejoin(Beamjoin.supervisor()) :: :ok
  def rejoin(supervisor), do: tell(supervisor, :rejoin)

  defp tell(supervisor, message) do
    GenServer.cast(Names.dynamic_supervisor(supervisor), {:"$beamjoin", message})
  end

  # DynamicSupervisor asks the module of its first argument for its flags.
  def init({:flags, options}), do: DynamicSupervisor.init(options)

  def init(%{name: name} = options) do
    flags = [max_restarts: options.max_restarts, max_seconds: options.max_seconds]
    init_arg = {__MODULE__, {:flags, flags}, Names.dynamic_supervisor(name)}

    with {:ok, stock} <- DynamicSupervisor.init(init_arg) do
      GenServer.cast(Names.registry(name), :supervisor_up)
      {:ok, %{name: name, stock: stock, book: %{}, announced: %{}, ending: %{}}}
    end
  end

  def handle_call({:start_child, child}, from, %{name: supervisor} = state) do
    with {:ok, spec} <- ChildSpec.from_tuple(child),
         {:ask, nodes} <- Starter.route(supervisor, spec, 0) do
      # The process that answers gets a copy of what this names: not the state.
      Starter.answer(from, fn -> Starter.pass_on(supervisor, spec, nodes, 1) end)
      {:noreply, state}
    else
      :here ->
        {:ok, spec} = ChildSpec.from_tuple(child)
        start(spec, :none, false, state)

      :error ->
        {:reply, {:error, {:invalid_child_spec, child}}, state}
    end
  end

  def handle_call({:"$beamjoin_take", spec, handoff, restoring?}, _from, state)
      when is_boolean(restoring?) do
    case ChildSpec.from_map(spec) do
      {:ok, spec} -> start(spec, handoff, restoring?, state)
      :error -> {:reply, {:error, {:invalid_child_spec, spec}}, state}
    end
  end

  def handle_call(:"$beamjoin_children", _from, state) do
    {:reply, for({pid, {name, _ref, spec}} <- state.book, do: {pid, name, spec}), state}
  end

  def handle_call({:"$beamjoin_release", pid}, _from, state) do
    case state.stock.children do
      %{^pid => child} ->
        {{_name, _ref, spec}, book} = Map.pop(state.book, pid)
        phase = if match?({:restarting, _child}, child), do: :restarting, else: :running
        {:reply, {phase, spec}, drop(%{state | book: book}, pid)}

      %{} ->
        {:reply, nil, state}
    end
  end

  def handle_call({:terminate_child, pid} = request, {caller, _tag} = from, state) do
    with %{^pid => {{:ok, name}, _ref, _spec}} <- state.book,
         asker when asker != nil <- RequestedEnds.stranger(state.name, caller) do
      %{name: supervisor} = state

      Starter.answer(from, fn ->
        with nil <- RequestedEnds.settle(supervisor, pid, name, asker) do
          # Not as it was asked before, or it would be settled again: this process has the group leader of this one's starter.
          wish = {:"$beamjoin_terminate", pid}
          GenServer.call(Names.dynamic_supervisor(supervisor), wish, :infinity)
        end
      end)

      {:noreply, state}
    else
      _wished -> terminate_child(request, from, state)
    end
  end

  def handle_call({:"$beamjoin_terminate", pid}, from, state),
    do: terminate_child({:terminate_child, pid}, from, state)

  def handle_call(request, from, state) when request in [:which_children, :count_children],
    do: stock_call(request, from, state)

  # A dynamic supervisor would end of it, and all children with it.
  def handle_call(_unknown, _from, state), do: {:noreply, state}

  def handle_cast({:"$beamjoin", {:end, pid, reason}}, state) do
    case state.stock.children do
      %{^pid => {:restarting, _child}} ->
        {:noreply, state |> drop(pid) |> forget(pid)}

      %{^pid => child} ->
        {:noreply, state |> drop(pid) |> forget(pid) |> stop(pid, child, reason)}

      %{} ->
        {:noreply, state}
    end
  end

  # It was released before, and is still linked to this process.
  def handle_cast({:"$beamjoin", {:stop, pid, %{start: {_, _, _}} = spec}}, state)
      when is_pid(pid) do
    {:noreply, stop(state, pid, ChildSpec.to_tuple(spec), :shutdown)}
  end

  def handle_cast({:"$beamjoin", {:withdraw, name}}, state) do
    runs? = Enum.any?(state.book, &match?({_pid, {{:ok, ^name}, _ref, _spec}}, &1))
    {:noreply, if(runs?, do: state, else: withdraw_name(state, name))}
  end

  def handle_cast({:"$beamjoin", {:announce_to, node}}, state) when is_atom(node) do
    children = for {name, {_ref, spec}} <- state.announced, do: {name, spec}

    for batch <- Enum.chunk_every(children, @batch),
        do: Peers.tell(state.name, node, {:"$beamjoin_children", node(), batch})

    {:noreply, state}
  end

  def handle_cast({:"$beamjoin", :rejoin}, state) do
    for {pid, {{:ok, name}, _ref, _spec}} <- state.book, Process.alive?(pid) do
      Scopes.join(Beamjoin.scope(state.name), name, pid)
    end

    {:noreply, state}
  end

  def handle_cast({:"$beamjoin", _unknown}, state), do: {:noreply, state}

  def handle_cast(message, state) do
    {:noreply, stock} = DynamicSupervisor.handle_cast(message, state.stock)
    {:noreply, %{state | stock: stock}}
  end

  def handle_info({:EXIT, pid, reason} = message, state) do
    state = %{state | ending: Map.delete(state.ending, pid)}

    case state.stock.children do
      %{^pid => {_mfa, restart, _, _, _} = child} ->
        # Whoever has the name may be its second owner, which is ended just now: then nobody would be left.
        if restarts?(restart, reason) and taken?(state, pid) do
          Process.send_after(self(), {:"$gen_restart", pid}, @second_owner)
          {:noreply, put_in(state.stock.children[pid], {:restarting, child})}
        else
          stock_info(message, pid, state)
        end

      %{} ->
        stock_info(message, nil, state)
    end
  end

  def handle_info({:"$gen_restart", pid} = message, state) do
    if is_map_key(state.stock.children, pid) and taken?(state, pid),
      do: {:noreply, state |> drop(pid) |> forget(pid)},
      else: stock_info(message, pid, state)
  end

  def handle_info({:"$beamjoin_kill", pid}, state) do
    if is_map_key(state.ending, pid), do: Process.exit(pid, :kill)
    {:noreply, state}
  end

  # The answer to a call that timed out.
  def handle_info({ref, _late}, state) when is_reference(ref), do: {:noreply, state}
  def handle_info(message, state), do: stock_info(message, nil, state)

  def terminate(reason, state) do
    drained? = View.phase(state.name) == :drained
    # What did not find a new home is left to the other nodes.
    unless drained?, do: Enum.each(Map.keys(state.announced), &withdraw_name(state, &1))
    DynamicSupervisor.terminate(reason, state.stock)
    if drained?, do: Members.say_goodbye(state.name, {:shutdown, :drained}, [])
  end

  def code_change(old, state, extra) do
    with {:ok, stock} <- DynamicSupervisor.code_change(old, state.stock, extra),
         do: {:ok, %{state | stock: stock}}
  end

  # What the other nodes read.
  def format_status(%{state: %{stock: stock}} = status), do: %{status | state: stock}
  def format_status(status), do: status

  defp terminate_child({:terminate_child, pid} = request, from, state) do
    {:reply, answer, state} = stock_call(request, from, state)
    {:reply, answer, if(answer == :ok, do: forget(state, pid), else: state)}
  end

  defp start(spec, handoff, restoring?, state) do
    name = ChildSpec.name(spec, state.name)
    ref = make_ref()
    state = announce(state, name, ref, spec)
    child = spec |> ChildSpec.with_handoff(handoff) |> ChildSpec.to_tuple()
    {:reply, answer, state} = stock_call({:start_child, child}, nil, state)

    case answer do
      {:ok, pid} -> {:reply, answer, started(state, pid, name, ref, spec)}
      {:ok, pid, _info} -> {:reply, answer, started(state, pid, name, ref, spec)}
      _failed when restoring? -> {:reply, answer, state}
      _failed -> {:reply, answer, withdraw_announced(state, name, ref)}
    end
  end

  defp started(state, pid, name, ref, spec) do
    state = %{state | book: Map.put(state.book, pid, {name, ref, spec})}

    # A restart is from the options alone, without what another instance left.
    state =
      update_in(state.stock.children[pid], fn {{module, function, arguments}, r, s, t, m} ->
        {_module, _function, original} = spec.start
        arguments = if arguments == :undefined, do: arguments, else: original
        {{module, function, arguments}, r, s, t, m}
      end)

    if joined?(state, name), do: state, else: withdraw_announced(state, name, ref)
  end

  # A child that does not take the name it was given is none that others could find, or start again.
  defp joined?(_state, :error), do: true

  defp joined?(state, {:ok, name}),
    do: Scopes.known_local(Beamjoin.scope(state.name), name) != []

  defp announce(state, :error, _ref, _spec), do: state

  defp announce(state, {:ok, name}, ref, spec) do
    if Registry.known_owners({state.name, name}) == [] do
      Peers.tell_all(state.name, {:"$beamjoin_children", node(), [{name, spec}]})
      %{state | announced: Map.put(state.announced, name, {ref, spec})}
    else
      state
    end
  end

  # Another child may have the name by now, with a specification of its own.
  defp withdraw_announced(state, {:ok, name}, ref) do
    case state.announced do
      %{^name => {^ref, _spec}} -> withdraw_name(state, name)
      %{} -> state
    end
  end

  defp withdraw_announced(state, :error, _ref), do: state

  defp withdraw_name(state, name) do
    if is_map_key(state.announced, name),
      do: Peers.tell_all(state.name, {:"$beamjoin_gone", node(), name})

    %{state | announced: Map.delete(state.announced, name)}
  end

  # It ended for good.
  defp forget(state, pid) do
    case Map.pop(state.book, pid) do
      {nil, _book} -> state
      {{name, ref, _spec}, book} -> withdraw_announced(%{state | book: book}, name, ref)
    end
  end

  defp drop(state, pid), do: update_in(state.stock.children, &Map.delete(&1, pid))

  defp stop(state, pid, {_mfa, _restart, :brutal_kill, _type, _modules}, _reason) do
    Process.exit(pid, :kill)
    state
  end

  defp stop(state, pid, {_mfa, _restart, shutdown, _type, _modules}, reason) do
    Process.exit(pid, reason)
    if shutdown != :infinity, do: Process.send_after(self(), {:"$beamjoin_kill", pid}, shutdown)
    %{state | ending: Map.put(state.ending, pid, true)}
  end

  defp taken?(state, pid) do
    case state.book do
      %{^pid => {{:ok, name}, _ref, _spec}} -> Registry.known_owners({state.name, name}) != []
      %{} -> false
    end
  end

  defp restarts?(:permanent, _reason), do: true
  defp restarts?(:temporary, _reason), do: false
  defp restarts?(:transient, reason) when reason in [:normal, :shutdown], do: false
  defp restarts?(:transient, {:shutdown, _why}), do: false
  defp restarts?(:transient, _reason), do: true

  defp stock_call(request, from, state) do
    {:reply, answer, stock} = DynamicSupervisor.handle_call(request, from, state.stock)
    {:reply, answer, %{state | stock: stock}}
  end

  defp stock_info(message, pid, %{stock: before} = state) do
    case DynamicSupervisor.handle_info(message, before) do
      {:noreply, stock} -> {:noreply, follow(%{state | stock: stock}, pid, before)}
      {:stop, reason, stock} -> {:stop, reason, %{state | stock: stock}}
    end
  end

  # What became of a child that ended: it waits for a restart, is gone, or runs as another process.
  defp follow(state, pid, before) do
    now = state.stock.children

    cond do
      not is_map_key(before.children, pid) or is_map_key(now, pid) -> state
      map_size(now) < map_size(before.children) -> forget(state, pid)
      true -> follow_to(state, pid, before)
    end
  end

  defp follow_to(state, pid, before) do
    {{name, _ref, _spec} = child, book} = Map.pop!(state.book, pid)

    named =
      with {:ok, name} <- name,
           do: Scopes.known_local(Beamjoin.scope(state.name), name),
           else: (:error -> [])

    new? = &(is_map_key(state.stock.children, &1) and not is_map_key(before.children, &1))
    again = Enum.find(named, new?) || state.stock.children |> Map.keys() |> Enum.find(new?)
    %{state | book: Map.put(book, again, child)}
  end
end
