defmodule Beamjoin.HostileMessagesTest do
  use ExUnit.Case, async: false

  defmodule Server do
    use GenServer

    def start_link(options), do: GenServer.start_link(__MODULE__, nil, options)

    @impl true
    def init(nil), do: {:ok, nil}
  end

  setup context do
    ds = Module.concat(__MODULE__, "DS#{context.line}")
    start_supervised!({Beamjoin, name: ds, monitor_nodes: true})
    {:ok, ds: ds, registry: Module.concat(ds, Registry)}
  end

  # What does not look like anything, or only from the outside.
  defp odd,
    do: [nil, 1, "b", :atom, {}, %{}, [1 | 2], [{:a, 1} | :b], self(), make_ref(), %{start: 1}]

  defp odd_specs do
    start = {Server, :start_link, [[]]}

    odd() ++
      [
        %{start: {Server, :start_link, [1 | 2]}},
        %{start: {Server, :start_link, [[1 | 2]]}},
        %{start: start, restart: :sometimes},
        %{start: start, shutdown: "soon"},
        %{start: start, shutdown: -1},
        %{start: start, type: :other},
        %{start: start, modules: [1 | 2]}
      ]
  end

  test "no message of a peer ends the registry", %{ds: ds, registry: registry} do
    before = Process.whereis(registry)
    supervisor = Process.whereis(Module.concat(ds, DynamicSupervisor))
    odd = odd()

    casts =
      for(a <- odd, do: a) ++
        for(a <- odd, do: {:add_nodes, a}) ++
        for(a <- odd, do: {:add_nodes, [a]}) ++
        for(a <- odd, do: {:supervisor_up, a}) ++
        for(a <- odd, b <- odd, do: {:"$beamjoin_children", a, b}) ++
        for(a <- odd, b <- odd_specs(), do: {:"$beamjoin_children", a, [{:name, b}]}) ++
        for(a <- odd, b <- odd, do: {:"$beamjoin_gone", a, b}) ++
        for(a <- odd, b <- odd_specs(), do: {:"$beamjoin_lost", a, b}) ++
        for(a <- odd, b <- odd, do: {:"$beamjoin_rejoin", a, b}) ++
        for(a <- odd, b <- odd_specs(), do: {:"$beamjoin_started", a, b})

    infos =
      odd ++
        for(a <- odd, b <- odd, do: {a, b}) ++
        for(
          kind <- [:nodeup, :nodedown, :conflict, :conflict_settled, :ask_specs, :specs],
          a <- odd,
          do: {kind, a}
        ) ++
        for(kind <- [:nodeup, :nodedown, :specs, :EXIT], a <- odd, b <- odd, do: {kind, a, b}) ++
        for(a <- odd, b <- odd, do: {:node_terminate, a, b, b}) ++
        for(a <- odd, b <- odd, do: {:scope, Beamjoin.scope(:x), :join, a, b}) ++
        for(
          part <- [Scope, Modules],
          kind <- [:join, :leave, :other],
          a <- odd,
          b <- odd ++ Enum.map(odd, &[&1]),
          do: {:scope, Module.concat(ds, part), kind, a, b}
        ) ++ for(a <- odd, b <- odd, do: {:DOWN, a, :process, b, b})

    calls =
      odd ++
        for(a <- odd, do: {:node_for, a}) ++
        for(a <- odd_specs(), b <- [0, 3, :many], do: {:"$beamjoin_start_child", a, b}) ++
        for(a <- odd_specs(), b <- odd, do: {:"$beamjoin_hand_over", a, b}) ++
        for(a <- odd, b <- odd ++ Enum.map(odd, &[&1]), do: {:"$beamjoin_keeps", a, b}) ++
        for(a <- odd, do: {:"$beamjoin_keeps", :name, [self() | a]})

    messages =
      Enum.map(casts, &{:"$gen_cast", &1}) ++
        infos ++ Enum.map(calls, &{:"$gen_call", {self(), make_ref()}, &1})

    for message <- messages do
      send(registry, message)

      assert registry |> GenServer.call(:nodes) |> is_list(), inspect(message)
      assert Process.whereis(registry) == before, inspect(message)
    end

    # What was taken for a start is answered by the supervisor of the children.
    assert {:ok, _pid, :last} = Beamjoin.start_child(ds, {Server, name: :last})
    assert Process.whereis(Module.concat(ds, DynamicSupervisor)) == supervisor
  end

  test "no message of a peer ends the supervisor of the children", %{ds: ds} do
    {:ok, child, :first} = Beamjoin.start_child(ds, {Server, name: :first})
    supervisor = Module.concat(ds, DynamicSupervisor)
    before = Process.whereis(supervisor)
    odd = odd()

    casts =
      odd ++
        for(a <- odd, do: {:"$beamjoin", a}) ++
        for(kind <- [:withdraw, :announce_to], a <- odd, do: {:"$beamjoin", {kind, a}}) ++
        for(
          kind <- [:end, :stop],
          a <- odd -- [self()],
          b <- odd_specs(),
          do: {:"$beamjoin", {kind, a, b}}
        )

    calls =
      odd ++
        for(
          kind <- [:start_child, :terminate_child, :"$beamjoin_terminate", :"$beamjoin_release"],
          a <- odd,
          do: {kind, a}
        ) ++
        for(a <- odd_specs(), b <- odd, do: {:"$beamjoin_take", a, b, b}) ++
        for(a <- odd_specs(), b <- [:none | odd], do: {:"$beamjoin_take", a, b, false})

    infos =
      odd ++
        for(a <- odd, b <- odd, do: {a, b}) ++
        for(kind <- [:"$gen_restart", :"$beamjoin_kill"], a <- odd, do: {kind, a}) ++
        for(a <- odd, b <- odd, do: {:EXIT, a, b})

    messages =
      Enum.map(casts, &{:"$gen_cast", &1}) ++
        infos ++ Enum.map(calls, &{:"$gen_call", {self(), make_ref()}, &1})

    for message <- messages do
      send(supervisor, message)
      assert DynamicSupervisor.count_children(supervisor).workers >= 1, inspect(message)
      assert Process.whereis(supervisor) == before, inspect(message)
    end

    assert Beamjoin.whereis(ds, :first) == child
  end
end
