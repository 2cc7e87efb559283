/** What is seen of a node from outside: how long it takes to start, and the processor time it takes. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { beamCommand, findBeam } from '../../interop/support/beam.ts'
import { spawnReaped } from '../../interop/support/reaper.ts'

const STARTER = fileURLToPath(new URL('./startup.mjs', import.meta.url))

export interface Startup {
  /** Milliseconds from the command until it was registered at epmd. */
  readonly total: number
  /** What the process itself counts as its own: without the start of the machine below. */
  readonly own: number
}

let started = 0

export function startupOfBeam(epmdPort: number): Promise<Startup> {
  const args = [
    ...['-noshell', '-name', `start${started++}@127.0.0.1`, '-setcookie', 'bench'],
    ...['-eval', 'io:format("0~n"), receive after infinity -> ok end.'],
  ]
  const [command, all] = beamCommand(findBeam(), 'erl', args)
  return startup(command, all, { ...process.env, ERL_EPMD_PORT: String(epmdPort) })
}

export function startupOfNode(epmdPort: number): Promise<Startup> {
  const args = [STARTER, `start${started++}@127.0.0.1`, 'bench', String(epmdPort)]
  return startup(process.execPath, args, process.env)
}

/** Both print one number when they are registered. */
async function startup(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Startup> {
  const begun = performance.now()
  const child = spawnReaped(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  try {
    for await (const line of createInterface({ input: child.process.stdout! })) {
      return { total: performance.now() - begun, own: Number(line) }
    }
    throw new Error(`${command} ended before it was registered`)
  } finally {
    child.process.kill('SIGKILL')
    await child.exited
  }
}

/** The part of a core that a process takes while it is watched, in per cent; all its threads. */
export async function cpuPercentWhile(pid: number, ms: number): Promise<number> {
  const [before, begun] = [cpuMs(pid), performance.now()]
  await new Promise((resolve) => setTimeout(resolve, ms))
  return ((cpuMs(pid) - before) * 100) / (performance.now() - begun)
}

let ticksPerSecond: number | undefined

function cpuMs(pid: number): number {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file))
    throw new Error('processor time of other processes is read from /proc, which is not here')
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK']).toString())
  // Behind the name, which may hold anything; utime and stime are the 14th and 15th field.
  const fields = readFileSync(file, 'utf8').split(') ').at(-1)!.split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond
}
