defmodule Beamjoin.HexNames do
  @moduledoc false
  # The modules that other nodes, and people in iex, use by the names that the hex package gives them:
  # `DistributedSupervisor.Registry` is in every via name, and `DistributedSupervisor.dynamic_supervisor_status/1` is how nodes
  # of the hex package and of TypeScript read specifications. Where that package is loaded, or can be, its own stay.

  @api [
    start_link: 1,
    start_child: 2,
    start_child: 3,
    terminate_child: 2,
    children: 1,
    local_children: 1,
    whereis: 2,
    whois: 2,
    call: 3,
    call: 4,
    cast: 3,
    send: 3,
    via_name: 2,
    nodes: 1,
    node_for: 2,
    mine?: 2,
    child_spec: 1
  ]

  @registry [register_name: 2, unregister_name: 1, whereis_name: 1, send: 2]

  @doc "Defines them unless they are there."
  @spec define() :: :ok
  def define do
    # One at a time: two supervisors may start at once.
    :global.trans(
      {__MODULE__, self()},
      fn ->
        define(DistributedSupervisor.Registry, Beamjoin.Registry, @registry)
        define(DistributedSupervisor, Beamjoin, @api ++ [dynamic_supervisor_status: 1])
      end,
      [node()]
    )

    :ok
  end

  defp define(module, to, functions) do
    unless Code.ensure_loaded?(module) do
      delegates =
        for {function, arity} <- functions do
          arguments = Macro.generate_arguments(arity, __MODULE__)

          quote do
            def unquote(function)(unquote_splicing(arguments)),
              do: unquote(to).unquote(function)(unquote_splicing(arguments))
          end
        end

      except = for {:send, 2} = send <- functions, do: send

      Module.create(
        module,
        quote do
          @moduledoc false
          import Kernel, except: unquote(except)
          unquote_splicing(delegates)
        end,
        Macro.Env.location(__ENV__)
      )
    end
  end
end
