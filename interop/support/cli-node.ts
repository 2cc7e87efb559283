/** The command line in processes of its own: `beamjoin start`, a node that a test can freeze and kill, and the rest. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { COOKIE, type Teardown, TS } from './cluster.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const READY = /^\S+ is up on port/

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs `beamjoin ARGS` to its end. */
export function beamjoin(epmdPort: number, ...args: string[]): Promise<Ran> {
  const env = { ...process.env, ERL_EPMD_PORT: String(epmdPort) }
  const command = ['--import=tsx', 'src/cli/main.ts', ...args]
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: ROOT, env, timeout: 30_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err })
    })
  })
}

export interface CliNode {
  readonly process: ChildProcess
  /** What it printed so far. */
  readonly lines: readonly string[]
  readonly exited: Promise<number | null>
}

/**
 * Starts `beamjoin start ARGS` and resolves once the node is up; `ready` names a later line to wait for. Killed when the
 * test ends.
 */
export async function startCliNode(
  t: Teardown,
  {
    epmdPort,
    args = [],
    name = TS,
    ready = READY,
  }: { epmdPort: number; args?: string[]; name?: string; ready?: RegExp },
): Promise<CliNode> {
  const command = ['--import=tsx', 'src/cli/main.ts', 'start', ...args, '--name', name, '--cookie', COOKIE]
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    env: { ...process.env, ERL_EPMD_PORT: String(epmdPort) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const lines: string[] = []
  let complaints = ''
  child.stderr.on('data', (text) => {
    complaints += text
  })
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line)
      if (ready.test(line)) resolve()
    })
    exited.then((code) => reject(new Error(`beamjoin start ended with ${code}: ${complaints}`)))
  })
  return { process: child, lines, exited }
}
