/**
 * Evaluates JavaScript line by line as Node's own prompt does: `await` at the top, declarations that stay, `_` for the last
 * value. Node's evaluator is used, in a context of its own; its prompt and its streams are not.
 */
import { type REPLServer, Recoverable, start } from 'node:repl'
import { PassThrough, Writable } from 'node:stream'

export type Evaluation =
  | { readonly type: 'value'; readonly text: string }
  | { readonly type: 'error'; readonly text: string }
  /** The code is not complete: ask for the next line. */
  | { readonly type: 'more' }

const FILE = 'remote-shell'

export class Evaluator {
  readonly #server: REPLServer
  /** Node has printed an error by itself, and asks for the next line. */
  #onPrinted: (() => void) | undefined

  /**
   * @param scope names that the code sees
   * @param print gets what the code writes with `console`, and errors that come later, out of callbacks
   */
  constructor(scope: Readonly<Record<string, unknown>>, print: (text: string) => void) {
    const output = new Writable({
      decodeStrings: false,
      write: (chunk: unknown, _encoding, done) => {
        const text = String(chunk)
        if (text !== '') print(text)
        done()
      },
    })
    this.#server = start({
      input: new PassThrough(),
      output,
      prompt: '',
      terminal: false,
      useColors: false,
      useGlobal: false,
    })
    this.#server.displayPrompt = () => this.#onPrinted?.()
    Object.assign(this.#server.context, scope)
  }

  /** Resolves when the value is there: that of a promise when the code awaits it. Never rejects. */
  evaluate(code: string): Promise<Evaluation> {
    return new Promise<Evaluation>((resolve) => {
      this.#onPrinted = () => resolve({ type: 'value', text: '' })
      this.#server.eval(`${code}\n`, this.#server.context, FILE, (error: Error | null, value: unknown) => {
        if (error instanceof Recoverable) {
          resolve({ type: 'more' })
        } else if (error !== null) {
          resolve({ type: 'error', text: `Uncaught ${this.#print(error)}` })
        } else {
          this.#server.context['_'] = value
          resolve({ type: 'value', text: value === undefined ? '' : this.#print(value) })
        }
      })
    }).finally(() => {
      this.#onPrinted = undefined
    })
  }

  close(): void {
    this.#server.close()
  }

  /** Values may throw when they are looked at. */
  #print(value: unknown): string {
    try {
      return this.#server.writer(value)
    } catch (error) {
      return `#unreadable<${String(error)}>`
    }
  }
}
