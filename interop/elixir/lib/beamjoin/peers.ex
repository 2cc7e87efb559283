defmodule Beamjoin.Peers do
  @moduledoc false
  # What the registries of nodes that declared themselves tell each other, to `{n.Registry, node}`. Others get none of it:
  # the registry of the hex package crashes on what it does not know.
  #
  #   cast {:"$beamjoin_children", node, [{name, spec}]}   node starts, or runs, these children; before they have the name
  #   cast {:"$beamjoin_gone", node, name}                 it ended for good: nobody is to start it again
  #   call {:"$beamjoin_start_child", spec, hops}          a start that was passed on so often, 1 for the first time
  #   call {:"$beamjoin_hand_over", spec, handoff}         a child that another node has just ended, to go on here
  #   call {:"$beamjoin_keeps", name, [kept | others]}     of these owners of a name, would you keep the first, one of yours?
  #
  # Both calls with a specification answer as `DynamicSupervisor.start_child/2`. `handoff` is `:none`, or `{:state, term}` for
  # the new instance.

  alias Beamjoin.{Names, Scopes}

  @doc "Tells all that declared themselves, this node included."
  @spec tell_all(Beamjoin.supervisor(), term()) :: :ok
  def tell_all(supervisor, message) do
    for pid <- Scopes.known(Names.modules(supervisor), "members"),
        do: send_cast(pid, message)

    :ok
  end

  @doc "Tells the registry of one node."
  @spec tell(Beamjoin.supervisor(), node(), term()) :: :ok
  def tell(supervisor, node, message) do
    send_cast({Names.registry(supervisor), node}, message)
    :ok
  end

  # A node that is gone is not looked for: who tells it something is not to wait.
  defp send_cast(to, message), do: Process.send(to, {:"$gen_cast", message}, [:noconnect])
end
