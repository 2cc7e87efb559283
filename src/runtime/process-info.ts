/** What is known about a process from outside. */
import type { Atom, Pid, Reference } from '../etf/index.ts'
import type { Cell } from './cell.ts'
import type { MonitorTarget } from './signals.ts'

export interface ProcessInfo {
  /** Class or function name of what runs in it. */
  readonly label: string
  readonly registeredName: Atom | undefined
  readonly messageQueueLength: number
  readonly links: readonly Pid[]
  readonly monitors: readonly MonitorTarget[]
  /** The references of the monitors that others hold on it. */
  readonly monitoredBy: readonly Reference[]
  readonly trapExit: boolean
  readonly groupLeader: Pid
  readonly parent: Pid
}

export function processInfo(cell: Cell): ProcessInfo {
  return {
    label: cell.label,
    registeredName: cell.name,
    messageQueueLength: cell.mailbox.length,
    links: [...cell.links.pids()],
    monitors: [...cell.monitors.values()].map((monitor) => monitor.target),
    monitoredBy: [...cell.watchers.values()].map((watcher) => watcher.ref),
    trapExit: cell.trapExit,
    groupLeader: cell.groupLeader,
    parent: cell.parent,
  }
}
