defmodule Beamjoin.OptionsTest do
  use ExUnit.Case, async: true

  alias Beamjoin.Options

  test "everything but the name has a default" do
    assert %Options{name: DS, nodes: [], monitor_nodes: false, cache_children?: true} =
             Options.new!(name: DS)

    assert Options.new!(name: DS, monitor_nodes: true).monitor_nodes == :all
    assert Options.new!(name: DS, listeners: Some).listeners == [Some]
    assert Options.new!(name: DS, listeners: {Some, :a}).listeners == [{Some, :a}]
    assert Options.new!(name: DS, rebalance: false).rebalance == nil
    assert Options.new!(name: DS, rebalance: true).rebalance == %{concurrency: 4, delay: 5_000}
    assert Options.new!(name: DS, rebalance: [delay: 0]).rebalance.delay == 0
  end

  test "without a name it is the error of the hex package" do
    assert_raise KeyError, ~r/:name/, fn -> Options.new!([]) end
  end

  test "what is wrong is named" do
    for {options, why} <- [
          {[name: "DS"], ~r/:name/},
          {[name: nil], ~r/:name/},
          {[name: DS, nodes: ["a@host"]], ~r/:nodes/},
          {[name: DS, monitor_nodes: :some], ~r/:monitor_nodes/},
          {[name: DS, cache_children?: 1], ~r/:cache_children\?/},
          {[name: DS, listeners: ["Some"]], ~r/:listeners/},
          {[name: DS, rebalance: 1], ~r/:rebalance/},
          {[name: DS, rebalance: [delay: -1]], ~r/:rebalance/},
          {[name: DS, rebalance: [speed: 1]], ~r/:rebalance/},
          {[name: DS, max_restarts: -1], ~r/:max_restarts/},
          {[name: DS, max_seconds: 0], ~r/:max_seconds/},
          {[name: DS, max_children: 5], ~r/unknown option :max_children/}
        ] do
      assert_raise ArgumentError, why, fn -> Options.new!(options) end
    end
  end
end
