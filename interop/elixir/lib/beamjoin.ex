defmodule Beamjoin do
  @moduledoc """
  The Elixir side of beamjoin: names for processes that a distributed supervisor runs, on whichever node and in
  whichever language.

  A supervisor `DS` that runs on TypeScript nodes, Elixir nodes or both keeps its children in a `:pg` scope of its own,
  `DS.Scope`: one group for each child, named as the child is, with the child's pid as its one member. This library
  reads and writes that registry, so a child named `MGS` is called like any other server:

      GenServer.call(Beamjoin.via(DS, MGS), :get)

  Nothing has to be started first. See `Beamjoin.Registry` for the rules.
  """

  @typedoc "The name of a distributed supervisor, such as `DS`."
  @type supervisor :: atom()

  @typedoc "The name of a child: any term."
  @type child :: term()

  @doc """
  The name of `child` of the distributed supervisor `supervisor`, as every OTP function takes one.

      iex> Beamjoin.via(DS, MGS)
      {:via, Beamjoin.Registry, {DS, MGS}}

  """
  @spec via(supervisor(), child()) :: {:via, module(), {supervisor(), child()}}
  def via(supervisor, child) when is_atom(supervisor) do
    {:via, Beamjoin.Registry, {supervisor, child}}
  end

  @doc """
  The `:pg` scope in which `supervisor` keeps its children.

      iex> Beamjoin.scope(DS)
      DS.Scope

  """
  @spec scope(supervisor()) :: module()
  def scope(supervisor) when is_atom(supervisor), do: Module.concat(supervisor, Scope)
end
