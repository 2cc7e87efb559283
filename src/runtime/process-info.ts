/** What is known about a process from outside. */
import type { Atom, Encodable, Pid, Term } from '../etf/index.ts'
import type { Cell } from './cell.ts'
import { FunctionCell } from './function-cell.ts'
import type { MonitorTarget } from './signals.ts'

export interface ProcessInfo {
  /** Class or function name of what runs in it. */
  readonly label: string
  /** What it says it is itself, as `Process.set_label/1`. */
  readonly processLabel: Encodable | undefined
  /** `client` is the process that stands for plain code; a server in a thread is a server too. */
  readonly kind: 'server' | 'function' | 'client'
  /** False while its code runs, or its turn has not come yet. */
  readonly isWaiting: boolean
  readonly registeredName: Atom | undefined
  readonly messageQueueLength: number
  /** What waits in the mailbox, the oldest first. */
  messages(): Term[]
  readonly links: readonly Pid[]
  readonly monitors: readonly MonitorTarget[]
  /** Those who monitor it, each as often as it does. */
  readonly monitoredBy: readonly Pid[]
  readonly trapExit: boolean
  readonly groupLeader: Pid
  readonly parent: Pid
  readonly ancestors: readonly (Pid | Atom)[]
  /** Messages and turns of its code so far. */
  readonly reductions: number
}

export function processInfo(cell: Cell): ProcessInfo {
  const { mailbox } = cell
  return {
    label: cell.label,
    processLabel: cell.processLabel,
    kind: cell.permanent ? 'client' : cell instanceof FunctionCell ? 'function' : 'server',
    isWaiting: cell.isWaiting,
    registeredName: cell.name,
    messageQueueLength: mailbox.length,
    messages: () => Array.from({ length: mailbox.length }, (_, index) => mailbox.at(index) as Term),
    links: [...cell.links.pids()],
    monitors: [...cell.monitors.values()].map((monitor) => monitor.target),
    monitoredBy: [...cell.watchers.values()].map((watcher) => watcher.by),
    trapExit: cell.trapExit,
    groupLeader: cell.groupLeader,
    parent: cell.parent,
    ancestors: cell.ancestors,
    reductions: cell.reductions,
  }
}
