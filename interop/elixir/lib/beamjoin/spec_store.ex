defmodule Beamjoin.SpecStore do
  @moduledoc false
  # How to start the children of every node again, by the node that runs them and the child's name.

  @type t :: %{optional(node()) => %{optional(term()) => Beamjoin.ChildSpec.t()}}

  @spec new() :: t()
  def new, do: %{}

  @spec put(t(), node(), term(), map()) :: t()
  def put(specs, node, name, spec) do
    Map.update(specs, node, %{name => spec}, &Map.put(&1, name, spec))
  end

  @spec get(t(), node(), term()) :: map() | nil
  def get(specs, node, name) do
    case specs do
      %{^node => %{^name => spec}} -> spec
      %{} -> nil
    end
  end

  @spec delete(t(), node(), term()) :: t()
  def delete(specs, node, name) do
    case specs do
      %{^node => %{^name => _spec} = owned} when map_size(owned) == 1 -> Map.delete(specs, node)
      %{^node => owned} -> %{specs | node => Map.delete(owned, name)}
      %{} -> specs
    end
  end

  @doc "Forgets all children of a node."
  @spec drop(t(), node()) :: t()
  def drop(specs, node), do: Map.delete(specs, node)

  @spec owned_by(t(), node()) :: [{term(), map()}]
  def owned_by(specs, node), do: specs |> Map.get(node, %{}) |> Enum.to_list()
end
