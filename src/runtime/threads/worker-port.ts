/** The way from a thread to its node: signals in batches, questions that are waited for, and log lines. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { describeError, type Logger } from '../../core/index.ts'
import {
  type Atom,
  atom,
  decode,
  type Encodable,
  encode,
  Pid,
  type Reference,
  type Term,
  tuple,
} from '../../etf/index.ts'
import type { Cell } from '../cell.ts'
import { type GlobalName, isLocalName, toAtom } from '../destination.ts'
import { ProcessError } from '../errors.ts'
import type { MonitorTarget, RemoteRouter } from '../signals.ts'
import type { StartOptions, StartResult } from '../spawner.ts'
import { packArgument } from './argument.ts'
import {
  type Answer,
  type Ask,
  numbersOf,
  type PidAnswer,
  type PidNumbers,
  type WorkerData,
  type WorkerNote,
} from './asks.ts'
import { BatchWriter, TO_NODE } from './ops.ts'
import type { ThreadDefinition } from './thread.ts'

/** The port that a worker is born with. */
export interface ParentPort {
  postMessage(message: Uint8Array | WorkerNote, transfer?: ArrayBuffer[]): void
}

/** What the node says of a start that this thread asked for. */
export interface StartedNote {
  readonly note: 'started'
  readonly id: number
  readonly status: 'ok' | 'ignore' | 'error'
  readonly pid?: PidNumbers
  readonly reason?: Uint8Array
}

export class NodePort implements RemoteRouter {
  readonly logger: Logger
  readonly #parent: ParentPort
  readonly #writer: BatchWriter
  readonly #node: Atom
  readonly #creation: number
  readonly #answers: MessagePort
  readonly #signal: Int32Array
  readonly #first: Pid
  readonly #starts = new Map<number, (result: StartResult) => void>()
  #pids: PidNumbers[]
  #lastStart = 0

  constructor(parent: ParentPort, data: WorkerData, first: Pid, codec: object) {
    this.#parent = parent
    this.#writer = new BatchWriter(parent, codec)
    this.#node = atom(data.node)
    this.#creation = data.creation
    this.#answers = data.answers
    this.#signal = new Int32Array(data.signal)
    this.#pids = [...data.pids]
    this.#first = first
    const log = (level: keyof Logger) => (fields: object, message: string) =>
      this.#log(level, fields, message)
    this.logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  }

  started(): void {
    this.#writer.write([TO_NODE.started])
  }

  failed(result: StartResult): void {
    const reason = result.status === 'error' ? result.reason : null
    this.#writeReason([TO_NODE.failed, atom(result.status)], reason)
  }

  ended(pid: Pid, reason: Term): void {
    this.#writeReason([TO_NODE.ended, pid], reason)
  }

  /** Goes at once: the thread may not get to it later. */
  flush(): void {
    this.#writer.flush()
  }

  /** Messages were taken into mailboxes here. */
  received(count: number): void {
    if (count > 0) this.#writer.write([TO_NODE.received, count])
  }

  takePid(): Pid {
    if (this.#pids.length === 0) this.#pids = [...(this.#ask({ what: 'pids' }) as readonly PidNumbers[])]
    const [id, serial] = this.#pids.shift() as PidNumbers
    return new Pid(this.#node, id, serial, this.#creation)
  }

  /** Another process of this thread; the node learns of what it does to itself. */
  added(cell: Cell): void {
    this.#watchFlags(cell)
    if (cell.pid.equals(this.#first)) return
    const { pid, parent, ancestors, groupLeader, label } = cell
    this.#writer.write([TO_NODE.spawned, pid, parent, [...ancestors], groupLeader, label])
  }

  whereis(name: Atom): Pid | undefined {
    return toPid(this.#ask({ what: 'whereis', name: name.name }) as PidAnswer | undefined)
  }

  /** Who has a global name, as the node knows it. */
  resolve(name: GlobalName): Pid | undefined {
    return toPid(this.#ask({ what: 'whereis_global', global: encode(name.global) }) as PidAnswer | undefined)
  }

  register(name: Atom, pid: Pid): void {
    this.#ask({ what: 'register', name: name.name, pid: numbersOf(pid) })
  }

  unregister(name: Atom): boolean {
    return this.#ask({ what: 'unregister', name: name.name }) === true
  }

  alias(pid: Pid, ref: Reference, once: boolean): void {
    this.#writer.write([TO_NODE.alias, pid, ref, once])
  }

  unalias(pid: Pid, ref: Reference): void {
    this.#writer.write([TO_NODE.unalias, pid, ref])
  }

  startThread(
    parent: Cell,
    definition: ThreadDefinition,
    args: unknown,
    options: StartOptions & { readonly link?: boolean },
  ): Promise<StartResult> {
    const { name, timeout, link = false } = options
    if (name !== undefined && !isLocalName(name)) {
      const text = 'a thread that another thread starts can be registered on this node only'
      return Promise.reject(new ProcessError('ERR_RUNTIME_BAD_NAME', text))
    }
    const id = ++this.#lastStart
    const local = name === undefined ? undefined : toAtom(name).name
    const parentPid = numbersOf(parent.pid)
    this.#writer.flush()
    return new Promise((resolve) => {
      this.#starts.set(id, resolve)
      this.#parent.postMessage({
        note: 'start',
        id,
        parent: parentPid,
        definition,
        args: packArgument(args),
        name: local,
        timeout,
        link,
      })
    })
  }

  handleStarted({ id, status, pid, reason }: StartedNote): void {
    const resolve = this.#starts.get(id)
    this.#starts.delete(id)
    if (status === 'ok' && pid !== undefined) {
      resolve?.({ status, pid: new Pid(this.#node, pid[0], pid[1], this.#creation) })
    } else if (status === 'ignore') {
      resolve?.({ status })
    } else {
      resolve?.({ status: 'error', reason: reason === undefined ? null : decode(reason) })
    }
  }

  send(from: Pid, to: Pid, message: Encodable): boolean {
    this.#writer.write([TO_NODE.send, from, to], [message])
    return true
  }

  sendName(from: Pid, name: Atom, node: Atom, message: Encodable): boolean {
    this.#writer.write([TO_NODE.sendName, from, name, node], [message])
    return true
  }

  sendAlias(from: Pid, alias: Reference, message: Encodable): void {
    this.#writer.write([TO_NODE.sendAlias, from, alias], [message])
  }

  link(from: Pid, to: Pid): void {
    this.#writer.write([TO_NODE.link, from, to])
  }

  unlink(_id: bigint, from: Pid, to: Pid): void {
    this.#writer.write([TO_NODE.unlink, from, to])
  }

  unlinkAck(): void {}

  /** The node breaks the links of a process that has ended. */
  exit(): void {}

  exit2(from: Pid, to: Pid, reason: Encodable): void {
    this.#writer.write([TO_NODE.exit, from, to], [reason])
  }

  monitor(from: Pid, target: MonitorTarget, ref: Reference): void {
    const watched = 'name' in target ? tuple(target.name, target.node) : target
    this.#writer.write([TO_NODE.monitor, from, watched, ref])
  }

  demonitor(from: Pid, _target: MonitorTarget, ref: Reference): void {
    this.#writer.write([TO_NODE.demonitor, from, ref])
  }

  monitorExit(): void {}

  groupLeader(leader: Pid, member: Pid): void {
    this.#writer.write([TO_NODE.groupLeader, leader, member])
  }

  spawnRequest(): void {}

  spawnReply(): void {}

  /** Both are fields that code sets on its process, and what comes from outside is decided by them at the node. */
  #watchFlags(cell: Cell): void {
    let { trapExit, groupLeader } = cell
    Object.defineProperty(cell, 'trapExit', {
      get: () => trapExit,
      set: (trap: boolean) => {
        trapExit = trap
        this.#writer.write([TO_NODE.trapExit, cell.pid, trap])
      },
    })
    Object.defineProperty(cell, 'groupLeader', {
      get: () => groupLeader,
      set: (leader: Pid) => {
        const isNew = !leader.equals(groupLeader)
        groupLeader = leader
        if (isNew) this.#writer.write([TO_NODE.groupLeader, leader, cell.pid])
      },
    })
  }

  /** A reason of JavaScript objects has no term; that the process has ended must be told all the same. */
  #writeReason(header: readonly Encodable[], reason: Term): void {
    try {
      this.#writer.write(header, [reason as Encodable])
    } catch (error) {
      const text = describeError(error).replace(/\p{Surrogate}/gu, '\ufffd')
      this.#writer.write(header, [tuple(atom('unencodable'), text)])
    }
  }

  #ask(ask: Ask): Extract<Answer, { value: unknown }>['value'] {
    const before = Atomics.load(this.#signal, 0)
    // What was done before is in effect then.
    this.#writer.flush()
    this.#parent.postMessage({ note: 'ask', ask })
    Atomics.wait(this.#signal, 0, before)
    const answer = receiveMessageOnPort(this.#answers)?.message as Answer
    if ('code' in answer) throw new ProcessError(answer.code, answer.message)
    return answer.value
  }

  #log(level: keyof Logger, fields: object, message: string): void {
    try {
      this.#parent.postMessage({ note: 'log', level, fields, message })
    } catch {
      // A field that cannot be cloned, such as a function.
      const texts = Object.entries(fields).map(([key, value]) => [key, String(value)])
      this.#parent.postMessage({ note: 'log', level, fields: Object.fromEntries(texts), message })
    }
  }
}

function toPid(found: PidAnswer | undefined): Pid | undefined {
  return found && new Pid(atom(found.node), found.numbers[0], found.numbers[1], found.creation)
}
