/** Names that servers are started under: taken before `init` runs, given back when it fails (as `gen` does it). */
import type { Logger } from '../core/index.ts'
import type { Atom, Pid } from '../etf/index.ts'
import type { Cell } from './cell.ts'
import { isLocalName, type NameResolver, type ServerName, toAtom } from './destination.ts'
import { ProcessError } from './errors.ts'
import type { Names } from './names.ts'

/** Where names are kept. */
export interface NameKeepers {
  readonly names: Names
  readonly resolver: NameResolver | undefined
  readonly logger: Logger
}

/** The name is taken; `holder` is undefined when it was given back in between. */
export interface NameTaken {
  readonly holder: Pid | undefined
}

/** @returns undefined when the process has the name now. */
export async function takeName(
  keepers: NameKeepers,
  name: ServerName,
  cell: Cell,
): Promise<NameTaken | undefined> {
  if (isLocalName(name)) return takeLocalName(keepers.names, toAtom(name), cell)
  if (!('global' in name)) {
    return (await name.register(cell.pid)) ? undefined : { holder: await name.whereis() }
  }
  const resolver = resolverOf(keepers)
  if (await resolver.registerName(name, cell.pid)) return undefined
  return { holder: resolver.resolve(name) }
}

/** Never fails: whoever keeps the name drops it as well when it sees the process end. */
export async function giveNameBack(keepers: NameKeepers, name: ServerName, cell: Cell): Promise<void> {
  // Names of this node are given back by the end of the process.
  if (isLocalName(name)) return
  try {
    if ('global' in name) await resolverOf(keepers).unregisterName(name, cell.pid)
    else await name.unregister(cell.pid)
  } catch (error) {
    keepers.logger.warn(
      { error, pid: String(cell.pid) },
      'the name of a server that did not start was not given back',
    )
  }
}

function takeLocalName(names: Names, name: Atom, cell: Cell): NameTaken | undefined {
  const holder = names.whereis(name)
  if (holder !== undefined) return { holder }
  names.register(name, cell)
  return undefined
}

function resolverOf(keepers: NameKeepers): NameResolver {
  if (keepers.resolver !== undefined) return keepers.resolver
  throw new ProcessError(
    'ERR_RUNTIME_NO_GLOBAL',
    'global names need a node that runs :global; set a name resolver',
  )
}
