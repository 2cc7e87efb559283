/** An Elixir node that runs a supervisor of interop/elixir, for tests: the module of its children, and how it is started. */
import { type Peer, waitFor } from '../peer.ts'
import { startExPeer, type Teardown } from './cluster.ts'

const WITNESS = 'witness@127.0.0.1'

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

/** Where a failover is to be seen to have happened. */
export interface FailoverWitness {
  /** A node that stays, and can run the child. */
  readonly peer: Peer
  readonly epmdPort: number
  readonly args?: readonly string[]
  /** Nodes that the new one connects to. */
  readonly others: readonly string[]
}

/**
 * Resolves when a node that dies now has had its child started again: what was lost before that has been seen to as well, or
 * never will be. The child is ended.
 */
export async function witnessFailover(
  t: Teardown,
  { peer, epmdPort, args, others }: FailoverWitness,
): Promise<void> {
  const witness = await startExPeer(t, { epmdPort, name: WITNESS, ...(args && { args: [...args] }) })
  await witness.eval(ELIXIR_NODE)
  for (const other of others) await witness.eval(`true = Node.connect(:"${other}")`)
  await startElixirSupervisor(witness)
  await waitFor(async () => (await peer.eval(`:"${WITNESS}" in Beamjoin.nodes(DS)`)) === 'true', {
    what: 'the witness in the ring',
  })
  await witness.eval(
    '{:ok, _, :witness} = Beamjoin.start_child(DS, {Interop.Server, name: :witness}, node())',
  )
  await waitFor(async () => (await peer.eval('is_pid(Beamjoin.whereis(DS, :witness))')) === 'true', {
    what: 'the child of the witness',
  })
  await witness.kill()
  const again =
    'match?(pid when is_pid(pid) and node(pid) != :"witness@127.0.0.1", Beamjoin.whereis(DS, :witness))'
  await waitFor(async () => (await peer.eval(again)) === 'true', { what: 'the child of the witness again' })
  await peer.eval(':ok = Beamjoin.terminate_child(DS, Beamjoin.whereis(DS, :witness))')
}
