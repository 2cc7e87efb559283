/**
 * A node of ours beside a BEAM node: `npm run bench`. The same Elixir client measures a BEAM server and a TypeScript server,
 * a TypeScript client measures both, on one machine and turn and turn about. See `npm run bench -- --help`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findBeam, withCleanup } from '../interop/peer.ts'
import { type Case, casesOf, otherCases, type Sample } from './contest/cases.ts'
import { Field } from './contest/field.ts'
import { describeMachine, type Machine } from './contest/machine.ts'
import { plot } from './contest/plot.ts'
import { markdownReport, terminalReport } from './contest/report.ts'
import { type CaseResult, resultOf } from './contest/results.ts'
import { type Other, openOthers } from './others/others.ts'
import { build } from './prepare.ts'

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url))
const DOCUMENT = fileURLToPath(new URL('../docs/performance-nodes.md', import.meta.url))
const PICTURE = fileURLToPath(new URL('../docs/performance-nodes.svg', import.meta.url))
const TABLE =
  /(<!-- figures: written by "npm run bench -- --publish" -->\n)[\s\S]*(\n<!-- end of figures -->)/

const HELP = `npm run bench -- [OPTIONS]

A node of ours beside a BEAM node; some minutes on an otherwise idle machine.

  --quick        a part of everything, in under two minutes: for a first look
  --only ID,...  these cases only; every ID that begins so counts
  --rounds N     measurements of each contestant; default 5, and 3 with --quick. Five short ones
                 stand in place of each where little decides: calls, integers, casts received
  --otp N        the BEAM: 25, 27 or 29; default: the machine's own
  --list         print the cases and stop
  --publish      write the table and the picture into docs/ as well
  --last         measure nothing, take the figures of the last run: to publish them
  --profile DIR  write profiles of the TypeScript nodes (node --cpu-prof) into DIR
  --help

Everything is written to bench/results/nodes.json and nodes.svg.
`

interface Options {
  readonly quick: boolean
  readonly only: readonly string[]
  readonly rounds: number
  readonly list: boolean
  readonly publish: boolean
  readonly last: boolean
  readonly profile: string | undefined
}

/** What is in nodes.json. */
interface Run {
  readonly machine: Machine
  readonly results: readonly CaseResult[]
}

const options = readOptions()
if (options !== undefined) {
  try {
    if (options.last) showLast(options.publish)
    else await run(options)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        rounds: { type: 'string' },
        otp: { type: 'string' },
        list: { type: 'boolean', default: false },
        publish: { type: 'boolean', default: false },
        last: { type: 'boolean', default: false },
        profile: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(HELP)
      return undefined
    }
    const rounds = Number(values.rounds ?? (values.quick ? 3 : 5))
    if (!Number.isInteger(rounds) || rounds < 1)
      throw new Error(`--rounds takes a whole number from 1, got ${values.rounds}`)
    if (values.otp !== undefined) process.env['BEAMJOIN_OTP'] = values.otp
    const { quick, list, publish, last, profile } = values
    return { quick, only: values.only.split(',').filter(Boolean), rounds, list, publish, last, profile }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    process.exitCode = 2
    return undefined
  }
}

function showLast(publish: boolean): void {
  const file = `${RESULTS}nodes.json`
  if (!existsSync(file)) throw new Error('there are no figures of a last run: run "npm run bench" first')
  const { machine, results } = JSON.parse(readFileSync(file, 'utf8')) as Run
  process.stdout.write(terminalReport(machine, results))
  if (publish) writeDocument(machine, results)
}

function writeDocument(machine: Machine, results: readonly CaseResult[]): void {
  const document = readFileSync(DOCUMENT, 'utf8')
  const fill = (_: string, begin: string, end: string) => `${begin}${markdownReport(machine, results)}${end}`
  writeFileSync(DOCUMENT, document.replace(TABLE, fill))
  writeFileSync(PICTURE, plot(machine, results))
}

async function run({ quick, only, rounds, list, publish, profile }: Options): Promise<void> {
  findBeam()
  build()
  await withCleanup(async (defer) => {
    const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
    const field = await Field.open(defer, flags)
    const beamServer = await field.beamServer()
    const elixir = await field.elixirClient()
    const isWanted = (id: string) => only.length === 0 || only.some((each) => id.startsWith(each))
    const players = {
      field,
      beamServer,
      elixir,
      tsServer: await field.tsServer(),
      roomyServer: await field.tsServer('headroom'),
      flooder: await field.elixirClient(),
      ts: await field.tsClient(),
    }
    const scale = { part: quick ? 0.2 : 1 }
    const ours = casesOf(players, scale)
    const beside = (others: readonly Other[]) => otherCases(players, scale, others)
    const all = [...ours, ...beside([])]
    if (list || !all.some(({ id }) => isWanted(id))) {
      for (const { id, what } of all) process.stdout.write(`${id.padEnd(20)} ${what}\n`)
      if (!list) throw new Error(`no case begins with ${only.join(' or ')}: these are all there are`)
      return
    }
    const machine = describeMachine(beamServer.peer.version)
    const results: CaseResult[] = []
    const measureAll = async (cases: readonly Case[]) => {
      for (const one of cases.filter(({ id }) => isWanted(id)))
        results.push(resultOf(one, await measure(one, rounds, quick)))
    }
    await measureAll(ours)
    // Last, because their processes have work of their own, which others would have to wait for.
    if (beside([]).some(({ id }) => isWanted(id)))
      await measureAll(beside(await openOthers(field, elixir, defer)))
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
    process.stdout.write(terminalReport(machine, results))
    mkdirSync(RESULTS, { recursive: true })
    writeFileSync(`${RESULTS}nodes.json`, `${JSON.stringify({ machine, quick, rounds, results }, null, 1)}\n`)
    writeFileSync(`${RESULTS}nodes.svg`, plot(machine, results))
    if (publish) writeDocument(machine, results)
    // A node that writes its profile needs to end by itself.
    if (profile !== undefined) await field.endTsNodes()
  })
}

/** Turn and turn about, each round in another order; the first round, or as many short ones, warms up. */
async function measure(one: Case, rounds: number, quick: boolean): Promise<Record<string, Sample[]>> {
  const samples: Record<string, Sample[]> = {}
  for (const name of Object.keys(one.contestants)) samples[name] = []
  const isSlow = one.rounds !== undefined
  const { repeat = 1 } = one
  const count = repeat * Math.min(rounds, one.rounds ?? rounds, isSlow && quick ? 1 : rounds)
  for (let round = isSlow ? 0 : -repeat; round < count; round++) {
    const turn = Object.entries(one.contestants)
    if (round % 2 !== 0) turn.reverse()
    for (const [name, run] of turn) {
      if (process.stderr.isTTY)
        process.stderr.write(`\r\u001b[K${one.id}: ${name}, round ${round + 1} of ${count}`)
      const sample = await run()
      if (round >= 0) samples[name]!.push(sample)
    }
  }
  return samples
}
