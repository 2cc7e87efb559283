/** What a worker runs: a kernel of its own, the module that it was started for, and the signals of the node. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../core/index.ts'
import { findTsx } from '../../core/worker.ts'
import {
  type Atom,
  atom,
  type CodecOptions,
  decode,
  type Pid,
  type Reference,
  type Term,
  type Tuple,
} from '../../etf/index.ts'
import type { Cell, Origin } from '../cell.ts'
import { exitReason } from '../crash.ts'
import { FunctionCell } from '../function-cell.ts'
import { repliedCall } from '../gen-reply.ts'
import { DEFAULT_LIMITS } from '../kernel.ts'
import type { Process } from '../process.ts'
import type { ServerClass } from '../server-callbacks.ts'
import { ServerCell } from '../server-cell.ts'
import type { StartResult } from '../spawner.ts'
import { unpackArgument } from './argument.ts'
import type { WorkerData } from './asks.ts'
import { BatchReader, TO_THREAD } from './ops.ts'
import { ThreadKernel } from './worker-kernel.ts'
import { NodePort, type StartedNote } from './worker-port.ts'

const data = workerData as WorkerData
const parent = parentPort
if (parent === null) throw new Error('this module is the entry of a worker thread')

const [pid, parentPid, groupLeader, ancestors] = [...(decode(data.start) as Tuple)] as [
  Pid,
  Pid,
  Pid,
  (Pid | Atom)[],
]
const origin: Origin = { pid, parent: parentPid, groupLeader, ancestors, label: data.label }

try {
  const module = await load(data.url)
  const codec = { ...data.codec, ...(module['codec'] as CodecOptions | undefined) }
  serve(module['default'], new NodePort(parent, data, pid, codec), codec)
} catch (error) {
  const port = new NodePort(parent, data, pid, {})
  const reason = exitReason(unloadable(error))
  port.failed({ status: 'error', reason })
  port.ended(pid, reason)
  port.flush()
}

/** Modules in TypeScript need tsx where Node does not take them; the module's own package knows where it is. */
async function load(url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (error) {
    const { code } = error as { readonly code?: string }
    if (code !== 'ERR_UNKNOWN_FILE_EXTENSION' || !/\.[cm]?tsx?$/.test(new URL(url).pathname)) throw error
    const tsx = findTsx(url)
    if (tsx === undefined) throw error
    const { register } = (await import(tsx)) as { register(): void }
    register()
    return (await import(url)) as Record<string, unknown>
  }
}

function serve(exported: unknown, port: NodePort, codec: CodecOptions): void {
  const kernel = new ThreadKernel(
    {
      node: atom(data.node),
      creation: data.creation,
      clock: systemClock,
      logger: port.logger,
      router: port,
      codec,
      limits: { ...DEFAULT_LIMITS, mailbox: data.mailboxLimit },
    },
    port,
    data.number,
  )
  kernel.exits.onEnded = (cell, reason) => {
    port.ended(cell.pid, reason)
    if (cell === first) port.flush()
  }
  let isTold = false
  const onStarted = (result: StartResult): void => {
    // The end of a server that did not start is told as well.
    if (isTold) return
    isTold = true
    if (result.status === 'ok') port.started()
    else port.failed(result)
  }
  const first = firstCell(kernel, exported, unpackArgument(data.args), onStarted)
  kernel.client = first
  listen(kernel, port, codec)
  kernel.table.add(first)
  if (data.name !== undefined) first.name = atom(data.name)
  first.wake()
}

function firstCell(
  kernel: ThreadKernel,
  exported: unknown,
  args: unknown,
  onStarted: (result: StartResult) => void,
): Cell {
  if (typeof exported !== 'function') {
    throw new TypeError('its default export is no class that extends GenServer, and no function')
  }
  const { prototype } = exported as { readonly prototype?: { readonly handleCall?: unknown } }
  if (typeof prototype?.handleCall === 'function') {
    const server = exported as ServerClass
    return new ServerCell(kernel, origin, { server, args, name: undefined, onStarted })
  }
  const run = exported as (self: Process, ...rest: unknown[]) => unknown
  const body = (self: Process, ...rest: unknown[]): unknown => {
    onStarted({ status: 'ok', pid })
    return run(self, ...rest)
  }
  return new FunctionCell(kernel, origin, body, Array.isArray(args) ? args : [args])
}

function listen(kernel: ThreadKernel, port: NodePort, codec: CodecOptions): void {
  const reader = new BatchReader(codec)
  const { table, aliases } = kernel
  const take = (op: Tuple): boolean => {
    const [code, to, second] = [...op] as [number, Pid, Term]
    const cell = table.own(to)
    switch (code) {
      case TO_THREAD.message: {
        const message = reader.payload()
        if (cell !== undefined) deliver(kernel, cell, message)
        return true
      }
      case TO_THREAD.down: {
        const reason = reader.payload()
        const ref = second as Reference
        if (cell !== undefined && !kernel.calls.handleMonitorExit(ref, reason)) {
          kernel.monitors.handleMonitorExit(cell, ref, reason)
        }
        return false
      }
      case TO_THREAD.kill: {
        const reason = reader.payload()
        if (cell !== undefined) kernel.exits.terminate(cell, reason)
        return false
      }
      case TO_THREAD.groupLeader:
        if (cell !== undefined) cell.groupLeader = second as Pid
        return false
      default:
        if (cell !== undefined) aliases.used(second as Reference, cell)
        return false
    }
  }
  parent?.on('message', (sent: Uint8Array | StartedNote) => {
    if (!(sent instanceof Uint8Array)) {
      port.handleStarted(sent)
      return
    }
    let messages = 0
    reader.begin(sent)
    for (let op = reader.next(); op !== undefined; op = reader.next()) if (take(op)) messages++
    port.received(messages)
  })
}

/** The reply to a call is no message. */
function deliver(kernel: ThreadKernel, cell: Cell, message: Term): void {
  const ref = repliedCall(message)
  if (ref === undefined || !kernel.calls.handleReply(ref, (message as Tuple)[1] as Term))
    cell.deliver(message)
}

function unloadable(error: unknown): Error {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const wrapped = new Error(`the module ${data.url} cannot run in a thread: ${name}: ${message}`)
  if (stack !== undefined) wrapped.stack = stack
  return wrapped
}
