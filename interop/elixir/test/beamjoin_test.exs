defmodule BeamjoinTest do
  use ExUnit.Case, async: true

  doctest Beamjoin

  test "scope/1 puts every atom under Elixir's prefix, as Module.concat/2 does" do
    assert Beamjoin.scope(DS) == :"Elixir.DS.Scope"
    assert Beamjoin.scope(:ds) == :"Elixir.ds.Scope"
  end

  test "via/2 takes any term for a child" do
    assert {:via, Beamjoin.Registry, {DS, {:user, 1}}} = Beamjoin.via(DS, {:user, 1})
  end
end
