/**
 * What a thread asks its node and waits for: names, and pids for new processes. The thread stands still meanwhile, as
 * a scheduler of the BEAM does for the lock on its table of names; the node never waits for a thread, so none of this
 * can lock up.
 */
import type { MessagePort } from 'node:worker_threads'
import { atom, decode, type Encodable, type Pid } from '../../etf/index.ts'
import { ProcessError } from '../errors.ts'
import type { Kernel } from '../kernel.ts'
import type { ThreadDefinition } from './thread.ts'

/** A pid as it can be cloned; the node and its creation are known. */
export type PidNumbers = readonly [id: number, serial: number]

export type Ask =
  | { readonly what: 'register'; readonly name: string; readonly pid: PidNumbers }
  | { readonly what: 'unregister' | 'whereis'; readonly name: string }
  /** Who has a global name, in the external term format. */
  | { readonly what: 'whereis_global'; readonly global: Uint8Array }
  | { readonly what: 'pids' }

export type Answer =
  | { readonly value: boolean | PidAnswer | readonly PidNumbers[] | undefined }
  | { readonly code: string; readonly message: string }

/** A name may belong to a process of any node. */
export interface PidAnswer {
  readonly node: string
  readonly numbers: PidNumbers
  readonly creation: number
}

/** What a worker is started with. */
export interface WorkerData {
  readonly url: string
  readonly node: string
  readonly creation: number
  /** Part of every reference that the thread makes. */
  readonly number: number
  readonly label: string
  readonly name: string | undefined
  readonly start: Uint8Array
  readonly args: unknown
  readonly codec: object
  readonly mailboxLimit: number
  readonly pids: readonly PidNumbers[]
  readonly answers: MessagePort
  /** Counts the answers. */
  readonly signal: SharedArrayBuffer
}

/** What a thread sends beside batches. */
export type WorkerNote =
  | {
      readonly note: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }
  | { readonly note: 'ask'; readonly ask: Ask }
  | {
      readonly note: 'start'
      readonly id: number
      readonly parent: PidNumbers
      readonly definition: ThreadDefinition
      readonly args: unknown
      readonly name: string | undefined
      readonly timeout: number | 'infinity' | undefined
      readonly link: boolean
    }

/** Pids that a thread has in stock; it asks for more when they are used up. */
export const PID_STOCK = 16

export function takePids(kernel: Kernel): PidNumbers[] {
  return Array.from({ length: PID_STOCK }, () => numbersOf(kernel.table.allocate()))
}

function pidAnswer(pid: Pid): PidAnswer {
  return { node: pid.node.name, numbers: numbersOf(pid), creation: pid.creation }
}

export function numbersOf(pid: Pid): PidNumbers {
  return [pid.id, pid.serial]
}

/** Never throws. */
export function answerAsk(kernel: Kernel, ask: Ask, pidOf: (numbers: PidNumbers) => Pid): Answer {
  try {
    return { value: carryOut(kernel, ask, pidOf) }
  } catch (error) {
    if (error instanceof ProcessError) return { code: error.code, message: error.message }
    return { code: 'ERR_RUNTIME_NO_PROCESS', message: String(error) }
  }
}

function carryOut(
  kernel: Kernel,
  ask: Ask,
  pidOf: (numbers: PidNumbers) => Pid,
): boolean | PidAnswer | PidNumbers[] | undefined {
  switch (ask.what) {
    case 'pids':
      return takePids(kernel)
    case 'unregister':
      return kernel.names.unregister(atom(ask.name))
    case 'whereis': {
      const pid = kernel.names.whereis(atom(ask.name))
      return pid && pidAnswer(pid)
    }
    case 'whereis_global': {
      const pid = kernel.delivery.resolver?.resolve({ global: decode(ask.global) as Encodable })
      return pid && pidAnswer(pid)
    }
    case 'register': {
      const pid = pidOf(ask.pid)
      const cell = kernel.table.find(pid)
      if (cell === undefined) throw new ProcessError('ERR_RUNTIME_EXITED', `${pid} has exited`)
      kernel.names.register(atom(ask.name), cell)
      return true
    }
  }
}
