/** How processes are made, as the processes themselves see it. */
import type { Pid, Reference, Term } from '../etf/index.ts'
import { IGNORE } from './atoms.ts'
import type { Cell } from './cell.ts'
import type { ServerName } from './destination.ts'
import { InitError } from './errors.ts'
import type { ServerClass } from './server-callbacks.ts'

/** A function that runs as a process, or a server class. */
export type SpawnBody = ((self: never, ...args: never[]) => unknown) | ServerClass

export interface SpawnOptions {
  /** Links the new process to the one that spawns it, before it runs. */
  readonly link?: boolean
  /** Default: the group leader of the process that spawns it. */
  readonly groupLeader?: Pid
}

export interface StartOptions {
  /** Registered before `init` runs. */
  readonly name?: ServerName
  /** Milliseconds that `init` may take; default no limit. Then the server is killed and the reason is `timeout`. */
  readonly timeout?: number | 'infinity'
  /** Default: the group leader of the process that starts it. */
  readonly groupLeader?: Pid
}

/** How starting a server ended: what `gen_server:start` returns. */
export type StartResult =
  | { readonly status: 'ok'; readonly pid: Pid }
  | { readonly status: 'ignore' }
  | { readonly status: 'error'; readonly reason: Term }

/** @throws InitError unless the server runs. */
export function started(result: StartResult): Pid {
  if (result.status === 'ok') return result.pid
  throw new InitError(result.status === 'ignore' ? IGNORE : result.reason)
}

/** What `spawnMonitor` gives. */
export interface MonitoredProcess {
  readonly pid: Pid
  readonly ref: Reference
}

export interface Spawner {
  spawn(parent: Cell, body: SpawnBody, args: readonly unknown[], options?: SpawnOptions): Pid
  start(
    parent: Cell,
    server: ServerClass,
    args: unknown,
    options: StartOptions & { readonly link?: boolean },
  ): Promise<StartResult>
}
