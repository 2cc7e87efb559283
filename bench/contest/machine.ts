/** Where figures were taken. */
import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  /** Such as `OTP 25 Elixir 1.14.0`. */
  readonly beam: string
  readonly commit: string
  readonly date: string
  /** How many processes wanted to run in the minute before: a busy machine measures badly. */
  readonly loadBefore: number
}

export function describeMachine(beam: string): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    beam,
    commit: commit(),
    date: new Date().toISOString().slice(0, 16),
    loadBefore: loadavg()[0]!,
  }
}

export function machineLine(machine: Machine): string {
  const { cpu, cores, node, beam, date, loadBefore } = machine
  const load = loadBefore.toFixed(1)
  return `Node ${node.slice(1)}, ${beam}; ${cpu}, ${cores} cores, load before ${load}; ${date.slice(0, 10)}`
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim()
  } catch {
    return 'unknown'
  }
}
