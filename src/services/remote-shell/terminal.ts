/**
 * The terminal of a remote shell: the group leader, which is a process on the other node, by the I/O protocol (protocol.md
 * 9.6). Requests are numbered by references and may overlap, so output appears also while a line is read.
 *
 *   {io_request, Self, Ref, Request}    ->
 *                                       <-  {io_reply, Ref, Reply}
 */
import {
  atom,
  type Encodable,
  type Reference,
  Reference as ReferenceClass,
  type Term,
  Tuple,
  tuple,
} from '../../etf/index.ts'
import type { Process } from '../../runtime/index.ts'

const IO_REQUEST = atom('io_request')
const IO_REPLY = atom('io_reply')
const PUT_CHARS = atom('put_chars')
const GET_LINE = atom('get_line')
const UNICODE = atom('unicode')
const EOF = atom('eof')
const ERROR = atom('error')
const INTERRUPTED = atom('interrupted')

/** What a read brings: a line without its end, `eof`, or `interrupted` when the user pressed Ctrl-C. */
export type Line = { readonly line: string } | 'eof' | 'interrupted'

export class Terminal {
  readonly #self: Process
  readonly #waiting = new Map<string, (reply: Term) => void>()

  constructor(self: Process) {
    this.#self = self
  }

  /** Resolves once the terminal has it. */
  async write(text: string): Promise<void> {
    await this.#request(tuple(PUT_CHARS, UNICODE, text))
  }

  async readLine(prompt: string): Promise<Line> {
    const reply = await this.#request(tuple(GET_LINE, UNICODE, prompt))
    if (reply === EOF) return 'eof'
    if (reply instanceof Tuple && reply[0] === ERROR) return reply[1] === INTERRUPTED ? 'interrupted' : 'eof'
    return { line: textOf(reply).replace(/\r?\n$/, '') }
  }

  /** @returns whether the message was a reply to one of our requests */
  handle(message: Term): boolean {
    if (!(message instanceof Tuple) || message.length !== 3 || message[0] !== IO_REPLY) return false
    const ref = message[1]
    if (!(ref instanceof ReferenceClass)) return false
    const resolve = this.#waiting.get(ref.key)
    this.#waiting.delete(ref.key)
    resolve?.(message[2] as Term)
    return resolve !== undefined
  }

  #request(request: Encodable): Promise<Term> {
    const ref: Reference = this.#self.makeRef()
    return new Promise((resolve) => {
      this.#waiting.set(ref.key, resolve)
      this.#self.send(this.#self.groupLeader, tuple(IO_REQUEST, this.#self.pid, ref, request))
    })
  }
}

/** Characters as a binary, or as a list of code points. */
function textOf(data: Term): string {
  if (typeof data === 'string') return data
  if (data instanceof Uint8Array) return Buffer.from(data).toString('utf8')
  if (!Array.isArray(data)) return ''
  let text = ''
  for (const item of data)
    text += typeof item === 'number' ? String.fromCodePoint(item) : textOf(item as Term)
  return text
}
