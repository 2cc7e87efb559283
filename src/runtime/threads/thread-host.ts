/**
 * One thread as its node sees it: starts the worker, carries out what its processes do, hands them what is for them, and
 * ends it. The process that the thread was started for ends with the thread, and the thread with that process.
 *
 * How the worker ended decides the exit reason:
 *
 *   the memory ran out            {memory_limit, [{max_old_generation_size_mb, 64}]}
 *   code threw outside of a call  {exception, stack}, as any process that threw
 *   process.exit(3)               {thread_exit, 3}
 *   the module cannot be loaded   {exception, stack}, from the start
 */
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import type { Logger } from '../../core/index.ts'
import { openWorker } from '../../core/worker.ts'
import {
  type Atom,
  atom,
  type CodecOptions,
  type Encodable,
  encode,
  Pid,
  type Term,
  Tuple,
  tuple,
} from '../../etf/index.ts'
import { NORMAL, SHUTDOWN } from '../atoms.ts'
import type { Origin } from '../cell.ts'
import { describeExit, exitReason, isOrderlyExit } from '../crash.ts'
import { isLocalName, toAtom } from '../destination.ts'
import { failCall } from '../failed-call.ts'
import type { Kernel } from '../kernel.ts'
import { giveNameBack, takeName } from '../server-name.ts'
import type { ServerPlan } from '../server-start.ts'
import type { StartResult } from '../spawner.ts'
import { packArgument } from './argument.ts'
import { answerAsk, numbersOf, type PidNumbers, takePids, type WorkerData, type WorkerNote } from './asks.ts'
import { BatchReader, BatchWriter, TO_NODE, TO_THREAD } from './ops.ts'
import { type ThreadDefinition, thread as threadOfUrl } from './thread.ts'
import { ThreadActs } from './thread-acts.ts'
import { type CellThread, ThreadCell } from './thread-cell.ts'

const ALREADY_STARTED = atom('already_started')
const MEMORY_LIMIT = atom('memory_limit')
const THREAD_EXIT = atom('thread_exit')
const NOT_A_TERM = atom('not_a_term')

let threadsStarted = 0

/** What is started, and who is told how that went. */
export interface ThreadPlan extends ServerPlan {
  readonly definition: ThreadDefinition
}

export class ThreadHost implements CellThread {
  readonly cell: ThreadCell
  readonly #kernel: Kernel
  readonly #plan: ThreadPlan
  readonly #reader: BatchReader
  readonly #acts: ThreadActs
  /** The processes of the thread, the first one included. */
  readonly #cells = new Map<string, ThreadCell>()
  #phase: 'new' | 'starting' | 'serving' | 'ended' = 'new'
  #worker: Worker | undefined
  #writer: BatchWriter | undefined
  #answers: MessagePort | undefined
  #signal = new Int32Array(new SharedArrayBuffer(4))
  #failure: { readonly result: StartResult } | undefined
  /** Messages that the thread has not taken yet. */
  #waiting = 0

  constructor(kernel: Kernel, origin: Origin, plan: ThreadPlan) {
    this.#kernel = kernel
    this.#plan = plan
    this.#reader = new BatchReader(kernel.codec)
    this.#acts = new ThreadActs(kernel, this.#reader, (header, payload) => this.#tell(header, payload))
    this.cell = new ThreadCell(kernel, origin, this)
    this.#cells.set(origin.pid.key, this.cell)
  }

  begin(): void {
    if (this.#phase !== 'new') return
    this.#phase = 'starting'
    void this.#begin()
  }

  deliver(cell: ThreadCell, message: Term): void {
    if (this.#writer === undefined) {
      // It is started for real in a moment: a message now is one that came before its name was taken.
      this.#early.push([cell, message])
      return
    }
    try {
      this.#writer.write([TO_THREAD.message, cell.pid], [message as Encodable])
    } catch (error) {
      this.#refuse(cell, message, error)
      return
    }
    if (++this.#waiting > this.#kernel.mailboxLimit) this.#kernel.mailboxFull(cell)
  }

  readonly #early: [ThreadCell, Term][] = []

  ended(cell: ThreadCell, reason: Term): void {
    this.#cells.delete(cell.pid.key)
    if (cell !== this.cell) {
      this.#tell([TO_THREAD.kill, cell.pid], [reason as Encodable])
      return
    }
    const wasStarting = this.#phase === 'new' || this.#phase === 'starting'
    this.#phase = 'ended'
    if (wasStarting) {
      this.#leaveTrappingParent()
      this.#plan.onStarted?.({ status: 'error', reason })
    }
    void this.#worker?.terminate()
    this.#answers?.close()
    // What it has started cannot go on without it.
    for (const other of this.#cells.values()) this.#kernel.exits.terminate(other, SHUTDOWN)
  }

  leaderChanged(cell: ThreadCell, leader: Pid): void {
    this.#tell([TO_THREAD.groupLeader, cell.pid, leader])
  }

  async #begin(): Promise<void> {
    const { plan, cell } = { plan: this.#plan, cell: this.cell }
    const { names, logger, delivery } = this.#kernel
    const keepers = { names, logger, resolver: delivery.resolver }
    try {
      const taken = plan.name === undefined ? undefined : await takeName(keepers, plan.name, cell)
      if (taken !== undefined) {
        const reason = tuple(ALREADY_STARTED, taken.holder) as Term
        this.#fail({ status: 'error', reason }, NORMAL)
        return
      }
      if (cell.alive) this.#open()
      else if (plan.name !== undefined) await giveNameBack(keepers, plan.name, cell)
    } catch (error) {
      const reason = exitReason(error)
      this.#fail({ status: 'error', reason }, reason)
    }
  }

  #open(): void {
    const { definition, args, name } = this.#plan
    const { resourceLimits, env, execArgv } = definition.options
    const kernel = this.#kernel
    const { port1, port2 } = new MessageChannel()
    const { cell } = this
    const data: WorkerData = {
      url: definition.url,
      node: kernel.node.name,
      creation: cell.pid.creation,
      number: ++threadsStarted,
      label: definition.name,
      name: name !== undefined && isLocalName(name) ? toAtom(name).name : undefined,
      start: encode(tuple(cell.pid, cell.parent, cell.groupLeader, [...cell.ancestors])),
      args: packArgument(args),
      codec: plainCodec(kernel.codec),
      mailboxLimit: kernel.mailboxLimit,
      pids: takePids(kernel),
      answers: port2,
      signal: this.#signal.buffer as SharedArrayBuffer,
    }
    const worker = openWorker('./worker-main', import.meta.url, {
      workerData: data,
      transferList: [port2],
      name: definition.name,
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
      ...(env === undefined ? {} : { env }),
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
    })
    this.#worker = worker
    this.#answers = port1
    port1.unref()
    // As timers of the runtime: what keeps the program alive is the node's business.
    worker.unref()
    const writer = new BatchWriter(worker, kernel.codec)
    this.#writer = writer
    worker.on('message', (sent: Uint8Array | WorkerNote) => this.#receive(sent))
    worker.on('error', (error: unknown) => this.#crashed(error))
    worker.on('exit', (code) => this.#gone(tuple(THREAD_EXIT, code) as Term))
    for (const [to, message] of this.#early.splice(0)) if (to.alive) this.deliver(to, message)
  }

  #receive(sent: Uint8Array | WorkerNote): void {
    if (this.#phase === 'ended') return
    if (!(sent instanceof Uint8Array)) {
      this.#note(sent)
      return
    }
    const reader = this.#reader
    try {
      reader.begin(sent)
      for (let op = reader.next(); op !== undefined && this.#isRunning(); op = reader.next())
        this.#carryOut(op)
    } catch (error) {
      // Our own two ends do not understand each other: nothing that follows can be trusted.
      this.#gone(exitReason(error))
    }
  }

  #isRunning(): boolean {
    return this.#phase !== 'ended'
  }

  #carryOut(op: Tuple): void {
    const [code, first, second, third] = [...op] as [number, Term, Term, Term]
    switch (code) {
      case TO_NODE.started:
        this.#phase = 'serving'
        this.#plan.onStarted?.({ status: 'ok', pid: this.cell.pid })
        return
      case TO_NODE.failed: {
        const reason = this.#reader.exactPayload()
        this.#failure = {
          result: first === atom('ignore') ? { status: 'ignore' } : { status: 'error', reason },
        }
        return
      }
      case TO_NODE.spawned:
        this.#spawned(op)
        return
      case TO_NODE.received:
        this.#waiting -= first as number
        return
      case TO_NODE.groupLeader:
        this.#acts.setLeader(first as Pid, second as Pid, this.#cells.has((second as Pid).key))
        return
      case TO_NODE.ended:
        this.#processEnded(this.#cells.get((first as Pid).key), this.#reader.exactPayload())
        return
      default:
        this.#acts.act(code, this.#cells.get((first as Pid).key), second, third)
    }
  }

  #spawned(op: Tuple): void {
    const [, pid, parent, ancestors, groupLeader, label] = [...op] as [number, Pid, Pid, Term, Pid, string]
    const origin = { pid, parent, ancestors: ancestors as (Pid | Atom)[], groupLeader, label }
    const cell = new ThreadCell(this.#kernel, origin, this)
    this.#cells.set(pid.key, cell)
    this.#kernel.table.add(cell)
  }

  #processEnded(cell: ThreadCell | undefined, reason: Term): void {
    if (cell === undefined) return
    if (cell === this.cell && this.#phase === 'starting') {
      this.#fail(this.#failure?.result ?? { status: 'error', reason }, reason)
      return
    }
    this.#kernel.exits.terminate(cell, reason)
  }

  /** The start came to nothing: whoever waits for it hears so first, as with any server. */
  #fail(result: StartResult, exit: Term): void {
    if (this.#phase === 'ended') return
    const { onStarted } = this.#plan
    this.#phase = 'serving'
    this.#leaveTrappingParent()
    if (onStarted === undefined && !isOrderlyExit(exit)) this.#log(exit, 'a thread did not start')
    onStarted?.(result)
    this.#kernel.exits.terminate(this.cell, exit)
  }

  #leaveTrappingParent(): void {
    const { table, links } = this.#kernel
    if (this.#plan.onStarted === undefined) return
    if (table.find(this.cell.parent)?.trapExit === true) links.unlink(this.cell, this.cell.parent)
  }

  #crashed(error: unknown): void {
    const { code } = error as { readonly code?: string }
    const isMemory = code === 'ERR_WORKER_OUT_OF_MEMORY'
    this.#gone(
      isMemory ? memoryReason(this.#worker?.resourceLimits ?? {}, this.#plan.definition) : exitReason(error),
    )
  }

  /** The worker has ended by itself. */
  #gone(reason: Term): void {
    if (this.#phase === 'ended') return
    if (this.#phase === 'starting') {
      this.#fail({ status: 'error', reason }, reason)
      return
    }
    this.#log(reason, 'a thread ended with an error')
    this.#kernel.exits.terminate(this.cell, reason)
  }

  #note(sent: WorkerNote): void {
    switch (sent.note) {
      case 'log':
        this.#kernel.logger[sent.level](sent.fields, sent.message)
        return
      case 'ask': {
        const answer = answerAsk(this.#kernel, sent.ask, (numbers) => this.#pid(numbers))
        this.#answers?.postMessage(answer)
        Atomics.add(this.#signal, 0, 1)
        Atomics.notify(this.#signal, 0)
        return
      }
      case 'start':
        void this.#startOther(sent)
    }
  }

  /** A process of the thread starts another thread. */
  async #startOther(sent: WorkerNote & { readonly note: 'start' }): Promise<void> {
    const { spawner } = this.#kernel
    const parent = this.#cells.get(this.#pid(sent.parent).key)
    if (parent === undefined) return
    const { url, options } = sent.definition
    const { name, timeout, link } = sent
    let answer: object
    try {
      const result = await spawner.start(parent, threadOfUrl(url, options), sent.args, {
        link,
        ...(name === undefined ? {} : { name }),
        ...(timeout === undefined ? {} : { timeout }),
      })
      answer = resultNote(result)
    } catch (error) {
      answer = resultNote({ status: 'error', reason: exitReason(error) })
    }
    if (this.#isRunning()) this.#worker?.postMessage({ note: 'started', id: sent.id, ...answer })
  }

  /** What a local process sent has no term. A call fails, anything else is lost, and both are logged. */
  #refuse(cell: ThreadCell, message: Term, error: unknown): void {
    const fields = { process: cell.label, pid: String(cell.pid), error }
    this.#kernel.logger.error(fields, 'a message to a thread has no term and is dropped')
    if (message instanceof Tuple && message.length === 3 && message[1] instanceof Tuple) {
      failCall(cell, message[1][1] as Term, NOT_A_TERM)
    }
  }

  #tell(header: readonly Encodable[], payload?: readonly [Encodable]): void {
    try {
      this.#writer?.write(header, payload)
    } catch {
      // A reason of JavaScript objects; that the process has ended is told all the same.
      this.#writer?.write(header, [NOT_A_TERM])
    }
  }

  #pid([id, serial]: PidNumbers): Pid {
    return new Pid(this.#kernel.node, id, serial, this.cell.pid.creation)
  }

  #log(reason: Term, message: string): void {
    const { cell } = this
    const logger: Logger = this.#kernel.logger
    const fields = { thread: cell.label, pid: String(cell.pid), reason: describeExit(reason) }
    logger.error(fields, message)
  }
}

function resultNote(result: StartResult): object {
  if (result.status === 'ok') return { status: 'ok', pid: numbersOf(result.pid) }
  if (result.status === 'ignore') return result
  try {
    return { status: 'error', reason: encode(result.reason as Encodable) }
  } catch {
    return { status: 'error', reason: encode(NOT_A_TERM) }
  }
}

/** Functions and classes cannot go to a thread; its module brings its own, as the export `codec`. */
function plainCodec({ binaries, floats, maps, objectKeys }: CodecOptions): object {
  return { binaries, floats, maps, objectKeys }
}

function memoryReason(limits: object, { options }: ThreadDefinition): Term {
  const named = Object.entries(options.resourceLimits ?? limits).map(([name, value]) =>
    tuple(atom(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)), value as number),
  )
  return tuple(MEMORY_LIMIT, named) as Term
}
