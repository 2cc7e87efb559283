/** One node's part in a race of starts: it starts children of many names at once, and says what came of each. */
import {
  type Atom,
  type BeamNode,
  type DistributedSupervisor,
  inspect,
  type Pid,
  SupervisorError,
  type Term,
} from '../../src/index.ts'

/** `started` or `taken` with the process, or what went wrong. */
export type Outcome = string

function shown({ node, id, serial }: Pid): string {
  return `${node} ${id}.${serial}`
}

export function raceAll(
  ds: DistributedSupervisor,
  names: readonly Term[],
  module: string,
  on: Atom | undefined,
): Promise<Outcome[]> {
  return Promise.all(
    names.map(async (name) => {
      try {
        return `started ${shown((await ds.startChild([module, { name }], on)).pid)}`
      } catch (error) {
        const isTaken = error instanceof SupervisorError && error.code === 'ERR_SUPERVISOR_ALREADY_STARTED'
        return isTaken ? `taken ${shown(error.reason as Pid)}` : String(error)
      }
    }),
  )
}

/** Every name with all its owners, sorted. */
export function views(node: BeamNode, ds: DistributedSupervisor): string {
  const scope = node.pg(`${ds.name.name}.Scope`)
  const lines = scope
    .groups()
    .map((name) => `${inspect(name)}: ${scope.members(name).map(shown).sort().join(' ')}`)
  return lines.sort().join('\n')
}

/** The same for an Elixir node, as the module `Racer`; `api` has the functions of the hex package. */
export function elixirRacer(api: string): string {
  return `
    defmodule Racer do
      def shown(pid) do
        [_, id, serial] = pid |> :erlang.pid_to_list() |> List.to_string() |> String.trim(">") |> String.split(".")
        "#{node(pid)} #{id}.#{serial}"
      end
      def race(names, module, on) do
        names
        |> Enum.map(fn name -> Task.async(fn -> ${api}.start_child(DS, {module, name: name}, on) end) end)
        |> Task.await_many(30_000)
        |> Enum.map(fn
          {:ok, pid, _} -> "started " <> shown(pid)
          {:error, {:already_started, pid}} -> "taken " <> shown(pid)
          other -> inspect(other)
        end)
      end
      def views do
        (for name <- :pg.which_groups(DS.Scope), members = :pg.get_members(DS.Scope, name), members != [],
          do: inspect(name) <> ": " <> (members |> Enum.map(&shown/1) |> Enum.sort() |> Enum.join(" ")))
        |> Enum.sort() |> Enum.join("\\n")
      end
      def nodes, do: Enum.sort(${api}.nodes(DS))
    end
    :ok
  `
}
