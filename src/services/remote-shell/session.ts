/** One remote shell: a process that reads lines from a terminal on another node, evaluates them, and writes what came of it. */
import { atom, Pid, type Term, Tuple } from '../../etf/index.ts'
import type { Process } from '../../runtime/index.ts'
import { Evaluator } from './evaluator.ts'
import { Terminal } from './terminal.ts'

export interface SessionOptions {
  readonly nodeName: string
  /** Names that the code sees. */
  readonly scope: Readonly<Record<string, unknown>>
}

const EXIT = atom('EXIT')
const DOWN = atom('DOWN')
const INTERRUPT = atom('interrupt')
const HELP = `JavaScript, evaluated in the node; \`node\` is in scope, \`await\` works, \`_\` is the last value.
.break   forget the lines that were begun     .exit   leave, as Ctrl-D does
`

/** Runs until the user leaves or the terminal is gone. */
export async function runSession(self: Process, options: SessionOptions): Promise<void> {
  self.trapExit = true
  self.monitor(self.groupLeader)
  const session = new Session(self, options)
  const done = session.run()
  let isDone = false
  const finish = (): void => {
    isDone = true
    // Wakes the loop below.
    if (self.isAlive) self.send(self.pid, DOWN)
  }
  done.then(finish, finish)
  try {
    while (!isDone) if (!session.handle(await self.receive())) break
  } finally {
    // Also of a process that is killed: what it evaluates holds memory, and its prompt has listeners.
    session.close()
  }
}

class Session {
  readonly #terminal: Terminal
  readonly #evaluator: Evaluator
  readonly #nodeName: string
  readonly #groupLeader: Pid
  /** Lines of code that is not complete. */
  #code = ''
  #onInterrupt: (() => void) | undefined

  constructor(self: Process, { nodeName, scope }: SessionOptions) {
    this.#nodeName = nodeName
    this.#groupLeader = self.groupLeader
    this.#terminal = new Terminal(self)
    this.#evaluator = new Evaluator(scope, (text) => void this.#terminal.write(text))
  }

  async run(): Promise<void> {
    await this.#terminal.write(`beamjoin on ${this.#nodeName}: JavaScript (.help for help)\n`)
    for (;;) {
      const prompt = this.#code === '' ? `${this.#nodeName}> ` : '... '
      const read = await this.#terminal.readLine(prompt)
      if (read === 'eof') return
      if (read === 'interrupted') this.#code = ''
      else if ((await this.#handleLine(read.line)) === 'exit') return
    }
  }

  /** @returns false when the terminal is gone */
  handle(message: Term): boolean {
    if (this.#terminal.handle(message) || !(message instanceof Tuple)) return true
    if (message[0] === EXIT) {
      if (message[2] !== INTERRUPT) return false
      this.#code = ''
      this.#onInterrupt?.()
      return true
    }
    return !(message[0] === DOWN && message[3] instanceof Pid && message[3].equals(this.#groupLeader))
  }

  close(): void {
    this.#evaluator.close()
  }

  async #handleLine(line: string): Promise<'exit' | 'go on'> {
    switch (line.trim()) {
      case '.exit':
        return 'exit'
      case '.help':
        await this.#terminal.write(HELP)
        return 'go on'
      case '.break':
        this.#code = ''
        return 'go on'
      case '':
        if (this.#code === '') return 'go on'
    }
    const code = this.#code === '' ? line : `${this.#code}\n${line}`
    const interrupted = new Promise<'interrupted'>((resolve) => {
      this.#onInterrupt = () => resolve('interrupted')
    })
    const result = await Promise.race([this.#evaluator.evaluate(code), interrupted])
    this.#onInterrupt = undefined
    if (result === 'interrupted') {
      this.#evaluator.interrupt()
      await this.#terminal.write('interrupted; what it began goes on\n')
      return 'go on'
    }
    this.#code = result.type === 'more' ? code : ''
    if (result.type !== 'more' && result.text !== '') await this.#terminal.write(`${result.text}\n`)
    return 'go on'
  }
}
