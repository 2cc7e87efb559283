/** What processes of a thread do to others, carried out at their node as if they had done it here. */
import { type Atom, type Encodable, Pid, type Reference, type Term, Tuple, tuple } from '../../etf/index.ts'
import type { Cell } from '../cell.ts'
import { replyAlias } from '../gen-reply.ts'
import type { Kernel } from '../kernel.ts'
import { type BatchReader, TO_NODE, TO_THREAD } from './ops.ts'
import { ThreadCell } from './thread-cell.ts'

/** Writes an operation for the thread; the reason of an end may have no term, and is told all the same. */
export type TellThread = (header: readonly Encodable[], payload?: readonly [Encodable]) => void

export class ThreadActs {
  readonly #kernel: Kernel
  readonly #reader: BatchReader
  readonly #tell: TellThread

  /** @param reader stands behind the header of the operation that is carried out */
  constructor(kernel: Kernel, reader: BatchReader, tell: TellThread) {
    this.#kernel = kernel
    this.#reader = reader
    this.#tell = tell
  }

  /** A process of the thread does something to others. */
  act(code: number, cell: ThreadCell | undefined, second: Term, third: Term): void {
    const kernel = this.#kernel
    const payload = (to: Term): Term =>
      to instanceof Pid && kernel.table.find(to) instanceof ThreadCell
        ? this.#reader.exactPayload()
        : this.#isHere(to)
          ? this.#reader.payload()
          : this.#reader.exactPayload()
    switch (code) {
      case TO_NODE.send: {
        const message = payload(second)
        if (cell !== undefined) kernel.delivery.sendPid(cell, second as Pid, message as Encodable)
        return
      }
      case TO_NODE.sendName: {
        const message = payload(third)
        if (cell !== undefined) {
          kernel.delivery.sendIfAny(cell, [second as Atom, third as Atom], message as Encodable)
        }
        return
      }
      case TO_NODE.sendAlias: {
        const message = payload(second)
        if (cell !== undefined) this.#sendAlias(cell, second as Reference, message)
        return
      }
      case TO_NODE.exit: {
        const reason = this.#reader.exactPayload()
        if (cell !== undefined) this.#exit(cell, second as Pid, reason)
        return
      }
    }
    if (cell !== undefined) this.#relate(code, cell, second, third)
  }

  #relate(code: number, cell: ThreadCell, second: Term, third: Term): void {
    const { links, monitors, aliases } = this.#kernel
    switch (code) {
      case TO_NODE.link:
        links.link(cell, second as Pid)
        return
      case TO_NODE.unlink:
        links.unlink(cell, second as Pid)
        return
      case TO_NODE.monitor:
        this.#monitor(cell, second, third as Reference)
        return
      case TO_NODE.demonitor:
        monitors.demonitor(cell, second as Reference)
        return
      case TO_NODE.alias: {
        const ref = second as Reference
        const onUsed = (): void => this.#tell([TO_THREAD.aliasUsed, cell.pid, ref])
        aliases.activate(ref, cell, third === true ? onUsed : undefined)
        return
      }
      case TO_NODE.unalias:
        aliases.deactivate(second as Reference, cell)
        return
      case TO_NODE.trapExit:
        cell.trapExit = second === true
        return
      default:
        throw new Error(`operation ${code} of a thread is unknown`)
    }
  }

  /** Whoever monitors may be about to call: replies come to the reference of the monitor, as to an alias. */
  #monitor(cell: ThreadCell, target: Term, ref: Reference): void {
    const { monitors, aliases } = this.#kernel
    if (!aliases.isActive(ref)) aliases.activate(ref, cell, undefined, true)
    const watched =
      target instanceof Tuple ? { name: target[0] as Atom, node: target[1] as Atom } : (target as Pid)
    monitors.watch(cell, watched, ref, (reason) => {
      aliases.monitorEnded(ref, cell)
      this.#tell([TO_THREAD.down, cell.pid, ref], [reason as Encodable])
    })
  }

  #sendAlias(cell: ThreadCell, alias: Reference, message: Term): void {
    const { delivery } = this.#kernel
    // A reply `{Tag, Value}` to a call of this node is taken by the call that waits for it.
    const tag = message instanceof Tuple && message.length === 2 ? (message[0] as Term) : undefined
    if (tag !== undefined && replyAlias(tag)?.equals(alias)) {
      delivery.reply(cell, tuple(cell.pid, tag), (message as Tuple)[1] as Encodable)
    } else {
      delivery.sendAlias(cell, alias, message as Encodable)
    }
  }

  #exit(cell: ThreadCell, to: Pid, reason: Term): void {
    const { exits, table, router } = this.#kernel
    const target = table.find(to)
    if (target !== undefined) exits.request(target, cell.pid, reason)
    else if (!table.isOurs(to)) router.exit2(cell.pid, to, reason)
  }

  setLeader(leader: Pid, member: Pid, isOwn: boolean): void {
    const { table, router } = this.#kernel
    const cell: Cell | undefined = table.find(member)
    if (cell === undefined) {
      if (!table.isOurs(member)) router.groupLeader(leader, member)
    } else if (cell instanceof ThreadCell && isOwn) {
      Reflect.set(cell, 'groupLeader', leader)
    } else {
      cell.groupLeader = leader
    }
  }

  /** Whether a message to it is for code of this thread. */
  #isHere(to: Term): boolean {
    if (to instanceof Pid) return this.#kernel.table.isOurs(to)
    const node = (to as Reference | undefined)?.node ?? to
    return node === this.#kernel.node
  }
}
