/** An Elixir node that runs a supervisor of interop/elixir, for tests: the module of its children, and how it is started. */
import type { Peer } from '../peer.ts'

/** Defines the module `Interop.Server`. */
export const ELIXIR_NODE = `
  # Nobody reads what children say when they crash.
  :ok = :logger.set_primary_config(:level, :critical)

  defmodule Interop.Server do
    use GenServer
    def start_link(opts) do
      {name, opts} = Keyword.split(opts, [:name])
      GenServer.start_link(__MODULE__, opts, name)
    end
    def handoff(n), do: {:counted, n}
    def init(opts) do
      case opts[:handoff] do
        {:counted, n} -> {:ok, n}
        nil -> {:ok, opts[:start] || 0}
      end
    end
    def handle_call(:get, _from, n), do: {:reply, n, n}
    def handle_call(:node, _from, n), do: {:reply, node(), n}
    def handle_call({:add, x}, _from, n), do: {:reply, n + x, n + x}
    def handle_cast(:inc, n), do: {:noreply, n + 1}
    def handle_cast(:crash, _n), do: exit(:asked_to_crash)
    def handle_info({:ping, pid}, n), do: (send(pid, {:pong, self()}); {:noreply, n})
  end
  :ok
`

/**
 * Starts `{Beamjoin, name: DS}` in a supervision tree of the node.
 *
 * @param options more options, in Elixir
 */
export async function startElixirSupervisor(peer: Peer, options = 'monitor_nodes: true'): Promise<void> {
  await peer.eval(`
    {:ok, top} = Supervisor.start_link([], strategy: :one_for_one)
    Process.unlink(top)
    {:ok, _ds} = Supervisor.start_child(top, {Beamjoin, [name: DS] ++ [${options}]})
    :ok
  `)
}
