/**
 * The end of a runtime: everybody is asked, then whoever is left is killed. First those that this node started for itself,
 * then what runs for other nodes, and last what serves the node: processes that end may need it, and other nodes go on
 * asking. On the BEAM applications end before that of the kernel, and what runs for others with the node itself.
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
  const { users, guests } = whoIsThere(kernel, client)
  await end(kernel, client, users, timeout)
  await end(kernel, client, guests, deadline - clock.now())
  // Others may have been started meanwhile, for other nodes for instance: without end, if anybody waited for them.
  const rest = table.cellsByAge().filter((cell) => cell !== client)
  for (const cell of rest) if (!services.has(cell)) exits.terminate(cell, KILLED)
  onAlone()
  const serving = rest.filter((cell) => services.has(cell))
  await end(kernel, client, serving, Math.max(deadline - clock.now(), SERVICES_MS))
  for (const cell of table.cellsByAge()) if (cell !== client) exits.terminate(cell, KILLED)
  exits.terminate(client, SHUTDOWN)
}

/** Guests run for other nodes: those started them, or a process that serves the node did. */
function whoIsThere({ services, table }: Kernel, client: Cell): { users: Cell[]; guests: Cell[] } {
  const users: Cell[] = []
  const guests = new Set<Cell>()
  // Parents come before their children.
  for (const cell of table.cellsByAge()) {
    if (cell === client || services.has(cell)) continue
    const parent = table.find(cell.parent)
    const isHosts = parent === undefined ? !table.isOurs(cell.parent) : services.has(parent)
    if (isHosts || (parent !== undefined && guests.has(parent))) guests.add(cell)
    else users.push(cell)
  }
  return { users, guests: [...guests] }
}

/** Asks these to end, and resolves when they have, or after `timeout` milliseconds. */
function end(
  { clock, exits, services, table }: Kernel,
  client: Cell,
  cells: readonly Cell[],
  timeout: number,
): Promise<void> {
  const left = new Set(cells.filter(({ alive }) => alive))
  if (left.size === 0) return Promise.resolve()
  const ask = (cell: Cell): void => {
    if (cell.alive) exits.request(cell, client.pid, SHUTDOWN)
  }
  const children = new Map<Cell, Cell[]>()
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel()
      exits.onEnded = undefined
      resolve()
    }
    const timer = clock.after(Math.max(timeout, 0), done)
    exits.onEnded = (cell) => {
      left.delete(cell)
      // Those that it leaves behind, because they are not linked to it.
      children.get(cell)?.forEach(ask)
      if (left.size === 0) done()
    }
    for (const cell of left) {
      const parent = table.find(cell.parent)
      // Children are left to their parents, which end them in order.
      if (parent === undefined || parent === client || services.has(parent)) ask(cell)
      else append(children, parent, cell)
    }
  })
}

function append(children: Map<Cell, Cell[]>, parent: Cell, child: Cell): void {
  const siblings = children.get(parent)
  if (siblings === undefined) children.set(parent, [child])
  else siblings.push(child)
}
