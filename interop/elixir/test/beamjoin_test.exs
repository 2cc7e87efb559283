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

  test "what asks the nodes of a supervisor exits with :noproc when there are none" do
    for ask <- [&Beamjoin.nodes/1, &Beamjoin.children/1, &Beamjoin.start_child(&1, Counter)] do
      assert {:noproc, {_module, _function, _arguments}} = catch_exit(ask.(BeamjoinTest.Nobody))
    end
  end

  test "what needs no node to be asked answers at once" do
    assert Beamjoin.start_child(BeamjoinTest.Nobody, "Counter") ==
             {:error, {:incorrect_spec, "Counter"}}

    assert Beamjoin.terminate_child(BeamjoinTest.Nobody, nil) == {:error, :not_found}
    assert Beamjoin.terminate_child(BeamjoinTest.Nobody, self()) == {:error, :not_found}
  end
end
