/**
 * The least that an Elixir node needs to be a peer of Phoenix.PubSub's default adapter: the pg scope, registered workers in
 * their groups, and a registry of subscribers. `Interop.PubSub.start(name, pool_size)` starts it.
 */
export const PUBSUB = `
  defmodule Interop.PubSub do
    def start(name, size) do
      case :pg.start(Phoenix.PubSub) do
        {:ok, _} -> :ok
        {:error, {:already_started, _}} -> :ok
      end
      {:ok, _} = Registry.start_link(keys: :duplicate, name: name)
      groups = groups(name, size)
      :persistent_term.put({:pubsub, name}, List.to_tuple(groups))
      for group <- groups do
        pid = spawn(fn -> receive(do: (:go -> worker(name))) end)
        Process.register(pid, group)
        :ok = :pg.join(Phoenix.PubSub, group, pid)
        send(pid, :go)
      end
      :ok
    end

    defp groups(name, size) do
      adapter = Module.concat(name, "Adapter")
      [adapter | Enum.map(Enum.drop(1..size, 1), &:"#{adapter}_#{&1}")]
    end

    defp worker(name) do
      receive do
        {:forward_to_local, topic, message, dispatcher} -> dispatch(name, :none, topic, message, dispatcher)
        _ -> :ok
      end
      worker(name)
    end

    def subscribe(name, topic), do: {:ok, _} = Registry.register(name, topic, nil)

    def broadcast(name, from \\\\ :none, topic, message, dispatcher \\\\ Phoenix.PubSub) do
      groups = :persistent_term.get({:pubsub, name})
      group = elem(groups, :erlang.phash2(self(), tuple_size(groups)))
      for pid <- :pg.get_members(Phoenix.PubSub, group), node(pid) != node() do
        send(pid, {:forward_to_local, topic, message, dispatcher})
      end
      dispatch(name, from, topic, message, dispatcher)
    end

    def direct(name, node, topic, message) do
      groups = :persistent_term.get({:pubsub, name})
      group = elem(groups, :erlang.phash2(self(), tuple_size(groups)))
      send({group, node}, {:forward_to_local, topic, message, Phoenix.PubSub})
    end

    defp dispatch(name, from, topic, message, dispatcher) do
      Registry.dispatch(name, topic, fn entries ->
        for {pid, _} <- entries, pid != from, do: send(pid, if(dispatcher == Phoenix.PubSub, do: message, else: {dispatcher, message}))
      end)
    end
  end
`
