/**
 * Output and input of a process by way of its group leader: the client side of the I/O protocol (protocol.md 9.6), as
 * the module `IO` of Elixir. Requests of one process are sent one after the other, in order, by a process of their own,
 * so that the answers are nobody's messages.
 */
import {
  Atom,
  atom,
  brief,
  type Encodable,
  inspect,
  type Pid,
  type Reference,
  type Term,
  Tuple,
  tuple,
} from '../etf/index.ts'
import { ERROR, OK } from './atoms.ts'
import type { Cell } from './cell.ts'
import { ProcessError } from './errors.ts'
import type { Kernel } from './kernel.ts'

const EOF = atom('eof')
const GET_LINE = atom('get_line')
const IO_REPLY = atom('io_reply')
const IO_REQUEST = atom('io_request')
const PUT_CHARS = atom('put_chars')
const UNICODE = atom('unicode')

interface Waiting {
  readonly leader: Pid
  readonly request: Encodable
  resolve(reply: Term): void
  reject(error: unknown): void
}

/** What `self.io` can do. Each resolves when the group leader has answered, wherever it is. */
export interface Io {
  /** Writes a line. Strings as they are, other terms as `inspect` prints them. @throws ProcessError `ERR_RUNTIME_IO` */
  puts(item: Encodable): Promise<void>
  /** As `puts`, without the end of the line. */
  write(item: Encodable): Promise<void>
  /** Writes a term as Elixir prints it, strings in quotes, and gives it back. */
  inspect<T extends Encodable>(term: T): Promise<T>
  /** The next line with its end; undefined at the end of the input. @throws ProcessError `ERR_RUNTIME_IO` */
  gets(prompt?: string): Promise<string | undefined>
  /** Any request of the I/O protocol, for what has no method here. */
  request(request: Encodable): Promise<Term>
}

/** What is needed of the process that asks. */
interface Asking {
  readonly pid: Pid
  monitor(target: Pid): Reference
  demonitor(ref: Reference, options: { readonly flush: true }): boolean
  send(to: Pid, message: Encodable): void
  receive<T extends Term>(match: (message: Term) => message is T): Promise<T>
}

export class ProcessIo implements Io {
  readonly #kernel: Kernel
  readonly #cell: Cell
  readonly #waiting: Waiting[] = []
  #isRunning = false

  constructor(kernel: Kernel, cell: Cell) {
    this.#kernel = kernel
    this.#cell = cell
  }

  puts(item: Encodable): Promise<void> {
    return this.#put(`${textOf(item)}\n`)
  }

  write(item: Encodable): Promise<void> {
    return this.#put(textOf(item))
  }

  async inspect<T extends Encodable>(term: T): Promise<T> {
    await this.#put(`${inspect(term)}\n`)
    return term
  }

  async gets(prompt = ''): Promise<string | undefined> {
    const reply = await this.request(tuple(GET_LINE, UNICODE, prompt))
    if (reply === EOF) return undefined
    return typeof reply === 'string' ? reply : String.fromCodePoint(...(reply as number[]))
  }

  async request(request: Encodable): Promise<Term> {
    const reply = await this.#send(request)
    if (!(reply instanceof Tuple) || reply[0] !== ERROR) return reply
    throw new ProcessError('ERR_RUNTIME_IO', `the group leader refused: ${brief(reply[1] as Term)}`)
  }

  async #put(text: string): Promise<void> {
    const reply = await this.request(tuple(PUT_CHARS, UNICODE, text))
    if (reply !== OK) throw new ProcessError('ERR_RUNTIME_IO', `the group leader answered ${brief(reply)}`)
  }

  #send(request: Encodable): Promise<Term> {
    const leader = this.#cell.groupLeader
    if (leader.equals(this.#kernel.client.pid)) {
      const text = 'the process has no group leader that does input and output: set runtime.groupLeader'
      return Promise.reject(new ProcessError('ERR_RUNTIME_IO', text))
    }
    const reply = new Promise<Term>((resolve, reject) => {
      this.#waiting.push({ leader, request, resolve, reject })
    })
    if (!this.#isRunning) {
      this.#isRunning = true
      this.#kernel.spawner.spawn(this.#kernel.client, this.#serve, [])
    }
    return reply
  }

  /** Lives as long as there is something to ask; the process itself may have ended by then. */
  readonly #serve = async (self: Asking): Promise<void> => {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        next.resolve(await ask(self, next.leader, next.request))
      } catch (error) {
        next.reject(error)
      }
    }
    this.#isRunning = false
  }
}

async function ask(self: Asking, leader: Pid, request: Encodable): Promise<Term> {
  const ref = self.monitor(leader)
  self.send(leader, tuple(IO_REQUEST, self.pid, ref, request))
  const answer = await self.receive((message): message is Tuple => {
    if (!(message instanceof Tuple)) return false
    return message[0] === IO_REPLY ? ref.equals(message[1]) : ref.equals(message[1]) && message.length === 5
  })
  if (answer[0] === IO_REPLY) {
    self.demonitor(ref, { flush: true })
    return answer[2] as Term
  }
  throw new ProcessError(
    'ERR_RUNTIME_IO',
    `the group leader ${leader} has ended: ${brief(answer[4] as Term)}`,
  )
}

function textOf(item: Encodable): string {
  if (typeof item === 'string') return item
  return item instanceof Atom ? item.name : inspect(item)
}
