/**
 * Evaluates JavaScript line by line as Node's own prompt does: `await` at the top, declarations that stay, `_` for the last
 * value. Node's evaluator is used, in a context of its own; its prompt and its streams are not.
 */
import { createRequire } from 'node:module'
import type { REPLServer } from 'node:repl'
import { PassThrough, Writable } from 'node:stream'
import type { Context } from 'node:vm'

export type Evaluation =
  | { readonly type: 'value'; readonly text: string }
  | { readonly type: 'error'; readonly text: string }
  /** The code is not complete: ask for the next line. */
  | { readonly type: 'more' }

const FILE = 'remote-shell'

const load = createRequire(import.meta.url)

/** Loaded with the first shell: it brings `node:domain`, from which on every callback of the process takes a detour. */
const repl = (): typeof import('node:repl') => load('node:repl')

/** One of Node's prompts; several share what the code declares. */
interface Prompt {
  readonly server: REPLServer
  /** Node has printed an error by itself, and asks for the next line. */
  onPrinted: (() => void) | undefined
}

export class Evaluator {
  readonly #print: (text: string) => void
  readonly #context: Context
  readonly #prompts = new Set<Prompt>()
  #prompt: Prompt

  /**
   * @param scope names that the code sees
   * @param print gets what the code writes with `console`, and errors that come later, out of callbacks
   */
  constructor(scope: Readonly<Record<string, unknown>>, print: (text: string) => void) {
    this.#print = print
    this.#prompt = this.#open()
    this.#context = this.#prompt.server.context
    Object.assign(this.#context, scope)
  }

  /** Resolves when the value is there: that of a promise when the code awaits it. Never rejects. */
  evaluate(code: string): Promise<Evaluation> {
    const prompt = this.#prompt
    return new Promise<Evaluation>((resolve) => {
      prompt.onPrinted = () => resolve({ type: 'value', text: '' })
      prompt.server.eval(`${code}\n`, this.#context, FILE, (error: Error | null, value: unknown) => {
        if (error instanceof repl().Recoverable) {
          resolve({ type: 'more' })
        } else if (error !== null) {
          resolve({ type: 'error', text: `Uncaught ${this.#show(error)}` })
        } else {
          this.#context['_'] = value
          resolve({ type: 'value', text: value === undefined ? '' : this.#show(value) })
        }
      })
    }).finally(() => {
      prompt.onPrinted = undefined
      if (prompt !== this.#prompt) this.#close(prompt)
    })
  }

  /** Nobody waits for the last evaluation any more. It goes on, with a prompt of its own: its errors are not the next one's. */
  interrupt(): void {
    this.#prompt = this.#open()
  }

  close(): void {
    for (const prompt of [...this.#prompts]) this.#close(prompt)
  }

  #open(): Prompt {
    const output = new Writable({
      decodeStrings: false,
      write: (chunk: unknown, _encoding, done) => {
        const text = String(chunk)
        if (text !== '') this.#print(text)
        done()
      },
    })
    const server = repl().start({
      input: new PassThrough(),
      output,
      prompt: '',
      terminal: false,
      useColors: false,
      useGlobal: false,
    })
    const prompt: Prompt = { server, onPrinted: undefined }
    server.displayPrompt = () => prompt.onPrinted?.()
    this.#prompts.add(prompt)
    return prompt
  }

  #close(prompt: Prompt): void {
    this.#prompts.delete(prompt)
    prompt.server.close()
  }

  /** Values may throw when they are looked at. */
  #show(value: unknown): string {
    try {
      return this.#prompt.server.writer(value)
    } catch (error) {
      return `#unreadable<${String(error)}>`
    }
  }
}
