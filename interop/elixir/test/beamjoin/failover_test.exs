defmodule Beamjoin.FailoverTest do
  use ExUnit.Case, async: true

  alias Beamjoin.{Failover, Placement, Ring}

  @nodes [:ex1@host, :ex2@host, :ts@host]
  @all MapSet.new([:dead@host | @nodes])
  @left MapSet.new(@nodes)

  # The ring does not follow the cluster here, so the node that is gone is still in it.
  defp view(more \\ []) do
    struct!(
      %Placement{
        ring: Ring.new([:dead@host | @nodes]),
        declared: @left,
        elixir: MapSet.new([:ex1@host, :ex2@host]),
        claims: %{Counter => MapSet.new([:ts@host])}
      },
      more
    )
  end

  defp child(name, module \\ Server, owner \\ :dead@host) do
    %{name: name, module: module, owner: owner, spec: %{id: name}}
  end

  # A name whose home is this node once the dead one is left out.
  defp name_of(home, view \\ view(), reachable \\ @left) do
    Enum.find(1..1_000, fn name ->
      home ==
        view
        |> Placement.candidates(name, Server)
        |> Enum.find(&MapSet.member?(reachable, &1))
    end)
  end

  defp lost(self, children) do
    Enum.reduce(children, Failover.new(DS, self), &Failover.lost(&2, &1))
  end

  defp due(failover, now, view \\ view(), reachable \\ @left),
    do: Failover.due(failover, view, reachable, now)

  test "the home of a child starts it at once" do
    child = child(name_of(:ex1@host))
    failover = lost(:ex1@host, [child])
    assert Failover.next_at(failover) == :now
    assert {[{:start, ^child}], failover} = due(failover, 0)
    assert Failover.lost?(failover, child.name)
    assert {[], failover} = due(failover, 10)
    failover = Failover.settled(failover, child.name, 20)
    refute Failover.any?(failover)
    assert Failover.next_at(failover) == nil
  end

  test "the others wait for it, and ask it when it shows no sign of work for the grace time" do
    name = name_of(:ex1@host)
    {[], failover} = due(lost(:ex2@host, [child(name)]), 0)
    assert Failover.next_at(failover) == 1_000
    assert {[], failover} = due(failover, 999)
    assert {[{:ask, :ex1@host, %{name: ^name}}], _failover} = due(failover, 1_000)
  end

  test "a child that came back proves that its home is at work" do
    [first, second] = for(n <- 1..1_000, home(n) == :ex1@host, do: n) |> Enum.take(2)
    {[], failover} = due(lost(:ex2@host, [child(first), child(second)]), 0)
    failover = Failover.settled(failover, first, 900)
    assert Failover.next_at(failover) == 1_900
    assert {[], failover} = due(failover, 1_000)
    assert {[{:ask, :ex1@host, %{name: ^second}}], _failover} = due(failover, 1_900)
  end

  defp home(name) do
    view()
    |> Placement.candidates(name, Server)
    |> Enum.find(&MapSet.member?(@left, &1))
  end

  test "a module of TypeScript goes on where it is claimed, even if another node asks" do
    {[], failover} = due(lost(:ex1@host, [child(:any, Counter)]), 0)
    assert {[{:ask, :ts@host, _child}], _failover} = due(failover, 1_000)
  end

  test "what failed is tried again after a while, and given up after ten times" do
    name = name_of(:ex1@host)
    failover = lost(:ex1@host, [child(name)])

    {failover, now} =
      Enum.reduce(1..10, {failover, 0}, fn _attempt, {failover, now} ->
        assert {[{:start, _child}], failover} = due(failover, now)
        failover = Failover.failed(failover, name, now)
        assert {[], failover} = due(failover, now + 999)
        {failover, now + 1_000}
      end)

    assert {[{:forget, %{name: ^name}, :it_does_not_start}], failover} = due(failover, now)
    refute Failover.any?(failover)
  end

  test "a node that cannot run it is passed over, until it appears again" do
    name = name_of(:ex1@host)
    {[{:start, _child}], failover} = due(lost(:ex1@host, [child(name)]), 0)
    failover = Failover.failed(failover, name, 5, :ex1@host)
    {[], failover} = due(failover, 5)
    assert Failover.home(failover, view(), @left, name) == :ex2@host
    failover = Failover.appeared(failover, :ex1@host)
    assert Failover.home(failover, view(), @left, name) == :ex1@host
  end

  test "nobody can run it: it is forgotten" do
    nobody = view(elixir: MapSet.new())
    failover = lost(:ex1@host, [child(:name)])

    assert {[{:forget, _child, :no_node_can_run_its_module}], failover} = due(failover, 0, nobody)

    refute Failover.any?(failover)
  end

  test "a change of the cluster makes another node the home" do
    name = name_of(:ex1@host)
    {[], failover} = due(lost(:ex2@host, [child(name)]), 0)
    without = MapSet.delete(@left, :ex1@host)
    failover = Failover.reconsider(failover)
    assert {[{:start, %{name: ^name}}], _failover} = due(failover, 10, view(), without)
  end

  describe "where the node that the ring names for the supervisor runs the hex package" do
    # Leaves out of the declared nodes the one that inherits.
    defp with_heir do
      heir = view().ring |> Ring.nodes_for(DS) |> Enum.find(&(&1 != :dead@host))

      view =
        view(declared: MapSet.delete(@left, heir), elixir: MapSet.delete(view().elixir, heir))

      {heir, view, hd(@nodes -- [heir])}
    end

    test "children of Elixir are left to it for two seconds" do
      {_heir, view, self} = with_heir()
      failover = lost(self, [child(:a), child(:b)])
      assert {[], failover} = due(failover, 0, view)
      assert Failover.next_at(failover) == 2_000
      assert {[], failover} = due(failover, 1_999, view)
      assert {[_one, _two], _failover} = due(failover, 2_000, view)
    end

    test "those that TypeScript nodes claim are not" do
      {heir, view, _self} = with_heir()
      self = hd(@nodes -- [heir])
      view = %{view | claims: %{Counter => MapSet.new([self])}}
      assert {[{:start, _child}], _failover} = due(lost(self, [child(:a, Counter)]), 0, view)
    end

    test "nor are any when it is gone as well" do
      {heir, view, self} = with_heir()
      left = MapSet.delete(@all, heir) |> MapSet.delete(:dead@host)
      view = %{view | elixir: MapSet.new([self])}
      assert {[{:start, _child}], _failover} = due(lost(self, [child(:a)]), 0, view, left)
    end

    test "a home that runs it is asked by the first of the others along the ring" do
      hex = :ex1@host
      view = view(declared: MapSet.delete(@left, hex), elixir: MapSet.new())
      name = name_of(hex, view)
      asker = view.ring |> Ring.nodes_for(name) |> Enum.find(&(&1 in [:ex2@host, :ts@host]))
      [other] = [:ex2@host, :ts@host] -- [asker]

      for {self, first} <- [{asker, true}, {other, false}] do
        failover = lost(self, [child(name)])
        # It does not inherit: that needs a ring whose heir declared itself.
        failover = put_in(failover.pending[name].heir?, false)
        {actions, _failover} = due(failover, 0, view)
        assert match?([{:ask, ^hex, _child}], actions) == first
      end
    end
  end

  test "a child that is lost twice is waited for once" do
    name = name_of(:ex1@host)
    {[], failover} = due(lost(:ex2@host, [child(name), child(name)]), 0)
    {[], failover} = due(Failover.lost(failover, child(name)), 500)
    assert Failover.next_at(failover) == 1_500
    assert map_size(failover.waits) == 1
  end
end
