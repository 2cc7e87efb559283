# What a BEAM makes of encoded terms; the other half is interop/etf-roundtrip.ts.
#
#   elixir etf-roundtrip.exs echo IN OUT      for each term: its bytes again, its inspect, its phash2
#   elixir etf-roundtrip.exs same A B         the terms of two files are equal under =:=, one by one
#
# A file holds values of bytes, each with its length in front (32 bits, big-endian).

defmodule EtfRoundtrip do
  def main(["echo", input, output]) do
    bytes =
      for binary <- read(input) do
        term = :erlang.binary_to_term(binary)
        text = inspect(term, limit: :infinity, printable_limit: :infinity)
        hash = term |> :erlang.phash2(4_294_967_296) |> Integer.to_string()
        Enum.map([:erlang.term_to_binary(term), text, hash], &[<<byte_size(&1)::32>>, &1])
      end

    File.write!(output, bytes)
  end

  def main(["same", a, b]) do
    pairs = Enum.zip(terms(a), terms(b))
    different = Enum.reject(pairs, fn {left, right} -> left === right end)
    for {left, right} <- Enum.take(different, 5), do: IO.puts("#{inspect(left)} became #{inspect(right)}")
    IO.puts("#{length(pairs) - length(different)} of #{length(pairs)} terms are the same")
    if different != [], do: System.halt(1)
  end

  defp terms(path), do: Enum.map(read(path), &:erlang.binary_to_term/1)

  defp read(path), do: split(File.read!(path))

  defp split(<<size::32, value::binary-size(size), rest::binary>>), do: [value | split(rest)]
  defp split(<<>>), do: []
end

EtfRoundtrip.main(System.argv())
