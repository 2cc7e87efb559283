/** The start of a server: its name, then `init`. What `gen:init_it` does. */
import { atom, type Term, tuple } from '../etf/index.ts'
import { NORMAL } from './atoms.ts'
import type { Cell } from './cell.ts'
import { exitReason } from './crash.ts'
import type { ServerName } from './destination.ts'
import { GenServer } from './gen-server.ts'
import type { Process } from './process.ts'
import { Ignore, type ServerCallbacks, type ServerClass, Stop } from './server-callbacks.ts'
import { giveNameBack, type NameKeepers, takeName } from './server-name.ts'
import type { StartResult } from './spawner.ts'

const ALREADY_STARTED = atom('already_started')

/** What a server is started with. */
export interface ServerPlan {
  readonly server: ServerClass
  readonly args: unknown
  readonly name: ServerName | undefined
  /** Told how the start ended; undefined: nobody waits. */
  readonly onStarted: ((result: StartResult) => void) | undefined
}

/** How the start went: the server serves with what `init` returned, or the process exits with `exit`. */
export type Boot =
  | { readonly serves: true; readonly server: ServerCallbacks<unknown>; readonly initial: unknown }
  | { readonly serves: false; readonly result: StartResult; readonly exit: Term }

/** Runs `init`. Never rejects. */
export async function boot(plan: ServerPlan, keepers: NameKeepers, cell: Cell, self: Process): Promise<Boot> {
  const { name } = plan
  try {
    const taken = name === undefined ? undefined : await takeName(keepers, name, cell)
    if (taken !== undefined) {
      const reason = tuple(ALREADY_STARTED, taken.holder) as Term
      return { serves: false, result: { status: 'error', reason }, exit: NORMAL }
    }
  } catch (error) {
    return failed(exitReason(error))
  }
  const booted = await init(plan, self)
  if (name !== undefined && (!booted.serves || !cell.alive)) await giveNameBack(keepers, name, cell)
  return booted
}

async function init(plan: ServerPlan, self: Process): Promise<Boot> {
  if (!self.isAlive) return failed(NORMAL)
  try {
    const server = new plan.server()
    if (server instanceof GenServer) server.attachProcess(self)
    const pending = server.init(plan.args)
    const initial = isThenable(pending) ? await pending : pending
    if (initial instanceof Stop) return failed(initial.reason as Term)
    if (initial instanceof Ignore) return { serves: false, result: { status: 'ignore' }, exit: NORMAL }
    return { serves: true, server, initial }
  } catch (error) {
    return failed(exitReason(error))
  }
}

function failed(reason: Term): Boot {
  return { serves: false, result: { status: 'error', reason }, exit: reason }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
