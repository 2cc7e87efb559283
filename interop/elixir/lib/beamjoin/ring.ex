defmodule Beamjoin.Ring do
  @moduledoc """
  The hash ring that says on which node a child belongs: the same answer as the hex package `libring` and beamjoin's
  TypeScript nodes give, bit for bit.

  Each node has 128 points; a key belongs to the node of the first point at or above its hash, or to that of the lowest
  point when there is none. An atom is hashed as its external form, so from OTP 26 on it differs from OTP 25.
  """

  @points_per_node 128
  @range 4_294_967_295

  @enforce_keys [:points, :nodes]
  defstruct [:points, :nodes]

  @typedoc "A ring. `nodes` has the members, the latest first."
  @type t :: %__MODULE__{points: term(), nodes: [node()]}

  @doc """
  A ring of `nodes`. Their order matters only for points that two nodes share: who came first keeps them.

      iex> Beamjoin.Ring.new([:a@host, :b@host]).nodes
      [:b@host, :a@host]

  """
  @spec new([node()]) :: t()
  def new(nodes \\ []) do
    Enum.reduce(nodes, %__MODULE__{points: :gb_trees.empty(), nodes: []}, &add(&2, &1))
  end

  @doc """
  Adds a node, unless it is a member.
  """
  @spec add(t(), node()) :: t()
  def add(%__MODULE__{points: points, nodes: nodes} = ring, node) when is_atom(node) do
    if node in nodes do
      ring
    else
      points =
        for i <- 1..@points_per_node,
            point = :erlang.phash2({node, i}, @range),
            reduce: points do
          points ->
            if :gb_trees.is_defined(point, points),
              do: points,
              else: :gb_trees.insert(point, node, points)
        end

      %{ring | points: points, nodes: [node | nodes]}
    end
  end

  @doc """
  Removes a node. A point it had in common with a later one does not go back to that one.
  """
  @spec remove(t(), node()) :: t()
  def remove(%__MODULE__{points: points, nodes: nodes} = ring, node) do
    left = for {_point, owner} = entry <- :gb_trees.to_list(points), owner != node, do: entry
    %{ring | points: :gb_trees.from_orddict(left), nodes: List.delete(nodes, node)}
  end

  @doc """
  The node that `key` belongs to, or `nil` when the ring is empty.

      iex> Beamjoin.Ring.node_for(Beamjoin.Ring.new([:a@host]), {:user, 42})
      :a@host

  """
  @spec node_for(t(), term()) :: node() | nil
  def node_for(%__MODULE__{nodes: []}, _key), do: nil

  def node_for(%__MODULE__{points: points}, key) do
    case :gb_trees.next(:gb_trees.iterator_from(hash(key), points)) do
      {_point, node, _iterator} -> node
      :none -> points |> :gb_trees.smallest() |> elem(1)
    end
  end

  @doc """
  Every member, in the order in which the ring meets them from `key` on. The first is `node_for/2`.
  """
  @spec nodes_for(t(), term()) :: [node()]
  def nodes_for(%__MODULE__{nodes: []}, _key), do: []

  def nodes_for(%__MODULE__{points: points, nodes: nodes}, key) do
    from_key = :gb_trees.iterator_from(hash(key), points)
    missing = MapSet.new(nodes)
    {found, missing} = walk(:gb_trees.next(from_key), missing, [])

    {found, _none} = walk(:gb_trees.next(:gb_trees.iterator(points)), missing, found)
    Enum.reverse(found)
  end

  # As the hex package does it: an atom by its external form, any other term as it is.
  defp hash(key) when is_atom(key), do: key |> :erlang.term_to_binary() |> :erlang.phash2(@range)
  defp hash(key), do: :erlang.phash2(key, @range)

  defp walk(:none, missing, found), do: {found, missing}

  defp walk({_point, node, iterator}, missing, found) do
    cond do
      MapSet.size(missing) == 0 ->
        {found, missing}

      MapSet.member?(missing, node) ->
        walk(:gb_trees.next(iterator), MapSet.delete(missing, node), [node | found])

      true ->
        walk(:gb_trees.next(iterator), missing, found)
    end
  end
end
