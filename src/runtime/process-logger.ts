/** The logger of a process: that of the node, with node, pid and registered name as fields. */
import type { Logger } from '../core/index.ts'
import { inspect } from '../etf/index.ts'
import type { Cell } from './cell.ts'
import type { Kernel } from './kernel.ts'

export class ProcessLogger implements Logger {
  readonly #kernel: Kernel
  readonly #cell: Cell

  constructor(kernel: Kernel, cell: Cell) {
    this.#kernel = kernel
    this.#cell = cell
  }

  debug(fields: object, message: string): void {
    this.#kernel.logger.debug(this.#with(fields), message)
  }

  info(fields: object, message: string): void {
    this.#kernel.logger.info(this.#with(fields), message)
  }

  warn(fields: object, message: string): void {
    this.#kernel.logger.warn(this.#with(fields), message)
  }

  error(fields: object, message: string): void {
    this.#kernel.logger.error(this.#with(fields), message)
  }

  #with(fields: object): object {
    const { pid, name } = this.#cell
    const registered = name === undefined ? {} : { name: inspect(name) }
    return { node: this.#kernel.node.name, pid: String(pid), ...registered, ...fields }
  }
}
