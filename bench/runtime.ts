/**
 * Processes and supervisors beside those of a BEAM: `npm run bench:runtime [-- --rounds=N] [JOB]...`.
 *
 * Every measurement runs in a fresh process; a cell is the median of the rounds. All is printed as one table and written
 * to bench/results/runtime.json.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { beamCommand, findBeam } from '../interop/support/beam.ts'
import { build } from './prepare.ts'
import type { JobName } from './runtime/jobs.ts'
import { median } from './stats.ts'
import { table } from './table.ts'

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url))

const JOBS: Readonly<Record<JobName, readonly [what: string, unit: string]>> = {
  mailbox: ['a million messages through one mailbox', 'messages/s'],
  calls: ['calls one after the other', 'calls/s'],
  idleStarted: ['100,000 idle GenServers, each', 'bytes'],
  idleLinked: ['... linked to one process', 'bytes'],
  idleAfterCall: ['... that have answered a call', 'bytes'],
  idleSupervised: ['... under a DynamicSupervisor, with its part', 'bytes'],
  start1000: ['start of a child, of 1,000', 'us'],
  start10000: ['start of a child, of 10,000', 'us'],
  start100000: ['start of a child, of 100,000', 'us'],
  late1000: ['start of one more child beside 1,000', 'us'],
  late100000: ['start of one more child beside 99,000', 'us'],
}

/** What an idle GenServer may take. */
const TARGET_BYTES = 2048

function ours(job: JobName): number {
  const file = fileURLToPath(new URL('./runtime/jobs.ts', import.meta.url))
  const output = execFileSync(process.execPath, ['--expose-gc', '--import=tsx', file, job])
  return Number(output.toString())
}

/** Undefined without a BEAM. In one expression, since the BEAM may be in a chroot. */
function beams(job: JobName): number | undefined {
  const source = readFileSync(new URL('./runtime/beam.exs', import.meta.url), 'utf8')
  try {
    const [command, args] = beamCommand(findBeam(), 'elixir', ['-e', source, job])
    const env = { ...process.env, LC_ALL: 'C.UTF-8' }
    return Number(execFileSync(command, args, { env, stdio: ['ignore', 'pipe', 'ignore'] }).toString())
  } catch {
    return undefined
  }
}

function medianOf(rounds: number, measure: () => number | undefined): number | undefined {
  const values = Array.from({ length: rounds }, measure).filter((value) => value !== undefined)
  return values.length === 0 ? undefined : median(values)
}

const shown = (value: number | undefined, unit: string): string =>
  value === undefined
    ? '-'
    : `${value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 })} ${unit}`

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '3' } },
  allowPositionals: true,
})
const rounds = Number(values.rounds)
build()
const wanted = (positionals.length === 0 ? Object.keys(JOBS) : positionals) as JobName[]
const results = wanted.map((job) => {
  const [what, unit] = JOBS[job]
  return {
    job,
    what,
    unit,
    ours: medianOf(rounds, () => ours(job)),
    beam: medianOf(rounds, () => beams(job)),
  }
})
const rows = results.map(({ what, unit, ours, beam }) => [what, shown(ours, unit), shown(beam, unit)])
mkdirSync(RESULTS, { recursive: true })
const machine = { cpu: cpus()[0]?.model ?? 'unknown', node: process.version, date: new Date().toISOString() }
writeFileSync(`${RESULTS}runtime.json`, `${JSON.stringify({ machine, rounds, results }, null, 1)}\n`)
process.stdout.write(`${table(['', 'beamjoin', 'BEAM'], rows)}\n`)
for (const { job, ours = 0 } of results.filter(({ unit }) => unit === 'bytes')) {
  const verdict = ours <= TARGET_BYTES ? 'within' : `${Math.round(ours - TARGET_BYTES)} bytes above`
  process.stdout.write(`${job}: ${verdict} the target of ${TARGET_BYTES} bytes\n`)
}
