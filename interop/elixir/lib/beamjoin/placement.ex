defmodule Beamjoin.Placement do
  @moduledoc """
  Which nodes can run a child, and who keeps a name that two of them own. Arithmetic on what one node knows of the
  cluster; every node that knows the same answers the same, in Elixir and in TypeScript.

  A module that a TypeScript node claims runs on those that claim it. A module that none claims is Elixir's: it runs on
  the nodes of the hex package `distributed_supervisor`, which declare nothing, and on those of this library.
  """

  alias Beamjoin.Ring

  @enforce_keys [:ring]
  defstruct [:ring, declared: MapSet.new(), elixir: MapSet.new(), claims: %{}]

  @typedoc """
  What a node knows of the cluster: the ring, the nodes that declared themselves (all but those of the hex package), which
  of these run what no TypeScript node claims, and which modules TypeScript nodes claim.
  """
  @type t :: %__MODULE__{
          ring: Ring.t(),
          declared: MapSet.t(node()),
          elixir: MapSet.t(node()),
          claims: %{optional(module()) => MapSet.t(node())}
        }

  @doc """
  The nodes to start the child `name` of `module` on, in the order to try them; the first is its home.

      iex> view = %Beamjoin.Placement{ring: Beamjoin.Ring.new([:ts@host]), declared: MapSet.new([:ts@host])}
      iex> Beamjoin.Placement.candidates(view, :name, MyServer)
      []
      iex> view = %{view | claims: %{MyServer => MapSet.new([:ts@host])}}
      iex> Beamjoin.Placement.candidates(view, :name, MyServer)
      [:ts@host]

  """
  @spec candidates(t(), term(), module()) :: [node()]
  def candidates(%__MODULE__{ring: ring} = view, name, module) do
    ring |> Ring.nodes_for(name) |> Enum.filter(&runs?(view, &1, module))
  end

  @doc """
  Whether `node`, as a member of the ring, can run `module`.
  """
  @spec runs?(t(), node(), module()) :: boolean()
  def runs?(%__MODULE__{declared: declared, elixir: elixir, claims: claims}, node, module) do
    claimed = Map.get(claims, module, MapSet.new())

    if MapSet.size(claimed) > 0,
      do: MapSet.member?(claimed, node),
      else: MapSet.member?(elixir, node) or not MapSet.member?(declared, node)
  end

  @doc """
  The one of `owners` that keeps `name`, or `nil` when there is none.

  It is the one on the node that the ring meets first from the name on. Nodes outside the ring come after those in it, in
  the order of a ring of their own; of two owners on one node the first in term order keeps the name.
  """
  @spec winner(t(), term(), [pid()]) :: pid() | nil
  def winner(%__MODULE__{}, _name, []), do: nil
  def winner(%__MODULE__{}, _name, [owner]), do: owner

  def winner(%__MODULE__{ring: ring}, name, owners) do
    holds = MapSet.new(owners, &node/1)

    keeper =
      ring |> Ring.nodes_for(name) |> Enum.find(&MapSet.member?(holds, &1)) ||
        holds |> Enum.sort() |> Ring.new() |> Ring.node_for(name)

    owners |> Enum.filter(&(node(&1) == keeper)) |> Enum.min()
  end
end
