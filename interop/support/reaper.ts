/**
 * Child processes that do not outlive the tests. Every child started here is killed, by its own pid, when this process
 * exits or is told to end. A child that reads its standard input until the end also goes when this process is killed
 * without a word, since the pipe then closes.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

const running = new Set<ChildProcess>()
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How a child ended. */
export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Why it could not be started at all. */
  readonly error?: Error
}

export interface ReapedChild {
  readonly process: ChildProcess
  /** Resolves when the child has ended and its output has been read; never rejects. */
  readonly exited: Promise<ChildExit>
}

export function spawnReaped(command: string, args: readonly string[], options: SpawnOptions): ReapedChild {
  if (running.size === 0) watch()
  const child = spawn(command, args, options)
  running.add(child)
  const exited = new Promise<ChildExit>((resolve) => {
    child.once('error', (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, error })
    })
    child.once('close', (code, signal) => resolve({ code, signal }))
  }).finally(() => {
    running.delete(child)
    if (running.size === 0) unwatch()
  })
  return { process: child, exited }
}

function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

function killAllAndGo(signal: NodeJS.Signals): void {
  killAll()
  unwatch()
  process.kill(process.pid, signal)
}

function watch(): void {
  process.on('exit', killAll)
  for (const signal of ENDING_SIGNALS) process.on(signal, killAllAndGo)
}

function unwatch(): void {
  process.off('exit', killAll)
  for (const signal of ENDING_SIGNALS) process.off(signal, killAllAndGo)
}
