/**
 * The end of a runtime: everybody is asked, then whoever is left is killed. What serves the node goes on until the others
 * have ended, who may need it for that, and whose other nodes go on asking: as the kernel application of the BEAM, which
 * ends last.
 */
import { KILLED, SHUTDOWN } from './atoms.ts'
import type { Cell } from './cell.ts'
import type { Kernel } from './kernel.ts'

/** What serves the node needs no time to end, and gets this much when the others have used up theirs. */
const SERVICES_MS = 100

/** @param onAlone called when only what serves the node is left */
export async function shutDown(
  kernel: Kernel,
  client: Cell,
  timeout: number,
  onAlone: () => void,
): Promise<void> {
  const { clock, exits, services, table } = kernel
  const deadline = clock.now() + timeout
  const living = (areServices: boolean): Cell[] =>
    table.cellsByAge().filter((cell) => cell !== client && services.has(cell) === areServices)
  const ask = (cell: Cell): void => {
    if (cell.alive) exits.request(cell, client.pid, SHUTDOWN)
  }
  const users = living(false)
  // Children are left to their parents, which end them in order.
  const children = new Map<Cell, Cell[]>()
  const askUsers = (): void => {
    for (const cell of users) {
      const parent = table.find(cell.parent)
      if (parent === undefined || parent === client || services.has(parent)) {
        ask(cell)
        continue
      }
      const siblings = children.get(parent)
      if (siblings === undefined) children.set(parent, [cell])
      else siblings.push(cell)
    }
  }
  // Those that it leaves behind, because they are not linked to it.
  const askOrphans = (parent: Cell): void => children.get(parent)?.forEach(ask)
  await end(kernel, users, timeout, askUsers, askOrphans)
  // Those also that were started meanwhile, for other nodes for instance: without end, if anybody waited for them.
  for (const cell of living(false)) exits.terminate(cell, KILLED)
  onAlone()
  const rest = living(true)
  await end(kernel, rest, Math.max(deadline - clock.now(), SERVICES_MS), () => rest.forEach(ask))
  for (const cell of [...living(false), ...living(true)]) exits.terminate(cell, KILLED)
  exits.terminate(client, SHUTDOWN)
}

/** Begins, and resolves when these have ended, or after `timeout` milliseconds. */
function end(
  { clock, exits }: Kernel,
  cells: readonly Cell[],
  timeout: number,
  begin: () => void,
  onEnded: (cell: Cell) => void = () => {},
): Promise<void> {
  const left = new Set(cells)
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel()
      exits.onEnded = undefined
      resolve()
    }
    const timer = clock.after(timeout, done)
    exits.onEnded = (cell) => {
      left.delete(cell)
      onEnded(cell)
      if (left.size === 0) done()
    }
    begin()
    if (left.size === 0) done()
  })
}
