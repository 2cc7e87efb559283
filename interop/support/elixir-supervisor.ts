/**
 * The least that an Elixir node needs to be a member of a DistributedSupervisor `DS` (design: wire contract): the scope,
 * the dynamic supervisor, and the registry that its via names point to. The package that users run has much more; the
 * contract with the other nodes is this.
 */
export const ELIXIR_SUPERVISOR = `
  defmodule DistributedSupervisor.Registry do
    def register_name({name, child}, pid) do
      scope = Module.concat(name, Scope)
      # A process that was killed a moment ago may still be a member: :pg has not been told yet.
      taken = for member <- :pg.get_members(scope, child), node(member) != node() or Process.alive?(member), do: member
      with [] <- taken, :ok <- :pg.join(scope, child, pid), do: :yes, else: (_ -> :no)
    end
    def unregister_name({name, child}), do: :pg.leave(Module.concat(name, Scope), child, self())
    def whereis_name({name, child}) do
      Enum.find(:pg.get_members(Module.concat(name, Scope), child), :undefined, fn member ->
        node(member) != node() or Process.alive?(member)
      end)
    end
    def send(name, message), do: name |> whereis_name() |> Kernel.send(message)
  end

  defmodule Interop.Server do
    use GenServer
    def start_link(opts) do
      {name, opts} = Keyword.split(opts, [:name])
      GenServer.start_link(__MODULE__, Keyword.get(opts, :start, 0), name)
    end
    def init(n), do: {:ok, n}
    def handle_call(:get, _from, n), do: {:reply, n, n}
    def handle_call(:node, _from, n), do: {:reply, node(), n}
    def handle_call({:add, x}, _from, n), do: {:reply, n + x, n + x}
    def handle_cast(:inc, n), do: {:noreply, n + 1}
    def handle_cast(:crash, _n), do: exit(:asked_to_crash)
    def handle_info({:ping, pid}, n), do: (send(pid, {:pong, self()}); {:noreply, n})
  end

  {:ok, _} = :pg.start(DS.Scope)
  {:ok, _} = DynamicSupervisor.start_link(name: DS.DynamicSupervisor, strategy: :one_for_one, max_restarts: 100, max_seconds: 1)
  :ok
`
