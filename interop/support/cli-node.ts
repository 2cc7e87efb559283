/** A node of ours in a process of its own, which a test can freeze and kill: `beamjoin start`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { COOKIE, type Teardown, TS } from './cluster.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const READY = /^\S+ is up on port/

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
