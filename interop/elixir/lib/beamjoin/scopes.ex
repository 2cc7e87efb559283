defmodule Beamjoin.Scopes do
  @moduledoc """
  The `:pg` scopes of distributed supervisors, as this node sees them.

  `:pg` shows the groups of other nodes only where the scope runs, and only after it has heard from the other nodes.
  So a scope is started when it is first asked for, and a group that is empty here is believed only after each
  connected node that may not have been heard from yet was asked itself. Such a question is the scope's own discovery
  message, which every release answers; it waits for a bounded time:

      config :beamjoin, discovery_timeout: 1_000   # milliseconds, the default

  A scope that another part of the system started already is used as it is. Hidden nodes are not asked, since `:pg`
  does not look for them either.
  """

  alias Beamjoin.Synced

  @discovery_timeout 1_000

  @doc """
  Starts `scope` on this node unless it runs already.
  """
  @spec ensure_started(module()) :: :ok
  def ensure_started(scope) when is_atom(scope) do
    :ok = Beamjoin.Application.ensure_started()
    if Process.whereis(scope), do: :ok, else: start(scope)
  end

  @doc """
  The members of `group` in `scope`, on every connected node.

  Answers at once when there are any. An empty list means that no connected node has one, unless a node that runs the
  scope did not answer within the discovery timeout.
  """
  @spec members(module(), term()) :: [pid()]
  def members(scope, group) do
    :ok = ensure_started(scope)

    with [] <- :pg.get_members(scope, group),
         # Who is monitored now has been sent the scope's own discovery before our question.
         known = monitored(scope),
         answers = known |> unheard_nodes() |> ask(scope, group),
         :ok = note_synced(scope, known, answers),
         [] <- :pg.get_members(scope, group) do
      for {_peer, members} <- answers, pid <- members, uniq: true, do: pid
    end
  end

  @doc false
  # What the scope of this node knows now. There is no such table while a scope that has crashed starts again.
  @spec known(module(), term()) :: [pid()]
  def known(scope, group) do
    :pg.get_members(scope, group)
  rescue
    ArgumentError -> []
  end

  @doc false
  @spec known_local(module(), term()) :: [pid()]
  def known_local(scope, group) do
    :pg.get_local_members(scope, group)
  rescue
    ArgumentError -> []
  end

  @doc false
  @spec groups(module()) :: [term()]
  def groups(scope) do
    :pg.which_groups(scope)
  rescue
    ArgumentError -> []
  end

  @doc false
  # `:not_joined` also when the scope has crashed: who follows it has its own join it again.
  @spec join(module(), term(), pid()) :: :ok | :not_joined
  def join(scope, group, pid) do
    :pg.join(scope, group, pid)
  catch
    :exit, _reason -> :not_joined
  end

  @doc false
  @spec leave(module(), term(), pid()) :: :ok | :not_joined
  def leave(scope, group, pid) do
    :pg.leave(scope, group, pid)
  catch
    :exit, _reason -> :not_joined
  end

  defp start(scope) do
    spec = %{id: scope, start: {:pg, :start_link, [scope]}}

    case DynamicSupervisor.start_child(Beamjoin.ScopeSupervisor, spec) do
      {:ok, _pid} -> :ok
      {:error, {:already_started, _pid}} -> :ok
    end
  end

  # The scope processes of other nodes that the local one keeps groups of, or will when their answer has come.
  defp monitored(scope) do
    with pid when is_pid(pid) <- Process.whereis(scope),
         {:monitors, monitors} <- Process.info(pid, :monitors) do
      for {:process, peer} when is_pid(peer) and node(peer) != node() <- monitors, do: peer
    else
      nil -> []
    end
  end

  defp unheard_nodes(known) do
    Node.list() -- for(peer <- known, Synced.synced?(peer), do: node(peer))
  end

  # An answer to us was sent after the answer to the local scope, over the same connection, if the local scope asked
  # first. One call to the scope then makes sure that it has handled what arrived before.
  defp note_synced(_scope, _known, []), do: :ok

  defp note_synced(scope, known, answers) do
    :not_joined = :pg.leave(scope, make_ref(), self())
    for {peer, _members} <- answers, peer in known, do: Synced.put(peer)
    :ok
  catch
    # The scope has crashed, as that of OTP 25 does when it hears from OTP 29, and begins anew with nothing known.
    :exit, _reason -> :ok
  end

  # Each question is asked by a process of its own, which the other scope takes for one more scope and forgets again
  # when it ends.
  defp ask(nodes, scope, group) do
    timeout = Application.get_env(:beamjoin, :discovery_timeout, @discovery_timeout)

    nodes
    |> Enum.map(&spawn_monitor(fn -> exit(question({scope, &1}, group, timeout)) end))
    |> Enum.flat_map(fn {pid, monitor} ->
      receive do
        {:DOWN, ^monitor, :process, ^pid, {:answer, peer, members}} -> [{peer, members}]
        {:DOWN, ^monitor, :process, ^pid, _none} -> []
      end
    end)
  end

  defp question(address, group, timeout) do
    monitor = Process.monitor(address)
    Kernel.send(address, {:discover, self()})

    receive do
      {:"$gen_cast", {:sync, peer, groups}} ->
        {:answer, peer, for({^group, pids} <- groups, pid <- pids, do: pid)}

      {:DOWN, ^monitor, :process, _object, _no_scope} ->
        :no_scope
    after
      timeout -> :timeout
    end
  end
end
