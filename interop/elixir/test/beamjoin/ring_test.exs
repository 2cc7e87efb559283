defmodule Beamjoin.RingTest do
  use ExUnit.Case, async: true

  alias Beamjoin.Ring

  doctest Beamjoin.Ring

  # Made with the hash functions of the BEAM, and used by the tests of the TypeScript ring too.
  @folders [
    Path.expand("../vectors/ring", __DIR__),
    Path.expand("../../../../test/vectors/ring", __DIR__)
  ]

  test "every key of the vectors has the owner that they say" do
    %{rings: rings, keys: keys} = vectors()
    built = for %{steps: steps} <- rings, do: Enum.reduce(steps, Ring.new(), &step/2)

    for {ring, %{nodes: nodes}} <- Enum.zip(built, rings) do
      assert ring.nodes == Enum.map(nodes, &String.to_atom/1)
    end

    assert length(keys) > 100

    for %{key: key, owners: owners} <- keys,
        term = key |> Base.decode64!() |> :erlang.binary_to_term(),
        {ring, owner} <- Enum.zip(built, owners) do
      assert Ring.node_for(ring, term) == Enum.at(ring.nodes, owner), inspect(term)
      assert hd(Ring.nodes_for(ring, term)) == Enum.at(ring.nodes, owner), inspect(term)
    end
  end

  test "an empty ring has no owner" do
    assert Ring.node_for(Ring.new(), :key) == nil
    assert Ring.nodes_for(Ring.new(), :key) == []
    assert Ring.node_for(Ring.remove(Ring.new([:a@host]), :a@host), :key) == nil
  end

  test "the walk meets every member once, and leaving one out changes nothing for the rest" do
    nodes = for i <- 1..10, do: :"n#{i}@host"
    ring = Ring.new(nodes)

    for key <- 1..200 do
      order = Ring.nodes_for(ring, key)
      assert Enum.sort(order) == Enum.sort(nodes)

      assert Ring.nodes_for(Ring.remove(ring, hd(order)), key) == tl(order)
    end
  end

  test "a member added twice is one, a stranger removed changes nothing" do
    ring = Ring.new([:a@host, :b@host])
    assert Ring.add(ring, :a@host) == ring
    assert Ring.remove(ring, :c@host).nodes == ring.nodes
  end

  defp step([verb, node], ring),
    do: apply(Ring, String.to_atom(verb), [ring, String.to_atom(node)])

  # Objects, lists, texts without escapes and whole numbers are Elixir's own, but for the braces and a space.
  defp vectors do
    # Those of this release, or of the newest before it.
    release = Enum.find([29, 27, 25], &(&1 <= String.to_integer(System.otp_release())))
    file = "otp#{release}.json"
    path = @folders |> Enum.map(&Path.join(&1, file)) |> Enum.find(&File.exists?/1)
    json = path |> File.read!() |> String.replace("{", "%{")
    {vectors, _bindings} = Code.eval_string(Regex.replace(~r/"(\w+)":/, json, "\\1: "))
    vectors
  end
end
