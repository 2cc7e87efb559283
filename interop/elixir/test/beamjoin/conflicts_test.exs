defmodule Beamjoin.ConflictsTest do
  use ExUnit.Case, async: true

  alias Beamjoin.{Conflicts, Placement, Ring}

  defp pid(node, id) do
    name = Atom.to_string(node)

    :erlang.binary_to_term(<<131, 88, 119, byte_size(name), name::binary, id::32, 0::32, 1::32>>)
  end

  defp view, do: %Placement{ring: Ring.new(), declared: MapSet.new([:a@host, :b@host])}

  test "a node that declared itself ends its own, and nobody else's" do
    [kept, loser] = [pid(:a@host, 1), pid(:b@host, 1)]
    assert Conflicts.losers_to_end(view(), :b@host, [kept, loser], kept) == [loser]
    assert Conflicts.losers_to_end(view(), :a@host, [kept, loser], kept) == []
  end

  test "those of the hex package's nodes are ended by the winner's node" do
    [kept, loser] = [pid(:b@host, 1), pid(:hex@host, 1)]
    assert Conflicts.losers_to_end(view(), :b@host, [kept, loser], kept) == [loser]
    assert Conflicts.losers_to_end(view(), :a@host, [kept, loser], kept) == []
  end

  test "each time that it is found unsettled, one more ends them" do
    [kept, loser] = [pid(:b@host, 1), pid(:hex@host, 1)]
    assert Conflicts.losers_to_end(view(), :a@host, [kept, loser], kept, 1) == [loser]
  end

  test "or by the first that declared itself, where the winner's node did not" do
    [kept, loser] = [pid(:hex1@host, 1), pid(:hex2@host, 1)]
    assert Conflicts.losers_to_end(view(), :a@host, [kept, loser], kept) == [loser]
    assert Conflicts.losers_to_end(view(), :b@host, [kept, loser], kept) == []
  end

  test "a node keeps its own child where the ring names it, while that lives" do
    other = pid(:b@host, 1)
    view = fn nodes -> %Placement{ring: Ring.new(nodes)} end
    assert Conflicts.keeps?(view.([node()]), :name, self(), [self(), other])
    refute Conflicts.keeps?(view.([:b@host]), :name, self(), [self(), other])
    refute Conflicts.keeps?(view.([:b@host]), :name, other, [other, self()])
    {ended, ref} = spawn_monitor(fn -> :ok end)
    assert_receive {:DOWN, ^ref, _, _, _}
    refute Conflicts.keeps?(view.([node()]), :name, ended, [ended, other])
  end
end
