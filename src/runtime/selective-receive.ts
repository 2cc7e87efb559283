/** Selective receive: takes a message that is there already, or waits for one. */
import type { Term } from '../etf/index.ts'
import { timeoutMs } from './calls.ts'
import type { Cell } from './cell.ts'
import { ProcessError } from './errors.ts'
import type { Kernel } from './kernel.ts'
import { Receive, type ReceiveOptions, receiveTimeout } from './receive.ts'

/** Takes every message. */
export function anything(): boolean {
  return true
}

/** See `Process.receive`. The message itself when it is there already, and this turn of the event loop has time for it. */
export function receive(
  kernel: Kernel,
  cell: Cell,
  match: (message: Term) => boolean,
  options: ReceiveOptions,
): Term | Promise<Term> {
  const { mailbox } = cell
  if (cell.receiving !== undefined) {
    throw new ProcessError(
      'ERR_RUNTIME_RECEIVE_BUSY',
      `${cell.pid} waits in a receive already; await that first`,
    )
  }
  options.signal?.throwIfAborted()
  mailbox.rescan()
  const index = mailbox.scan(match)
  // A process that always finds mail must not keep the event loop from its turn.
  const inTurn = index === -1 || kernel.scheduler.charge()
  if (index !== -1 && inTurn) return mailbox.removeAt(index) as Term
  return wait(kernel, cell, match, options, index !== -1)
}

function wait(
  { clock }: Kernel,
  cell: Cell,
  match: (message: Term) => boolean,
  options: ReceiveOptions,
  isThereAlready: boolean,
): Promise<Term> {
  const timeout = timeoutMs(options.timeout, Number.POSITIVE_INFINITY)
  if (timeout === 0 && !isThereAlready) throw receiveTimeout(0)
  const giveUp = (receiving: Receive, error: unknown): void => {
    if (cell.receiving === receiving) cell.receiving = undefined
    receiving.reject(error)
  }
  const receiving = new Receive(match, giveUp, clock, isThereAlready ? undefined : timeout, options.signal)
  cell.receiving = receiving
  if (isThereAlready) cell.wake()
  return receiving.promise
}
