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
  // Children are left to their parents, which end them in order.
  const hasParent = (cell: Cell): boolean => {
    const parent = table.find(cell.parent)
    return parent !== undefined && parent !== client && !services.has(parent)
  }
  const users = living(false)
  for (const cell of users) if (!hasParent(cell)) exits.request(cell, client.pid, SHUTDOWN)
  await allGone(kernel, users, timeout)
  // Those also that were started meanwhile, for other nodes for instance: without end, if anybody waited for them.
  for (const cell of living(false)) exits.terminate(cell, KILLED)
  onAlone()
  const rest = living(true)
  for (const cell of rest) exits.request(cell, client.pid, SHUTDOWN)
  await allGone(kernel, rest, Math.max(deadline - clock.now(), SERVICES_MS))
  for (const cell of [...living(false), ...living(true)]) exits.terminate(cell, KILLED)
  exits.terminate(client, SHUTDOWN)
}

/** Resolves when these have ended, or after `timeout` milliseconds. */
function allGone({ clock, exits }: Kernel, cells: readonly Cell[], timeout: number): Promise<void> {
  const left = new Set(cells.filter(({ alive }) => alive))
  if (left.size === 0) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel()
      exits.onEnded = undefined
      resolve()
    }
    const timer = clock.after(timeout, done)
    exits.onEnded = (cell) => {
      left.delete(cell)
      if (left.size === 0) done()
    }
  })
}
