/** A process that runs one function. It ends with `normal` when the function does, or with what it threw. */
import { NORMAL } from './atoms.ts'
import { Cell, type Origin } from './cell.ts'
import { describeExit, exitReason } from './crash.ts'
import { ExitError } from './errors.ts'
import type { Kernel } from './kernel.ts'
import { Process } from './process.ts'

export class FunctionCell extends Cell {
  readonly #kernel: Kernel
  readonly #body: (self: Process, ...args: unknown[]) => unknown
  readonly #args: readonly unknown[]
  #started = false

  constructor(
    kernel: Kernel,
    origin: Origin,
    body: (self: Process, ...args: unknown[]) => unknown,
    args: readonly unknown[],
  ) {
    super(kernel, origin)
    this.#kernel = kernel
    this.#body = body
    this.#args = args
  }

  protected work(_limit: number): number {
    if (this.#started) return 0
    this.#started = true
    void this.#run()
    return 1
  }

  override get isUnderWay(): boolean {
    return this.#started && this.receiving === undefined
  }

  async #run(): Promise<void> {
    try {
      await this.#body(new Process(this.#kernel, this), ...this.#args)
      this.#kernel.exits.terminate(this, NORMAL)
    } catch (error) {
      // A function that was killed unwinds with an error of its own, which is nobody's business any more.
      if (!this.alive) return
      const reason = exitReason(error)
      if (!(error instanceof ExitError)) {
        const fields = { pid: String(this.pid), process: this.label, reason: describeExit(reason) }
        this.#kernel.logger.error(fields, 'a process ended with an error')
      }
      this.#kernel.exits.terminate(this, reason)
    }
  }
}
