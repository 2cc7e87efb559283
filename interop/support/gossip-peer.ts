/**
 * The least that an Elixir node needs to speak the gossip of libcluster: it tells its name every 100 ms, and joins the nodes
 * that it hears when it is told to. `:gossip_heard` is the last that it heard, `:gossip_strange` that it heard something else.
 */
export const GOSSIP = `
  defmodule Interop.Gossip do
    def start(port, address, secret, joins) do
      spawn(fn ->
        {:ok, socket} =
          :gen_udp.open(port, [:binary, active: true, reuseaddr: true, broadcast: true, ip: {0, 0, 0, 0},
            multicast_if: {127, 0, 0, 1}, multicast_ttl: 1, multicast_loop: true,
            add_membership: {address, {127, 0, 0, 1}}])
        loop(socket, port, address, secret, joins)
      end)
    end

    defp loop(socket, port, address, secret, joins) do
      :ok = :gen_udp.send(socket, address, port, packet(secret))
      listen(secret, joins, System.monotonic_time(:millisecond) + 100)
      loop(socket, port, address, secret, joins)
    end

    defp listen(secret, joins, until) do
      receive do
        {:udp, _, _, _, bytes} ->
          case plain(bytes, secret) do
            "heartbeat::" <> rest ->
              %{node: other} = :erlang.binary_to_term(rest)
              if other != node() do
                :persistent_term.put(:gossip_heard, other)
                if joins, do: Node.connect(other)
              end
            _ ->
              :persistent_term.put(:gossip_strange, true)
          end
          listen(secret, joins, until)
      after
        max(0, until - System.monotonic_time(:millisecond)) -> :ok
      end
    end

    defp packet(secret) do
      plain = "heartbeat::" <> :erlang.term_to_binary(%{node: node()})
      if secret == nil do
        plain
      else
        iv = :crypto.strong_rand_bytes(16)
        iv <> :crypto.crypto_one_time(:aes_256_cbc, :crypto.hash(:sha256, secret), iv, plain, encrypt: true, padding: :pkcs_padding)
      end
    end

    defp plain(bytes, nil), do: bytes
    defp plain(<<iv::binary-size(16), rest::binary>>, secret) do
      :crypto.crypto_one_time(:aes_256_cbc, :crypto.hash(:sha256, secret), iv, rest, encrypt: false, padding: :pkcs_padding)
    rescue
      _ -> :other
    end
    defp plain(_, _), do: :other
  end
`
