/** The end of a runtime: everybody is asked, then whoever is left is killed. */
import { KILLED, SHUTDOWN } from './atoms.ts'
import type { Cell } from './cell.ts'
import type { Kernel } from './kernel.ts'

export async function shutDown(kernel: Kernel, client: Cell, timeout: number): Promise<void> {
  const { exits, table } = kernel
  const others = (): Cell[] => table.cellsByAge().filter((cell) => cell !== client)
  // Children are left to their parents, which end them in order.
  for (const cell of others()) {
    if (cell.parent.equals(client.pid) || table.find(cell.parent) === undefined) {
      exits.request(cell, client.pid, SHUTDOWN)
    }
  }
  await allGone(kernel, timeout)
  for (const cell of others()) exits.terminate(cell, KILLED)
  exits.terminate(client, SHUTDOWN)
}

/** Resolves when only the client is left, or after `timeout` milliseconds. */
function allGone(kernel: Kernel, timeout: number): Promise<void> {
  const { clock, exits, table } = kernel
  if (table.size <= 1) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel()
      exits.onEnded = undefined
      resolve()
    }
    const timer = clock.after(timeout, done)
    exits.onEnded = () => {
      if (table.size <= 1) done()
    }
  })
}
