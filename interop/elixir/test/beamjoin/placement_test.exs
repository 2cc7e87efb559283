defmodule Beamjoin.PlacementTest do
  use ExUnit.Case, async: true

  alias Beamjoin.{Placement, Ring}

  doctest Beamjoin.Placement

  # A process of another node, as it comes over the wire: NEW_PID_EXT.
  defp pid(node, id) do
    name = Atom.to_string(node)
    bytes = <<131, 88, 119, byte_size(name), name::binary, id::32, 0::32, 1::32>>
    :erlang.binary_to_term(bytes)
  end

  defp view do
    %Placement{
      ring: Ring.new([:ts1@host, :ts2@host, :ex@host, :hex@host]),
      declared: MapSet.new([:ts1@host, :ts2@host, :ex@host]),
      elixir: MapSet.new([:ex@host]),
      claims: %{Counter => MapSet.new([:ts1@host, :ts2@host]), Gone => MapSet.new()}
    }
  end

  test "a module that TypeScript nodes claim runs on those alone" do
    for name <- 1..50 do
      candidates = Placement.candidates(view(), name, Counter)
      assert Enum.sort(candidates) == [:ts1@host, :ts2@host]
      assert candidates == Enum.filter(Ring.nodes_for(view().ring, name), &(&1 in candidates))
    end
  end

  test "a module that no TypeScript node claims, or none does any more, runs on Elixir nodes of both kinds" do
    for module <- [Server, Gone] do
      assert Enum.sort(Placement.candidates(view(), :name, module)) == [:ex@host, :hex@host]
    end
  end

  test "an Elixir node that drains is no home, and is not taken for one of the hex package" do
    assert Placement.candidates(%{view() | elixir: MapSet.new()}, :name, Server) == [:hex@host]
  end

  test "the owner that the ring meets first keeps a name, whatever the order of the owners" do
    for name <- 1..50 do
      [first, second, third | _rest] = Ring.nodes_for(view().ring, name)
      owners = for node <- [first, second, third], do: pid(node, 7)
      assert node(Placement.winner(view(), name, owners)) == first
      assert node(Placement.winner(view(), name, Enum.reverse(owners))) == first
      assert node(Placement.winner(view(), name, tl(owners))) == second
    end
  end

  test "owners outside the ring come last, and agree among each other" do
    outside = [pid(:x@host, 1), pid(:y@host, 1)]
    kept = Placement.winner(view(), :name, outside)
    assert kept in outside
    assert Placement.winner(view(), :name, Enum.reverse(outside)) == kept
    assert node(Placement.winner(view(), :name, [pid(:ex@host, 9) | outside])) == :ex@host
  end

  test "of two owners on one node the first in term order keeps the name" do
    assert Placement.winner(view(), :name, [pid(:ex@host, 2), pid(:ex@host, 1)]) ==
             pid(:ex@host, 1)

    assert Placement.winner(view(), :name, []) == nil
    assert Placement.winner(view(), :name, [pid(:ex@host, 2)]) == pid(:ex@host, 2)
  end
end
