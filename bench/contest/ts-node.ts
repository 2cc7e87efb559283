/** A TypeScript node in a process of its own, as the contest sees it: see node-process.ts. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type ChildExit, spawnReaped } from '../../interop/support/reaper.ts'
import type { JobName } from './node-process.ts'

const FILE = fileURLToPath(new URL('./node-process.ts', import.meta.url))

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

/** @typeParam Job what it can be asked for */
export class TsNode<Job extends string = JobName> {
  readonly #process: ChildProcess
  readonly #exited: Promise<ChildExit>
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  #nextId = 0

  constructor(flags: readonly string[] = [], file = FILE) {
    const { process: child, exited } = spawnReaped(
      process.execPath,
      ['--expose-gc', ...flags, '--import=tsx', file],
      { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
    )
    this.#process = child
    this.#exited = exited
    child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(error))
    })
    void exited.then(({ code, signal }) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`a TypeScript node of the benchmark ended with ${signal ?? `code ${code}`}`))
      }
    })
  }

  get pid(): number {
    return this.#process.pid!
  }

  async run<T = number>(job: Job, ...args: readonly (number | string)[]): Promise<T> {
    const id = this.#nextId++
    const result = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.#process.send({ id, job, args })
    return (await result) as T
  }

  /** Lets it end by itself. Who closes the channel from this side never hears that the child's is closed. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.run('leave' as Job).catch(() => {})
    await this.#exited
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exited
  }
}
